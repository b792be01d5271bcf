"""What a template reads as: the language of `templates.cfg`, its files, and the way from a name to a reading."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from expanda.templates import FUNCTIONS, Arguments, Function
from expanda.utils import UserError, did_you_mean

SHIPPED = Path(__file__).with_name("templates.cfg")
_MAX_CACHED = 100_000
_PARAMETER = re.compile(r"\s*([^=<>\[\]{}|\n]{1,60}?)\s*=")
_FIELD = re.compile(r"\{([^{}]*)\}")
_PART = re.compile(r"\[[^\[\]]*\]|\{[^{}]*\}|[^\[{]+")


@dataclass(frozen=True)
class Reading:
    """How a template reads; `read` gets its arguments by name or position and returns '' when words are missing."""

    read: Function
    is_silent: bool = False
    is_function: bool = False  # {{name:first|second}}


def arguments_of(inside: str, reading: Reading) -> Arguments:
    """Return the arguments of {{inside}} by name or position ('1', '2', …), stripped."""
    head, *values = inside.split("|")
    if reading.is_function:
        values.insert(0, head.partition(":")[2])
    arguments: dict[str, str] = {}
    position = 0
    for value in values:
        if "=" in value and (named := _PARAMETER.match(value)):
            arguments[named[1]] = value[named.end() :].strip()
        else:
            position += 1
            arguments[str(position)] = value.strip()
    return arguments


class Readings:
    """The readings of templates, by name.

    Args:
        lines: of files in the language of `templates.cfg`; what comes later wins.
        template: the name of the template namespace in this wiki; {{Template:x}} is {{x}}.
    """

    def __init__(self, lines: Iterable[tuple[str, str]], *, template: str = "Template") -> None:
        self._exact: dict[str, Reading] = {}
        self._starts: dict[str, Reading] = {}
        self._ends: dict[str, Reading] = {}
        self._prefix = re.compile(rf"(?:template|{re.escape(template.lower())}):\s*")
        self._found: dict[str, tuple[str, Reading | None]] = {}
        for where, line in lines:
            self._add(where, line)

    def find(self, name: str) -> tuple[str, Reading | None]:
        """Return the name as it is compared (lower case, no underscores), and its reading or None."""
        found = self._found.get(name)
        if found is None:
            if len(self._found) > _MAX_CACHED:
                self._found.clear()
            plain = self._prefix.sub("", " ".join(name.replace("_", " ").lower().split()), count=1)
            found = self._found[name] = plain[:80], self._reading(plain)
        return found

    def _reading(self, name: str) -> Reading | None:
        if reading := self._exact.get(name):
            return reading
        if ":" in name and (reading := self._exact.get(name.partition(":")[0] + ":")):
            return reading
        for end, reading in self._ends.items():
            if name.endswith(end):
                return reading
        return next((reading for start, reading in self._starts.items() if name.startswith(start)), None)

    def _add(self, where: str, line: str) -> None:
        names, arrow, text = line.partition(" => ")
        if not arrow:
            raise UserError(f"{where}: cannot read '{line}'; write 'name, name => reading'")
        function = _function(text.strip(), where)
        for name in map(str.strip, names.split(",")):
            is_silent = text.strip() == "-"
            if name.endswith("*") and len(name) > 1:
                self._starts[name[:-1].lower()] = Reading(function, is_silent)
            elif name.startswith("*") and len(name) > 1:
                self._ends[name[1:].lower()] = Reading(function, is_silent)
            elif name:
                self._exact[name.lower()] = Reading(function, is_silent, name.endswith(":"))


@functools.lru_cache(maxsize=8)
def load_readings(own: Path | None = None, *, template: str = "Template") -> Readings:
    """Return the readings of `templates.cfg`, and those of a user's file, which win.

    Args:
        template: the name of the template namespace in this wiki; {{Template:x}} is {{x}}.

    Raises:
        UserError: the file cannot be read; a line of it is named.
    """
    return Readings([*_lines_of(SHIPPED), *(_lines_of(own) if own else ())], template=template)


def _lines_of(path: Path) -> list[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: this file of templates cannot be read: {error}") from error
    # '#' begins a comment only before a blank: {{#tag:ref}} and {{#}} are names.
    return [
        (f"{path}:{number}", line.strip())
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.startswith("# ") and line.strip() != "#"
    ]


def _function(text: str, where: str) -> Function:
    if text.startswith("@"):
        if text[1:] not in FUNCTIONS:
            raise UserError(f"{where}: there is no function {text}{did_you_mean(text[1:], FUNCTIONS)}")
        return FUNCTIONS[text[1:]]
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if text == "-":
        return lambda _: ""
    if "{" not in text:
        return lambda _: text
    return functools.partial(_fill, _PART.findall(text))


def _fill(parts: Sequence[str], arguments: Arguments) -> str:
    """Fill a reading's {fields}: '' when one outside of brackets is not given."""
    filled = []
    for part in parts:
        given = [_given(names, arguments) for names in _FIELD.findall(part)]
        if not any(given) and given:
            if part[0] == "{":
                return ""
            continue
        part = part[1:-1] if part[0] == "[" else part
        filled.append(_FIELD.sub(lambda field: _given(field[1], arguments), part))
    return "".join(filled)


def _given(names: str, arguments: Arguments) -> str:
    return next((arguments[name] for name in names.split("|") if arguments.get(name)), "")
