"""What the small console scripts share: one file in, one out, and what the user hears when something is wrong."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from expanda.files import Outputs
from expanda.utils import UserError


def run(program: str, action: Callable[[], None]) -> int:
    """Run `action` and return the exit status: 0, 1 for a user's error, 130 when interrupted."""
    try:
        action()
    except UserError as error:
        message = str(error)
    except OSError as error:
        message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    except KeyboardInterrupt:
        print(f"{program}: interrupted; no output was touched", file=sys.stderr)
        return 130
    else:
        return 0
    print(f"{program}: error: {message}", file=sys.stderr)
    return 1


@contextlib.contextmanager
def written_aside(place: Path, *, inputs: list[Path]) -> Iterator[Path]:
    """Give a temporary name beside `place`, and put the file there when the `with` block ends well.

    Raises:
        UserError: an input is missing, is not UTF-8, or is `place` itself.
    """
    for path in inputs:
        if not path.is_file():
            raise UserError(f"{path}: there is no such file")
        if path.resolve() == place.resolve():
            raise UserError(f"{place} is an input, which would be lost; name another output")
    outputs = Outputs()
    try:
        yield outputs.stage(place)
        outputs.publish()
    except UnicodeDecodeError as error:
        names = " or ".join(map(str, inputs))
        raise UserError(f"{names} is not UTF-8 ({error.reason}); convert it first, for example with iconv") from error
    finally:
        outputs.discard()
