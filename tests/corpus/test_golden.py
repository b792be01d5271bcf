"""Wikitext as editors write it reads as the site shows it; the examples are in `golden/<language>.txt`.

A file holds snippets. Each begins with a line `----8<---- what it shows`; a line `>>>` divides its markup from its
expected text. There `□` stands for a HOLE, and `⟪a||b⟫` for a or b, where more than one reading is right. Alternatives
may be empty or hold line ends; they do not nest.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from expanda.wikitext import HOLE, clean

GOLDEN = Path(__file__).resolve().parent / "golden"
NAMESPACES = {
    "ar": {6: "ملف", 14: "تصنيف"},
    "de": {6: "Datei", 14: "Kategorie"},
    "en": {6: "File", 14: "Category"},
    "fr": {6: "Fichier", 14: "Catégorie"},
    "ja": {6: "ファイル", 14: "Category"},
    "ko": {6: "파일", 14: "분류"},
    "zh": {6: "File", 14: "Category"},
}
CHOICE = re.compile("⟪([^⟪⟫]*)⟫")


@dataclass(frozen=True)
class Snippet:
    """One example: `expected` still holds the choices."""

    language: str
    title: str
    markup: str
    expected: str

    def accepts(self, text: str) -> bool:
        """Whether `text` is one of the readings the example allows."""
        pieces = CHOICE.split(self.expected.replace("□", HOLE))  # literal, choices, literal, …
        pattern = "".join(
            "(?:" + "|".join(map(re.escape, piece.split("||"))) + ")" if number % 2 else re.escape(piece)
            for number, piece in enumerate(pieces)
        )
        return re.fullmatch(pattern, text) is not None


def read_snippets(path: Path) -> list[Snippet]:
    """Return the snippets of one file; what stands before the first is for readers."""
    snippets = []
    for part in path.read_text(encoding="utf-8").split("\n----8<---- ")[1:]:
        title, _, body = part.partition("\n")
        markup, mark, expected = body.partition("\n>>>\n")
        assert mark, f"{path.name}: '{title}' has no line >>>"
        snippets.append(Snippet(path.stem, title, markup, expected.rstrip("\n")))
    return snippets


SNIPPETS = [
    pytest.param(snippet, id=f"{path.stem}:{number}")
    for path in sorted(GOLDEN.glob("*.txt"))
    for number, snippet in enumerate(read_snippets(path), start=1)
]


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_wikitext_reads_as_the_site_shows_it(snippet):
    text = clean(snippet.markup, NAMESPACES[snippet.language], snippet.language)
    shown = text.replace(HOLE, "□")
    assert snippet.accepts(text), (
        f"{snippet.title}\n--- markup\n{snippet.markup}\n--- expected\n{snippet.expected}\n--- got\n{shown}\n---"
    )


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_every_example_is_well_formed_and_refuses_its_own_markup(snippet):
    left = CHOICE.sub("", snippet.expected)
    assert "⟪" not in left
    assert "⟫" not in left
    assert not snippet.accepts(snippet.markup)
    assert not snippet.accepts("")


def test_a_choice_accepts_each_of_its_readings_and_no_other():
    snippet = Snippet("en", "", "", "12⟪ ||-⟫km⟪|| (so)⟫ □.")
    assert snippet.accepts(f"12 km {HOLE}.")
    assert snippet.accepts(f"12-km (so) {HOLE}.")
    assert not snippet.accepts(f"12km {HOLE}.")
    assert not snippet.accepts("12 km □.")


def test_every_language_has_its_examples():
    assert {path.stem for path in GOLDEN.glob("*.txt")} == NAMESPACES.keys()
