"""The report tells what the manifest holds, loads nothing, and shows hostile text as text."""

import copy
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from expanda.report import Sample, length_edges, read_samples, report_build, write_report

VOID = {"meta"}


class Page(HTMLParser):
    """A page taken apart: its tables' rows, its text, its tags; what is not nested right is an error."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.text = ""
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self._open: list[str] = []
        self.feed(content)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data
        if "td" in self._open or "th" in self._open:
            self.rows[-1][-1] += data

    def row(self, first: str) -> list[str]:
        """The first row that begins with this cell."""
        return next(row for row in self.rows if row and row[0] == first)


@pytest.fixture
def manifest(wiki) -> dict[str, Any]:
    """The manifest of a real build, with what a build may count besides."""
    made = copy.deepcopy(wiki.manifest)
    made["sources"][0] |= {"lengths": {"48": 5, "128": 1234, "896": 7}, "lost": []}
    return made


def written(manifest: dict[str, Any], folder: Path, *samples: Sample) -> Page:
    """Write the report and read it."""
    write_report(manifest, samples=samples, vocabulary=8000, place=folder / "report.html")
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def test_the_numbers_are_those_of_the_manifest(manifest, tmp_path):
    page = written(manifest, tmp_path)
    for side, counts in manifest["splits"].items():
        assert page.row(side)[1:5] == [f"{counts[key]:,}" for key in ("documents", "lines", "tokens", "text_bytes")]
    source = manifest["sources"][0]
    assert page.row(source["path"])[2:5] == [f"{n:,}" for n in (source["bytes"], *list(source["pages"].values())[:2])]
    for kind in ("pages", "sequences", "characters"):
        counts = source[kind]
        assert f"{counts['read']:,} {kind} read" in page.text
        at = page.rows.index([kind, "number", "share", ""])
        wanted = {"kept": counts["kept"], **counts["dropped"]}
        found = {row[0]: row[1:3] for row in page.rows[at + 1 : at + 1 + len(wanted)]}
        assert found == {name: [f"{n:,}", f"{100 * n / counts['read']:.1f} %"] for name, n in wanted.items()}
    for stage, seconds in manifest["seconds"].items():
        assert page.row(stage)[1] == f"{seconds:,.2f}"
    for name, said in manifest["outputs"].items():
        assert page.row(name)[1:] == [f"{said['bytes']:,}", said["sha256"]]
    assert "48 to 55 characters: 5" in page.text
    assert "128 to 159 characters: 1,234" in page.text
    assert "8,000tokens in the vocabulary (wordpiece)" in page.text


def test_of_several_sources_the_sum_and_each_are_told(manifest, tmp_path):
    second = copy.deepcopy(manifest["sources"][0]) | {"path": "src/other.xml"}
    second["pages"] = {"read": 1000, "kept": 990, "dropped": {"redirect": 10}}
    manifest["sources"].append(second)
    page = written(manifest, tmp_path)
    first = manifest["sources"][0]["pages"]
    assert f"{first['read'] + 1000:,} pages read" in page.text
    assert "1,000 pages read" in page.text
    assert ["redirect", f"{first['dropped']['redirect'] + 10}"] in [row[:2] for row in page.rows]
    assert page.tags["details"] == 3


def test_hostile_text_stays_text(manifest, tmp_path):
    evil = "<script>alert(1)</script>\"'&<img src=http://x/>\u202e\x07"
    source = manifest["sources"][0]
    source["path"] = f"src/{evil}.xml"
    source["unrendered"] = {evil: 3}
    source["pages"]["dropped"][evil] = 0
    source["lost"] = [{"source": evil, "page": evil, "id": 3, "bytes": [1000, 2000], "reason": evil}]
    page = written(manifest, tmp_path, Sample(evil, [evil, "##x"]))
    assert page.tags["script"] == page.tags["img"] == 0
    assert page.text.count("<script>alert(1)</script>\"'&<img src=http://x/>\\u202E\\u0007") == 8
    assert page.row(f"src/{evil[:-2]}\\u202E\\u0007.xml")
    assert ["3", "1,000 to 2,000"] in [row[2:4] for row in page.rows]


def test_the_page_loads_nothing_and_runs_nothing(manifest, tmp_path):
    page = written(manifest, tmp_path, Sample("A line.", ["a", "line", "."]))
    assert not {"script", "link", "iframe", "object", "img", "base", "form"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in ("src", "href", "srcset") or name.startswith("on")]
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes
    assert "url(" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_same_manifest_gives_the_same_page(manifest, tmp_path):
    written(manifest, tmp_path, Sample("A line.", ["a"]))
    first = (tmp_path / "report.html").read_bytes()
    written(json.loads(json.dumps(manifest)), tmp_path, Sample("A line.", ["a"]))
    assert (tmp_path / "report.html").read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_more_templates_than_fit_are_summed_up(manifest, tmp_path):
    manifest["sources"][0]["unrendered"] = {f"template {n:02d}": 100 - n for n in range(50)}
    page = written(manifest, tmp_path)
    assert page.row("template 39")[1] == "61"
    assert not [row for row in page.rows if row[0] == "template 40"]
    assert f"and 10 more, {sum(100 - n for n in range(40, 50))} times together" in page.text


def test_an_old_manifest_without_lengths_and_ledger_is_enough(wiki, tmp_path):
    manifest = copy.deepcopy(wiki.manifest)
    for key in ("lengths", "lost", "replaced"):
        manifest["sources"][0].pop(key, None)
    page = written(manifest, tmp_path)
    assert "This manifest holds no lengths" in page.text
    assert "Nothing that the build noticed." in page.text


def test_samples_are_lines_of_the_corpus_and_their_tokens(wiki):
    raw, tokenizer = wiki.build / "corpus.raw.txt", wiki.build / "tokenizer.json"
    samples = read_samples(raw, tokenizer, seed=4)
    assert samples == read_samples(raw, tokenizer, seed=4) != read_samples(raw, tokenizer, seed=5)
    lines = wiki.lines("corpus.raw.txt")
    tokens = dict(zip(lines, wiki.lines("corpus.test.txt") + wiki.lines("corpus.train.txt"), strict=True))
    assert 5 < len(samples) <= 10
    for sample in samples:
        if len(sample.text) < 600:
            assert " ".join(sample.tokens) == tokens[sample.text]


def test_the_report_of_a_build_stands_beside_its_manifest(workspace, build):
    workspace.write("a.txt", "One line of <b>text</b>.\n\nAnother line of text.\n")
    build(
        "[build]\ninput-files = --expanda.ext.text a.txt\nsplit-by = line\nsplit-ratio = 0.4\n"
        "[tokenization]\nvocab-size = 60\n"
    )
    place = report_build(Path("build/manifest.json"))
    assert place == Path("build/report.html")
    page = Page(place.read_text(encoding="utf-8"))
    assert "One line of <b>text</b>." in page.text
    assert page.tags["b"] == page.text.count("tokens in the vocabulary") + 5  # the tiles alone


def test_every_length_has_a_class_and_four_make_a_doubling():
    edges = length_edges(0, 5000)
    assert edges[:13] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16]
    for length in range(5001):
        shift = max(length.bit_length() - 3, 0)
        assert length >> shift << shift in edges
    assert length_edges(48, 56) == [48, 56, 64]
    assert all(re.fullmatch(r"1[01]{0,2}0*|0", f"{edge:b}") for edge in edges)
