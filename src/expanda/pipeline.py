"""`expanda build`: extract, split, balance, shuffle, train a tokenizer, encode, publish."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from expanda.binary import IdWriter
from expanda.config import Config
from expanda.encoding import Encoder
from expanda.files import Outputs, temporary_directory
from expanda.keys import BuildConfig
from expanda.leftovers import remove_leftovers
from expanda.lines import batches, import_plain_text, read_documents, read_lines, unescape
from expanda.manifest import (
    is_up_to_date,
    output_name,
    read_manifest,
    recipe,
    refuse_foreign_outputs,
    remove_old_ids_and_texts,
)
from expanda.shuffling import concatenate, shuffle_lines
from expanda.splitting import SIDES, Side, split_sources
from expanda.tally import Report
from expanda.tokenization import load_tokenizer, train_tokenizer, vocabulary_text
from expanda.utils import Progress, UserError, say


def build(config: Config, *, force: bool = False) -> None:
    """Make every output of `config`, or say that they are up to date.

    Nothing appears in the place of an output before everything is made.

    Raises:
        UserError: an input, the configuration or an extension is at fault; no output was touched.
    """
    refuse_foreign_outputs(config.build)
    remove_leftovers(config.build)
    clock = _Clock()
    with clock.stage("check"):
        wanted = recipe(config)
        up_to_date = not force and is_up_to_date(config.build.manifest, wanted)
    if up_to_date:
        say(f"{config.build.manifest} is up to date; --force builds it again")
        return
    outputs = Outputs()
    try:
        with temporary_directory(config.build.temporary_path) as temporary:
            with clock.stage("extract"):
                sources, reports = _extract(config, temporary)
            with clock.stage("split"):
                sides = split_sources(sources, config.build, temporary)
            with clock.stage("shuffle"):
                lines = {side: _shuffle(config, side, temporary) for side in SIDES}
                concatenate([lines["test"], lines["train"]], outputs.stage(config.build.output_raw_corpus))
            with clock.stage("tokenizer"):
                tokenizer = _tokenizer(config, lines, temporary)
                _write_tokenizer(config, tokenizer, outputs)
            with clock.stage("encode"):
                encoder = Encoder(tokenizer)
                tokens = {side: _encode(config, side, lines[side], sides[side], encoder, outputs) for side in SIDES}
            for source, report in zip(wanted["sources"], reports, strict=True):
                source.update(report.as_record())
            splits = {side: {**vars(sides[side]), "tokens": tokens[side]} for side in SIDES}
            with clock.stage("publish"):
                _publish(config.build, {**wanted, "splits": splits}, clock, outputs)
    finally:
        outputs.discard()
    _summarize(config, reports, splits, len(encoder.tokens))


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


def _extract(config: Config, temporary: Path) -> tuple[list[Path], list[Report]]:
    """Run every source's extension; return a file of documents and a balanced report for each."""
    paths, reports = [], []
    for number, source in enumerate(config.sources):
        path = temporary / f"source-{number:05d}"
        plain = path.with_suffix(".plain")
        report = Report()
        say(f"extract: {source.path} with {source.extension.module}")
        written = path if source.extension.writes_documents else plain
        returned = source.extension.run(source.path, written, temporary, source.arguments)
        if not written.is_file():
            raise UserError(f"extension {source.extension.module} wrote nothing for {source.path}")
        if source.extension.writes_documents:
            report.add_record(returned)
        else:
            report.pages.read = report.pages.kept = import_plain_text(plain, path)
            for _, line in read_documents(path):
                report.read_sequence(unescape(line), None)
            plain.unlink()
        report.check(source.path)
        paths.append(path)
        reports.append(report)
    return paths, reports


def _shuffle(config: Config, side: str, temporary: Path) -> Path:
    source = temporary / f"{side}.lines"
    if not config.build.shuffle:
        return source
    target = temporary / f"{side}.shuffled"
    shuffle_lines(source, target, seed=config.build.seed, side=side, temporary=temporary)
    source.unlink()
    return target


def _tokenizer(config: Config, lines: dict[str, Path], temporary: Path) -> Tokenizer:
    if config.build.input_vocab is not None:
        return load_tokenizer(config.build.input_vocab, config.tokenization)
    if config.tokenization.tokenizer != "char":
        return train_tokenizer(lines["train"], config.tokenization)
    everything = temporary / "everything.lines"  # a character that only test has needs an id too
    concatenate([lines["train"], lines["test"]], everything)
    return train_tokenizer(everything, config.tokenization)


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


def _publish(build: BuildConfig, made: dict[str, Any], clock: _Clock, outputs: Outputs) -> None:
    """Write the manifest and let everything appear, the manifest last; then drop an earlier build's other shards."""
    path = build.manifest
    described = {output_name(place, path): outputs.describe(place) for place in outputs.places}
    manifest = {**made, "outputs": described, "seconds": clock.seconds}
    old = read_manifest(path) or {}
    outputs.stage(path).write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    outputs.publish()
    remove_old_ids_and_texts(old, build, described)


def _summarize(config: Config, reports: list[Report], splits: dict[str, Any], vocabulary: int) -> None:
    for source, report in zip(config.sources, reports, strict=True):
        pages, sequences = report.pages, report.sequences
        say(f"{source.path}: {pages.kept:,} of {pages.read:,} pages kept{_reasons(pages.dropped)}")
        say(f"  {sequences.kept:,} of {sequences.read:,} sequences kept{_reasons(sequences.dropped)}")
    for side in SIDES:
        counts = splits[side]
        say(f"{side}: {counts['documents']:,} documents, {counts['lines']:,} lines, {counts['tokens']:,} tokens")
    say(f"vocabulary: {vocabulary:,} tokens; all in {config.build.manifest.parent}/")


def _reasons(dropped: dict[str, int]) -> str:
    return f" (dropped: {', '.join(f'{reason} {n:,}' for reason, n in sorted(dropped.items()))})" if dropped else ""
