"""`expanda build`: extract, split, balance, shuffle, train a tokenizer, encode, publish."""

from __future__ import annotations

import contextlib
import functools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from expanda.binary import IdWriter
from expanda.config import Config
from expanda.encoding import Encoder
from expanda.extraction import documents_of, extract_source
from expanda.files import Outputs
from expanda.keys import BuildConfig
from expanda.leftovers import remove_leftovers
from expanda.lines import batches, read_lines, unescape
from expanda.manifest import (
    deciding_part,
    is_up_to_date,
    ledger_of,
    output_name,
    read_manifest,
    recipe,
    refuse_foreign_outputs,
    remove_old_ids_and_texts,
)
from expanda.report import report_build
from expanda.shuffling import concatenate, shuffle_lines
from expanda.splitting import SIDES, Side, split_sources
from expanda.tokenization import load_tokenizer, train_tokenizer, vocabulary_text
from expanda.utils import Progress, say
from expanda.workplace import Workplace, folder_name, only_build_here, workplace


def build(config: Config, *, force: bool = False) -> list[dict[str, Any]]:
    """Make every output of `config`, or say that they are up to date; return the ledger of what was lost on the way.

    Nothing appears in the place of an output before everything is made. What a build that failed or was killed has
    done is kept in `temporary-path`, and the next one with the same inputs and configuration goes on from there.

    Raises:
        UserError: an input, the configuration or an extension is at fault; no output was touched.
    """
    with only_build_here():
        refuse_foreign_outputs(config.build)
        clock = _Clock()
        with clock.stage("check"):
            wanted = recipe(config)
            up_to_date = not force and is_up_to_date(config.build.manifest, wanted)
        if up_to_date:
            say(f"{config.build.manifest} is up to date; --force builds it again")
            return ledger_of(read_manifest(config.build.manifest) or {})
        deciding = deciding_part(wanted)
        remove_leftovers(config.build, keep=folder_name(deciding))
        with workplace(config.build.temporary_path, deciding) as work:
            made = _make(config, wanted, work, clock)
        return ledger_of(made)


def _make(config: Config, wanted: dict[str, Any], work: Workplace, clock: _Clock) -> dict[str, Any]:
    """Do the stages, as far as no earlier run has done them, and publish; return the manifest."""
    outputs = Outputs()
    try:
        with clock.stage("extract"):
            records = [
                work.once(f"extract-{number:05d}", functools.partial(extract_source, source, number, work))
                for number, source in enumerate(config.sources)
            ]
        with clock.stage("split"):
            sides = _split(config, work)
        with clock.stage("shuffle"):
            lines = {side: _shuffle(config, side, work) for side in SIDES}
            concatenate([lines["test"], lines["train"]], outputs.stage(config.build.output_raw_corpus))
        with clock.stage("tokenizer"):
            tokenizer = _tokenizer(config, lines, work)
            _write_tokenizer(config, tokenizer, outputs)
        with clock.stage("encode"):
            encoder = Encoder(tokenizer)
            tokens = {side: _encode(config, side, lines[side], sides[side], encoder, outputs) for side in SIDES}
        for source, record in zip(wanted["sources"], records, strict=True):
            source.update(record)
        splits = {side: {**vars(sides[side]), "tokens": tokens[side]} for side in SIDES}
        with clock.stage("publish"):
            manifest = _publish(config.build, {**wanted, "splits": splits}, clock, outputs)
            report_build(config.build.manifest)
    finally:
        outputs.discard()
    _summarize(manifest, len(encoder.tokens), config.build.manifest.parent)
    return manifest


