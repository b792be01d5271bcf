"""What `expanda list`, `expanda show` and the ids on disk look like, and that the right Expanda answers."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from expanda.binary import IdWriter
from expanda.config import load_config
from expanda.files import Outputs
from expanda.keys import BuildConfig, TokenizationConfig, key_name
from expanda.listing import shown_default
from expanda.main import main

ROOT = Path(__file__).resolve().parents[2]


def test_list_prints_extensions_versions_and_files_and_names_missing_ones(workspace, users_config, capsys):
    workspace.write("expanda.cfg", users_config.format(num_cores=1) + "    --expanda.ext.text  a file.txt\n")
    workspace.write("a file.txt", "x" * 1234)
    assert main(["list"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["expanda.ext.wikipedia", "1.0"] in lines
    assert ["src/wiki.xml.bz2", "missing"] in lines
    assert ["a", "file.txt", "1,234", "bytes"] in lines


def test_show_prints_every_key_with_its_default_and_help(capsys):
    assert main(["show"]) == 0
    out = capsys.readouterr().out
    for section in (BuildConfig, TokenizationConfig):
        for item in dataclasses.fields(section):
            assert f"  {key_name(item)} = {shown_default(item.default)}\n      {item.metadata['help']}\n" in out
    assert "expanda.ext.wikipedia" in out


@pytest.mark.parametrize("module", ["expanda.ext.wikipedia", "expanda.ext.text"])
def test_show_prints_what_an_extension_takes(module, capsys):
    from expanda.extension import load_extension

    assert main(["show", module]) == 0
    out = capsys.readouterr().out
    extension = load_extension(module)
    for text in (extension.name, extension.version, extension.description, extension.author):
        assert text in out
    for name, wanted in extension.arguments.items():
        assert re.search(
            rf"{name} \(.+\) = {re.escape(shown_default(wanted['default']))}\n +{re.escape(wanted['help'])}", out
        )


def test_show_says_which_extension_there_is_instead(capsys):
    assert main(["show", "expanda.ext.texts"]) == 1
    assert "did you mean 'expanda.ext.text'" in capsys.readouterr().err


def test_keys_of_expanda_keep_their_meaning(workspace):
    """Interpolation, lower-cased keys, a [DEFAULT] section, values over several lines: as configparser reads them."""
    workspace.write("data/a.txt", "x")
    workspace.write(
        "expanda.cfg",
        "[DEFAULT]\nwhere = data\nbalancing = TRUE\n[build]\nInput-Files =\n    # a comment\n"
        "    --expanda.ext.text %(where)s/a.txt\nTemporary-Path = ./tmp\n",
    )
    config = load_config(Path("expanda.cfg"))
    assert [source.path for source in config.sources] == [Path("data/a.txt")]
    assert config.build.balancing
    assert config.build.temporary_path == Path("tmp")


@pytest.mark.parametrize(
    ("vocabulary", "kind", "magic"), [(65536, "<u2", (20240520, 1)), (65537, "<u4", (20240801, 7))]
)
def test_ids_are_narrow_or_wide_and_cut_into_shards(tmp_path, vocabulary, kind, magic):
    outputs = Outputs()
    writer = IdWriter(tmp_path / "corpus.train.bin", vocabulary, outputs, shard_tokens=10)
    for start in range(0, 25, 5):
        writer.write(range(start, start + 5))
    writer.close()
    outputs.publish()
    assert writer.tokens == 25
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"corpus.train.0000{n}.bin" for n in range(3)]
    ids: list[int] = []
    for path in sorted(tmp_path.iterdir()):
        content = path.read_bytes()
        header = np.frombuffer(content, "<i4", 256)
        part = np.frombuffer(content, kind, offset=1024)
        assert tuple(header[:3]) == (*magic, len(part))
        assert not header[3:].any()
        ids.extend(part)
    assert ids == list(range(25))


def test_ids_that_fill_one_file_exactly_stay_one_file(tmp_path):
    outputs = Outputs()
    writer = IdWriter(tmp_path / "c.bin", 100, outputs, shard_tokens=10)
    writer.write(range(10))
    writer.close()
    outputs.publish()
    assert [path.name for path in tmp_path.iterdir()] == ["c.bin"]


def entry(site_packages: Path, ours: Path) -> "subprocess.CompletedProcess[str]":
    """Run our entry point with `site_packages` before the place where ours is installed."""
    return subprocess.run(
        [sys.executable, "-c", "import sys, expanda_entry; sys.exit(expanda_entry.main())", "show"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site_packages), str(ours)])},
        capture_output=True,
        text=True,
    )


def test_another_expanda_in_the_environment_is_named_with_its_remedy(tmp_path):
    old = tmp_path / "site-packages"
    (old / "expanda").mkdir(parents=True)
    (old / "expanda/__init__.py").write_text("def _main(): print('the old one')")
    (old / "Expanda-1.3.1.dist-info").mkdir()
    (old / "Expanda-1.3.1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: Expanda\nVersion: 1.3.1\n")
    done = entry(old, ROOT / "src")
    assert done.returncode == 1
    assert "another package named Expanda (version 1.3.1 at " in done.stderr
    assert "pip uninstall expanda" in done.stderr
    shutil.rmtree(old / "Expanda-1.3.1.dist-info")
    done = entry(old, ROOT / "src")
    assert done.returncode == 1
    assert str(old) in done.stderr


def test_our_own_expanda_answers_when_it_is_alone(tmp_path):
    done = entry(tmp_path, ROOT / "src")
    assert done.returncode == 0, done.stderr
    assert "[build]" in done.stdout


def test_the_documentation_lists_every_key_with_its_default():
    rows = re.findall(
        r"^\| `([\w-]+)` \| (?:`(.*?)`)? ?\|", (ROOT / "docs/corpus.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    documented = dict(rows)
    for section in (BuildConfig, TokenizationConfig):
        for item in dataclasses.fields(section):
            assert documented[key_name(item)] == shown_default(item.default)
