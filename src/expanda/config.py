"""`expanda.cfg` to dataclasses: every key with its default and its help, and every mistake told at once."""

from __future__ import annotations

import configparser
import dataclasses
import glob
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expanda.extension import Extension, load_extension
from expanda.keys import BuildConfig, TokenizationConfig, key_name
from expanda.utils import UserError, did_you_mean


@dataclass(frozen=True)
class Source:
    """One input file and the extension that reads it."""

    path: Path
    extension: Extension
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Config:
    """A whole configuration, checked."""

    build: BuildConfig
    tokenization: TokenizationConfig
    sources: tuple[Source, ...]

    def as_record(self) -> dict[str, Any]:
        """Return the resolved configuration as plain data, section by section, for the manifest."""
        record: dict[str, Any] = {"build": _plain(self.build), "tokenization": _plain(self.tokenization)}
        for source in self.sources:
            record[source.extension.module] = {"version": source.extension.version, **_texts(source.arguments)}
        return record


def _plain(section: BuildConfig | TokenizationConfig) -> dict[str, Any]:
    return _texts({key_name(item): getattr(section, item.name) for item in dataclasses.fields(section)})


def _texts(values: dict[str, Any]) -> dict[str, Any]:
    return {key: _as_json(value) for key, value in values.items()}


def _as_json(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_as_json(item) for item in value]
    return value if isinstance(value, str | int | float | None) else str(value)


def load_config(path: Path, *, check_inputs: bool = True, executor: str | None = None) -> Config:
    """Read and check a configuration file; paths in it are relative to the current directory.

    Args:
        check_inputs: whether an input file that is missing is a mistake.
        executor: where to work, for every extension that can; wins over what the file says.

    Raises:
        UserError: with every mistake that was found, one a line.
    """
    sections, inherited = _read_sections(path)
    problems: list[str] = []
    build = _fill(BuildConfig, "build", sections.pop("build", {}), inherited, problems)
    tokenization = _fill(TokenizationConfig, "tokenization", sections.pop("tokenization", {}), inherited, problems)
    extensions = _load_extensions(build, sections, problems)
    arguments = {}
    for module, extension in extensions.items():
        given = sections.get(module, {})
        arguments[module], mistakes = extension.cast(
            {key: text for key, text in given.items() if key in extension.arguments or key not in inherited}
        )
        if executor is not None and "executor" in extension.arguments:
            arguments[module]["executor"] = executor
        problems += mistakes
    sources = []
    for module, pattern in build.input_files:
        for file in _expand(pattern, problems if check_inputs else []):
            if module in extensions:
                sources.append(Source(file, extensions[module], arguments[module]))
    _check_places(build, sources, problems)
    if not build.input_files and not any("input-files" in problem for problem in problems):
        problems.append("[build] input-files: name at least one source, for example '--expanda.ext.text book.txt'")
    if problems:
        raise UserError(f"{path}:\n" + "\n".join(f"  {problem}" for problem in problems))
    return Config(build, tokenization, tuple(sources))


def _read_sections(path: Path) -> tuple[dict[str, dict[str, str]], set[str]]:
    """Return the sections, and the keys of [DEFAULT]: these may serve interpolation alone, any section has them."""
    parser = configparser.ConfigParser()
    try:
        with path.open(encoding="utf-8-sig") as file:
            parser.read_file(file)
        return {name: dict(parser.items(name)) for name in parser.sections()}, set(parser.defaults())
    except FileNotFoundError:
        raise UserError(
            f"there is no configuration file {path}; go to the workspace that holds it, or name one"
        ) from None
    except (configparser.Error, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as a configuration: {error}") from error


def _fill(section: type[Any], name: str, values: dict[str, str], inherited: set[str], problems: list[str]) -> Any:
    known = {key_name(item): item for item in dataclasses.fields(section)}
    filled: dict[str, Any] = {}
    for key, text in values.items():
        if key not in known:
            if key not in inherited:
                problems.append(f"[{name}] {key}: there is no such key{did_you_mean(key, known)}")
            continue
        try:
            filled[known[key].name] = known[key].metadata["parse"](text)
        except ValueError as error:
            shown = f" = {text.strip()}" if "\n" not in text else ""
            problems.append(f"[{name}] {key}{shown}: {error}")
    return section(**filled)


def _load_extensions(
    build: BuildConfig, sections: dict[str, dict[str, str]], problems: list[str]
) -> dict[str, Extension]:
    extensions = {}
    wanted = dict.fromkeys(module for module, _ in build.input_files)
    for module in [*wanted, *(name for name in sections if name not in wanted)]:
        try:
            extensions[module] = load_extension(module)
        except UserError as error:
            if module in wanted:
                problems.append(f"[build] input-files, --{module}: {error}")
            else:
                near = did_you_mean(module, ["build", "tokenization", *wanted])
                problems.append(f"[{module}]: there is no such section, and no extension of this name{near}")
    return extensions


def _expand(pattern: str, problems: list[str]) -> list[Path]:
    path = Path(pattern)
    if path.is_file():
        return [path]
    # Not Path.glob, which takes no absolute pattern.
    if found := [file for name in glob.glob(pattern, recursive=True) if (file := Path(name)).is_file()]:  # noqa: PTH207
        return sorted(found)
    what = "is a directory; write a pattern such as" if path.is_dir() else "does not exist; looked for"
    where = path / "*" if path.is_dir() else path.absolute()
    problems.append(f"[build] input-files: {pattern} {what} {where}")
    return [path]


def _check_places(build: BuildConfig, sources: list[Source], problems: list[str]) -> None:
    """No output may take the place of an input or of another output: publishing would destroy one of them."""
    taken = {source.path.resolve(): f"the input {source.path}" for source in sources}
    taken |= {file.resolve(): name for name, file in build.vocabulary_files.items()}
    for name, place in build.places.items():
        if (other := taken.setdefault(place.resolve(), name)) != name:
            problems.append(f"[build] {name} and {other} name the same file, {place}; give each its own")
    if build.input_vocab is not None and not build.input_vocab.is_file():
        problems.append(f"[build] input-vocab: {build.input_vocab} does not exist")
