"""Every mistake ends with a message that says what, where and what to do next, status 1, and no output."""

import bz2
import json
import re

import pytest

from expanda.main import main

WIKI = "[build]\ninput-files = --expanda.ext.wikipedia wiki.xml.bz2\n"
TEXT = "[build]\ninput-files = --expanda.ext.text a.txt\nsplit-by = line\n"


@pytest.fixture
def fails(workspace, capsys):
    """Build a configuration and return the message; nothing may have been made."""

    def run(config: str) -> str:
        workspace.write("expanda.cfg", config)
        before = sorted(workspace.path.rglob("*"))
        assert main(["build"]) == 1
        message = capsys.readouterr().err
        assert message.startswith("expanda: error: ")
        assert "Traceback" not in message
        made = [path for path in sorted(workspace.path.rglob("*")) if path.is_file() and path not in before]
        # But for what the next build would go on from, and Python's own cache of an imported extension.
        assert [path for path in made if path.suffix != ".pyc" and "/tmp/expanda-" not in path.as_posix()] == []
        return message

    return run


def damage(packed: bytes) -> bytes:
    middle = len(packed) // 2
    return packed[:middle] + bytes([packed[middle] ^ 0xFF]) + packed[middle + 1 :]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda packed: b"just some words", "neither bz2, gzip or xz nor XML"),
        (lambda packed: b"", "the file is empty"),
        (
            lambda packed: packed[: len(packed) // 2],
            r"no page .* can be read: the file ends at byte \d+ inside a bz2 stream that starts at byte 0",
        ),
        (damage, "no page .* can be read: damaged bz2 stream"),
        (lambda packed: b"<html><p>words</p></html>", "XML but no MediaWiki dump: its root element is <html>"),
        (lambda packed: bz2.compress(b"words"), "neither bz2"),
        (lambda packed: b"<mediawiki></mediawiki>", "holds no page"),
        (lambda packed: b"<mediawiki><page><title>x", "no page .* can be read: the XML is damaged or cut short"),
        (
            lambda packed: b"<mediawiki>\n<page></pag></mediawiki>",
            "no page .* can be read: the XML is damaged or cut short: mismatched tag",
        ),
        (lambda packed: b'<!DOCTYPE x [<!ENTITY a "b">]><mediawiki/>', "declares a document type"),
    ],
)
def test_a_file_of_which_nothing_can_be_read(fails, workspace, packed_dump, make, message):
    workspace.write("wiki.xml.bz2", make(packed_dump))
    text = fails(WIKI)
    assert "wiki.xml.bz2" in text
    assert re.search(message, text)


def test_a_multistream_dump_is_read_whole(workspace, build, packed_dump):
    text = bz2.decompress(packed_dump)
    workspace.write("wiki.xml.bz2", b"".join(bz2.compress(text[at : at + 1000]) for at in range(0, len(text), 1000)))
    (source,) = build(WIKI).manifest["sources"]
    assert source["pages"]["read"] == 5


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("", "input-files: name at least one source"),
        ("no section", "cannot be read as a configuration"),
        ("[build]\ninput-files = --expanda.ext.text %(gone)s", "cannot be read as a configuration"),
        (TEXT + "split-ration = 0.2", "split-ration: there is no such key; did you mean 'split-ratio'"),
        (TEXT + "[tokenisation]\nvocab-size = 9", "no such section.*did you mean 'tokenization'"),
        (TEXT + "[expanda.ext.text]\nunits = line", "units: this extension has no such option; did you mean 'unit'"),
        (TEXT + "[expanda.ext.text]\nunit = lines", "unit = lines: must be one of .*did you mean 'line'"),
        (TEXT + "split-ratio = 1", "split-ratio = 1: must be at least 0 and below 1"),
        (TEXT + "shuffle = perhaps", "shuffle = perhaps: must be true or false"),
        (TEXT + "[tokenization]\nvocab-size = many", "vocab-size = many: must be a whole number"),
        (TEXT + "[tokenization]\nvocab-size = 0", "must be at least 1"),
        (TEXT + "[tokenization]\ntokenizer = wordpeice", "did you mean 'wordpiece'"),
        (TEXT + "[tokenization]\ncontrol-tokens = <s> </s>", "write one token a line"),
        (TEXT + "output-raw-corpus = build/vocab.txt", "name the same file"),
        (TEXT + "output-raw-corpus = a.txt", "output-raw-corpus and the input a.txt name the same file"),
        (TEXT + "output-vocab = ./x/../a.txt", "output-vocab and the input a.txt name the same file"),
        (TEXT + "output-raw-corpus = build/corpus.train.bin", "the ids beside output-train-corpus and output-raw"),
        (TEXT + "output-raw-corpus = build/manifest.json", "manifest.json beside output-vocab and output-raw-corpus"),
        (TEXT + "output-test-corpus = build/tokenizer.json", "tokenizer.json beside output-vocab and output-test"),
        (TEXT + "input-vocab = a.txt\noutput-vocab = a.txt", "output-vocab and input-vocab name the same file"),
        (TEXT + "input-vocab = a.txt\noutput-vocab = v.txt", "tokenizer.json beside output-vocab and tokenizer"),
        (TEXT + "input-vocab = gone.txt", "input-vocab: gone.txt does not exist"),
        ("[build]\ninput-files = expanda.ext.text a.txt", "write '--module path'"),
        ("[build]\ninput-files = --expanda.ext.text", "write '--module path'"),
        ("[build]\ninput-files = --expanda.ext.text gone.txt", "gone.txt does not exist; looked for /"),
        ("[build]\ninput-files = --expanda.ext.text *.gone", "does not exist"),
        ("[build]\ninput-files = --expanda.ext.text .", "is a directory"),
        ("[build]\ninput-files = --expanda.ext.wikpedia a.txt", "did you mean 'expanda.ext.wikipedia'"),
        ("[build]\ninput-files = --json a.txt", "is not an extension: it must define __extension__"),
        ("[build]\ninput-files = --broken a.txt", "cannot be imported: ZeroDivisionError"),
        ("[build]\ninput-files = --failing a.txt", "extension failing failed on a.txt: KeyError: 'x' .*failing.py:2"),
        ("[build]\ninput-files = --silent a.txt", "extension silent wrote nothing for a.txt"),
        ("[build]\ninput-files = --demanding a.txt", "times: this option must be given"),
        ("[build]\ninput-files = --expanda.ext.text a.txt", "only one document"),
        (TEXT + "[tokenization]\ntokenizer = bpe\nvocab-size = 99", "bpe needs at least 256"),
    ],
)
def test_a_configuration_that_cannot_be_built(fails, workspace, config, message):
    workspace.write("a.txt", "one\n\ntwo\n\nthree\n")
    workspace.write("broken.py", "1 / 0")
    workspace.write("failing.py", "def main(*_):\n    {}['x']\n__extension__ = {'main': main}")
    workspace.write("silent.py", "__extension__ = {'main': lambda *_: None}")
    workspace.write("demanding.py", "__extension__ = {'main': print, 'arguments': {'times': {'type': int}}}")
    assert re.search(message, fails(config), re.DOTALL)


