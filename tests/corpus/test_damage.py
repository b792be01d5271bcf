"""A dump that is damaged anywhere gives every page of its sound streams, once and unchanged, and names the rest."""

import bz2
import itertools
import json
import random
import re
import tempfile
from pathlib import Path

import pytest

import expanda.streams
from expanda.ext import wikipedia
from expanda.extension import load_extension
from expanda.utils import UserError

END = b"</mediawiki>"


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    """Small files are cut as large ones are."""
    for kind, cuts in expanda.streams._CUTS.items():
        monkeypatch.setitem(expanda.streams._CUTS, kind, cuts._replace(step=1500))


def streams_of(dump, page, streams, pages=3):
    """Pack as Wikimedia does: the head, so many pages a stream, the end. Every page says its number in each line."""
    words = random.Random(7)
    texts = [
        "\n".join(f"Sentence {words.random()} of page {n} is long enough to be kept." for _ in range(2 + n % 5))
        for n in range(streams * pages)
    ]
    xml = dump(*(page(f"Page {n}", text) for n, text in enumerate(texts))).encode()
    head, *bodies = re.split(rb"(?=<page>)", xml.removesuffix(END))
    parts = [head, *(b"".join(bodies[at : at + pages]) for at in range(0, len(bodies), pages)), END]
    return [bz2.compress(part) for part in parts]


@pytest.fixture(scope="module")
def streams(dump, page):
    return streams_of(dump, page, 50)


def extract(content, folder, *, workers=1, **options):
    """Return the documents by page number, and the report; None for a build that ends with an error."""
    values = {"num-cores": str(workers), "language": "en", **options}
    arguments, _ = load_extension("expanda.ext.wikipedia").cast(values)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        path, output = Path(temporary) / "wiki", Path(temporary) / "documents"
        path.write_bytes(content)
        try:
            report = wikipedia.extract(str(path), str(output), temporary, arguments)
        except UserError as error:
            if re.search("no page of this dump can be read|neither bz2|the file is empty", str(error)):
                return None
            raise
        return output.read_text(encoding="utf-8"), report


def documents_of(text):
    """Return each document under its page's number; a document that came twice would not fit."""
    documents = {}
    for document in filter(None, text.split("\n\n")):
        numbers = set(re.findall(r"of page (\d+) is", document))
        assert len(numbers) == 1, document
        (number,) = map(int, numbers)
        assert number not in documents, "a page came twice"
        documents[number] = document.strip("\n")
    return documents


def bounds_of(streams):
    ends = list(itertools.accumulate(map(len, streams)))
    return list(zip([0, *ends], ends, strict=False))


def check(result, whole, streams, hit, *, pages=3):
    """Check a result against the undamaged one when the byte `hit` is damaged, or the file is cut there."""
    bounds = bounds_of(streams)
    damaged = next((number for number, (start, end) in enumerate(bounds) if start <= hit < end), len(streams))
    if result is None:
        return "error"
    text, report = result
    kept = documents_of(text)
    assert all(kept[number] == whole[number] for number in kept)
    assert report["pages"]["read"] == report["pages"]["kept"] + sum(report["pages"]["dropped"].values()) == len(kept)
    if not report["lost"]:
        assert kept == whole  # bits that decide nothing: the packer's level, or the filling of the last byte
        return "harmless"
    assert any(
        entry["bytes"][0] <= hit <= entry["bytes"][1] and entry["bytes"][0] <= entry["bytes"][1] and entry["reason"]
        for entry in report["lost"]
    )
    return damaged, kept


def check_flip(streams, whole, at, bit, folder, workers):
    packed = bytearray(b"".join(streams))
    packed[at] ^= 1 << bit
    found = check(extract(bytes(packed), folder, workers=workers), whole, streams, at)
    if isinstance(found, tuple):
        damaged, kept = found
        lost = set(whole) - set(kept)
        assert lost <= set(range(3 * (damaged - 1), 3 * damaged))
    assert found != "error"
    return found if isinstance(found, str) else "lost"


def check_cut(streams, whole, at, folder, workers):
    found = check(extract(b"".join(streams)[:at], folder, workers=workers), whole, streams, at)
    assert found != "error" or at < bounds_of(streams)[1][1]  # no page is whole
    if isinstance(found, tuple):
        damaged, kept = found
        assert set(range(3 * (damaged - 1))) <= set(kept) <= set(range(3 * damaged))
    return found if isinstance(found, str) else "lost"


def flips(streams, n):
    chance = random.Random(11)
    size = sum(map(len, streams))
    return [(chance.randrange(size), chance.randrange(8)) for _ in range(n)]


