"""What a reader of the page would see is what is left of its wikitext."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expanda.wikitext import HOLE, clean

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


pieces = [
    "{{",
    "}}",
    "[[",
    "]]",
    "{|",
    "|}",
    "|",
    "'''",
    "<ref>",
    "</ref>",
    "<",
    ">",
    "\n",
    "=",
    "*",
    "w",
    " ",
    "<!--",
    "-->",
]


@given(st.lists(st.sampled_from(pieces), max_size=25).map("".join))
def test_no_markup_raises_and_no_mark_is_left(markup):
    text = clean(markup, NAMESPACES)
    assert not any("\ue001" <= character <= "\ue005" for character in text)
