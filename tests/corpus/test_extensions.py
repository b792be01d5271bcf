"""Extensions: ours, and those written for Expanda."""

import gzip
import lzma

import pytest

from expanda.lines import unescape
from expanda.main import main

FOREIGN = """
from expanda.utils import random_filename, random_filenames

def _extract(input_file, output_file, temporary, args):
    name = random_filename(temporary)
    assert len(random_filenames(temporary, 2)) == 2
    assert args == {"times": 2, "ratio": 0.5}
    with open(input_file) as src, open(name, "w") as dst:
        for line in src:
            dst.write(line * args["times"])
    import shutil
    shutil.move(name, output_file)

__extension__ = {
    "name": "foreign", "version": "2.3", "description": "repeats lines", "author": "someone",
    "main": _extract,
    "arguments": {"times": {"type": int}, "ratio": {"type": float, "default": "0.5"}},
}
"""


def test_an_extension_written_for_expanda_runs_from_the_workspace(workspace, build):
    workspace.write("foreign_one.py", FOREIGN)
    workspace.write("some text.txt", "".join(f"line {n} with C:\\new\n" for n in range(50)))
    made = build("[foreign_one]\ntimes = 2\n[build]\ninput-files =\n    --foreign_one   some text.txt\n")
    (source,) = made.manifest["sources"]
    assert source["pages"] == {"read": 100, "kept": 100, "dropped": {}}
    assert {unescape(line) for line in made.lines("corpus.raw.txt")} == {f"line {n} with C:\\new" for n in range(50)}


def test_blocks_of_a_foreign_extension_are_documents(workspace, build):
    workspace.write("foreign_two.py", FOREIGN.replace('line * args["times"]', "line"))
    workspace.write("text.txt", "".join(f"{n} a\n{n} b\n\n" for n in range(40)))
    made = build("[foreign_two]\ntimes = 2\n[build]\ninput-files = --foreign_two text.txt\n")
    assert sum(side["documents"] for side in made.manifest["splits"].values()) == 40
    lines = made.manifest["splits"]["test"]["lines"]
    raw = made.lines("corpus.raw.txt")
    assert not {line.split()[0] for line in raw[:lines]} & {line.split()[0] for line in raw[lines:]}


@pytest.mark.parametrize(
    ("unit", "sequences"),
    [
        ("article", ["One two.\nThree. Four\n\nFive.\n"]),
        ("paragraph", ["One two.\nThree. Four", "Five."]),
        ("line", ["One two.", "Three. Four", "Five."]),
        ("sentence", ["One two.", "Three.", "Four", "Five."]),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_text_is_cut_into_units_whatever_it_is_packed_with(workspace, build, unit, sequences, pack):
    workspace.write("a.txt", pack(b"One two.\r\nThree. Four\r\n\r\nFive.\r\n"))
    made = build(
        f"[expanda.ext.text]\nunit = {unit}\n[build]\nshuffle = false\nsplit-ratio = 0\n"
        "input-files = --expanda.ext.text a.txt\n[tokenization]\ntokenizer = char"
    )
    assert [unescape(line) for line in made.lines("corpus.raw.txt")] == sequences


def test_patterns_expand_in_order_and_each_file_is_a_document(workspace, build):
    for name in ("b", "a", "c"):
        workspace.write(f"texts/{name}.txt", f"text of {name}\n")
    made = build("[build]\ninput-files = --expanda.ext.text texts/*.txt\n[tokenization]\ntokenizer = bpe\n")
    assert [source["path"] for source in made.manifest["sources"]] == [f"texts/{name}.txt" for name in "abc"]
    assert {side: counts["documents"] for side, counts in made.manifest["splits"].items()} == {"train": 2, "test": 1}


def test_pages_are_dropped_for_the_first_reason_that_holds(workspace, build, page, dump):
    prose = "'''Prose''' that is long enough to be kept as a sentence of the corpus, number {}."
    redirect = "<redirect title='X' />"
    pages = [page(f"Kept {n}", prose.format(n)) for n in range(3)]
    pages += [
        page("Talk", "words", namespace=1, extra=redirect),
        page("Redirect", "#넘겨주기 [[X]]", extra=redirect, model="json"),
        page("Model", "", model="json"),
        page("Deleted", "x").replace("<text ", "<text deleted='deleted' "),
        page("Empty", " \n"),
        page("Only boxes", "{{Navbox}}\n[[Kategorie:X]]"),
        page("No sentence", "Just a heading"),
    ]
    twice = page("Revised", "old").replace(
        "</page>", "<revision><text>" + prose.format("new") + "</text></revision></page>"
    )
    workspace.write("wiki.xml", dump(*pages, twice))
    made = build("[build]\ninput-files = --expanda.ext.wikipedia wiki.xml\n")
    (source,) = made.manifest["sources"]
    reasons = dict.fromkeys(["namespace", "redirect", "model", "deleted", "empty", "no text"], 1)
    assert source["pages"] == {"read": 11, "kept": 5, "dropped": dict(sorted(reasons.items()))}
    assert source["sequences"] == {"read": 5, "kept": 4, "dropped": {"no terminator": 1}}
    assert sum(counts["documents"] for counts in made.manifest["splits"].values()) == 4
    assert any("number new" in line for line in made.lines("corpus.raw.txt"))
    assert not any("넘겨주기" in line for line in made.lines("corpus.raw.txt"))


def test_workers_find_the_extension_that_lies_in_the_workspace(workspace, packed_dump):
    """Spawned processes import afresh; a workspace's own module may use our parallel cleaning."""
    workspace.write("mine.py", "from expanda.ext.wikipedia import __extension__\n")
    workspace.write("wiki.xml.bz2", packed_dump)
    workspace.write("expanda.cfg", "[mine]\nnum-cores = 2\n[build]\ninput-files = --mine wiki.xml.bz2\n")
    done = workspace.expanda("build")
    assert done.returncode == 0, done.stderr


def test_an_extension_that_loses_text_without_naming_it_fails_the_build(workspace, capsys):
    workspace.write(
        "careless.py",
        "def main(i, o, t, a):\n    open(o, 'w').write('a\\n\\nb\\n')\n"
        "    return {'pages': {'read': 3, 'kept': 2, 'dropped': {}}}\n"
        "__extension__ = {'main': main, 'output': 'documents'}\n",
    )
    workspace.write("a.txt", "a")
    workspace.write("expanda.cfg", "[build]\ninput-files = --careless a.txt\n")
    assert main(["build"]) == 1
    assert "3 pages were read, but 2 kept and 0 dropped" in capsys.readouterr().err
    assert not any(workspace.build.iterdir()) if workspace.build.exists() else True
