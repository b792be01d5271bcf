"""A page that is too large, too slow or too strange costs itself, never the build; hostile XML costs no memory."""

import bz2
import gzip
import json
import lzma
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from expanda.articles import Article, ChunkTask, Recipe, chunks, do_task
from expanda.ext import jsonl, namuwiki, wikipedia
from expanda.extension import load_extension
from expanda.mediawiki import Dump
from expanda.namumark import NamuCleaner
from expanda.sequences import Rules
from expanda.utils import UserError
from expanda.wikitext import Cleaner
from expanda.xmltext import Mender

SOURCES = Path(wikipedia.__file__).parents[2]
PROSE = "This is a sentence which is long enough to stay in the corpus, as far as we can tell."


def extract(content, folder, module=wikipedia, **options):
    arguments, _ = load_extension(module.__name__).cast(options)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        path, output = Path(temporary) / "source", Path(temporary) / "documents"
        path.write_bytes(content)
        report = module.extract(str(path), str(output), temporary, arguments)
        return output.read_text(encoding="utf-8"), report


class Breaking(NamuCleaner):
    """Fails in one of the ways in which cleaners do, when the text says so."""

    def clean(self, markup):
        if "sleep" in markup:
            time.sleep(60)
        if "spin" in markup:
            while True:
                pass
        if "fail" in markup:
            raise RecursionError("too deep")
        return markup


@pytest.mark.parametrize("what", ["sleep", "spin", "fail"])
def test_a_page_that_cannot_be_cleaned_is_quarantined_with_its_name(tmp_path, what):
    recipe = Recipe(Breaking, Rules("paragraph", 1, None, "en"), source="wiki", page_seconds=1)
    articles = [Article("A", "one", None, 1), Article("B", f"two\n\n{what}", None, 2), Article("C", "three", None, 3)]
    (task,) = chunks(articles, recipe, tmp_path)
    do_task(task)
    assert task.stem.with_suffix(".documents").read_text().split() == ["one", "three"]
    report = json.loads(task.stem.with_suffix(".counts").read_text())
    assert report["pages"] == {"read": 3, "kept": 2, "dropped": {"quarantined": 1}}
    assert report["sequences"]["read"] == report["sequences"]["kept"] == 2  # nothing of the page is counted
    (entry,) = report["lost"]
    assert (entry["source"], entry["page"], entry["id"]) == ("wiki", "B", 2)
    assert ("RecursionError: too deep" if what == "fail" else "longer than page-seconds, 1") in entry["reason"]


def test_a_page_that_kills_workers_is_not_touched(tmp_path):
    recipe = Recipe(Breaking, Rules("paragraph", 1, None, "en"), source="wiki")
    (task,) = chunks([Article("A", "one", None, 1), Article("B", "fail", None, 2)], recipe, tmp_path)
    do_task(ChunkTask(task.stem, recipe, skip={1: "it killed 3 workers"}))
    report = json.loads(task.stem.with_suffix(".counts").read_text())
    assert [entry["reason"] for entry in report["lost"]] == ["it killed 3 workers"]


@pytest.mark.parametrize("pack", [bytes, bz2.compress])
def test_a_page_larger_than_page_bytes_is_quarantined(dump, page, tmp_path, pack):
    exact, large = ("ü" * 500).ljust(600, "x"), ("ü" * 500).ljust(601, "x")  # 1,100 bytes and one more
    pages = [page("A", PROSE), page("Exact", exact), page("Large", large), page("Talk", large, namespace=1)]
    _, report = extract(pack(dump(*pages).encode()), tmp_path, **{"page-bytes": "1100"})
    assert report["pages"] == {"read": 4, "kept": 2, "dropped": {"namespace": 1, "quarantined": 1}}
    (entry,) = report["lost"]
    assert (entry["page"], entry["id"]) == ("Large", 1)
    assert "larger than page-bytes, 1,100" in entry["reason"]


