"""`build/report.html`: a build's manifest as a page to read, with some lines of the corpus and their tokens."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import Tokenizer

from expanda.charts import Share, bar, counts_table, escaped, histogram, number, page, percent, table
from expanda.lines import unescape
from expanda.manifest import output_name, read_manifest
from expanda.utils import UserError

NAME = "report.html"
SAMPLES = 10
_SAMPLE_CHARACTERS = 600  # a sequence can be a whole article
_TEMPLATES = 40
_LOSSES = 200
_KINDS = ("pages", "sequences", "characters")


class Sample(NamedTuple):
    """A line of the corpus and the tokens that it is cut into."""

    text: str
    tokens: Sequence[str]


def report_build(manifest_file: Path) -> Path:
    """Write the report of a finished build beside its manifest, and return its place.

    Raises:
        UserError: there is no manifest that can be read.
    """
    manifest = read_manifest(manifest_file)
    if manifest is None:
        raise UserError(f"{manifest_file}: there is no manifest that can be read; build again")
    config = manifest["config"]["build"]
    here = Path(config["output-vocab"]).with_name("manifest.json")
    raw = manifest_file.parent / output_name(Path(config["output-raw-corpus"]), here)
    tokenizer = manifest_file.with_name("tokenizer.json")
    place = manifest_file.with_name(NAME)
    samples = read_samples(raw, tokenizer, seed=manifest["seed"])
    vocabulary = Tokenizer.from_file(str(tokenizer)).get_vocab_size()
    write_report(manifest, samples=samples, vocabulary=vocabulary, place=place)
    return place


def read_samples(raw: Path, tokenizer_file: Path, *, seed: int, count: int = SAMPLES) -> list[Sample]:
    """Return up to `count` lines from random places of the raw text; where a line is long, its beginning.

    A place is a byte, so a line behind a long one is a little likelier than others; and only these lines are read.
    """
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.encode_special_tokens = True
    chooser, size = random.Random(seed), raw.stat().st_size
    lines: dict[int, bytes] = {}
    with raw.open("rb") as file:
        for at in sorted(chooser.randrange(size) for _ in range(count)) if size else ():
            file.seek(at)
            file.readline()  # what is left of the line we fell into
            start = file.tell() if file.tell() < size else file.seek(0)
            lines[start] = file.readline()
    texts = [unescape(line.decode().rstrip("\n"))[:_SAMPLE_CHARACTERS] for line in lines.values()]
    return [Sample(text, tokenizer.encode(text, add_special_tokens=False).tokens) for text in texts]


def write_report(manifest: Mapping[str, Any], *, samples: Sequence[Sample], vocabulary: int, place: Path) -> None:
    """Write the page that tells what `manifest` holds to `place`; `vocabulary` is the number of its tokens."""
    staged = place.with_name(f".{place.name}.part")
    staged.write_text(page("Corpus report", _body(manifest, samples, vocabulary)), encoding="utf-8", newline="\n")
    staged.replace(place)


def total_of(sources: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the counts of all sources together, in the form of one."""
    total: dict[str, Any] = {}
    for kind in _KINDS:
        counts = [source[kind] for source in sources if kind in source]
        dropped: Counter[str] = Counter()
        for one in counts:
            dropped.update(one["dropped"])
        total[kind] = {key: sum(one[key] for one in counts) for key in ("read", "kept")} | {"dropped": dict(dropped)}
    for name in ("unrendered", "unclosed", "closed", "replaced", "lengths"):
        together: Counter[str] = Counter()
        for source in sources:
            together.update(source.get(name) or {})
        total[name] = dict(together)
    total["lost"] = [entry for source in sources for entry in source.get("lost") or []]
    return total


def _body(manifest: Mapping[str, Any], samples: Sequence[Sample], vocabulary: int) -> Iterator[str]:
    sources, splits = manifest["sources"], manifest["splits"]
    total = total_of(sources)
    yield "<h1>Corpus report</h1>"
    version = manifest["versions"]["expanda"]
    yield f'<p class="soft">expanda {escaped(version)}, seed {escaped(manifest["seed"])}</p>'
    yield _tiles(manifest, total, vocabulary)
    if total["lost"]:
        yield f"<p><b>{len(total['lost']):,} things were lost</b>; they are listed below.</p>"
    yield "<h2>Train and test</h2>"
    yield _splits(splits)
    yield "<h2>Sources</h2>"
    yield _sources(sources)
    yield "<h2>What was kept and what was dropped</h2>"
    yield from _flow(total)
    if len(sources) > 1:
        for source in sources:
            yield f"<details><summary>{escaped(source['path'])}</summary>"
            yield from _flow(source)
            yield "</details>"
    yield "<h2>How long the kept sequences are</h2>"
    yield _lengths({int(edge): n for edge, n in total["lengths"].items()})
    yield from _markup(total)
    yield from _lost(total["lost"])
    yield "<h2>Lines of the corpus and their tokens</h2>"
    yield from map(_sample, samples)
    yield from _build(manifest)


def _tiles(manifest: Mapping[str, Any], total: Mapping[str, Any], vocabulary: int) -> str:
    splits = manifest["splits"].values()
    characters = total["characters"]
    facts = {
        "tokens": number(sum(counts["tokens"] for counts in splits)),
        "sequences": number(sum(counts["lines"] for counts in splits)),
        "documents": number(sum(counts["documents"] for counts in splits)),
        "bytes of text": number(sum(counts["text_bytes"] for counts in splits)),
        f"tokens in the vocabulary ({manifest['config']['tokenization']['tokenizer']})": number(vocabulary),
        "of the cleaned characters kept": percent(characters["kept"], characters["read"]),
    }
    tiles = "".join(f'<div class="tile"><b>{value}</b>{escaped(name)}</div>' for name, value in facts.items())
    return f'<div class="tiles">{tiles}</div>'