class _Clock:
    """Say when a stage begins, and when it ends how long it took; keep the seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        say(f"{name} …")
        started_at = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - started_at, 3)
        say(f"{name}: {self.seconds[name]:.1f} s")


def _split(config: Config, work: Workplace) -> dict[str, Side]:
    sources = [documents_of(number, work) for number in range(len(config.sources))]
    lines = [work.folder / f"{side}.lines" for side in SIDES]

    def split() -> dict[str, dict[str, int]]:
        return {side: vars(counts) for side, counts in split_sources(sources, config.build, work.folder).items()}

    sides = work.once("split", split, files=lambda: lines)
    for source in sources:  # from here on nobody needs them, and they are large
        source.unlink(missing_ok=True)
    return {side: Side(**counts) for side, counts in sides.items()}


def _shuffle(config: Config, side: str, work: Workplace) -> Path:
    """Return the file of a side's lines in their final order."""
    source, target = work.folder / f"{side}.lines", work.folder / f"{side}.shuffled"
    if not config.build.shuffle:
        return source
    shuffle = functools.partial(shuffle_lines, source, target, seed=config.build.seed, side=side, temporary=work.folder)
    work.once(f"shuffle-{side}", shuffle, files=lambda: [target])
    source.unlink(missing_ok=True)
    return target


def _tokenizer(config: Config, lines: dict[str, Path], work: Workplace) -> Tokenizer:
    if config.build.input_vocab is not None:
        return load_tokenizer(config.build.input_vocab, config.tokenization)
    place = work.folder / "tokenizer.json"

    def train() -> None:
        head = lines["train"]
        if config.tokenization.tokenizer == "char":
            head = work.folder / "everything.lines"  # a character that only test has needs an id too
            concatenate([lines["train"], lines["test"]], head)
        place.write_text(train_tokenizer(head, config.tokenization).to_str(), encoding="utf-8")

    work.once("tokenizer", train, files=lambda: [place])
    return Tokenizer.from_file(str(place))


def _write_tokenizer(config: Config, tokenizer: Tokenizer, outputs: Outputs) -> None:
    outputs.stage(config.build.output_vocab).write_text(vocabulary_text(tokenizer), encoding="utf-8", newline="\n")
    outputs.stage(config.build.tokenizer_json).write_text(
        tokenizer.to_str(pretty=True) + "\n", encoding="utf-8", newline="\n"
    )


def _encode(config: Config, side: str, lines: Path, counts: Side, encoder: Encoder, outputs: Outputs) -> int:
    """Write one side's tokens as ids and, if wanted, as text; return the number of ids."""
    place: Path = getattr(config.build, f"output_{side}_corpus")
    writer = IdWriter(config.build.ids(side), len(encoder.tokens), outputs)
    with contextlib.ExitStack() as stack:
        progress = stack.enter_context(Progress(f"encoding {side}", counts.lines, unit="lines"))
        text = None
        if config.build.text_corpora:
            text = stack.enter_context(outputs.stage(place).open("w", encoding="utf-8", newline="\n"))
        for sequences in batches(map(unescape, read_lines(lines))):
            batch = encoder.encode_batch(sequences)
            writer.write(encoder.framed(batch))
            if text is not None:
                text.write(encoder.show(batch))
            progress.advance(len(sequences))
    writer.close()
    return writer.tokens


def _publish(build: BuildConfig, made: dict[str, Any], clock: _Clock, outputs: Outputs) -> dict[str, Any]:
    """Let everything appear, the manifest last, and return it; then drop what only an earlier build had."""
    path = build.manifest
    described = {output_name(place, path): outputs.describe(place) for place in outputs.places}
    manifest = {**made, "outputs": described, "seconds": clock.seconds}
    old = read_manifest(path) or {}
    outputs.stage(path).write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    outputs.publish()
    remove_old_ids_and_texts(old, build, described)
    return manifest


def _summarize(manifest: dict[str, Any], vocabulary: int, folder: Path) -> None:
    for source in manifest["sources"]:
        pages, sequences = source["pages"], source["sequences"]
        say(f"{source['path']}: {pages['kept']:,} of {pages['read']:,} pages kept{_reasons(pages['dropped'])}")
        say(f"  {sequences['kept']:,} of {sequences['read']:,} sequences kept{_reasons(sequences['dropped'])}")
    for side in SIDES:
        counts = manifest["splits"][side]
        say(f"{side}: {counts['documents']:,} documents, {counts['lines']:,} lines, {counts['tokens']:,} tokens")
    say(f"vocabulary: {vocabulary:,} tokens; all in {folder}/")


def _reasons(dropped: dict[str, int]) -> str:
    return f" (dropped: {', '.join(f'{reason} {n:,}' for reason, n in sorted(dropped.items()))})" if dropped else ""
