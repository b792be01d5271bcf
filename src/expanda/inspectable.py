"""What an extension gives so that `expanda inspect` can show its pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from expanda.articles import Article, Recipe

Span = tuple[int, int]


@dataclass(frozen=True)
class Inspectable:
    """How an extension shows its pages: what its module's function `inspect(input_file, args)` returns.

    Args:
        recipe: what happens to each page.
        read: yields the pages between two bytes of the file, or all (None), without holding them.
        spans: yields spans that `read` probably takes; `read` raises a UserError for a wrong one. May yield nothing.
    """

    recipe: Recipe
    read: Callable[[Span | None], Iterator[Article]]
    spans: Callable[[], Iterable[Span]] = tuple
