"""The `gpt2` command as a user types it, right and wrong."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gpt2.config import SECTIONS, UserError, build, flags_of, to_yaml
from gpt2.main import main
from gpt2.suggestions import FOREIGN_NAMES

from .conftest import write_corpus

SIZES = ["--layers=2", "--heads=2", "--dims=32", "--seq_len=16", "--batch_train=8", "--batch_eval=8"]
SIZES += ["--log_steps=2", "--eval_steps=4"]


def corpus_flags(directory: Path) -> list[str]:
    names = {"train_corpus": "corpus.train.txt", "eval_corpus": "corpus.test.txt", "vocab_path": "vocab.txt"}
    return [word for flag, name in names.items() for word in (f"--{flag}", str(directory / name))]


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory, corpus_dir: Path) -> Path:
    output = tmp_path_factory.mktemp("run")
    pth = ["--save_model_path", str(output / "saved.pth")]
    status = main(["train", *corpus_flags(corpus_dir), *SIZES, "--total_steps", "4", "--output_dir", str(output), *pth])
    assert status == 0
    return output


def error_of(capsys: pytest.CaptureFixture[str], arguments: list[str], status: int = 1) -> str:
    assert main(arguments) == status
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.err


def test_evaluate_prints_the_scores_of_the_whole_split(
    run_dir: Path, corpus_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = []
    for model in ("model", "saved.pth", "."):
        flags = ["--model_path", str(run_dir / model), "--eval_corpus", str(corpus_dir / "corpus.test.txt"), "--json"]
        assert main(["evaluate", *flags, "--layers", "2", "--vocab_path", str(corpus_dir / "vocab.txt")]) == 0
        results.append(json.loads(capsys.readouterr().out))
    last = json.loads((run_dir / "metrics.jsonl").read_text().splitlines()[-1])
    for result in results:
        assert result["loss"] == pytest.approx(last["eval/loss"], rel=1e-6)
        assert result["bits_per_byte"] == pytest.approx(last["eval/bpb"], rel=1e-6)
    assert main(["evaluate", "--model_path", str(run_dir)]) == 0
    assert "bits per byte" in capsys.readouterr().out


def test_generate_prints_json_for_scripts(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--num_samples", "3", "--max_new_tokens", "5", "--json", "--prompt"]
    assert main(["generate", "--model_path", str(run_dir / "model"), *flags, "The river"]) == 0
    samples = json.loads(capsys.readouterr().out)
    assert [list(sample) for sample in samples] == [["prompt", "text", "token_ids", "finish"]] * 3
    assert all(sample["text"].startswith("The river") for sample in samples)
    assert all(sample["finish"] in ("eos", "length") for sample in samples)


def test_generate_reads_prompts_line_by_line(
    run_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("The river\n\n강은\n"))
    assert main(["generate", "--model_path", str(run_dir), "--max_new_tokens", "3"]) == 0
    out = capsys.readouterr().out
    assert "The river" in out
    assert "강은" in out


@pytest.mark.parametrize("source", [".", "model", "metrics.jsonl"])
def test_visualize_draws_a_picture(source: str, run_dir: Path, tmp_path: Path) -> None:
    assert (run_dir / "figure.png").stat().st_size > 10_000
    figure = tmp_path / "new" / "figure.png"
    assert main(["visualize", "--model_path", str(run_dir / source), "--figure", str(figure)]) == 0
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_a_figure_needs_a_format(run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for figure in ("figure", str(tmp_path)):
        flags = ["--model_path", str(run_dir), "--figure", figure]
        assert "a suffix that says the format" in error_of(capsys, ["visualize", *flags])


def test_empty_settings_in_a_file_leave_the_defaults() -> None:
    assert build({"train": None, "model": {"layers": None}, "data": {}}) == build()


def test_settings_are_laid_over_each_other(tmp_path: Path) -> None:
    file = {"model": {"dims": 64}, "train": {"base_lr": "3e-4"}}
    config = build({"model": {"layers": 2, "dims": 32, "heads": 2}}, file, {"train": {"total_steps": "50"}})
    assert (config.model.layers, config.model.dims, config.train.base_lr, config.train.total_steps) == (2, 64, 3e-4, 50)
    import yaml

    assert build(yaml.safe_load(to_yaml(config))) == config


def test_every_flag_has_help_and_every_foreign_name_leads_to_a_flag() -> None:
    flags = {name: setting for section in SECTIONS.values() for name, setting in flags_of(section).items()}
    assert all(help for _, _, help in flags.values())
    known = {*flags, "model_path", "prompt", "nucleus_prob", "max_new_tokens", "num_samples"}
    assert set(FOREIGN_NAMES.values()) <= known


def test_all_configuration_errors_come_at_once() -> None:
    with pytest.raises(UserError) as caught:
        build(
            {"model": {"layers": 0, "n_head": 4}, "trian": {}, "train": {"schedule": "zigzag", "total_steps": "many"}}
        )
    message = str(caught.value)
    for part in (
        "layers is 0",
        "'model.n_head': did you mean heads?",
        "did you mean train?",
        "'zigzag'",
        "total_steps",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["trian"], "did you mean train?"),
        (["train", "--n_layer", "4"], "unknown flag --n_layer: did you mean --layers?"),
        (["train", "--learning_rate=1"], "unknown flag --learning_rate: did you mean --base_lr?"),
        (["train", "--total-steps", "4"], "did you mean --total_steps?"),
        (["train", "corpus.txt"], "unexpected argument 'corpus.txt'"),
        (["generate", "--model_path", "x", "--top_p", "0.9"], "did you mean --nucleus_prob?"),
        (["generate"], "--model_path is missing"),
        (["evaluate", "--n_layer", "3"], "unknown flag --n_layer: did you mean --layers?"),
        (["train", "--preset", "gpt3"], "gpt3"),
    ],
)
def test_wrong_command_lines_are_answered(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    message = error_of(capsys, arguments, status=2)
    assert expected in message
    assert len(message.splitlines()) == 1, "one mistake is one line"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--dims", "100", "--heads", "3"], "dims 100 is not divisible by heads 3: try --dims 99"),
        (["--train_corpus", "nowhere.txt"], "nowhere.txt: no such corpus"),
        (["--vocab_path", "nowhere.txt"], "nowhere.txt: no such vocabulary"),
        (["--seq_len", "100000"], "shorter than one row of 100000"),
        (["--dropout", "1.5"], "dropout is 1.5"),
        (["--total_steps", "many"], "total_steps"),
        (["--gpus", "1"], "--gpus 1: PyTorch sees none here"),
        (["--gpus", "2"], "a run takes one GPU"),
        (["--seed", "-1"], "seed is -1: it must be at least 0"),
        (["--base_lr", "nan"], "'nan' is not a number"),
        (["--total_steps", "inf"], "'inf' is not a whole number"),
        (["--from_checkpoint", "nowhere"], "nowhere: no valid checkpoint"),
        (["--from_pretrained", "nowhere"], "nowhere: no such model"),
        (["--config", "nowhere.yaml"], "nowhere.yaml: no such configuration file"),
        (["--precision", "fp16"], "fp16 needs a CUDA GPU"),
    ],
)
def test_settings_that_cannot_be_are_answered(
    flags: list[str], expected: str, corpus_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", *corpus_flags(corpus_dir), *SIZES, "--output_dir", str(tmp_path), *flags]
    assert expected in error_of(capsys, command)


def test_what_contradicts_a_model_is_answered(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_corpus(tmp_path / "other")
    words = (other / "vocab.txt").read_text(encoding="utf-8").splitlines()
    (other / "tokenizer.json").unlink()
    (other / "vocab.txt").write_text("\n".join(words[:300]) + "\n", encoding="utf-8")
    flags = ["--model_path", str(run_dir), "--dims", "64", "--vocab_path", str(other / "vocab.txt")]
    message = error_of(capsys, ["evaluate", *flags])
    assert "--dims 64: the model has 32" in message
    assert "the model has another vocabulary" in message
    assert "no GPU here" in error_of(capsys, ["generate", "--model_path", str(run_dir), "--use_gpu"])
    assert "no metrics.jsonl" in error_of(capsys, ["visualize", "--model_path", str(other)])
    assert "no such model" in error_of(capsys, ["generate", "--model_path", "nowhere"])


def test_a_finished_run_is_a_pretrained_model_for_the_next(run_dir: Path, corpus_dir: Path, tmp_path: Path) -> None:
    flags = ["--total_steps", "2", "--output_dir", str(tmp_path), "--from_pretrained", str(run_dir / "model")]
    assert main(["train", *corpus_flags(corpus_dir), *SIZES, *flags]) == 0
    first = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[0])
    last = json.loads((run_dir / "metrics.jsonl").read_text().splitlines()[-1])
    assert first["eval/loss"] == pytest.approx(last["eval/loss"], rel=1e-6)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_prints_the_command_that_goes_on(
    number: signal.Signals, status: int, corpus_dir: Path, tmp_path: Path
) -> None:
    flags = [*corpus_flags(corpus_dir), *SIZES, "--total_steps", "100000", "--output_dir", str(tmp_path / "run")]
    command = [sys.executable, "-m", "gpt2", "train", *flags, "--log_steps", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("step=3 "):
            break
    process.send_signal(number)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == status
    saved = next((tmp_path / "run" / "checkpoints").iterdir())
    assert f"train --from_checkpoint {saved.parent}" in rest
    assert int(saved.name.removeprefix("step-")) >= 3


def test_help_needs_no_torch() -> None:
    for words in ([], ["train"], ["generate"]):
        program = (
            "import sys\nfrom gpt2.main import main\n"
            f"try: main({[*words, '--help']!r})\nexcept SystemExit: pass\n"
            "print('torch' in sys.modules, 'numpy' in sys.modules)"
        )
        out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        assert out.splitlines()[-1] == "False False"
