"""`expanda verify`: is what lies in `build/` what its manifest says, down to the last byte and id?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from expanda.binary import HEADER_INTS
from expanda.files import sha256_of
from expanda.keys import BuildConfig, TokenizationConfig
from expanda.lines import text_bytes
from expanda.manifest import output_name, read_manifest
from expanda.tokenization import load_tokenizer, shown_tokens
from expanda.utils import UserError, say

_TYPES: dict[tuple[int, int], np.dtype[Any]] = {
    (20240520, 1): np.dtype("<u2"),  # magic, version -> type of an id
    (20240801, 7): np.dtype("<u4"),
}
_READ_IDS = 1 << 22
_BALANCED = ("pages", "sequences", "characters")


class Check(NamedTuple):
    """One thing looked at. `problem` is None when it is right; `done` is False when it could not be looked at."""

    what: str
    problem: str | None = None
    done: bool = True


def verify(place: Path) -> int:
    """Print a line for each check of the build at `place`, its directory or its manifest; return how many failed.

    Raises:
        UserError: there is no manifest that can be read.
    """
    failed = skipped = total = 0
    for check in checks(manifest_at(place)):
        total += 1
        failed += check.problem is not None
        skipped += not check.done
        mark = "FAIL" if check.problem is not None else "ok  " if check.done else "skip"
        say(f"{mark}  {check.what}" + (f": {check.problem}" if check.problem else ""))
    say(f"{total - failed - skipped} checks passed, {failed} failed, {skipped} skipped")
    return failed


def manifest_at(place: Path) -> Path:
    """Return the manifest that `place`, a directory or the file itself, means.

    Raises:
        UserError: it is not there.
    """
    path = place / "manifest.json" if place.is_dir() else place
    if not path.is_file():
        raise UserError(f"{path}: there is no manifest; name the directory of a finished build, or its manifest.json")
    return path


def checks(path: Path) -> Iterator[Check]:
    """Yield every check of the build that the manifest at `path` describes.

    Raises:
        UserError: the file is no manifest of a build.
    """
    manifest = read_manifest(path)
    missing = [key for key in ("config", "sources", "splits", "outputs") if key not in (manifest or {})]
    if manifest is None or missing:
        what = f"lacks {', '.join(missing)}" if manifest else "is no JSON object"
        raise UserError(f"{path} is no manifest of a build: it {what}; build again")
    build = _Build(path, manifest)
    for part in (build.outputs, build.vocabulary, build.ids, build.texts, build.counts, build.inputs):
        try:
            yield from part()
        except (KeyError, TypeError, ValueError, OSError) as error:
            # A damaged manifest or file must not hide what the other checks find.
            yield Check(f"{part.__name__} of the build", f"cannot be checked: {type(error).__name__}: {error}")


class _Build:
    """A finished build; each method yields the checks of one kind."""

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path, self.manifest = path, manifest
        config = manifest["config"]["build"]
        # Paths in a configuration begin at the workspace, and we may be elsewhere: only their relation counts.
        self.places = BuildConfig(
            output_vocab=Path(config["output-vocab"]),
            output_train_corpus=Path(config["output-train-corpus"]),
            output_test_corpus=Path(config["output-test-corpus"]),
            output_raw_corpus=Path(config["output-raw-corpus"]),
        )

    def _outputs_at(self, place: Path) -> list[Path]:
        """Return the files that the manifest has for a place of the configuration: one, shards, or none."""
        name = output_name(place, self.places.manifest)
        stem, suffix = os.path.splitext(name)  # noqa: PTH122 - a name in the manifest, with slashes
        shard = re.compile(rf"{re.escape(stem)}\.\d{{5}}{re.escape(suffix)}")
        found = [known for known in self.manifest["outputs"] if known == name or shard.fullmatch(known)]
        return [self.path.parent / known for known in sorted(found)]

    def _one(self, place: Path) -> Path | None:
        found = self._outputs_at(place)
        return found[0] if found and found[0].is_file() else None

    def outputs(self) -> Iterator[Check]:
        """Every output has the size and the hash of the manifest."""
        for name, said in self.manifest["outputs"].items():
            yield _file(f"{name}: size and sha256", self.path.parent / name, said)

    def vocabulary(self) -> Iterator[Check]:
        """vocab.txt shows the tokens of tokenizer.json."""
        what = f"{self.places.output_vocab.name} has the tokens of tokenizer.json, in their order"
        vocabulary, whole = self._one(self.places.output_vocab), self._one(self.places.tokenizer_json)
        if vocabulary is None or whole is None:
            yield Check(what, "one of them is missing")
            return
        lines = vocabulary.read_text(encoding="utf-8").split("\n")[:-1]
        shown = shown_tokens(load_tokenizer(whole, TokenizationConfig()))
        problem = None
        if lines != shown:
            first = next((n for n, (a, b) in enumerate(zip(lines, shown, strict=False)) if a != b), None)
            where = f"they differ from id {first} on" if first is not None else "one goes on where the other ends"
            problem = f"{len(lines):,} lines, {len(shown):,} tokens; {where}"
        yield Check(what, problem)

    def ids(self) -> Iterator[Check]:
        """The .bin files say what they hold, hold as many ids as the manifest says, and only known ones."""
        vocabulary = self._one(self.places.output_vocab)
        size = vocabulary.read_bytes().count(b"\n") if vocabulary else None
        for side, counts in self.manifest["splits"].items():
            files, total, largest = self._outputs_at(self.places.ids(side)), 0, -1
            for file in files:
                what = f"{file.name}: header and length"
                try:
                    tokens, highest = _read_ids(file, size)
                except (OSError, ValueError) as error:
                    yield Check(what, str(error))
                    continue
                yield Check(what)
                total, largest = total + tokens, max(largest, highest)
            said = counts["tokens"]
            problem = None if total == said else f"the files hold {total:,}, the manifest says {said:,}"
            yield Check(f"{side}: {said:,} ids", problem)
            if size is not None:
                problem = None if largest < size else f"there is an id {largest:,}, the vocabulary has {size:,} tokens"
                yield Check(f"{side}: ids below {size:,}, the size of the vocabulary", problem)

    def texts(self) -> Iterator[Check]:
        """The raw text holds test's lines, then train's, in as many bytes as the manifest says; tokens likewise."""
        splits = self.manifest["splits"]
        order = [side for side in ("test", "train") if side in splits]
        raw = self._one(self.places.output_raw_corpus)
        if raw is None:
            yield Check("the raw text", "it is missing")
        else:
            yield from _raw_text(raw, {side: splits[side] for side in order})
        for side in order:
            for file in self._outputs_at(getattr(self.places, f"output_{side}_corpus")):
                lines = _count_lines(file) if file.is_file() else 0
                yield _equal(f"{file.name}: lines", lines, splits[side]["lines"])

    def counts(self) -> Iterator[Check]:
        """What was read of each source is what was kept and dropped, and what was kept is what was written."""
        for source in self.manifest["sources"]:
            for kind in (kind for kind in _BALANCED if kind in source):
                counts = source[kind]
                dropped = sum(counts["dropped"].values())
                what = f"{source['path']}: {kind} read = kept + dropped"
                yield _equal(what, counts["kept"] + dropped, counts["read"])
            yield from _ledger(source)
        config = self.manifest["config"]["build"]
        if str(config.get("balancing")).lower() != "true" and config.get("split-by") != "tail":
            kept = sum(source["sequences"]["kept"] for source in self.manifest["sources"])
            lines = sum(counts["lines"] for counts in self.manifest["splits"].values())
            yield _equal("lines of text are the sequences that were kept", lines, kept)

    def inputs(self) -> Iterator[Check]:
        """Sources, and files that options name, are what they were, if they are still there."""
        for said in [
            *self.manifest["sources"],
            *self.manifest.get("files", []),
            *self.manifest.get("vocabulary", []),
        ]:
            file, what = Path(said["path"]), f"{said['path']}: unchanged since the build"
            yield _file(what, file, said) if file.is_file() else Check(f"{what} (not here, not looked at)", done=False)


def _file(what: str, file: Path, said: dict[str, Any]) -> Check:
    if not file.is_file():
        return Check(what, "the file is missing")
    if (size := file.stat().st_size) != said["bytes"]:
        return Check(what, f"it has {size:,} bytes, the manifest says {said['bytes']:,}")
    if (found := sha256_of(file)) != said["sha256"]:
        return Check(what, f"its sha256 is {found}, the manifest says {said['sha256']}")
    return Check(what)


def _equal(what: str, found: int, said: int) -> Check:
    return Check(what, None if found == said else f"{found:,}, but the manifest says {said:,}")


def _read_ids(file: Path, vocabulary: int | None) -> tuple[int, int]:
    """Return how many ids a .bin holds and the highest of them (-1 for none).

    Raises:
        ValueError: header and content do not fit each other or the vocabulary.
    """
    header = np.fromfile(file, "<i4", HEADER_INTS)
    if len(header) < HEADER_INTS or (kind := _TYPES.get((int(header[0]), int(header[1])))) is None:
        raise ValueError("it does not begin with the header of token ids")
    if vocabulary is not None and kind.itemsize != (2 if vocabulary <= 1 << 16 else 4):
        raise ValueError(f"ids of {kind.itemsize} bytes do not fit a vocabulary of {vocabulary:,} tokens")
    count, body = int(header[2]), file.stat().st_size - 4 * HEADER_INTS
    if body != count * kind.itemsize:
        raise ValueError(f"the header says {count:,} ids, which are {count * kind.itemsize:,} bytes; it has {body:,}")
    if not count:
        return 0, -1
    ids = np.memmap(file, kind, "r", offset=4 * HEADER_INTS)
    return count, max(int(ids[at : at + _READ_IDS].max()) for at in range(0, count, _READ_IDS))


def _raw_text(file: Path, splits: dict[str, dict[str, int]]) -> Iterator[Check]:
    with file.open("rb") as lines:
        for side, counts in splits.items():
            found = size = 0
            while found < counts["lines"] and (line := lines.readline()):
                found, size = found + 1, size + text_bytes(line)
            yield _equal(f"{file.name}: lines of {side}", found, counts["lines"])
            yield _equal(f"{file.name}: text_bytes of {side}", size, counts["text_bytes"])
        rest = sum(1 for _ in lines)
    yield Check(f"{file.name}: nothing follows", f"{rest:,} more lines than test and train have" if rest else None)


def _count_lines(file: Path) -> int:
    with file.open("rb") as blocks:
        return sum(block.count(b"\n") for block in iter(lambda: blocks.read(1 << 20), b""))


def _ledger(source: dict[str, Any]) -> Iterator[Check]:
    """What was lost is told with a reason, and lies within the file."""
    if (lost := source.get("lost")) is None:
        return
    wrong = [entry for entry in lost if not entry.get("reason") or not _lies_within(entry.get("bytes"), source)]
    problem = f"{len(wrong):,} entries without a reason or with impossible bytes, first {wrong[0]}" if wrong else None
    yield Check(f"{source['path']}: the ledger, {len(lost):,} losses", problem)
    quarantined = source["pages"]["dropped"].get("quarantined", 0)
    named = sum(1 for entry in lost if entry.get("page") is not None or entry.get("id") is not None)
    few = f"{quarantined:,} pages were quarantined, the ledger names {named:,}"
    yield Check(f"{source['path']}: every quarantined page is in the ledger", few if named < quarantined else None)


def _lies_within(span: list[int] | None, source: dict[str, Any]) -> bool:
    return span is None or 0 <= span[0] <= span[1] <= source["bytes"]
