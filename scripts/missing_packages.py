"""Print the requirements of pyproject.toml that this interpreter lacks; exit status 1 when there are any.

    python scripts/missing_packages.py [EXTRA ...]

Standard library only, and no imports of the packages themselves: it runs before they are there, in milliseconds.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def requirements(name: str) -> list[str]:
    """The entries of one list in pyproject.toml. (tomllib begins with Python 3.11.)"""
    block = re.search(rf"^{re.escape(name)} = \[(.*?)\]", PYPROJECT.read_text(encoding="utf-8"), re.S | re.M)
    if block is None:
        raise SystemExit(f"pyproject.toml has no extra '{name}'")
    return re.findall(r'"([^"]+)"', block[1])


def is_met(requirement: str) -> bool:
    """Whether a distribution of at least the demanded version is installed."""
    name, _, least = requirement.partition(">=")
    try:
        return numbers(version(name)) >= numbers(least)
    except PackageNotFoundError:
        return False


def numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", release.split("+")[0])[:3])


if __name__ == "__main__":
    missing = [r for group in ("dependencies", *sys.argv[1:]) for r in requirements(group) if not is_met(r)]
    print("\n".join(missing))
    sys.exit(1 if missing or sys.version_info < (3, 10) else 0)