def _splits(splits: Mapping[str, Mapping[str, int]]) -> str:
    whole = sum(counts["text_bytes"] for counts in splits.values())
    rows = []
    for side, counts in splits.items():
        tokens, lines, size = counts["tokens"], counts["lines"], counts["text_bytes"]
        each = [tokens / lines if lines else 0.0, size / tokens if tokens else 0.0]
        rows.append([side, counts["documents"], lines, tokens, size, Share(percent(size, whole)), *each])
    heads = ["side", "documents", "sequences", "tokens", "bytes", "share", "tokens a sequence", "bytes a token"]
    return table(heads, rows)


def _sources(sources: Sequence[Mapping[str, Any]]) -> str:
    heads = ["file", "extension", "bytes", "pages read", "kept", "sequences kept", "sha256"]
    return table(
        heads,
        [
            [
                source["path"],
                source["extension"].removeprefix("expanda.ext."),
                source["bytes"],
                source["pages"]["read"],
                source["pages"]["kept"],
                source["sequences"]["kept"],
                source["sha256"][:12] + "…",
            ]
            for source in sources
        ],
    )


def _flow(record: Mapping[str, Any]) -> Iterator[str]:
    for kind in _KINDS:
        counts = record[kind]
        yield f"<h3>{number(counts['read'])} {kind} read</h3>"
        yield counts_table([kind, "number"], {"kept": counts["kept"], **counts["dropped"]}, whole=counts["read"])


def length_edges(shortest: int, longest: int) -> list[int]:
    """Return the lower edges of the length classes from that of `shortest` to the one behind that of `longest`.

    Up to 7 characters each length is a class, then every doubling has four: an edge is a number of three binary digits
    and zeros behind them.
    """
    edges = [*range(8), *(digits << power for power in range(1, longest.bit_length() + 1) for digits in (4, 5, 6, 7))]
    first = max(place for place, edge in enumerate(edges) if edge <= shortest)
    last = max(place for place, edge in enumerate(edges) if edge <= longest)
    return edges[first : last + 2]


def _lengths(counts: Mapping[int, int]) -> str:
    if not counts:
        return '<p class="soft">This manifest holds no lengths; build again to count them.</p>'
    drawing = histogram(counts, length_edges(min(counts), max(counts)), unit="characters")
    return f'{drawing}<p class="soft">Each doubling of the length has four classes of equal width.</p>'


def _markup(total: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>What cleaning met</h2>"
    tables = (
        ("unrendered", "template nobody could read", "Each left a gap in a line of text."),
        ("unclosed", "opened and never closed", "It ended with its paragraph."),
        ("closed", "gaps closed in kept sequences", ""),
        ("replaced", "characters replaced", ""),
    )
    for key, head, note in tables:
        if counts := total[key]:
            yield f"<h3>{escaped(head.capitalize())}</h3>" + (f'<p class="soft">{escaped(note)}</p>' if note else "")
            yield counts_table([head, "times"], counts, most=_TEMPLATES)
    if not any(total[key] for key, _, _ in tables):
        yield '<p class="soft">Nothing that it could not read.</p>'


def _lost(lost: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "<h2>What was lost</h2>"
    if not lost:
        yield '<p class="soft">Nothing that the build noticed.</p>'
        return
    rows = [
        [
            str(entry.get("source") or ""),
            str(entry.get("page") or "–"),
            str(entry.get("id") or "–"),
            Share(" to ".join(f"{byte:,}" for byte in entry.get("bytes") or ()) or "–"),
            str(entry.get("reason") or ""),
        ]
        for entry in lost[:_LOSSES]
    ]
    yield table(["file", "page", "id", "bytes", "why"], rows)
    if len(lost) > _LOSSES:
        yield f'<p class="soft">and {len(lost) - _LOSSES:,} more; the manifest has them all</p>'


def _sample(sample: Sample) -> str:
    tokens = " ".join(f"<i>{escaped(token)}</i>" for token in sample.tokens)
    return (
        f'<div class="sample"><p>{escaped(sample.text)}</p><span class="tokens">{tokens}</span>'
        f'<p class="soft">{len(sample.text):,} characters, {len(sample.tokens):,} tokens</p></div>'
    )


def _build(manifest: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>The build</h2>"
    seconds = manifest.get("seconds") or {}
    if seconds:
        whole = sum(seconds.values())
        rows = [[stage, float(s), Share(percent(s, whole)), bar(s, whole)] for stage, s in seconds.items()]
        yield table(["stage", "seconds", "share", ""], rows)
    yield "<h3>Files</h3>"
    outputs = [[name, said["bytes"], said["sha256"]] for name, said in manifest["outputs"].items()]
    yield table(["file", "bytes", "sha256"], outputs)
    yield "<details><summary>Configuration and versions</summary>"
    for section, values in manifest["config"].items():
        yield f"<h3>[{escaped(section)}]</h3>"
        yield table(["key", "value"], [[key, "" if value is None else str(value)] for key, value in values.items()])
    yield "<h3>Versions</h3>"
    yield table(["of", "version"], [[name, str(version)] for name, version in manifest["versions"].items()])
    yield "</details>"