HEAD = '<mediawiki xml:lang="en"><siteinfo></siteinfo>'
GOOD = f"<page><title>Good</title><ns>0</ns><id>5</id><revision><text>{PROSE}</text></revision></page>"
OPEN = "<page><title>Bad</title><ns>0</ns><id>7</id><revision><text>"
HOSTILE = {
    "a large page": (OPEN, "x" * 1000, 80_000, "</text></revision></page>"),
    "a page that never ends": (OPEN, "x" * 1000, 400_000, ""),
    "a title that never ends": ("<page><title>", "x" * 1000, 400_000, ""),
    "a comment that never ends": ("<page><!--", "x" * 1000, 200_000, ""),
    "an attribute that never ends": ('<page a="', "x" * 1000, 200_000, ""),
    "a tag that never ends": ("<page ", "x" * 1000, 200_000, ""),
    "elements in elements": ("<page>", "<a>" * 300, 20_000, ""),
    "pages in pages": ("", "<page>" * 3000, 100, ""),
    "many small elements": ("<page>", "<a/>" * 250, 40_000, ""),
}
LIMITED = """
import sys, tempfile
from pathlib import Path
from expanda.ext import wikipedia
from expanda.extension import load_extension
arguments, _ = load_extension("expanda.ext.wikipedia").cast({})
with tempfile.TemporaryDirectory(dir=".") as temporary:
    report = wikipedia.extract(sys.argv[1], temporary + "/documents", temporary, arguments)
import json
# Not getrusage: what it tells begins with the size of the process that started this one.
(line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
peak = int(line.split()[1])
print(json.dumps({"peak": peak, "lost": report["lost"], "pages": report["pages"]}))
"""


def packed_in_pieces(compressor, begin, middle, times, end):
    """Pack much without holding it."""
    parts = [compressor.compress(begin)]
    parts += [compressor.compress(middle) for _ in range(times)]
    return b"".join([*parts, compressor.compress(end), compressor.flush()])


@pytest.mark.parametrize("name", HOSTILE)
def test_xml_without_an_end_stops_within_256_mb(tmp_path, name):
    begin, middle, times, end = HOSTILE[name]
    bomb = packed_in_pieces(bz2.BZ2Compressor(), begin.encode(), middle.encode(), times // 4, end.encode())
    # Behind it the dump goes on, in a stream of its own.
    path = tmp_path / "bomb"
    path.write_bytes(bz2.compress((HEAD + GOOD).encode()) + bomb + bz2.compress((GOOD + "</mediawiki>").encode()))
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    print(name, found["peak"])
    assert found["peak"] < 256 * 1024
    assert found["lost"]
    assert found["pages"]["kept"] == 2


@pytest.mark.parametrize("compressor", [bz2.BZ2Compressor, lzma.LZMACompressor])
def test_a_bomb_is_unpacked_piece_by_piece(tmp_path, compressor):
    from expanda.streams import read_parts

    path = tmp_path / "bomb"
    path.write_bytes(packed_in_pieces(compressor(), b"", bytes(1_000_000), 60, b""))
    sizes = [len(part.data) for part in read_parts(path)]
    assert sum(sizes) == 60_000_000
    assert max(sizes) <= 4 << 20


def test_a_declaration_is_refused_in_any_stream(dump, page, tmp_path):
    parts = [dump(page("A", PROSE)).removesuffix("</mediawiki>"), '<!DOCTYPE x [<!ENTITY a "b">]>', page("B", PROSE)]
    with pytest.raises(UserError, match="declares a document type"):
        extract(b"".join(bz2.compress(part.encode()) for part in [*parts, "</mediawiki>"]), tmp_path)


FORBIDDEN = {
    b"\xff": {"invalid UTF-8": 1},
    b"\xe2\x82": {"invalid UTF-8": 1},
    b"\xed\xa0\x80": {"surrogate": 1},
    b"\xef\xbf\xbe": {"noncharacter": 1},
    b"\xef\xbf\xbf": {"noncharacter": 1},
    b"\x00": {"control character": 1},
    b"\x0b": {"control character": 1},
    b"&#0;": {"reference": 1},
    b"&#xD800;": {"reference": 1},
    b"&#xfffe;": {"reference": 1},
    b"&#x110000;": {"reference": 1},
}


@pytest.mark.parametrize("bad", FORBIDDEN)
def test_what_xml_forbids_becomes_a_replacement_and_is_counted(dump, page, tmp_path, bad):
    xml = dump(page("A", PROSE), page("B", PROSE.replace("which", "MARK"))).encode()
    text, report = extract(xml.replace(b"MARK", b"wh" + bad + b"ich"), tmp_path)
    assert text.count(PROSE) == 1
    assert PROSE.replace("which", "wh\ufffdich") in text
    assert report["replaced"] == FORBIDDEN[bad]
    assert report["lost"] == []


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13])
def test_mending_is_the_same_wherever_the_blocks_end(size):
    text = "a€漢字\U0001f600 &#65; &amp; &#x1F600; \ufffd ￥".encode() + b"|".join(FORBIDDEN) + "é".encode()
    whole, parts = Mender(), Mender()
    expected = whole.mend(text, last=True)
    mended = b"".join(parts.mend(text[at : at + size]) for at in range(0, len(text), size)) + parts.mend(b"", last=True)
    assert mended == expected
    assert parts.replaced == whole.replaced
    assert sum(whole.replaced.values()) == sum(map(len, FORBIDDEN.values()))


