"""JSON lines: every record is a document, or is counted for a reason; a bad line is named."""

import gzip
import json

import pytest

from expanda.ext.jsonl import _lines
from expanda.lines import unescape
from expanda.main import main

CONFIG = (
    "[build]\nshuffle = false\nsplit-ratio = 0\ninput-files = --expanda.ext.jsonl a.jsonl\n"
    "[tokenization]\ntokenizer = char\n[expanda.ext.jsonl]\n"
)


def packed(*records):
    return gzip.compress("".join(json.dumps(record) + "\n" for record in records).encode())


@pytest.mark.parametrize(
    ("unit", "sequences"),
    [
        ("article", ["One two.\nThree. Four\n\nFive.", "하나. 둘."]),
        ("paragraph", ["One two.\nThree. Four", "Five.", "하나. 둘."]),
        ("line", ["One two.", "Three. Four", "Five.", "하나. 둘."]),
        ("sentence", ["One two.", "Three.", "Four", "Five.", "하나.", "둘."]),
    ],
)
def test_a_record_is_a_document_that_is_cut_into_units(workspace, build, unit, sequences):
    workspace.write("a.jsonl", packed({"text": "One two.\r\nThree. Four\n\nFive."}, {"text": "하나. 둘."}))
    made = build(CONFIG + f"unit = {unit}\n")
    assert [unescape(line) for line in made.lines("corpus.raw.txt")] == sequences
    assert made.manifest["splits"]["train"]["documents"] == 2


def test_the_field_may_lie_within_another_and_what_lacks_it_is_counted(workspace, build):
    records = [
        {"a": {"b": "kept"}},
        {"a": {"b": " "}},
        {"a": {"b": 3}},
        {"a": {}},
        {"a": "b"},
        {"text": "no"},
        {"a": {"b": None}},
    ]
    workspace.write("a.jsonl", packed(*records) + gzip.compress(b"\n  \n"))
    made = build(CONFIG + "field = a.b\n")
    (source,) = made.manifest["sources"]
    assert source["pages"] == {"read": 7, "kept": 1, "dropped": {"empty": 1, "no field": 4, "not text": 1}}
    assert made.lines("corpus.raw.txt") == ["kept"]


BAD = {
    b'{"text": "a"': "not JSON: Expecting ',' delimiter at its character 13",
    b"words": "not JSON: Expecting value at its character 1",
    b'["text"]': "it holds no object, but a list",
    b'{"text": "\xff"}': "byte 10 of it is not UTF-8",
    b'{"text": "\\ud800"}': "half of a surrogate pair",
    b'{"text": ' + b"[" * 200_000: "nested too deeply",
    b'{"text": ' + b"9" * 9999 + b"}": "not usable|no field|not text",
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_line_is_an_error_that_names_it(workspace, capsys, bad):
    workspace.write("a.jsonl", b'\xef\xbb\xbf{"text": "good"}\n\n' + bad + b"\n")
    workspace.write("expanda.cfg", CONFIG)
    if main(["build"]) == 0:
        pytest.skip("this Python reads numbers of any length")
    message = capsys.readouterr().err
    assert "a.jsonl: line 3: " in message
    assert "skip-bad = true" in message
    assert any(words in message for words in BAD[bad].split("|"))


def test_bad_lines_are_counted_when_they_are_skipped(workspace, build):
    bad = list(BAD)[:6]
    workspace.write("a.jsonl", b"\n".join([b'{"text": "good"}', *bad, b'{"text": "last"}']))
    made = build(CONFIG + "skip-bad = yes\n")
    (source,) = made.manifest["sources"]
    assert source["pages"] == {"read": 8, "kept": 2, "dropped": {"bad line": 6}}
    assert made.lines("corpus.raw.txt") == ["good", "last"]


def test_a_file_without_records_is_an_error(workspace, capsys):
    workspace.write("a.jsonl", "\n\n")
    workspace.write("expanda.cfg", CONFIG)
    assert main(["build"]) == 1
    assert "a.jsonl: this file holds no record" in capsys.readouterr().err


@pytest.mark.parametrize("size", [1, 2, 3, 7, 99])
def test_lines_are_the_same_wherever_the_blocks_end(size):
    data = b"one\n\ntwo\nthree\r\nfour"
    blocks = [data[at : at + size] for at in range(0, len(data), size)]
    assert list(_lines(blocks)) == data.split(b"\n")