def cuts(streams):
    size = sum(map(len, streams))
    ends = [end for _, end in bounds_of(streams)]
    return sorted({size * percent // 100 for percent in range(1, 100)} | {e + d for e in ends for d in (-1, 0, 1)})


@pytest.fixture(scope="module")
def whole(streams, tmp_path_factory):
    text, report = extract(b"".join(streams), tmp_path_factory.mktemp("whole"))
    assert report["lost"] == []
    assert report["replaced"] == {}
    documents = documents_of(text)
    assert sorted(documents) == list(range(150))
    return documents


def test_a_flipped_bit_costs_at_most_its_stream_and_is_named(streams, whole, tmp_path):
    found = [check_flip(streams, whole, at, bit, tmp_path, 1) for at, bit in flips(streams, 25)]
    assert "lost" in found


def test_a_cut_dump_gives_all_that_lies_before_the_cut(streams, whole, tmp_path):
    found = {at: check_cut(streams, whole, at, tmp_path, 1) for at in cuts(streams)[::12]}
    assert "lost" in found.values()


@pytest.mark.parametrize("stream", [0, 1, 17, 50, 51])
def test_damage_is_the_same_with_any_number_of_workers(streams, tmp_path, stream):
    packed = bytearray(b"".join(streams))
    start, end = bounds_of(streams)[stream]
    packed[(start + end) // 2] ^= 255
    one, two = (extract(bytes(packed), tmp_path, workers=workers) for workers in (1, 2))
    for entry in [*one[1]["lost"], *two[1]["lost"]]:
        entry["source"] = "wiki"
    assert one == two
    assert [entry["bytes"] for entry in one[1]["lost"]] == [[start, end]]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_every_cut_and_many_flips(streams, whole, tmp_path, workers):
    if workers == 1:
        found = [check_flip(streams, whole, at, bit, tmp_path, 1) for at, bit in flips(streams, 200)]
        found += [check_cut(streams, whole, at, tmp_path, 1) for at in cuts(streams)]
    else:
        found = [check_flip(streams, whole, at, bit, tmp_path, 2) for at, bit in flips(streams, 200)[::10]]
        found += [check_cut(streams, whole, at, tmp_path, 2) for at in cuts(streams)[::10]]
    print(json.dumps({kind: found.count(kind) for kind in sorted(set(found))}))
    assert found.count("lost") > len(found) // 2


def test_blocks_before_the_damage_are_kept(dump, page, tmp_path):
    """One stream of several blocks: those whose checksum is right come out, page for page."""
    words = random.Random(3)
    texts = [f"Sentence {words.random()} of page {n} is long enough to be kept.\n" + "ab" * 100 for n in range(900)]
    xml = dump(*(page(f"Page {n}", text) for n, text in enumerate(texts))).encode()
    packed = bytearray(bz2.compress(xml, 1))  # blocks of 100,000 bytes
    packed[len(packed) * 3 // 4] ^= 16
    text, report = extract(bytes(packed), tmp_path, unit="paragraph")
    kept = sorted(documents_of(text))
    assert kept == list(range(len(kept)))
    before = len(xml[: len(xml) * 3 // 4].split(b"<page>"))
    assert before - 450 < len(kept) <= before
    assert report["lost"][0]["bytes"] == [0, len(packed)]


def test_torn_streams_lose_only_the_pages_that_touch_the_damage(dump, page, whole, streams, tmp_path):
    xml = bz2.decompress(b"".join(streams))
    torn = [bz2.compress(xml[at : at + 700]) for at in range(0, len(xml), 700)]
    start, end = bounds_of(torn)[20]
    packed = bytearray(b"".join(torn))
    packed[(start + end) // 2] ^= 255
    text, report = extract(bytes(packed), tmp_path)
    kept = documents_of(text)
    first = xml[: 20 * 700].count(b"</page>")
    last = xml[: 21 * 700].count(b"<page>")
    assert set(kept) == set(whole) - set(range(first, last))
    assert [entry["bytes"] for entry in report["lost"]] == [[start, end]]
    assert report["lost"][0]["page"] == f"Page {first}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<title>Page 40</title>", b"<title>Page 40</tjtle>"),
        (b"<title>Page 40", b"<title<Page 40"),
        (b"<page><title>Page 40", b"<pagf><title>Page 40"),
        (b"</page><page><title>Page 41", b"</qage><page><title>Page 41"),
        (b"<title>Page 40", b"</mediawiki><title>Page 40"),
        (b"<title>Page 40", b"&lol;<title>Page 40"),
    ],
)
def test_broken_xml_costs_its_page(streams, whole, tmp_path, old, new):
    xml = bz2.decompress(b"".join(streams))
    assert xml.count(old) == 1
    text, report = extract(xml.replace(old, new), tmp_path)
    assert set(whole) - set(documents_of(text)) == {40}
    (entry,) = report["lost"]
    assert entry["bytes"][0] <= xml.index(old) < entry["bytes"][1]


@pytest.mark.parametrize("filling", [b"\0" * 999, b"\n \n"])
def test_filling_behind_the_last_stream_is_no_damage(streams, whole, tmp_path, filling):
    text, report = extract(b"".join(streams) + filling, tmp_path)
    assert documents_of(text) == whole
    assert report["lost"] == []


def test_garbage_behind_the_last_stream_is_named(streams, whole, tmp_path):
    packed = b"".join(streams)
    text, report = extract(packed + b"garbage", tmp_path)
    assert documents_of(text) == whole
    (entry,) = report["lost"]
    assert entry["bytes"] == [len(packed), len(packed) + 7]


def test_a_dump_without_its_end_is_named_as_cut(streams, whole, tmp_path):
    packed = b"".join(streams[:-1])
    text, report = extract(packed, tmp_path)
    assert documents_of(text) == whole
    (entry,) = report["lost"]
    assert (entry["bytes"], entry["reason"]) == (
        [len(packed)] * 2,
        "the dump ends before </mediawiki>; it is cut short",
    )