def test_clean_text_is_not_changed():
    text = "a€漢字\U0001f600 &#65; &amp; &#x1F600; \ufffd ￥\t\r\n\x7f\x85".encode()
    mender = Mender()
    assert mender.mend(text, last=True) == text
    assert not mender.replaced


def test_the_page_id_is_the_pages_own(dump, page):
    (found,) = Dump(Path("wiki"), [dump(page("A", PROSE)).encode()]).pages()
    assert found.id == 1


def namu(*pages):
    return json.dumps([{"namespace": 0, "title": title, "text": text} for title, text in pages]).encode()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_cut_array_keeps_what_came_before(tmp_path, pack):
    content = pack(namu(*((f"{n}", f"{n} {os.urandom(3000).hex()}") for n in range(200))))
    cut = content[: len(content) * 9 // 10]
    _, report = extract(cut, tmp_path, namuwiki, unit="article", **{"min-length": "1"})
    (entry,) = report["lost"]
    assert entry["bytes"][0] <= len(cut) == entry["bytes"][1]
    assert report["pages"]["read"] == report["pages"]["kept"] > (150 if pack in (bytes, gzip.compress) else 0)


def test_a_broken_record_is_named_with_its_byte(tmp_path):
    content = namu(("A", "one"), ("B", "two"), ("C", "three"))
    at = content.index(b'"B"')
    _, report = extract(content[:at] + b"!" + content[at + 1 :], tmp_path, namuwiki)
    assert report["pages"]["read"] == 1
    (entry,) = report["lost"]
    assert entry["bytes"] == [content.index(b'{"namespace": 0, "title": "B"'), len(content)]


def test_what_no_text_can_hold_is_replaced_in_json_too(tmp_path):
    content = namu(("A", f"{PROSE} \ud800 \x00"))
    text, report = extract(content.replace(b"sentence", b"sent\xffence"), tmp_path, namuwiki, unit="article")
    assert PROSE in text  # whose cleaning then removes what stands for nothing
    assert report["replaced"] == {"surrogate": 1, "control character": 1, "invalid UTF-8": 1}


def test_a_cut_file_of_lines_is_a_loss_where_bad_lines_are_skipped(tmp_path):
    lines = b"".join(json.dumps({"text": f"{n} {os.urandom(99).hex()}"}).encode() + b"\n" for n in range(999))
    packed = gzip.compress(lines)[:-5000]
    with pytest.raises(UserError, match="cut short"):
        extract(packed, tmp_path, jsonl)
    _, report = extract(packed, tmp_path, jsonl, **{"skip-bad": "true"})
    assert report["pages"]["kept"] > 800
    assert [entry["bytes"] for entry in report["lost"]] == [[0, len(packed)]]


def test_half_a_surrogate_pair_in_a_splitters_output_costs_the_page(tmp_path):
    recipe = Recipe(Surrogate, Rules("paragraph", 1, None, "en"), source="wiki")
    (task,) = chunks([Article("A", "one", None, 1), Article("B", "two", None, 2)], recipe, tmp_path)
    do_task(task)
    report = json.loads(task.stem.with_suffix(".counts").read_text())
    assert [entry["page"] for entry in report["lost"]] == ["B"]


class Surrogate(NamuCleaner):
    """Gives what cannot be written."""

    def clean(self, markup):
        return markup.replace("two", "two \ud800")


def test_the_wikitext_cleaner_survives_what_was_replaced():
    assert "\ufffd" in Cleaner({}, "en").clean(f"{PROSE} \ufffd words.")
