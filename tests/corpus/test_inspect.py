"""`expanda inspect` shows a page beside what becomes of it, and random pages by the seed."""

import bz2
import random
import re
from collections import Counter

import pytest

from expanda.aligning import pieces
from expanda.articles import Article
from expanda.inspecting import Inspectable, random_articles
from expanda.main import main
from expanda.utils import UserError

CONFIG = "[build]\ninput-files = --expanda.ext.wikipedia wiki.xml\n[expanda.ext.wikipedia]\nmin-length = 30\n"
PAGE = (
    "'''Seoul''' is the capital of [[South Korea|the republic]] on the river.<ref>A book.</ref>\n\n"
    "{{Infobox|\na=1}}\nIt is {{unknown thing|5}} kilometres from the northern border of the country.\n\n"
    "Too short.\n\n== History ==\nIt covers {{convert|605|km2}} of land and {{broken with a lot of water."
)


@pytest.fixture
def wikis(workspace, page, dump):
    """A workspace with a dump of three pages, one of them a redirect."""
    pages = [
        page("Seoul", PAGE),
        page("Han", "#REDIRECT [[Seoul]]"),
        page("Busan", "Busan is a large port in the south."),
    ]
    workspace.write("wiki.xml", dump(*pages))
    workspace.write("expanda.cfg", CONFIG)
    return workspace


def shown(capsys, *arguments: str) -> str:
    """What the command prints."""
    assert main(["inspect", *arguments]) == 0
    return str(capsys.readouterr().out)


def test_a_named_page_shows_what_was_taken_out_what_is_kept_and_why_not(wikis, capsys):
    out = shown(capsys, "--page", "Seoul")
    assert out.startswith("=== Seoul (wiki.xml) ===\n")
    assert (
        "Seoul[-''' -]is the capital of[- [[South Korea|-]the republic[-]] -]on the river.[-<ref>A book.</ref>" in out
    )
    assert re.search(r"^kept +Seoul is the capital of the republic on the river\.$", out, re.MULTILINE)
    assert re.search(
        r"^dropped: hole +It is \[…\] kilometres from the northern border of the country\.$", out, re.MULTILINE
    )
    assert re.search(r"^dropped: too short +Too short\.$", out, re.MULTILINE)
    assert re.search(r"nobody could read\n +1  unknown thing\n", out)
    assert re.search(r"never closed\n +1  \{\{\n", out)


def test_a_dropped_page_says_why(wikis, capsys):
    assert "dropped before cleaning: redirect" in shown(capsys, "--page", "Han")


def test_a_page_that_is_not_there_is_an_error(wikis, capsys):
    assert main(["inspect", "--page", "seoul"]) == 1
    assert "no page is called 'seoul' in wiki.xml; titles are exact" in capsys.readouterr().err


def test_the_seed_decides_which_pages_chance_takes(wikis, capsys):
    once = shown(capsys, "--random", "1", "--seed", "3")
    assert shown(capsys, "--random", "1", "--seed", "3") == once
    assert len({shown(capsys, "--seed", str(seed)) for seed in range(8)}) == 2
    both = shown(capsys, "--random", "9")
    assert re.findall(r"^=== (.+) \(", both, re.MULTILINE) == ["Seoul", "Busan"]


def test_what_inspect_keeps_is_what_a_build_writes(wiki, monkeypatch, capsys):
    monkeypatch.chdir(wiki.path)
    out = shown(capsys, "--random", "5")
    assert out.count(" (src/wiki.xml.bz2) ===\n") == 5
    kept = re.findall(r"^kept {20}(.+)$", out, re.MULTILINE)
    assert len(kept) > 50
    assert Counter(kept) <= Counter(wiki.lines("corpus.raw.txt"))
    dropped = re.findall(r"^dropped: (.+?) {2,}", out, re.MULTILINE)
    assert set(dropped) <= set(wiki.manifest["sources"][0]["sequences"]["dropped"])


def test_random_pages_of_a_multistream_dump_need_a_few_streams_only(workspace, page, dump, capsys):
    text = " ".join(str(random.Random(7).random()) for _ in range(9000))  # a stream is to be larger than a step
    head, tail = dump("@").split("@")
    streams = [
        head,
        *("".join(page(f"{n}", f"{n}{text}{n}") for n in range(at, at + 9)) for at in range(0, 90, 9)),
        tail,
    ]
    content = b"".join(bz2.compress(stream.encode()) for stream in streams)
    workspace.write("wiki.xml", content)
    workspace.write("expanda.cfg", CONFIG)
    out = shown(capsys, "--random", "3", "--seed", "5")
    titles = re.findall(r"^=== (\d+) \(", out, re.MULTILINE)
    assert len(set(titles)) == 3


