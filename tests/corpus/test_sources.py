"""Dumps however they are packed and cut: nothing is lost or doubled, and what is broken is named with its byte."""

import bz2
import gzip
import lzma
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import expanda.streams
from expanda.articles import Recipe, extract_articles
from expanda.elements import Header
from expanda.executors import PENDING_PER_WORKER, run_tasks
from expanda.ext import wikipedia
from expanda.extension import load_extension
from expanda.journal import Journal
from expanda.mediawiki import Dump, read_header
from expanda.namumark import NamuCleaner
from expanda.redirects import redirect_pattern
from expanda.sequences import Rules
from expanda.streams import cut_source, read_source
from expanda.tally import Report
from expanda.utils import UserError

FALSE_MAGIC = b"BZh91AY&SY"
END = b"</mediawiki>"


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    """Small files are cut as large ones are."""
    for kind, cuts in expanda.streams._CUTS.items():
        monkeypatch.setitem(expanda.streams._CUTS, kind, cuts._replace(step=400))


@pytest.fixture(scope="module")
def xml(dump, page):
    """A dump of 60 pages of different lengths; every sixth is no article."""
    words = random.Random(5)
    pages = []
    for number in range(60):
        text = " ".join(
            f"Sentence {words.random()} of page {number} is long enough to be kept." for _ in range(number % 7)
        )
        pages.append(page(f"Page {number} & <more>", text, namespace=1 if number % 6 == 5 else 0))
    return dump(*pages).encode()


def streams_of(xml, *, pages=4):
    """Pack as Wikimedia does: the head, so many pages a stream, the end."""
    head, *bodies = re.split(rb"(?=<page>)", xml.removesuffix(END))
    parts = [head, *(b"".join(bodies[at : at + pages]) for at in range(0, len(bodies), pages)), END]
    return [bz2.compress(part) for part in parts]


def torn_streams_of(xml, size=700):
    """Pack as parallel packers do: streams end anywhere."""
    return [bz2.compress(xml[at : at + size]) for at in range(0, len(xml), size)]


def extract(path, tmp_path, *, workers=1):
    """Return the documents and the counts that the extension makes of a dump."""
    arguments, _ = load_extension("expanda.ext.wikipedia").cast({"num-cores": str(workers)})
    with tempfile.TemporaryDirectory(dir=tmp_path) as temporary:
        output = Path(temporary) / "documents"
        report = wikipedia.extract(str(path), str(output), temporary, arguments)
        return output.read_bytes(), report


@pytest.fixture
def expected(xml, tmp_path):
    """What comes out of the whole dump as one stream, which cannot be cut."""
    path = tmp_path / "whole.xml.gz"
    path.write_bytes(gzip.compress(xml))
    documents, report = extract(path, tmp_path)
    assert report["pages"]["read"] == 60
    assert report["pages"]["dropped"] == {"namespace": 10, "empty": 8}
    return documents, report


def zst(data):
    zstandard = pytest.importorskip("zstandard", reason="the extra zst is not installed")
    half = len(data) // 2
    return zstandard.compress(data[:half]) + zstandard.compress(data[half:])


