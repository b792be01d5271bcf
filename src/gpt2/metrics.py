"""`metrics.jsonl`: what a run measured, one JSON object a line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from gpt2.files import write_text

METRICS_FILE = "metrics.jsonl"


class MetricsFile:
    """One object a line, each with its `step`; begins with the `lines` of a run that is continued."""

    def __init__(self, path: Path, lines: list[dict[str, Any]]) -> None:
        self.path = path
        write_text(path, "".join(json.dumps(line) + "\n" for line in lines))

    def write(self, step: int, **metrics: float) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **metrics}) + "\n")
            file.flush()
            os.fsync(file.fileno())


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics file; a last line cut off by a kill is left out."""
    lines: list[dict[str, Any]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines
