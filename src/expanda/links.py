"""Links: the words that a reader sees of them, and which of them show nothing where they stand."""

from __future__ import annotations

import re
from collections.abc import Mapping

from expanda.marks import GAP
from expanda.prefixes import dropped_prefixes, is_file

_DISAMBIGUATION = re.compile(r"\s*[(（][^()（）]*[)）]$")
# A label ends at the next bracket, so that many unclosed links on one line cost no more than one.
_EXTERNAL = re.compile(
    r"\[(?:(?:https?|ftps?|irc|news|git)://|//|mailto:)[^\s\[\]]*[ \t]*([^\[\]\n]*)\]?", re.IGNORECASE
)


class Links:
    """The links of one wiki; `namespaces` and `language` as for `expanda.wikitext.Cleaner`."""

    def __init__(self, namespaces: Mapping[int, str], language: str) -> None:
        self._dropped = dropped_prefixes(frozenset(namespaces.items()), language)

    def is_dropped(self, inside: str) -> bool:
        """Whether the link with this text (or that begins so) is a file, a category or another language's page."""
        target, _, options = inside.partition("|")
        prefix, colon, _ = target.partition(":")
        if not colon:
            return False
        return prefix.strip().lower().replace("_", " ") in self._dropped or is_file(options)

    def read(self, inside: str) -> str:
        """Return what a reader sees of [[inside]]."""
        target, pipe, words = inside.partition("|")
        if ":" in target:
            if self.is_dropped(inside):
                return GAP
            if target.startswith(("http://", "https://")):  # [[http://x label]], a slip for [http://x label]
                return target.partition(" ")[2] or target
        if pipe and (words := words.strip()):
            return words
        target = target.strip().removeprefix(":")
        if pipe:  # the pipe trick: [[Mercury (planet)|]] reads Mercury
            return _DISAMBIGUATION.sub("", target)
        return target.replace("_", " ")


def read_external(text: str) -> str:
    """Return `text` with the label of every [https://… label] in its place, nothing when it has none."""
    return _EXTERNAL.sub(lambda found: found[1].strip() or GAP, text)