@pytest.mark.parametrize(
    "pack",
    [
        bytes,
        bz2.compress,
        lambda xml: b"".join(streams_of(xml)),
        lambda xml: b"".join(torn_streams_of(xml)),
        lambda xml: b"".join(streams_of(xml)[:8]) + bz2.compress(bz2.decompress(b"".join(streams_of(xml)[8:]))),
        lambda xml: gzip.compress(xml[:999]) + gzip.compress(xml[999:]),
        lzma.compress,
        zst,
    ],
    ids=["plain", "bz2", "multistream", "torn", "one long stream at the end", "gzip", "xz", "zst"],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_the_same_documents_and_counts_however_the_dump_is_packed(xml, expected, tmp_path, pack, workers):
    path = tmp_path / "wiki"
    path.write_bytes(pack(xml))
    assert extract(path, tmp_path, workers=workers) == expected


def test_whole_pieces_are_read_once(xml, tmp_path):
    path = tmp_path / "wiki"
    path.write_bytes(b"".join(streams_of(xml)))
    recipe = Recipe(NamuCleaner, Rules("article", 0, None, "en"))
    report = Report()
    with Journal(tmp_path / "journal", tmp_path / "out") as output:
        tasks = wikipedia._pieces(path, read_header(path), recipe, tmp_path, 1 << 20)
        pieces = list(
            extract_articles(tasks, output, report, executor="local:1")
        )  # raises where a piece cannot stand alone
    assert len(pieces) > 10
    assert report.pages.read == 60


def test_pieces_touch_and_begin_with_streams(xml, tmp_path):
    path = tmp_path / "wiki"
    path.write_bytes(b"".join(streams_of(xml)))
    pieces = list(cut_source(path))
    assert pieces[0][0] == 0
    assert pieces[-1][1] == path.stat().st_size
    assert [end for _, end in pieces[:-1]] == [start for start, _ in pieces[1:]]
    whole = b"".join(b"".join(read_source(path, start=start, end=end)) for start, end in pieces)
    assert whole == xml


def test_a_mark_that_lies_across_two_reads_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(expanda.streams, "READ_BYTES", 16)
    for at in range(400, 440):
        path = tmp_path / "file"
        path.write_bytes(b"BZh9".ljust(at, b"x") + FALSE_MAGIC + b"rest")
        assert list(cut_source(path)) == [(0, at), (at, at + 14)]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_false_beginning_inside_a_page_loses_and_doubles_nothing(expected, xml, tmp_path, workers):
    """In a dump that is not packed, a CDATA section can hold what looks like the beginning of a page."""
    said = b"<![CDATA[" + b"<page>" * 50 + b"]]>"
    honest = b"&lt;page&gt;" * 50
    for number, text in enumerate((said, honest)):
        (tmp_path / f"{number}.xml").write_bytes(xml.replace(b"page 30 is", text + b" is", 1))
    honest_result = extract(tmp_path / "1.xml", tmp_path)
    assert honest_result != expected
    assert extract(tmp_path / "0.xml", tmp_path, workers=workers) == honest_result


def test_a_cut_at_a_false_stream_is_noticed(xml, tmp_path):
    """No packer can be made to write a false magic at will, so the worker is given a wrong cut."""
    path = tmp_path / "wiki"
    streams = streams_of(xml)
    path.write_bytes(b"".join(streams))
    end = len(b"".join(streams[:3]))
    for wrong in (end - 1, end + 1, end + len(streams[3]) // 2):
        with pytest.raises(UserError, match="wiki"):
            list(read_source(path, end=wrong))
        with pytest.raises(UserError, match="wiki"):
            list(Dump(path, read_source(path, start=wrong), header=Header(), strict=True).pages())


def test_workers_start_without_the_heavy_libraries():
    code = "import sys, expanda.ext.wikipedia; print([name for name in sys.argv[1:] if name in sys.modules])"
    heavy = ["numpy", "tokenizers", "mwparserfromhell", "torch", "tqdm", "zstandard"]
    environment = {**os.environ, "PYTHONPATH": str(Path(expanda.streams.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code, *heavy], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_missing_zst_library_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    monkeypatch.setitem(sys.modules, "compression", None)
    path = tmp_path / "wiki"
    path.write_bytes(b"\x28\xb5\x2f\xfd and more")
    with pytest.raises(UserError, match="pip install zstandard"):
        list(read_source(path))


def test_damaged_zst_is_named_with_its_byte(tmp_path):
    packed = zst(b"some words " * 900)
    path = tmp_path / "wiki"
    path.write_bytes(packed[:-3])
    with pytest.raises(UserError, match=f"ends at byte {len(packed) - 3} inside a zst stream"):
        list(read_source(path))
    path.write_bytes(packed[:8] + b"\xff" * 40)
    with pytest.raises(UserError, match=r"damaged zst stream \(starts at byte 0"):
        list(read_source(path))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "#REDIRECT [[Here]]"),
        ("en", " \n#redirect:[[Here]]"),
        ("ko", "#넘겨주기 [[여기]]"),
        ("ko", "#Redirect[[여기]]"),
        ("ja", "＃転送[[ここ]]"),
        ("de", "#weiterleitung [[Hier]]"),
        ("fa", "#تغییر مسیر [[اینجا]]"),
        ("zh-tw", "#重新導向 [[這裡]]"),
        ("xx", "# REDIRECT [[X]]"),
    ],
)
def test_a_page_redirects_when_its_text_says_so(dump, page, language, text):
    blocks = [dump(page("From", text), page("To", f"How to write {text}"), language=language).encode()]
    first, second = Dump(Path("wiki"), blocks).pages()
    assert (first.drop_reason(), second.drop_reason()) == ("redirect", None)


@pytest.mark.parametrize("text", ["#REDIRECTED [[X]]", "#REDIRECT to X", "#넘겨주기 [[X]]", "REDIRECT [[X]]"])
def test_a_page_that_only_resembles_a_redirect_is_kept(text):
    assert not redirect_pattern("en").match(text)


def test_a_page_is_read_as_xml_says(dump):
    """Attributes in any order, CDATA, references, a revision without text, several revisions: the last counts."""
    page = (
        "<page>\n<ns>0</ns><title>A &amp; &#66;</title><revision><text>old</text></revision>"
        "<revision><comment>{}</comment><model>wikitext</model>"
        '<text xml:space="preserve" bytes="9">a &lt;b&gt; <![CDATA[<c> &amp;]]> &#x41;\n</text><sha1>x</sha1>'
        "</revision></page>"
    )
    empty = '<page><title>E</title><ns>0</ns><revision><text bytes="0" /></revision></page>'
    gone = '<page><title>G</title><ns>0</ns><revision><text deleted="deleted" /></revision></page>'
    pages = list(Dump(Path("wiki"), [dump(page, empty, gone).encode()]).pages())
    assert (pages[0].title, pages[0].text) == ("A & B", "a <b> <c> &amp; A\n")
    assert [page.drop_reason() for page in pages] == [None, "empty", "deleted"]


def test_the_head_is_known_before_any_page_is_read(tmp_path, xml):
    path = tmp_path / "wiki"
    path.write_bytes(b"".join(streams_of(xml)))
    assert read_header(path) == Header("en", {0: "", 6: "Datei", 14: "Kategorie"}, "utf-8")


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-16"])
def test_a_dump_in_another_encoding_is_not_cut(tmp_path, xml, encoding):
    text = xml.decode().replace("Sentence", "Sätze")
    path = tmp_path / "wiki"
    path.write_bytes(f"<?xml version='1.0' encoding='{encoding}'?>{text}".encode(encoding))
    (tmp_path / "same").write_bytes(text.encode())
    assert extract(path, tmp_path) == extract(tmp_path / "same", tmp_path)


def process_of(task):
    return task, os.getpid()


@pytest.mark.parametrize("weight", [None, int, lambda task: -task])
@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_tasks_order_whichever_are_begun_first(weight, workers):
    done = list(run_tasks(process_of, range(50), executor=f"local:{workers}", weight=weight))
    assert [task for task, _ in done] == list(range(50))
    assert (os.getpid() in {process for _, process in done}) == (workers == 1)


def test_few_tasks_are_made_ahead_of_the_results():
    made = 0

    def tasks():
        nonlocal made
        for number in range(100):
            made = number + 1
            yield number

    for (task, _), _ in zip(run_tasks(process_of, tasks(), executor="local:2", weight=int), range(60), strict=False):
        assert made - task <= PENDING_PER_WORKER * 2 + 1
