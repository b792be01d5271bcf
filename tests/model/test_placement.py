"""Laws of where runs live: none writes into another's directory, none loses what another made."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from gpt2.checkpoint import holds_checkpoint
from gpt2.config import UserError
from gpt2.metrics import read_metrics
from gpt2.training.placement import make_plan

from .conftest import tiny_config, tiny_run
from .test_training import continue_run


def files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def steps(directory: Path) -> list[int]:
    return [line["step"] for line in read_metrics(directory / "metrics.jsonl") if "eval/loss" in line]


@pytest.fixture
def run_dir(corpus_dir: Path, tmp_path: Path) -> Path:
    """A finished run with checkpoints at steps 2, 4 and 6."""
    settings = {"total_steps": 6, "eval_steps": 2, "save_steps": 2, "keep_checkpoints": 3}
    tiny_run(tiny_config(corpus_dir, tmp_path / "one", **settings)).execute()
    return tmp_path / "one"


def test_a_copied_run_continues_in_its_copy(run_dir: Path) -> None:
    before, copy = files(run_dir), run_dir.parent / "copy"
    shutil.copytree(run_dir, copy)
    continue_run(copy, total_steps=8).execute()
    assert files(run_dir) == before
    assert steps(copy) == [0, 2, 4, 6, 8]
    assert (copy / "checkpoints" / "step-00000008").is_dir()


def test_continuing_into_another_directory_leaves_the_first_alone(run_dir: Path) -> None:
    before, branch = files(run_dir), run_dir.parent / "branch"
    older = run_dir / "checkpoints" / "step-00000002"
    continue_run(older, total_steps=4, output_dir=str(branch)).execute()
    assert files(run_dir) == before
    assert steps(branch) == [0, 2, 4]
    samples = [line.split(":")[0] for line in (branch / "samples.txt").read_text(encoding="utf-8").splitlines()]
    assert samples == [f"step {step}" for step in (0, 0, 2, 2, 4, 4)]
    assert continue_run(branch, total_steps=5).trainer.step == 4


def test_an_older_checkpoint_is_not_continued_over_newer_ones(run_dir: Path) -> None:
    before = files(run_dir)
    with pytest.raises(UserError, match="step-00000006, which is newer than step-00000002.*another --output_dir"):
        continue_run(run_dir / "checkpoints" / "step-00000002")
    assert files(run_dir) == before


def test_a_checkpoint_may_bear_any_name(run_dir: Path) -> None:
    kept = shutil.copytree(run_dir / "checkpoints" / "step-00000004", run_dir / "checkpoints" / "kept")
    with pytest.raises(UserError, match="step-00000006, which is newer than kept"):
        continue_run(kept)
    assert continue_run(kept, output_dir=str(run_dir.parent / "branch")).trainer.step == 4


def test_a_damaged_newest_checkpoint_does_not_cost_the_next_one(run_dir: Path) -> None:
    (run_dir / "checkpoints" / "step-00000006" / "model.safetensors").write_bytes(b"damaged")
    run = continue_run(run_dir, total_steps=5, keep_checkpoints=1)
    assert run.trainer.step == 4
    run.execute()
    assert (run_dir / "checkpoints" / "step-00000005").is_dir()
    assert continue_run(run_dir, total_steps=5).trainer.step == 5


def test_a_runs_configuration_starts_another_run_afresh(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = yaml.safe_load((run_dir / "config.yaml").read_text(encoding="utf-8"))
    monkeypatch.chdir(run_dir.parent)
    plan = make_plan(config, name="again")
    assert plan.continues is None
    output, checkpoints = plan.take_directories()
    assert (output, checkpoints) == (Path("runs/again-1"), Path("runs/again-1/checkpoints"))


def test_two_runs_that_start_together_take_two_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plans = [make_plan({}, name="gpt2") for _ in range(3)]
    assert [str(plan.take_directories()[0]) for plan in plans] == ["runs/gpt2-1", "runs/gpt2-2", "runs/gpt2-3"]


def test_checkpoints_collect_where_they_are_told_to(corpus_dir: Path, tmp_path: Path) -> None:
    collected = tmp_path / "checkpoint.pth"  # an ancestor's name for a file; here it names a directory
    settings = {"total_steps": 2, "save_checkpoint_path": str(collected)}
    tiny_run(tiny_config(corpus_dir, tmp_path / "run", **settings)).execute()
    assert holds_checkpoint(collected)
    run = continue_run(collected, total_steps=4)
    assert (run.output, run.checkpoints) == (tmp_path / "run", collected)


def test_what_cannot_be_written_is_found_before_the_training(corpus_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "dir.pth").mkdir()
    for settings, message in (
        ({"save_checkpoint_path": str(tmp_path / "file")}, "a file of this name is in the way"),
        ({"save_model_path": str(tmp_path / "dir.pth")}, "this is a directory"),
    ):
        with pytest.raises(UserError, match=message):
            tiny_run(tiny_config(corpus_dir, tmp_path / "run", **settings))


def test_a_finished_run_says_so_when_it_is_continued(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores = continue_run(run_dir).execute()
    assert "already at step 6: nothing to train" in capsys.readouterr().out
    assert scores is not None
    assert scores.loss == pytest.approx(read_metrics(run_dir / "metrics.jsonl")[-1]["eval/loss"])
