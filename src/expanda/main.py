"""The command `expanda`: build a corpus and check it, fetch and inspect sources, show keys and extensions."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 0, 1 for a user's error, 130 when interrupted (2: wrong usage)."""
    options = _parser().parse_args(arguments)
    # The workspace is the current directory: a module that lies in it is an extension.
    if sys.path[0] != (workspace := str(Path.cwd())):
        sys.path.insert(0, workspace)
    from expanda.utils import UserError

    try:
        status = options.run(options)
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - else Python complains at its end
        return 1
    except UserError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except KeyboardInterrupt:
        print(f"expanda: interrupted; {options.left}", file=sys.stderr)
        return 130
    return status or 0


def _fail(message: str) -> int:
    print(f"expanda: error: {message}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="expanda", description="Build a shuffled, split and tokenized corpus from raw text."
    )
    parser.set_defaults(left="no output was touched")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    build = commands.add_parser("build", help="build the corpus that a configuration describes")
    _add_config(build)
    build.add_argument(
        "--executor", type=_executor, metavar="WHERE", help="local:N or dask://host:port; wins over num-cores"
    )
    build.add_argument(
        "--max-bad-pages",
        type=int,
        default=0,
        metavar="N",
        help="end well although so many entries are lost; default: 0",
    )
    build.add_argument("--force", action="store_true", help="build again even if everything is up to date")
    build.set_defaults(run=_build)
    listing = commands.add_parser("list", help="list the extensions and files that a configuration needs")
    _add_config(listing)
    listing.set_defaults(run=_list)
    show = commands.add_parser("show", help="show every key of the configuration, or what an extension takes")
    show.add_argument("extension", nargs="?", help="a module, for example expanda.ext.wikipedia")
    show.set_defaults(run=_show)
    _add_fetch(commands.add_parser("fetch", help="download a wiki's dump, or the tiny Shakespeare"))
    _add_inspect(commands.add_parser("inspect", help="show pages of a source beside what becomes of them"))
    verify = commands.add_parser("verify", help="check that a finished build is what its manifest says")
    verify.add_argument(
        "place", nargs="?", default="build", type=Path, help="its directory or manifest; default: build"
    )
    verify.set_defaults(run=_verify)
    return parser


def _add_config(command: argparse.ArgumentParser) -> None:
    command.add_argument("config", nargs="?", default="expanda.cfg", type=Path, help="default: expanda.cfg")


def _add_fetch(fetch: argparse.ArgumentParser) -> None:
    fetch.add_argument("name", help="a wiki, such as ko, simple or enwiktionary; or shakespeare")
    fetch.add_argument("--date", default="latest", help="the dump's date, YYYYMMDD; default: the newest finished one")
    fetch.add_argument("--part", type=int, metavar="N", help="only part N, of a wiki whose dump comes in parts too")
    fetch.add_argument("--mirror", metavar="URL", help="where to fetch from; default: https://dumps.wikimedia.org")
    fetch.add_argument("--output", default="src", type=Path, metavar="DIR", help="where to put it; default: src")
    fetch.add_argument("--contact", metavar="WHO", help="your mail address or page, which the server is told")
    fetch.set_defaults(run=_fetch, left="what came is kept, and the same command goes on from there")


def _add_inspect(inspect: argparse.ArgumentParser) -> None:
    _add_config(inspect)
    which = inspect.add_mutually_exclusive_group()
    which.add_argument("--page", metavar="TITLE", help="the page of exactly this title")
    which.add_argument("--random", type=_count, default=1, metavar="N", help="so many pages by chance; default: 1")
    inspect.add_argument("--seed", type=int, default=0, help="decides which pages chance takes; default: 0")
    inspect.add_argument("--source", type=Path, metavar="PATH", help="only this input file of the configuration")
    inspect.set_defaults(run=_inspect)


def _executor(text: str) -> str:
    from expanda.options import executor_name

    try:
        return executor_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1 on")
    return int(text)


def _build(options: argparse.Namespace) -> int:
    from expanda.config import load_config
    from expanda.ledger import report_losses
    from expanda.pipeline import build

    config = load_config(options.config, executor=options.executor)
    lost = build(config, force=options.force)
    return report_losses(lost, accepted=options.max_bad_pages)


def _list(options: argparse.Namespace) -> None:
    from expanda.listing import list_sources

    list_sources(options.config)


def _show(options: argparse.Namespace) -> None:
    from expanda.listing import show_extension, show_keys

    if options.extension:
        show_extension(options.extension)
    else:
        show_keys()


def _fetch(options: argparse.Namespace) -> None:
    from expanda.fetch import Request, fetch

    wanted = {key: getattr(options, key) for key in ("name", "date", "part", "mirror", "output", "contact")}
    fetch(Request(**wanted))


def _inspect(options: argparse.Namespace) -> None:
    from expanda.inspecting import Request, inspect

    inspect(Request(options.config, options.page, options.random, options.seed, options.source))


def _verify(options: argparse.Namespace) -> int:
    from expanda.verifying import verify

    return 1 if verify(options.place) else 0
