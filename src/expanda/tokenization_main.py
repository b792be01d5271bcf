"""The command `expanda-tokenization`: train WordPiece, or tokenize a file, with the arguments that Expanda had."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

PROGRAM = "expanda-tokenization"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit status."""
    options = _parser().parse_args(arguments)
    from expanda.console import run

    return run(PROGRAM, lambda: options.run(options))


def _parser() -> argparse.ArgumentParser:
    from expanda.keys import TokenizationConfig

    defaults = TokenizationConfig()
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Train a tokenizer on a file, or tokenize one. The files hold one sequence a line, as "
        "corpus.raw.txt does: a newline inside a sequence is written \\n.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    special = argparse.ArgumentParser(add_help=False)
    special.add_argument("--unk_token", default=defaults.unknown, help="the unknown token (default: %(default)s)")
    special.add_argument("--control_tokens", default=[], nargs="*", help="tokens that are no text (default: none)")

    train = commands.add_parser("train", parents=[special], help="train WordPiece on a file and write its vocabulary")
    train.add_argument("input", type=Path, help="a file of text, best shuffled")
    train.add_argument(
        "vocab",
        type=Path,
        nargs="?",
        default=Path("vocab.txt"),
        help="where the tokens go (default: %(default)s)",
    )
    train.add_argument("--tmp", help="accepted for Expanda's sake; nothing temporary is needed")
    for name, meaning in (
        ("subset_size", "train on this many bytes, the head of the file"),
        ("vocab_size", "the most tokens"),
        ("limit_alphabet", "the most different characters"),
    ):
        help_text = f"{meaning} (default: %(default)s)"
        train.add_argument(f"--{name}", type=_positive, default=getattr(defaults, name), help=help_text)
    train.set_defaults(run=_train)

    tokenize = commands.add_parser("tokenize", parents=[special], help="write the tokens of each line of a file")
    tokenize.add_argument("input", type=Path, help="a file of text")
    tokenize.add_argument("output", type=Path, help="where the tokens go, one space between two")
    tokenize.add_argument("vocab", type=Path, help="a vocab.txt of WordPiece, or one with a tokenizer.json beside it")
    tokenize.set_defaults(run=_tokenize)
    return parser


def _positive(text: str) -> int:
    from expanda.options import at_least

    try:
        return at_least(1)(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _train(options: argparse.Namespace) -> None:
    from expanda.console import written_aside
    from expanda.keys import TokenizationConfig
    from expanda.tokenization import train_tokenizer, vocabulary_text
    from expanda.utils import UserError

    beside = options.vocab.with_name("tokenizer.json")
    if beside.exists():
        raise UserError(f"{beside} belongs to another vocabulary; write {options.vocab.name} into another directory")
    config = TokenizationConfig(
        vocab_size=options.vocab_size,
        limit_alphabet=options.limit_alphabet,
        subset_size=options.subset_size,
        unk_token=options.unk_token,
        control_tokens=_control_tokens(options),
    )
    with written_aside(options.vocab, inputs=[options.input]) as output:
        text = vocabulary_text(train_tokenizer(options.input, config))
        output.write_text(text, encoding="utf-8", newline="\n")


def _tokenize(options: argparse.Namespace) -> None:
    from expanda.console import written_aside
    from expanda.encoding import Encoder
    from expanda.keys import TokenizationConfig
    from expanda.lines import batches, read_lines, unescape
    from expanda.tokenization import load_tokenizer
    from expanda.utils import Progress

    config = TokenizationConfig(unk_token=options.unk_token, control_tokens=_control_tokens(options))
    whole = options.vocab.with_name("tokenizer.json")
    inputs = [options.input, options.vocab, *([whole] if whole.is_file() else [])]
    with written_aside(options.output, inputs=inputs) as output:
        encoder = Encoder(load_tokenizer(options.vocab, config))
        size = options.input.stat().st_size
        with (
            Progress(f"tokenizing {options.input.name}", size, unit="bytes") as progress,
            output.open("w", encoding="utf-8", newline="\n") as file,
        ):
            for sequences in batches(map(unescape, read_lines(options.input))):
                file.write(encoder.show(encoder.encode_batch(sequences)))
                progress.advance(sum(len(sequence.encode()) + 1 for sequence in sequences))


def _control_tokens(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the control tokens, checked as those of a configuration are."""
    from expanda.keys import tokens
    from expanda.utils import UserError

    try:
        return tokens("\n".join(options.control_tokens))
    except ValueError as error:
        raise UserError(f"--control_tokens: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