def test_all_mistakes_of_a_configuration_are_told_at_once(fails, workspace):
    message = fails(
        "[build]\ninput-files = --expanda.ext.text gone.txt\nsead = 1\nshuffle = 2\n"
        "[tokenization]\nvocab = 3\n[expanda.ext.text]\nunit = x\n[nonsense]\na = b\n"
    )
    for word in ("gone.txt", "sead", "shuffle = 2", "vocab", "unit = x", "[nonsense]"):
        assert word in message


def test_a_text_that_is_not_utf8_names_the_byte(fails, workspace):
    workspace.write("a.txt", b"good\n\xff")
    assert "a.txt: byte 5 is not UTF-8" in fails(TEXT)


def test_no_configuration_file(workspace, capsys):
    assert main(["build", "gone.cfg"]) == 1
    assert "there is no configuration file gone.cfg" in capsys.readouterr().err


def test_wrong_usage_has_status_2(workspace, capsys):
    for arguments in ([], ["biuld"], ["build", "--fource"]):
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        assert exit_.value.code == 2


def test_what_lies_in_the_temporary_directory_is_left_alone(workspace, build):
    workspace.write("a.txt", "one\n\ntwo\n\nthree\n")
    workspace.write("mine/precious", "x")
    build(TEXT + "temporary-path = mine")
    assert [path.name for path in (workspace.path / "mine").iterdir()] == ["precious"]


def test_a_failed_build_leaves_the_last_one_as_it_was(workspace, build, fails):
    workspace.write("a.txt", "one\n\ntwo\n\nthree\n")
    manifest = build(TEXT).manifest
    fails(TEXT + "[tokenization]\ntokenizer = bpe\nvocab-size = 99")
    assert workspace.manifest == manifest
    assert main(["build"]) == 1


def test_a_damaged_output_or_a_changed_input_is_built_again(workspace, build):
    workspace.write("a.txt", "one\n\ntwo\n\nthree\n")
    good = build(TEXT).manifest["outputs"]
    (workspace.build / "vocab.txt").write_text("spoiled")
    assert build(TEXT).manifest["outputs"] == good
    workspace.write("a.txt", "one\n\ntwo\n\nthree\n\nfour\n")
    assert build(TEXT).manifest["outputs"] != good
    (workspace.build / "manifest.json").write_text(json.dumps([]))
    build(TEXT)


def test_a_dead_worker_ends_the_build(workspace, packed_dump):
    workspace.write("wiki.xml.bz2", packed_dump)
    workspace.write("deadly.py", DEADLY)
    workspace.write("expanda.cfg", "[build]\ninput-files = --deadly wiki.xml.bz2\n")
    done = workspace.expanda("build")
    assert done.returncode == 1
    assert "a worker process died" in done.stderr
    assert not workspace.build.exists()


DEADLY = """
import os, signal
from expanda.executors import run_tasks

def die(task):
    os.kill(os.getpid(), signal.SIGKILL)

def main(input_file, output_file, temporary, args):
    list(run_tasks(die, range(5), executor="local:2"))

__extension__ = {"main": main}
"""
