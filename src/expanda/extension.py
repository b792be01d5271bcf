"""What an extension is: a module that declares `__extension__`; load it, cast its options, run it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
import xml.etree.ElementTree
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expanda.options import boolean
from expanda.utils import UserError, did_you_mean

SHIPPED = ("expanda.ext.wikipedia", "expanda.ext.namuwiki", "expanda.ext.text", "expanda.ext.jsonl")


@dataclass(frozen=True)
class Extension:
    """One loaded extension.

    `main(input_file, output_file, temporary, args)` writes the text of one input. With `output = 'documents'` the
    output is in the form of `expanda.lines` and `main` returns its report; otherwise it is plain text, as in Expanda.
    With `resumes`, `temporary` and the output are as a killed run left them, and `main` goes on from there.
    """

    module: str
    name: str
    version: str
    description: str
    author: str
    main: Callable[[str, str, str, dict[str, Any]], Any]
    arguments: Mapping[str, Mapping[str, Any]]
    writes_documents: bool
    resumes: bool

    def cast(self, values: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
        """Turn the texts of a configuration section into typed arguments; return them and every problem found."""
        arguments: dict[str, Any] = {}
        problems = [
            f"[{self.module}] {key}: this extension has no such option{did_you_mean(key, self.arguments)}"
            for key in values
            if key not in self.arguments
        ]
        for name, wanted in self.arguments.items():
            if name not in values and "default" not in wanted:
                problems.append(f"[{self.module}] {name}: this option must be given")
                continue
            value = values.get(name, wanted.get("default"))
            try:
                arguments[name] = None if value is None else _caster(wanted)(value)
            except (ValueError, TypeError) as error:
                problems.append(f"[{self.module}] {name} = {value}: {error}")
        return arguments, problems

    def run(self, input_file: Path, output_file: Path, temporary: Path, arguments: dict[str, Any]) -> Any:
        """Call the extension's `main` and return what it returns.

        Raises:
            UserError: the extension failed; its own error, and where it arose, is in the text.
        """
        try:
            return self.main(str(input_file), str(output_file), str(temporary), dict(arguments))
        except (UserError, OSError):
            raise
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            raise UserError(
                f"extension {self.module} failed on {input_file}: {type(error).__name__}: {error} "
                f"({place.filename}:{place.lineno})"
            ) from error


def type_name(wanted: Mapping[str, Any]) -> str:
    """Return how a declared option's type is shown to the user."""
    return getattr(_caster(wanted), "__name__", "text").replace("boolean", "true|false")


def _caster(wanted: Mapping[str, Any]) -> Callable[[Any], Any]:
    declared = wanted.get("type", str)
    caster: Callable[[Any], Any] = boolean if declared is bool else declared  # bool('false') would be true
    return caster


def load_extension(module_name: str) -> Extension:
    """Import the module and read its declaration; the workspace comes first on the import path.

    Raises:
        UserError: there is no such module, importing it fails, or it declares no usable `__extension__`.
    """
    try:
        found = importlib.util.find_spec(module_name) is not None
    except (ImportError, ValueError):
        found = False
    if not found:
        raise UserError(
            f"there is no extension module '{module_name}' in the workspace or among the installed packages"
            f"{did_you_mean(module_name, SHIPPED)}"
        )
    # Python 3.9 dropped the name; extensions of Expanda's time import it.
    sys.modules.setdefault("xml.etree.cElementTree", xml.etree.ElementTree)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise UserError(f"the extension '{module_name}' cannot be imported: {type(error).__name__}: {error}") from error
    declared = getattr(module, "__extension__", None)
    if not isinstance(declared, Mapping) or not callable(declared.get("main")):
        raise UserError(
            f"the module '{module_name}' ({getattr(module, '__file__', None)}) is not an extension: it must define "
            "__extension__ = {'main': a function, …}; see docs/corpus.md"
        )
    return Extension(
        module=module_name,
        name=str(declared.get("name", module_name)),
        version=str(declared.get("version", "unknown")),
        description=str(declared.get("description", "")),
        author=str(declared.get("author", "unknown")),
        main=declared["main"],
        arguments=declared.get("arguments", {}),
        writes_documents=declared.get("output") == "documents",
        resumes=bool(declared.get("resumes")),
    )
