"""What `expanda list` and `expanda show` print."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from expanda.config import load_config
from expanda.extension import SHIPPED, load_extension, type_name
from expanda.keys import BuildConfig, TokenizationConfig, key_name


def list_sources(config_file: Path) -> None:
    """Print the extensions that the configuration's input files need, and these files with their sizes."""
    config = load_config(config_file, check_inputs=False)
    extensions = {source.extension.module: source.extension for source in config.sources}
    width = max(map(len, extensions))
    print(f"{'extension':{width}}  version")
    for module, extension in extensions.items():
        print(f"{module:{width}}  {extension.version}")
        for source in config.sources:
            if source.extension.module == module:
                size = f"{source.path.stat().st_size:,} bytes" if source.path.is_file() else "missing"
                print(f"  {source.path}  {size}")


def show_keys() -> None:
    """Print every key of [build] and [tokenization] with its default and what it does."""
    for name, section in (("build", BuildConfig), ("tokenization", TokenizationConfig)):
        print(f"[{name}]")
        _print_options((key_name(item), item.default, item.metadata["help"]) for item in dataclasses.fields(section))
        print()
    print("An extension's options stand in a section of its name; 'expanda show MODULE' prints them. Ours:")
    for module in SHIPPED:
        print(f"  {module}: {load_extension(module).description}")


def show_extension(module: str) -> None:
    """Print what an extension says about itself, and its options."""
    extension = load_extension(module)
    print(f"[{extension.module}]")
    for label in ("name", "version", "description", "author"):
        print(f"{label:12} {getattr(extension, label)}")
    print("options")
    _print_options(
        (f"{name} ({type_name(wanted)})", wanted.get("default", "must be given"), wanted.get("help", ""))
        for name, wanted in extension.arguments.items()
    )


def shown_default(value: Any) -> str:
    """Return a default as one would write it in the configuration."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None or value == () else Path(value).as_posix() if isinstance(value, Path) else str(value)


def _print_options(options: Iterable[tuple[str, Any, str]]) -> None:
    for name, default, help_text in options:
        print(f"  {name} = {shown_default(default)}")
        if help_text:
            print(f"      {help_text}")
