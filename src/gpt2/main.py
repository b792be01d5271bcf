"""The `gpt2` command: parses first, imports torch after."""

from __future__ import annotations

import argparse
import sys
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

if not __package__:  # run as a file, `python src/gpt2/main.py`: the package lies above
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from gpt2 import __version__
from gpt2.config import PRESETS, DataConfig, GenerateConfig, ModelConfig, TrainConfig, UserError, flags_of
from gpt2.suggestions import FOREIGN_NAMES, suggest

COMMANDS = ("train", "evaluate", "generate", "visualize")


class Parser(argparse.ArgumentParser):
    """argparse, but an unknown flag is answered with the nearest known one, also for other tools' names."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see '{self.prog} --help'")

    def add_settings(self, section: type, title: str) -> None:
        """One flag for each field of a configuration section; what is not given does not appear in the result."""
        group = self.add_argument_group(title)
        for name, (kind, default, help) in flags_of(section).items():
            shown = "" if default in ("", False) else f" (default: {default})"
            if kind is bool:
                group.add_argument(f"--{name}", action="store_true", default=argparse.SUPPRESS, help=help + shown)
                group.add_argument(
                    f"--no_{name}", dest=name, action="store_false", default=argparse.SUPPRESS, help=argparse.SUPPRESS
                )
                continue
            choices = typing.get_args(kind) or None
            metavar = "{" + ",".join(choices) + "}" if choices else name.split("_")[-1].upper()
            group.add_argument(f"--{name}", default=argparse.SUPPRESS, metavar=metavar, help=help + shown)

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse everything, or raise one UserError that names every unknown flag, or else what is missing."""
        parsed, unknown = self.parse_known_args(arguments)
        if unknown:
            # A word behind an unknown flag is its value, not a mistake of its own.
            pairs = zip(["", *unknown], unknown, strict=False)
            raise UserError("\n".join(self._explain(w) for before, w in pairs if w[0] == "-" or before[:1] != "-"))
        if "model_path" in parsed and parsed.model_path is None:
            self.error("--model_path is missing: which model?")
        return parsed

    def _explain(self, word: str) -> str:
        if not word.startswith("-"):
            return f"unexpected argument '{word}': every setting has a flag in front, see --help"
        name = word.split("=")[0].lstrip("-")
        hint = suggest(name, self.known_flags())
        if not hint and name.replace("-", "_") in FOREIGN_NAMES:
            hint = (
                f": other tools' name for --{FOREIGN_NAMES[name.replace('-', '_')]}, which this command does not take"
            )
        return f"unknown flag --{name}" + hint.replace("did you mean ", "did you mean --")

    def known_flags(self) -> list[str]:
        return [option.lstrip("-") for action in self._actions for option in action.option_strings]


def make_parser(command: str) -> Parser:
    """The parser of one command."""
    return {
        "train": _train_parser,
        "evaluate": _evaluate_parser,
        "generate": _generate_parser,
        "visualize": _visualize_parser,
    }[command]()


def _train_parser() -> Parser:
    parser = _parser("train", "train a GPT-2 on a tokenized corpus; settings: defaults < preset < file < flags")
    parser.add_argument("--preset", choices=tuple(PRESETS), help="start from the settings of a named model")
    parser.add_argument("--config", metavar="FILE.yaml", help="start from the settings in a file (over the preset)")
    parser.add_settings(DataConfig, "corpus and vocabulary")
    parser.add_settings(ModelConfig, "model")
    parser.add_settings(TrainConfig, "training, saving and restoring")
    return parser


def _evaluate_parser() -> Parser:
    parser = _parser("evaluate", "loss, perplexity and bits per byte of a model on a whole corpus")
    _add_model_flags(parser)
    parser.add_argument("--eval_corpus", help="tokenized corpus; default: the one the model was evaluated on")
    parser.add_argument("--batch_eval", type=int, default=64, help="rows per batch (default: 64)")
    parser.add_argument(
        "--total_steps", type=int, default=-1, help="batches of a fixed seeded set; -1: the whole corpus"
    )
    parser.add_argument("--no_pack", action="store_true", help="one sequence a row, padded")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _generate_parser() -> Parser:
    parser = _parser("generate", "continue prompts; without --prompt, ask for them one after the other")
    _add_model_flags(parser)
    parser.add_argument("--prompt", help="the beginning of the text")
    parser.add_argument("--json", action="store_true", help="print a list of {prompt, text, token_ids, finish}")
    parser.add_settings(GenerateConfig, "sampling")
    return parser


def _visualize_parser() -> Parser:
    parser = _parser("visualize", "draw the course of a run")
    parser.add_argument("--model_path", metavar="PATH", help="a run, its model, or its metrics.jsonl")
    parser.add_argument("--figure", metavar="FILE", help="picture to write (default: figure.png)")
    parser.add_argument("--interactive", action="store_true", help="show a window")
    return parser


def _parser(command: str, description: str) -> Parser:
    return Parser(prog=f"gpt2 {command}", description=description, allow_abbrev=False)


def _add_model_flags(parser: Parser) -> None:
    parser.add_argument("--model_path", metavar="PATH", help="model directory, run directory, or .pth file")
    parser.add_argument("--vocab_path", help="only checked: a model brings its vocabulary")
    parser.add_argument("--use_gpu", action="store_true", help="insist on a GPU")
    parser.add_argument("--device", choices=("auto", "cuda", "mps", "cpu"), default="auto", help="(default: auto)")
    group = parser.add_argument_group("accepted and checked against the model, never needed")
    for name in ("seq_len", "layers", "heads", "dims", "rate"):
        group.add_argument(f"--{name}", type=int)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 well, 1 an error, 2 a wrong command line, 130/143 stopped."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_overview())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        print(f"gpt2 {__version__}")
        return 0
    try:
        if arguments[0] not in COMMANDS:
            raise UserError(
                f"unknown command '{arguments[0]}'{suggest(arguments[0], COMMANDS)} ({', '.join(COMMANDS)})"
            )
        options = vars(make_parser(arguments[0]).parse(arguments[1:]))
    except UserError as error:
        return _report(error, status=2)
    try:
        from gpt2 import commands

        return getattr(commands, arguments[0])(options)
    except UserError as error:
        return _report(error, status=1)
    except OSError as error:
        return _report(UserError(f"{error.filename or 'input/output'}: {error.strerror or error}"), status=1)
    except KeyboardInterrupt:
        print("\ngpt2: stopped", file=sys.stderr)
        return 130


def _report(error: UserError, status: int) -> int:
    for line in str(error).splitlines():
        print(f"gpt2: error: {line}", file=sys.stderr)
    return status


def _overview() -> str:
    return f"""usage: gpt2 COMMAND [FLAGS]   (version {__version__})

  train       train a GPT-2 on a tokenized corpus
  evaluate    loss, perplexity and bits per byte of a model on a whole corpus
  generate    continue prompts, interactively or for scripts
  visualize   draw the course of a run

'gpt2 COMMAND --help' lists the flags of a command."""


if __name__ == "__main__":
    raise SystemExit(main())
