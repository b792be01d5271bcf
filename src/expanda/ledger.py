"""The ledger: what a build could not keep, entry by entry, and what its exit status says of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

STATUS = 3  # the build came to its end and its outputs are there, but more was lost than was accepted
_SHOWN = 10


def report_losses(lost: Sequence[dict[str, Any]], *, accepted: int) -> int:
    """Say what was lost, and return the exit status: 0 when no more than `accepted` entries were."""
    if not lost:
        return 0
    print(f"lost: {len(lost):,} {'entry' if len(lost) == 1 else 'entries'} in the ledger", file=sys.stderr)
    for entry in lost[:_SHOWN]:
        print(f"  {line_of(entry)}", file=sys.stderr)
    if len(lost) > _SHOWN:
        print(f"  … and {len(lost) - _SHOWN:,} more; all are in manifest.json, under sources", file=sys.stderr)
    if len(lost) <= accepted:
        return 0
    print(
        f"everything else is in the outputs; this ends with status {STATUS}. "
        f"Get the damaged file again, or accept the loss with --max-bad-pages {len(lost)}",
        file=sys.stderr,
    )
    return STATUS


def line_of(entry: dict[str, Any]) -> str:
    """Return an entry as one line: where, and why."""
    where = str(entry["source"])
    if entry.get("page") is not None:
        where += f", page '{entry['page']}'" + (f" (id {entry['id']})" if entry.get("id") is not None else "")
    if entry.get("bytes") is not None:
        start, end = entry["bytes"]
        where += f", bytes {start:,} to {end:,}"
    return f"{where}: {entry['reason']}"
