"""Which settings a run has, where it lives, and which checkpoint it continues."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt2.checkpoint import Checkpoint, find_checkpoint, find_newer, holds_checkpoint, load_checkpoint
from gpt2.config import Config, UserError, build

STEPS_VARIABLE = "GPT2_TOTAL_STEPS"  # replaces total_steps: the tests run documented commands shortened
CHECKPOINTS = "checkpoints"  # where a run keeps them, inside its directory
# Settings that say where one run lies. They are no part of what another run may take over from its config.yaml.
PLACES = ("output_dir", "save_checkpoint_path", "save_model_path", "from_checkpoint")


@dataclass(frozen=True)
class Plan:
    """A run that may start. `output` is None until the next free runs/<name>-<number> is taken.

    `continues` is a step directory and `checkpoint` what it holds, `source` the directory of the run it comes from.
    """

    config: Config
    name: str
    output: Path | None
    checkpoints: Path | None
    continues: Path | None = None
    checkpoint: Checkpoint | None = None
    source: Path | None = None

    def take_directories(self) -> tuple[Path, Path]:
        """Make the run's directory and the one that collects its checkpoints.

        Raises:
            UserError: a file is in the way.
        """
        output = self.output or _next_free(Path("runs"), self.name)
        checkpoints = self.checkpoints or output / CHECKPOINTS
        for directory in (output, checkpoints):
            try:
                directory.mkdir(parents=True, exist_ok=True)
            except FileExistsError as error:
                raise UserError(f"{directory}: a file of this name is in the way of a directory") from error
        return output, checkpoints


def make_plan(*layers: dict[str, dict[str, Any]], name: str) -> Plan:
    """Lay the settings over each other: defaults < the continued run's < the given layers; find the directories.

    Raises:
        UserError: bad settings, a checkpoint that is not there, or a directory that is taken.
    """
    given = build(*layers)
    continues = _checkpoint_to_continue(given) if given.train.from_checkpoint else None
    output = Path(given.train.output_dir) if given.train.output_dir else None
    checkpoints = Path(given.train.save_checkpoint_path) if given.train.save_checkpoint_path else None
    if continues is None:
        plan = Plan(_shortened(_with_train(given, from_checkpoint="")), name, output, checkpoints)
    else:
        checkpoint = load_checkpoint(continues)
        config = build(checkpoint.state["config"], *layers, {"train": {"from_checkpoint": "", "from_pretrained": ""}})
        collected = continues.parent
        source = collected.parent if collected.name == CHECKPOINTS else Path(checkpoint.state["output_dir"])
        if output is None:
            output, checkpoints = source, checkpoints or collected
        plan = Plan(_shortened(config), name, output, checkpoints, continues, checkpoint, source)
    _refuse_taken(plan)
    return plan


def without_places(config: Config) -> Config:
    """The settings that another run may take over."""
    return _with_train(config, **dict.fromkeys(PLACES, ""))


def _with_train(config: Config, **changes: Any) -> Config:
    return dataclasses.replace(config, train=dataclasses.replace(config.train, **changes))


def _shortened(config: Config) -> Config:
    steps = os.environ.get(STEPS_VARIABLE)
    return build(config.to_dict(), {"train": {"total_steps": steps}}) if steps else config


def _checkpoint_to_continue(given: Config) -> Path | None:
    """The step directory that --from_checkpoint means; None when 'auto' finds none."""
    wanted, train = given.train.from_checkpoint, given.train
    place = Path(wanted)
    if wanted == "auto":
        if not (train.save_checkpoint_path or train.output_dir):
            raise UserError(
                "--from_checkpoint auto needs --output_dir or --save_checkpoint_path: where should it look?"
            )
        place = Path(train.save_checkpoint_path or train.output_dir)
    if (place / CHECKPOINTS).is_dir():
        place = place / CHECKPOINTS  # the directory of a run was named
    path, passed_over = find_checkpoint(place)
    for line in passed_over:
        print(line, file=sys.stderr)
    if path is None and wanted != "auto":
        raise UserError(f"--from_checkpoint {wanted}: no valid checkpoint there")
    return path


def _refuse_taken(plan: Plan) -> None:
    """A directory with checkpoints is only continued, and only from its newest one."""
    directory = plan.checkpoints or (plan.output / CHECKPOINTS if plan.output else None)
    if directory is None or not holds_checkpoint(directory):
        return
    if plan.continues is None or plan.checkpoint is None or plan.continues.parent.resolve() != directory.resolve():
        raise UserError(
            f"{directory} holds checkpoints of another run: continue it with --from_checkpoint {directory}, "
            "or choose another --output_dir"
        )
    newest = find_newer(directory, plan.checkpoint.step)
    if newest is not None:
        raise UserError(
            f"{directory} holds {newest.name}, which is newer than {plan.continues.name}: "
            "to branch off from the older one, choose another --output_dir"
        )


def _next_free(parent: Path, name: str) -> Path:
    """Make and return runs/<name>-1, or the next number; two runs that start together get two directories."""
    pattern = re.compile(rf"{re.escape(name)}-(\d+)")
    numbers = [int(match[1]) for path in parent.glob("*") if (match := pattern.fullmatch(path.name))]
    number = max(numbers, default=0) + 1
    while True:
        path = parent / f"{name}-{number}"
        try:
            path.mkdir(parents=True)
            return path
        except FileExistsError:
            number += 1
