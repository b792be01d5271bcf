"""Expanda's own extensions, laid into a workspace as they are, run here."""

import bz2
import io
import json
import subprocess
import sys
import zipfile

import pytest

pytestmark = pytest.mark.slow

SENTENCE = (
    "{}번째 문서는 이 말뭉치를 시험하려고 길게 쓴 [[문장|문장]]을 담고 있으며, 쉰 글자보다 길어야 하므로 이렇게 "
    "'''조금 더''' 길게 늘여 쓴 것이다."
)


@pytest.fixture(scope="session")
def expandas_own(tmp_path_factory):
    """The extensions of Expanda 1.3.1, by name, fetched from the package index; none of it is kept with us."""
    pytest.importorskip("ijson", reason="Expanda's namuwiki.py needs ijson")
    pytest.importorskip("kss", reason="Expanda's extensions need kss 1.3.1, built without isolation")
    folder = tmp_path_factory.mktemp("expanda")
    command = [sys.executable, "-m", "pip", "download", "expanda==1.3.1", "--no-deps", "--dest", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.skip(f"expanda 1.3.1 cannot be fetched: {done.stderr.strip().splitlines()[-1:]}")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(io.BytesIO(wheel.read_bytes())) as files:
        return {name: files.read(f"expanda/ext/{name}.py") for name in ("wikipedia", "namuwiki")}


def test_expandas_wikipedia_runs_unchanged(workspace, expandas_own, page, dump):
    pages = [page(f"문서 {n}", SENTENCE.format(n)) for n in range(20)]
    pages += [page("넘겨주기", "#REDIRECT [[문서 1]]"), page("토론", SENTENCE, namespace=1)]
    workspace.write("wikipedia.py", expandas_own["wikipedia"])
    workspace.write("src/ko.xml.bz2", bz2.compress(dump(*pages, language="ko").encode()))
    workspace.write("expanda.cfg", "[wikipedia]\nnum-cores = 2\n[build]\ninput-files = --wikipedia src/ko.xml.bz2\n")
    expect_lines(workspace, [plain(SENTENCE.format(n)) for n in range(20)])


def test_expandas_namuwiki_runs_unchanged(workspace, expandas_own):
    pages = [{"namespace": "0", "title": f"{n}", "text": SENTENCE.format(n)} for n in range(20)]
    pages.append({"namespace": "0", "title": "넘겨주기", "text": "#redirect 1"})
    workspace.write("namuwiki.py", expandas_own["namuwiki"])
    workspace.write("src/namu.json", json.dumps(pages))
    workspace.write("expanda.cfg", "[namuwiki]\nnum-cores = 2\n[build]\ninput-files = --namuwiki src/namu.json\n")
    expect_lines(workspace, [plain(SENTENCE.format(n)) for n in range(20)])


def plain(markup):
    return markup.replace("[[문장|문장]]", "문장").replace("'''", "")


def expect_lines(workspace, lines):
    done = workspace.expanda("build")
    assert done.returncode == 0, done.stderr
    assert sorted(workspace.lines("corpus.raw.txt")) == sorted(lines)
