"""The form of text between stages: one escaped sequence a line, documents separated by a blank line.

A newline inside a sequence is written as a backslash and an `n`. So that nothing is lost, a run of backslashes that
stands directly before a letter `n` or a newline is doubled; every other backslash is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from expanda.utils import UserError

_BEFORE_N_OR_NEWLINE = re.compile(r"(?<!\\)(\\*)(\n)|(?<!\\)(\\+)n")  # the lookbehind keeps a long run linear
_BEFORE_N = re.compile(r"(?<!\\)(\\+)n")


def escape(sequence: str) -> str:
    """Return `sequence` as one line without its end; `unescape` is the exact way back."""
    if "\n" not in sequence and "\\n" not in sequence:
        return sequence
    return _BEFORE_N_OR_NEWLINE.sub(lambda found: found[1] * 2 + "\\n" if found[2] else found[3] * 2 + "n", sequence)


def unescape(line: str) -> str:
    """Return the sequence that `escape` wrote as `line`."""
    if "\\n" not in line:
        return line
    return _BEFORE_N.sub(lambda found: found[1][: len(found[1]) // 2] + ("\n" if len(found[1]) % 2 else "n"), line)


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file without their ends; only a newline ends a line."""
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            yield line.rstrip("\n")


def read_documents(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (document index, escaped sequence) from a file of documents, in order, without holding a document."""
    return ((document, line[:-1].decode()) for document, line in read_raw_documents(path))


def read_raw_documents(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield what `read_documents` does as bytes, each line with its end."""
    document, started = 0, False
    with path.open("rb") as file:
        for line in file:
            if line != b"\n":
                started = True
                yield document, line if line.endswith(b"\n") else line + b"\n"
            elif started:
                document, started = document + 1, False


def text_bytes(line: bytes) -> int:
    """Return how many bytes the sequence that a line with its end holds has in UTF-8, with one newline behind it."""
    return len(unescape(line.decode()).encode()) if b"\\n" in line else len(line)


def batches(sequences: Iterable[str], *, characters: int = 1 << 19) -> Iterator[list[str]]:
    """Yield lists of sequences that hold about `characters` together, which bounds the memory of work on one."""
    batch: list[str] = []
    size = 0
    for sequence in sequences:
        batch.append(sequence)
        size += len(sequence) + 1
        if size >= characters:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def documents_text(documents: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield what to write for `documents`, each a series of non-empty sequences; an empty document leaves no trace."""
    for document in documents:
        lines = [escape(sequence) + "\n" for sequence in document]
        if lines:
            yield "".join(lines) + "\n"


def import_plain_text(source: Path, target: Path) -> int:
    """Write the plain output of an Expanda extension as documents; return the number of documents.

    Its lines are raw text. A document is a block between blank lines if one stands between lines with words, else each
    line is a document: a blank line at an end divides nothing.

    Raises:
        UserError: the file is not UTF-8.
    """
    try:
        blocks = _has_blocks(source)
        documents, inside = 0, False
        with target.open("w", encoding="utf-8", newline="\n") as out:
            for line in _raw_lines(source):
                if not line.strip():
                    inside = False
                    continue
                if not inside:
                    out.write("\n" if documents else "")
                    documents += 1
                inside = blocks
                out.write(escape(line) + "\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{source}: byte {error.start} is not UTF-8; an extension must write UTF-8") from error
    return documents


def _has_blocks(path: Path) -> bool:
    words = blank_after_words = False
    for line in _raw_lines(path):
        if not line.strip():
            blank_after_words = words
        elif blank_after_words:
            return True
        else:
            words = True
    return False


def _raw_lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:  # universal newlines: whatever the extension's platform wrote
        for line in file:
            yield line.rstrip("\n")
