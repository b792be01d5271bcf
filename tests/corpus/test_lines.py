"""The one-line form of sequences loses nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expanda.lines import (
    batches,
    documents_text,
    escape,
    import_plain_text,
    read_documents,
    text_bytes,
    unescape,
)

# Backslashes, n and newlines are what the form is about, so most of the tried texts consist of them.
texts = st.text(st.sampled_from("\\n\n a\r\u2028é"), max_size=30) | st.text(max_size=30)


@given(texts)
def test_unescape_undoes_escape(text):
    line = escape(text)
    assert "\n" not in line
    assert unescape(line) == text


@given(texts.filter(lambda text: "\n" not in text))
def test_escape_undoes_unescape(line):
    """So a stage may pass lines on as they are."""
    assert escape(unescape(line)) == line
    assert text_bytes(f"{line}\n".encode()) == len(f"{unescape(line)}\n".encode())


@given(st.lists(texts), st.integers(1, 40))
def test_batches_hold_all_sequences_in_order_and_end_once_they_are_full(sequences, characters):
    made = list(batches(sequences, characters=characters))
    assert [sequence for batch in made for sequence in batch] == sequences
    assert all(sum(len(sequence) + 1 for sequence in batch[:-1]) < characters for batch in made)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("two\nlines", r"two\nlines"),
        (r"C:\new", r"C:\\new"),
        (r"C:\temp", r"C:\temp"),
        ("end\\\n", r"end\\\n"),
        (r"\\n", r"\\\\n"),
    ],
)
def test_only_backslashes_before_n_or_a_newline_are_doubled(text, line):
    assert escape(text) == line


def test_a_long_run_of_backslashes_costs_linear_time():
    text = "\\" * 200_000 + "x\\n"
    assert unescape(escape(text)) == text


@given(st.lists(st.lists(texts.filter(bool), min_size=1, max_size=3), max_size=5))
def test_documents_come_back_as_they_were_written(tmp_path_factory, documents):
    file = tmp_path_factory.mktemp("documents") / "file"
    file.write_text("".join(documents_text(documents)), encoding="utf-8", newline="\n")
    expected = [(number, sequence) for number, document in enumerate(documents) for sequence in document]
    assert [(number, unescape(line)) for number, line in read_documents(file)] == expected


@pytest.mark.parametrize(
    ("plain", "documents"),
    [
        ("a\nb\n", [(0, "a"), (1, "b")]),
        ("a\nb\n\nc", [(0, "a"), (0, "b"), (1, "c")]),
        ("\n\na\n \n\nb\n\n", [(0, "a"), (1, "b")]),
        ("a\nb\n\n", [(0, "a"), (1, "b")]),
        ("\n \na\nb\n", [(0, "a"), (1, "b")]),
        ("\na\nb\n\nc\n\n", [(0, "a"), (0, "b"), (1, "c")]),
        ("a\r\nb\r\n", [(0, "a"), (1, "b")]),
        ("C:\\new\n", [(0, "C:\\new")]),
        ("", []),
    ],
)
def test_plain_output_is_blocks_when_a_blank_line_stands_between_lines_or_else_lines(tmp_path, plain, documents):
    source, target = tmp_path / "plain", tmp_path / "documents"
    source.write_bytes(plain.encode())
    count = import_plain_text(source, target)
    assert [(number, unescape(line)) for number, line in read_documents(target)] == documents
    assert count == len({number for number, _ in documents})
