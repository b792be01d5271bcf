"""Marks that stand in text while it is cleaned: private-use characters for what plain text cannot say."""

from __future__ import annotations

HOLE = "\ue000"  # an inline template stood here whose words we do not know
GAP = "\ue001"  # something stood here that a reader would not miss
BREAK = "\ue002"  # a line break inside a paragraph
KEPT = "\ue003"  # followed by a number and KEPT: verbatim text that is put back at the end
NAMED = "\ue004"  # after a HOLE and a number: which template left it
ALL = HOLE + GAP + BREAK + KEPT + NAMED

_REMOVE = dict.fromkeys(map(ord, ALL))


def without_marks(text: str) -> str:
    """Return `text` without our marks: a dump may hold these characters too, and nobody can read them."""
    # One search a character is far quicker than any search for a class of characters.
    return text.translate(_REMOVE) if any(mark in text for mark in ALL) else text
