"""Give every document its side, train or test, once; and repeat the smaller sources' train text if asked."""

from __future__ import annotations

import shutil
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from expanda.keys import BuildConfig
from expanda.lines import escape, read_raw_documents, text_bytes, unescape
from expanda.shuffling import order_key
from expanda.utils import PROGRESS_BYTES, Progress, UserError

SIDES = ("train", "test")
NO_TEXT = "no sequence was kept, so there is nothing to build a corpus from; is min-length too large?"
Piece = tuple[str, int, bytes]  # side, document, line of a sequence or of a part of one


@dataclass
class Side:
    """What one side holds; `text_bytes` counts each sequence's UTF-8 and one newline, `documents` no repetition."""

    documents: int = 0
    lines: int = 0
    text_bytes: int = 0


def split_sources(sources: Sequence[Path], build: BuildConfig, temporary: Path) -> dict[str, Side]:
    """Write `train.lines` and `test.lines` into `temporary`, in the sources' order, and return what each holds.

    Args:
        sources: files of documents, as `expanda.lines` describes them.

    Raises:
        UserError: there is no text, or it cannot be divided in the way the configuration asks for.
    """
    divide = _divide_tail if build.split_by == "tail" else _divide_documents
    repeats = _repeats(sources) if build.balancing else [1] * len(sources)
    sides = {side: Side() for side in SIDES}
    with (temporary / "train.lines").open("wb") as train, (temporary / "test.lines").open("wb") as test:
        for pieces, times in zip(divide(sources, build), repeats, strict=True):
            if times == 1:
                counted = _write(pieces, {"train": train, "test": test})
            else:
                counted = _write_repeated(pieces, train, test, times=times, temporary=temporary)
            for side, part in counted.items():
                copies = times if side == "train" else 1
                sides[side].documents += part.documents
                sides[side].lines += copies * part.lines
                sides[side].text_bytes += copies * part.text_bytes
    return sides


def _write_repeated(
    pieces: Iterable[Piece], train: BinaryIO, test: BinaryIO, *, times: int, temporary: Path
) -> dict[str, Side]:
    once = temporary / "train.source"
    with once.open("wb") as file:
        counted = _write(pieces, {"train": file, "test": test})
    for _ in range(times):
        with once.open("rb") as file:
            shutil.copyfileobj(file, train)
    once.unlink()
    return counted


def _write(pieces: Iterable[Piece], files: dict[str, BinaryIO]) -> dict[str, Side]:
    counted = {side: Side() for side in SIDES}
    last_document = dict.fromkeys(SIDES, -1)
    for side, document, line in pieces:
        files[side].write(line)
        part = counted[side]
        part.lines += 1
        part.text_bytes += text_bytes(line)
        if last_document[side] != document:
            last_document[side] = document
            part.documents += 1
    return counted


def _repeats(sources: Sequence[Path]) -> list[int]:
    """How often each source's train text is written: as often as it fits into the largest source."""
    sizes = [path.stat().st_size for path in sources]
    return [max(sizes) // size if size else 1 for size in sizes]


def _units(source: Path, by: str) -> Iterator[tuple[int, bytes]]:
    """Yield (number of the unit that stays whole, line of a sequence)."""
    with Progress(f"dividing {source.name}", source.stat().st_size, unit="bytes") as progress:
        unsaid = 0
        for line_number, (document, line) in enumerate(read_raw_documents(source)):
            unsaid += len(line)
            if unsaid > PROGRESS_BYTES:
                progress.advance(unsaid)
                unsaid = 0
            yield (line_number if by == "line" else document), line


def _divide_documents(sources: Sequence[Path], build: BuildConfig) -> Iterator[Iterator[Piece]]:
    """Take units in seeded order into test until it holds `split_ratio` of the bytes, but never all of them."""
    sizes = []
    for source in sources:
        of_source = array("Q")
        for unit, line in _units(source, build.split_by):
            if unit == len(of_source):
                of_source.append(0)
            of_source[unit] += text_bytes(line)
        sizes.append(of_source)
    in_test = _choose(sizes, build)
    for number, source in enumerate(sources):
        side_of = in_test[number].tobytes()  # 0 or 1, quicker to look into than an array
        yield ((SIDES[side_of[unit]], unit, line) for unit, line in _units(source, build.split_by))


def _choose(sizes: Sequence[array[int]], build: BuildConfig) -> list[np.ndarray]:
    """Return for each source an array of booleans, one a unit: is it in test?"""
    counts = [len(of_source) for of_source in sizes]
    units = sum(counts)
    if not units:
        raise UserError(NO_TEXT)
    if units == 1 and build.split_ratio > 0:
        what = "document" if build.split_by == "document" else "sequence"
        other = "split-by = line or split-by = tail" if build.split_by == "document" else "split-by = tail"
        raise UserError(f"there is only one {what}, which cannot be in train and in test; set {other} in [build]")
    keys = np.fromiter(
        (order_key(build.seed, number, unit) for number, n in enumerate(counts) for unit in range(n)), np.uint64, units
    )
    order = np.argsort(keys, kind="stable")
    ordered = np.concatenate([np.frombuffer(of_source, np.uint64) for of_source in sizes])[order]
    before = np.cumsum(ordered) - ordered  # bytes that test holds before it takes this unit
    chosen = before < build.split_ratio * float(ordered.sum())
    chosen[-1] = False
    in_test = np.zeros(units, bool)
    in_test[order[chosen]] = True
    return np.split(in_test, np.cumsum(counts)[:-1])


def _divide_tail(sources: Sequence[Path], build: BuildConfig) -> Iterator[Iterator[Piece]]:
    """Cut the whole text at one character: the part before it is train, the part after it is test."""
    lengths = [sum(len(text) for _, text in _sequences(source)) for source in sources]
    total = sum(lengths)
    if not total:
        raise UserError(NO_TEXT)
    cut = int(total * (1 - build.split_ratio))  # nanoGPT's rule, so that its ids come out
    if cut <= 0 or (cut == total and build.split_ratio > 0):
        raise UserError(f"a text of {total:,} characters is too short for split-ratio = {build.split_ratio}")
    position = 0
    for source, length in zip(sources, lengths, strict=True):
        yield _cut(source, cut - position)
        position += length


def _sequences(source: Path) -> Iterator[tuple[int, str]]:
    """Yield (document, sequence)."""
    return ((document, unescape(line[:-1].decode())) for document, line in _units(source, "document"))


def _as_line(text: str) -> bytes:
    return (escape(text) + "\n").encode()


def _cut(source: Path, cut: int) -> Iterator[Piece]:
    """Yield the source's pieces, `cut` being where test begins, counted in characters from the source's start."""
    start = 0
    for document, text in _sequences(source):
        in_train = min(max(cut - start, 0), len(text))
        if in_train:
            yield "train", document, _as_line(text[:in_train])
        if in_train < len(text):
            yield "test", document, _as_line(text[in_train:])
        start += len(text)
