"""Types for options: from a configuration's text to a value, or a ValueError that says what it must be."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from expanda.utils import did_you_mean

_EXECUTOR = re.compile(r"local:[1-9]\d*|dask://[^\s/:]+:\d+")
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def boolean(text: str | bool) -> bool:
    """Read true/false, yes/no, on/off, 1/0.

    Raises:
        ValueError: it is none of these.
    """
    word = str(text).strip().lower()
    if word not in _TRUE + _FALSE:
        raise ValueError("must be true or false")
    return word in _TRUE


def one_of(*choices: str) -> Callable[[str], str]:
    """Return a type for options that accepts exactly these words."""

    def choice(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}{did_you_mean(text, choices)}")
        return text

    choice.__name__ = "|".join(choices)
    return choice


def existing_file(text: str) -> Path:
    """Read the name of a file that must be there; what it holds then decides whether a build is up to date.

    Raises:
        ValueError: there is no such file.
    """
    path = Path(text.strip())
    if not path.is_file():
        raise ValueError(f"there is no such file; looked for {path.absolute()}")
    return path


def executor_name(text: str) -> str:
    """Read `local:N` or `dask://host:port`, as an option's type.

    Raises:
        ValueError: it is neither.
    """
    if not _EXECUTOR.fullmatch(text):
        raise ValueError("must be local:N or dask://host:port")
    return text


def at_least(smallest: int) -> Callable[[str], int]:
    """Return a type for options that accepts whole numbers from `smallest` on."""

    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError("must be a whole number") from None
        if value < smallest:
            raise ValueError(f"must be at least {smallest}")
        return value

    number.__name__ = "int"
    return number
