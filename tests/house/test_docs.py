"""The documentation says what the code does."""

from __future__ import annotations

from pathlib import Path

from gpt2.config import SECTIONS, flags_of

ROOT = Path(__file__).parents[2]


def flag_table() -> str:
    """The table of every flag of `train`, from the dataclass fields that define them."""
    rows = ["| flag | default | meaning |", "| --- | --- | --- |"]
    for section in SECTIONS.values():
        for name, (_, default, help) in flags_of(section).items():
            shown = "" if default == "" else str(default).lower() if isinstance(default, bool) else str(default)
            rows.append(f"| `--{name}` | {f'`{shown}`' if shown else ''} | {help.replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def test_the_table_of_flags_is_complete() -> None:
    assert flag_table() in (ROOT / "docs" / "training.md").read_text(encoding="utf-8")


if __name__ == "__main__":
    print(flag_table(), end="")
