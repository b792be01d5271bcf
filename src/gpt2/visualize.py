"""A run's course as a picture: the whole, on a log scale, the later part in detail, and the tail smoothed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt2.config import UserError
from gpt2.metrics import METRICS_FILE, read_metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curve = tuple[list[int], list[float]]

TRAIN_COLOUR, EVAL_COLOUR = "#2a6f97", "#e76f51"
DETAIL_SHARE, TAIL_SHARE = 0.25, 0.5  # where the detail view begins, how much of the run the tail is
SMOOTHING = 0.8  # weight of the past in the exponential average


def draw(model_path: Path, figure: Path | None, *, interactive: bool = False) -> None:
    """Draw the losses of a run into `figure` (PNG, SVG or PDF by its suffix), or on the screen.

    Raises:
        UserError: there are no metrics, or the suffix is none that can be drawn.
    """
    import matplotlib

    if figure is not None and (not figure.suffix or figure.is_dir()):
        raise UserError(f"{figure}: name a file with a suffix that says the format, such as figure.png")
    if not interactive:
        matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    if interactive and plt.get_backend().lower() == "agg":
        raise UserError("--interactive: there is no display here; --figure FILE writes a picture")
    metrics = read_metrics(find_metrics(model_path))
    train, evaluation = curve(metrics, "train/loss"), curve(metrics, "eval/loss")
    if not train[0]:
        raise UserError(f"{model_path}: its metrics hold no training step yet")
    canvas, axes = plt.subplots(2, 2, figsize=(12, 8), constrained_layout=True)
    canvas.suptitle(f"Loss of {model_path}")
    last = train[0][-1]
    _draw_losses(axes[0, 0], train, evaluation, "whole run")
    _draw_losses(axes[0, 1], _after(train, 1), _after(evaluation, 1), "logarithmic steps")
    _scale_logarithmically(axes[0, 1])
    _draw_losses(axes[1, 0], _after(train, DETAIL_SHARE * last), _after(evaluation, DETAIL_SHARE * last), "detail")
    _draw_tail(axes[1, 1], _after(train, TAIL_SHARE * last), _after(evaluation, TAIL_SHARE * last))
    if figure is not None:
        figure.parent.mkdir(parents=True, exist_ok=True)
        try:
            canvas.savefig(figure, dpi=110)
        except ValueError as error:
            raise UserError(f"{figure}: {error}") from error
    if interactive:
        plt.show()
    plt.close(canvas)


def find_metrics(path: Path) -> Path:
    """The metrics file that a path means: itself, or the one of a run or a model directory."""
    for candidate in (path, path / METRICS_FILE):
        if candidate.is_file() and candidate.suffix == ".jsonl":
            return candidate
    raise UserError(f"{path}: no metrics.jsonl there; name a run's directory or a model that 'gpt2 train' saved")


def curve(metrics: list[dict[str, Any]], name: str) -> Curve:
    """(steps, values) of one metric."""
    points = [(line["step"], line[name]) for line in metrics if name in line]
    return [step for step, _ in points], [value for _, value in points]


def smoothed(values: list[float], weight: float = SMOOTHING) -> list[float]:
    """Exponential moving average, corrected for its start (Kingma and Ba 2015, section 3)."""
    average, smooth = 0.0, []
    for count, value in enumerate(values, start=1):
        average = weight * average + (1 - weight) * value
        smooth.append(average / (1 - weight**count))
    return smooth


def _after(points: Curve, step: float) -> Curve:
    kept = [(s, v) for s, v in zip(*points, strict=True) if s >= step]
    return [s for s, _ in kept], [v for _, v in kept]


def _draw_losses(axes: Axes, train: Curve, evaluation: Curve, title: str) -> None:
    axes.plot(*train, color=TRAIN_COLOUR, linewidth=1.5, label="train")
    axes.plot(*evaluation, color=EVAL_COLOUR, linewidth=1.5, marker="o", markersize=3, label="evaluation")
    _label(axes, title)


def _scale_logarithmically(axes: Axes) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _draw_tail(axes: Axes, train: Curve, evaluation: Curve) -> None:
    axes.plot(*train, color=TRAIN_COLOUR, alpha=0.25)
    axes.plot(train[0], smoothed(train[1]), color=TRAIN_COLOUR, linewidth=2, label="train, smoothed")
    axes.plot(*evaluation, color=EVAL_COLOUR, alpha=0.25, marker="o", markersize=3)
    axes.plot(evaluation[0], smoothed(evaluation[1]), color=EVAL_COLOUR, linewidth=2, label="evaluation, smoothed")
    _label(axes, "smoothed tail")


def _label(axes: Axes, title: str) -> None:
    axes.set_title(title)
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats a token)")
    axes.grid(alpha=0.3)
    axes.legend()
