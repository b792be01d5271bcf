"""The command `expanda-shuffling`: shuffle the lines of a file, with the arguments that Expanda had."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

PROGRAM = "expanda-shuffling"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit status."""
    options = _parser().parse_args(arguments)
    from expanda.console import run

    return run(PROGRAM, lambda: shuffle(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Shuffle the lines of a file of any size; the same input and seed give the same order.",
    )
    parser.add_argument("input", type=Path, help="a file of lines")
    parser.add_argument("output", type=Path, help="where the shuffled lines go")
    parser.add_argument("--tmp", type=Path, default=Path("tmp"), help="where temporary files go (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="decides the order (default: %(default)s)")
    return parser


def shuffle(options: argparse.Namespace) -> None:
    """Write the lines of `options.input` in the order that a build with this seed gives to its train side."""
    from expanda.console import written_aside
    from expanda.files import temporary_directory
    from expanda.shuffling import shuffle_lines

    with (
        written_aside(options.output, inputs=[options.input]) as output,
        temporary_directory(options.tmp) as temporary,
    ):
        shuffle_lines(options.input, output, seed=options.seed, side="train", temporary=temporary)


if __name__ == "__main__":
    sys.exit(main())
