"""The command `expanda`: build a corpus, list what a configuration needs, show keys and extensions."""

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
        options.run(options)
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - else Python complains at its end
        return 1
    except UserError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except KeyboardInterrupt:
        print("expanda: interrupted; no output was touched", file=sys.stderr)
        return 130
    return 0


def _fail(message: str) -> int:
    print(f"expanda: error: {message}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="expanda", description="Build a shuffled, split and tokenized corpus from raw text."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    build = commands.add_parser("build", help="build the corpus that a configuration describes")
    build.add_argument("config", nargs="?", default="expanda.cfg", type=Path, help="default: expanda.cfg")
    build.add_argument("--force", action="store_true", help="build again even if everything is up to date")
    build.set_defaults(run=_build)
    listing = commands.add_parser("list", help="list the extensions and files that a configuration needs")
    listing.add_argument("config", nargs="?", default="expanda.cfg", type=Path, help="default: expanda.cfg")
    listing.set_defaults(run=_list)
    show = commands.add_parser("show", help="show every key of the configuration, or what an extension takes")
    show.add_argument("extension", nargs="?", help="a module, for example expanda.ext.wikipedia")
    show.set_defaults(run=_show)
    return parser


def _build(options: argparse.Namespace) -> None:
    from expanda.config import load_config
    from expanda.pipeline import build

    build(load_config(options.config), force=options.force)


def _list(options: argparse.Namespace) -> None:
    from expanda.listing import list_sources

    list_sources(options.config)


def _show(options: argparse.Namespace) -> None:
    from expanda.listing import show_extension, show_keys

    if options.extension:
        show_extension(options.extension)
    else:
        show_keys()
