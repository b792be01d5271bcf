"""A journal goes on after the last part that is whole, wherever its files were cut or changed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expanda.journal import Journal

PARTS = [b"first part\n", b"", b"second \x00 part\n" * 50, b"last"]


def write(folder, parts=PARTS, *, start=0):
    with Journal(folder / "journal", folder / "output") as journal:
        known = dict(journal.done)
        for number in range(len(known), len(parts)):
            (folder / "part").write_bytes(parts[number])
            journal.add(f"task-{number}", folder / "part", {"n": number})
    return known


def test_an_output_is_its_parts_and_a_second_run_knows_them(tmp_path):
    assert write(tmp_path) == {}
    assert (tmp_path / "output").read_bytes() == b"".join(PARTS)
    assert write(tmp_path) == {f"task-{number}": {"n": number} for number in range(4)}
    assert (tmp_path / "output").read_bytes() == b"".join(PARTS)


@given(st.sampled_from(["journal", "output"]), st.floats(0, 1), st.booleans())
def test_after_a_cut_or_a_changed_byte_the_rest_is_done_again(tmp_path_factory, name, where, is_cut):
    folder = tmp_path_factory.mktemp("journal")
    write(folder)
    content = bytearray((folder / name).read_bytes())
    place = min(int(where * len(content)), len(content) - 1)
    if is_cut:
        del content[place:]
    else:
        content[place] ^= random.Random(place).choice([1, 2, 64])
    (folder / name).write_bytes(content)
    known = write(folder)
    assert known == {f"task-{number}": {"n": number} for number in range(len(known))}
    assert len(known) < 4
    assert (folder / "output").read_bytes() == b"".join(PARTS)


@pytest.mark.parametrize("content", [b"", b"{", b"[]\n", b"null\n", b'{"task": 1}\n', b"\xff\n"])
def test_a_journal_of_nonsense_means_that_nothing_is_done(tmp_path, content):
    (tmp_path / "journal").write_bytes(content)
    (tmp_path / "output").write_bytes(b"old")
    assert write(tmp_path) == {}
    assert (tmp_path / "output").read_bytes() == b"".join(PARTS)
