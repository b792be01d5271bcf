"""Where the console script `expanda` lands: make sure that our package answers, not another one of the same name."""

import importlib.metadata
import importlib.util
import sys
from pathlib import Path


def other_expanda() -> str | None:
    """Return version and path of another distribution's `expanda` that is installed or hides ours, else None."""
    ours = Path(__file__).resolve().parent / "expanda"
    found = importlib.util.find_spec("expanda")
    places = [Path(place).resolve() for place in (found.submodule_search_locations or [])] if found else []
    try:
        distribution = importlib.metadata.distribution("expanda")
    except importlib.metadata.PackageNotFoundError:
        return f"version unknown at {places[0]}" if places and ours not in places else None
    return f"version {distribution.version} at {distribution.locate_file('expanda')}"


def main() -> int:
    """Run `expanda`, unless another package of this name is in the way."""
    if other := other_expanda():
        print(f"another package named Expanda ({other}) hides this one; run: pip uninstall expanda", file=sys.stderr)
        return 1
    from expanda.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
