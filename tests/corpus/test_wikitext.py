"""What a reader of the page would see is what is left of its wikitext."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expanda import marks
from expanda.parsing import ParsingCleaner
from expanda.readings import load_readings
from expanda.utils import UserError
from expanda.wikitext import HOLE, Cleaner, clean

NAMESPACES = {0: "", 6: "Datei", 14: "Kategorie"}


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("'''Bold''' and ''italic'' [[word]]s of [[Page|a link]].", "Bold and italic words of a link."),
        ("One.<ref>{{cite web|url=x}}</ref><ref name=a /> Two.", "One. Two."),
        ("A [[Datei:X.jpg|thumb|cap [[b|c]] {{d}}]]picture.", "A picture."),
        ("[[Image:X.jpg|thumb]]\nWords.\n[[Kategorie:Y]]\n[[de:Wort]]", "Words."),
        ("See [[:Kategorie:Y]] and [[wikt:word|word]].", "See Kategorie:Y and word."),
        ("[[Mercury (planet)|]] is hot.", "Mercury is hot."),
        ("Text <!-- hidden --> here.", "Text here."),
        ("__NOTOC__\nPython has __init__ methods.", "Python has __init__ methods."),
        ("{{Infobox\n| a = b\n}}\n'''X''' is.", "X is."),
        ("{{Main|Other}}\nWords.\n{{Navbox}}", "Words."),
        ("{|\n|-\n| cell\n|}\nAfter.", "After."),
        ("Before.\n{| class=x\n| never closed\n\nAfter.", "Before.\n\nAfter."),
        ("<gallery>\nFile:A.jpg|cap\n</gallery>\nAfter.", "After."),
        ("Where <math>x_1 < {{y}}</math> holds.", "Where x_1 < {{y}} holds."),
        ("Write <nowiki>[[link]]</nowiki> so.", "Write [[link]] so."),
        ("At 10<sup>6</sup> H<sub>2</sub>O.", "At 10⁶ H2O."),
        ("* one\n* two\n\nWords\nof one paragraph.", "one\ntwo\n\nWords of one paragraph."),
        ("A&nbsp;b &lt; c &amp;amp; d&ndash;e.", "A b < c &amp; d–e."),
        ("[https://x.org the site] and [https://x.org].", "the site and."),
        ("Kept (in brackets) [sic].", "Kept (in brackets) [sic]."),
        ("X ({{IPAc-en|x}}; born 1950) was.", "X (born 1950) was."),
        ("X ({{IPAc-en|x}}; {{cite|y}}) was.", "X was."),
        ("X<ref>a</ref> , and main() too.", "X, and main() too."),
        ("An unclosed [[link and '''bold.", "An unclosed link and bold."),
        ("Fine.\n\nAn unclosed <ref>note.\n\nFine again.", "Fine.\n\nAn unclosed\n\nFine again."),
        ("== Head ==\nWords.\n== Empty ==\n{{reflist}}", "Head\n\nWords."),
        ("== A ==\n=== B ===\nWords.", "A\n\nB\n\nWords."),
        ("e\u0301 and \u200bzero\x07.", "é and zero."),
        ("", ""),
    ],
)
def test_markup_becomes_the_text_a_reader_sees(markup, text):
    assert clean(markup, NAMESPACES) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("{{convert|12|km|mi|abbr=on}}", "12 km"),
        ("{{convert|6|ft|2|in|m}}", "6 ft 2 in"),
        ("{{convert|5|to|10|sqmi|km2}}", "5 to 10 sq mi"),
        ("{{convert|5|-|10|C}}", "5–10 °C"),
        ("{{cvt|1,234.5|m|0}}", "1,234.5 m"),
        ("{{lang|fr|mot}}", "mot"),
        ("{{lang-el|λόγος}}", "λόγος"),
        ("{{llang|en|word}}", "word"),
        ("{{nowrap|a b}}", "a b"),
        ("{{nowrap|[[a|b]] {{lang|fr|c}}}}", "b c"),
        ("{{transl|ru|kosmos}}", "kosmos"),
        ("{{abbr|UN|United Nations}}", "UN"),
        ("{{val|3.2|e=5|u=m}}", "3.2×10^5 m"),
        ("{{circa|1500}}", "c. 1500"),
        ("1914{{ndash}}1918", "1914–1918"),
        ("a{{snd}}b", "a – b"),
        ("{{frac|3|1|2}}", "3 1/2"),
        ("{{nihongo|Tokyo|東京|Tōkyō}}", "Tokyo (東京, Tōkyō)"),
        ("{{as of|2010|5|lc=y}}", "as of May 2010"),
        ("{{국기|대한민국}}", "대한민국"),
        ("{{formatnum:1234}}", "1234"),
        ("{{formatnum:{{nowrap|1234}}}}", "1234"),
        ("{{formatnum:{{Unknown|X}}}} [[km]]", f"{HOLE} km"),
    ],
)
def test_templates_that_carry_prose_are_read(markup, text):
    assert clean(f"It is {markup} long.", NAMESPACES) == f"It is {text} long."


def test_an_inline_template_that_nobody_knows_leaves_a_hole_and_a_box_leaves_none():
    cleaned = clean("{{Some box}}\nThe price is {{mystery|5}} today.{{citation needed}}\n\n{{Other box}}", NAMESPACES)
    assert cleaned == f"The price is {HOLE} today."


@pytest.mark.parametrize(
    ("language", "link"),
    [
        ("zh", "[[檔案:X.jpg|一隻貓]]"),
        ("zh-yue", "[[分類:貓]]"),
        ("es", "[[Archivo:X.jpg|Un gato]]"),
        ("pl", "[[Grafika:X.jpg|Kot]]"),
        ("pt", "[[Ficheiro:X.jpg|Um gato]]"),
        ("ru", "[[Изображение:X.jpg|Кошка]]"),
        ("vi", "[[Tập_tin:X.jpg|Mèo]]"),
        ("tr", "[[Dosya:X.jpg|Kedi]]"),
        ("", "[[Gambar:X.jpg|thumb|Seekor kucing]]"),
        ("", "[[Gambar:X.jpg|120x80px|A [[b|c]]]]"),
        ("", "[[파일:X.jpg|섬네일|고양이]]"),
        ("", "[[Foo:X.jpg|upright=1.2|A cat]]"),
    ],
)
def test_a_file_or_category_leaves_no_caption_whatever_its_wiki_calls_it(language, link):
    assert clean(f"Before {link}after.", {}, language) == "Before after."


@pytest.mark.parametrize("link", ["[[Alien: Covenant|left]]", "[[Bild: Zeitung|a|b]]", "[[Gambar:X|words]]"])
def test_a_link_with_a_colon_is_no_file_as_long_as_nothing_says_so(link):
    assert clean(f"Before {link}.", {}, "en") == f"Before {link[:-2].partition('|')[2]}."


# Plain words and no character that is markup or that Unicode would compose anew.
plain = st.lists(
    st.sampled_from(["word", "é", "고양이", "12", "end.", "(so)", "–", '"yes"', "f()", "$3", "a,"]), min_size=1
)


@given(plain.map(" ".join))
def test_plain_text_is_left_as_it_is(text):
    assert clean(text, NAMESPACES) == text


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("l'''amour'' et l'''art''", "l'amour et l'art"),
        ("L''''Aube''' et l'''amour''", "L'Aube et l'amour"),
        ("'''''both''' italic'' x", "both italic x"),
        ("''θ''<sub>''i''</sub>", "θi"),
        ("''Eagle''{{'}}s and ''Eagle''{{'s}}", "Eagle's and Eagle's"),
        ("rock 'n' roll's", "rock 'n' roll's"),
    ],
)
def test_apostrophes_are_told_from_bold_and_italic(line, text):
    assert clean(line, {}) == text


@pytest.mark.parametrize(
    ("markup", "text", "unclosed"),
    [
        ("One {{lang|fr|mot.\n\nTwo.", f"One {HOLE}\n\nTwo.", {"{{": 1}),
        ("One [[word.\n\nTwo [[b]].", "One word.\n\nTwo b.", {"[[": 1}),
        ("One. [[Datei:X.jpg|thumb|a [[b]].\n\nTwo.", "One.\n\nTwo.", {"[[": 1}),
        ("One.\n{| class=x\n| cell [[b]]\n\nTwo.", "One.\n\nTwo.", {"{|": 1}),
        ("One.<ref>note\n\nTwo.<ref>x</ref>", "One.\n\nTwo.", {"<ref>": 1}),
        ("* One.<ref>note\n* Two.", "One.\nTwo.", {"<ref>": 1}),
        ("One.<!-- note\n\nTwo.", "One.\n\nTwo.", {"<!-->": 1}),
        ("One <math>x + y.\n\nTwo.", "One x + y.\n\nTwo.", {"<math>": 1}),
        ("One.<gallery>\nA.jpg\n\nTwo.", "One.\n\nTwo.", {"<gallery>": 1}),
        ("One {{a|{{b}}\n\nTwo {{lang|fr|mot}}.", f"One {HOLE}\n\nTwo mot.", {"{{": 1}),
    ],
)
def test_what_is_not_closed_ends_with_its_paragraph_and_is_counted(markup, text, unclosed):
    cleaner = Cleaner(NAMESPACES)
    assert cleaner.clean(markup) == text
    assert cleaner.unclosed == unclosed


def test_templates_that_leave_holes_are_counted_by_name_and_boxes_are_not():
    cleaner = Cleaner(NAMESPACES)
    cleaner.clean("{{Box}}\nIt is {{Mystery_x|{{lang|fr|a}}}} and {{mystery x}}, {{other}}.\n* {{Link}}\n\n{{Box}}")
    assert cleaner.unrendered == {"mystery x": 2, "other": 1}


def test_a_formula_is_dropped_by_option_and_leaves_a_hole():
    cleaner = Cleaner({}, keep_math=False)
    assert cleaner.clean("Here <math>E = mc^2</math> holds.") == f"Here {HOLE} holds."
    assert cleaner.unrendered == {"<math>": 1}


def test_a_users_file_teaches_templates_and_wins_over_ours(tmp_path: Path):
    own = tmp_path / "own.cfg"
    own.write_text(
        '# mine\nmystery => {1}[ of {2}][ ({year}; {3})]\nlang => L\npre * => -\ngap => " | "\nups => @joined\n',
        encoding="utf-8",
    )
    cleaner = Cleaner({}, templates=own)
    read = cleaner.clean(
        "A {{mystery|x}}, {{mystery|x|y}}, {{Mystery|x|3=z}}, {{lang|fr|a}}{{pre b}}{{gap}}{{ups|a|b}}."
    )
    assert read == "A x, x of y, x (; z), L | ab."
    assert cleaner.clean("A {{mystery}}.") == f"A {HOLE}."


@pytest.mark.parametrize(
    ("line", "message"),
    [("a = b", "own.cfg:2: cannot read 'a = b'"), ("a => @jooined", "no function @jooined; did you mean 'joined'")],
)
def test_a_mistake_in_a_file_of_templates_is_named_with_its_line(tmp_path: Path, line: str, message: str):
    own = tmp_path / "own.cfg"
    own.write_text(f"x => y\n{line}\n", encoding="utf-8")
    with pytest.raises(UserError, match=message):
        load_readings(own)


PIECES = [
    "{{",
    "}}",
    "{{lang|fr|",
    "{{unknown|",
    "{{formatnum:",
    "[[",
    "]]",
    "[[Datei:a|",
    "{|",
    "|",
    "=",
    "<ref>",
    "</ref>",
    "<ref/>",
    "<",
    ">",
    "<!--",
    "-->",
    "<nowiki>",
    "</nowiki>",
    "<math>",
    "<table>",
    "</table>",
    "''",
    "'''",
    "'",
    "*",
    ";",
    "[http://a",
    "&amp;",
    "&#xE000;",
    "__A__",
    "-{",
    "}-",
    "(",
    ")",
    ",",
    "w",
    "é",
    "고양이",
    "<br>",
    "<pre>",
    "1",
]
PIECES += ["\n{|", "\n|}", "\n", "\n\n", "\n=", " : ", " ", "\x00", marks.HOLE, marks.KEPT, marks.NAMED]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_no_markup_raises_and_no_mark_is_left(markup):
    for cleaner in (Cleaner(NAMESPACES), ParsingCleaner(NAMESPACES)):
        text = cleaner.clean(markup)
        assert not set(text) & set(marks.ALL) - {HOLE}
        assert "\x00" not in text


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_no_word_comes_from_nowhere(markup):
    assert set(clean(markup, NAMESPACES)) <= set(markup) | set("&\n " + HOLE)


@pytest.mark.parametrize("piece", [*PIECES, "{{a|{{lang|", "[[a|[[", "(<ref/> ,", "<ref>\n\n", "\n[[Datei:a|{{"])
def test_hostile_pages_take_no_longer_than_their_length_tells(piece):
    # A quadratic step would take minutes here; the limit is some fifty times what these pages take.
    started_at = time.process_time()
    clean(piece * (300_000 // len(piece)), NAMESPACES)
    assert time.process_time() - started_at < 10
