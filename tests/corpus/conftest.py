"""Workspaces to build in, and small dumps to build from."""

import bz2
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pytest

from expanda.main import main

SOURCES = Path(__file__).resolve().parents[2] / "src"
USERS_CONFIG = """\
[expanda.ext.wikipedia]
num-cores           = {num_cores}
[tokenization]
unk-token           = <unk>
control-tokens      = <s>
                      </s>
                      <pad>
[build]
input-files         =
    --expanda.ext.wikipedia     src/wiki.xml.bz2
"""


class Workspace:
    """A directory with an expanda.cfg, and ways to look at what a build made of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.build = path / "build"

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file of the workspace."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def expanda(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run the command in a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "expanda", *arguments],
            cwd=self.path,
            env={**os.environ, "PYTHONPATH": str(SOURCES), **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest of the last build."""
        content: dict[str, Any] = json.loads((self.build / "manifest.json").read_text(encoding="utf-8"))
        return content

    def lines(self, name: str) -> list[str]:
        """The lines of an output."""
        return (self.build / name).read_text(encoding="utf-8").split("\n")[:-1]

    def ids(self, side: str) -> "np.ndarray":
        """The ids of a .bin, its header checked."""
        content = (self.build / f"corpus.{side}.bin").read_bytes()
        magic, version, count = np.frombuffer(content, "<i4", 3)
        assert (magic, version) == (20240520, 1)
        ids = np.frombuffer(content, "<u2", offset=1024)
        assert len(ids) == count == self.manifest["splits"][side]["tokens"]
        return ids


@pytest.fixture(scope="session")
def workspace_at() -> Callable[[Path], Workspace]:
    """Make a workspace of a directory; for what lives longer than one test."""
    return Workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An empty workspace, which is the current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return Workspace(tmp_path)


@pytest.fixture
def build(workspace: Workspace) -> Callable[[str], Workspace]:
    """Write a configuration, build it here, and expect success."""

    def run(config: str) -> Workspace:
        workspace.write("expanda.cfg", config)
        assert main(["build"]) == 0
        return workspace

    return run


@pytest.fixture(scope="session")
def wiki(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The user's own configuration, built once on the real dump."""
    made = Workspace(tmp_path_factory.mktemp("wiki"))
    made.write("src/wiki.xml.bz2", (shared_data / "enwiki-sample.xml.bz2").read_bytes())
    made.write("expanda.cfg", USERS_CONFIG.format(num_cores=1))
    done = made.expanda("build")
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="session")
def users_config() -> str:
    """The user's own configuration, to be formatted with `num_cores`."""
    return USERS_CONFIG


def page_xml(title: str, text: str, *, namespace: int = 0, extra: str = "", model: str = "wikitext") -> str:
    """One page as a dump has it; `extra` stands between namespace and revision."""
    return (
        f"<page><title>{escape(title)}</title><ns>{namespace}</ns><id>1</id>{extra}<revision><id>2</id>"
        f"<model>{model}</model><text xml:space='preserve'>{escape(text)}</text></revision></page>"
    )


def dump_xml(*pages: str, language: str = "en") -> str:
    """A dump of these pages."""
    return (
        f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/" xml:lang="{language}"><siteinfo><namespaces>'
        '<namespace key="0" /><namespace key="6">Datei</namespace><namespace key="14">Kategorie</namespace>'
        f"</namespaces></siteinfo>{''.join(pages)}</mediawiki>"
    )


@pytest.fixture(scope="session")
def page() -> Callable[..., str]:
    """`page_xml`, for tests."""
    return page_xml


@pytest.fixture(scope="session")
def dump() -> Callable[..., str]:
    """`dump_xml`, for tests."""
    return dump_xml


@pytest.fixture(scope="session")
def packed_dump() -> bytes:
    """A small dump, packed as one bz2 stream."""
    text = " ".join(f"This is sentence number {n}, which is long enough to stay in the corpus." for n in range(40))
    return bz2.compress(dump_xml(*(page_xml(f"Page {n}", text) for n in range(5))).encode())