def test_every_page_is_equally_likely_where_all_are_read():
    articles = [Article(str(n), "", None if n % 2 else "redirect") for n in range(20)]
    inspectable = Inspectable(recipe=None, read=lambda _: iter(articles))  # type: ignore[arg-type]
    taken = Counter(a.title for seed in range(400) for a in random_articles(inspectable, 2, random.Random(seed)))
    assert set(taken) == {str(n) for n in range(1, 20, 2)}
    assert max(taken.values()) < 2 * min(taken.values())


def test_spans_that_cannot_stand_alone_cost_reading_all():
    def read(span):
        if span is not None:
            raise UserError("cut in a page")
        return iter([Article("a", "", None), Article("b", "", None)])

    inspectable = Inspectable(None, read, lambda: [(0, 5), (5, 9)])  # type: ignore[arg-type]
    assert [article.title for article in random_articles(inspectable, 2, random.Random(0))] == ["a", "b"]


def test_a_source_that_does_not_show_its_pages_says_so(workspace, capsys):
    workspace.write("book.txt", "A line of text.")
    workspace.write("expanda.cfg", "[build]\ninput-files = --expanda.ext.text book.txt\n")
    assert main(["inspect"]) == 1
    assert "book.txt: expanda.ext.text does not show its pages" in capsys.readouterr().err
    assert main(["inspect", "--source", "bok.txt"]) == 1
    assert "names no such input file; did you mean 'book.txt'?" in capsys.readouterr().err


def test_an_extension_of_ones_own_shows_its_pages(workspace, capsys):
    workspace.write("book.txt", "one\ntwo")
    workspace.write(
        "plays.py",
        "from collections import Counter\n"
        "from pathlib import Path\n"
        "from expanda.articles import Article, Recipe\n"
        "from expanda.inspecting import Inspectable\n"
        "from expanda.sequences import Rules\n"
        "class Cleaner:\n"
        "    unrendered, unclosed = Counter(), Counter()\n"
        "    def clean(self, markup): return markup.upper()\n"
        "def main(input_file, output_file, temporary, args): pass\n"
        "def inspect(input_file, args):\n"
        "    lines = Path(input_file).read_text().split()\n"
        "    rules = Rules('article', 1, None, 'en')\n"
        "    return Inspectable(Recipe(Cleaner, rules), lambda _: (Article(line, line, None) for line in lines))\n"
        "__extension__ = {'main': main}\n",
    )
    workspace.write("expanda.cfg", "[build]\ninput-files = --plays book.txt\n")
    out = shown(capsys, "--page", "two")
    assert re.search(r"^kept +TWO$", out, re.MULTILINE)


def test_namuwiki_shows_its_pages(workspace, shared_data, capsys):
    workspace.write("namu.json", (shared_data / "namuwiki-sample.json").read_bytes())
    workspace.write("expanda.cfg", "[build]\ninput-files = --expanda.ext.namuwiki namu.json\n")
    assert re.search(r"^kept +\S", shown(capsys, "--random", "2"), re.MULTILINE)


def test_a_hostile_page_cannot_write_to_the_terminal(workspace, page, dump, capsys):
    workspace.write(
        "wiki.xml", dump(page("A\u009b31mB", "The text \u009b2J of this page is long enough to stay here."))
    )
    workspace.write("expanda.cfg", CONFIG)
    out = shown(capsys)
    assert "\u009b" not in out
    assert "=== A\\u009B31mB (" in out


@pytest.mark.parametrize(
    ("source", "result", "expected"),
    [
        ("a [[b|c]] d", "a c d", [("=", "a"), ("-", " [[b|"), ("=", "c"), ("-", "]] "), ("=", "d")]),
        ("same text", "same text", [("=", "same text")]),
        ("gone", "", [("-", "gone")]),
        ("", "new", [("+", "new")]),
        ("5 {{x}} men", "5 brave men", [("=", "5"), ("-", " {{x}}"), ("+", "brave"), ("-", " "), ("=", "men")]),
    ],
)
def test_pieces_say_what_went_and_what_came(source, result, expected):
    assert pieces(source, result) == expected


def test_pieces_hold_the_whole_source_whatever_it_is():
    chooser = random.Random(1)
    for _ in range(300):
        source, result = ["".join(chooser.choices("ab [](){}\n가é", k=chooser.randrange(60))) for _ in range(2)]
        found = pieces(source, result)
        assert "".join(text for kind, text in found if kind != "+") == source


def test_pieces_of_a_large_page_are_found_in_time_linear_in_it():
    words = [f"w{n}" for n in range(30_000)]
    source = " ".join(f"[[{word}]]" if n % 3 else word for n, word in enumerate(words))
    kept = " ".join(text for kind, text in pieces(source, " ".join(words)) if kind == "=")
    assert kept.split() == words
