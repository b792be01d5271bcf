"""Sentences end where a reader says they end."""

import pytest

from expanda.sentences import ends_sentence, split_sentences
from expanda.sequences import Rules, sequences_of
from expanda.tally import Report
from expanda.wikitext import HOLE


@pytest.mark.parametrize(
    ("language", "marked"),
    [
        ("en", "Dr. Smith went home.|He paid $3.14 at 5 p.m. there.|Was it the U.S. president?|Yes!"),
        ("en", 'He said "I am tired."|Then he slept.'),
        ("ko", "그는 갔다.|정말?|그렇다."),
        ("ko", '그는 "나는 간다."라고 말했다.|그리고 떠났다.'),
        ("ko", '그가 "왜?" 하고 물었다.|답은 없었다.'),
        ("ko", "그는 “정말?”이라며 놀랐다.|모두 웃었다."),
        ("ko", "〈왜?〉라는 노래이다.|인기가 많다."),
        ("ko", "1919. 3. 1.에 일어났다.|이는 컸다."),
        ("ko", "그는 J. K. 롤링을 만났다.|3.1 운동을 배웠다."),
        ("ja", "「行くよ。」と彼は言った。|終わり。"),
        ("zh", "你好。|再见！"),
        ("de", "Am 3. Okt. 1990 wurde es eins.|Im 19. Jahrhundert lebte J. Brahms.|Es war 1990.|Danach ging er."),
        ("cs", "Narodil se 3. října 1990.|Zemřel mlád."),
        ("en", "He fell in World War I.|It ended in 12.|Then he left."),
        ("fr", "M. Dupont a vu M. Durand.|Il est parti."),
        ("hi", "यह एक वाक्य है।|दूसरा वाक्य।"),
        ("ar", "هل أنت بخير؟|نعم."),
        ("nosuchlanguage", "One here. |Two here."),
    ],
)
def test_sentences_are_cut_where_the_bars_stand(language, marked):
    separator = "" if language in ("ja", "zh") else " "
    expected = [sentence.strip() for sentence in marked.split("|")]
    assert split_sentences(separator.join(expected), language) == expected


@pytest.mark.parametrize("text", ["a.", "a!", "a?", "a…", 'a."', "a.)", "다.", "。", "है।", "؟", "a.' "])
def test_a_terminator_of_any_script_ends_a_sentence(text):
    assert ends_sentence(text, "en")


@pytest.mark.parametrize("text", ["a", "a:", "a;", "a,", "", "“a”"])
def test_without_terminator_nothing_ends_except_where_no_script_has_one(text):
    assert not ends_sentence(text, "en")
    assert ends_sentence(text, "th")


TEXT = (
    f"Heading\n\nA first sentence here. Short. One with {HOLE} a hole. Another long sentence here.\n\n"
    "item\nan item ends."
)


CLOSED = "A first sentence here. Short. One with a hole. Another long sentence here."


@pytest.mark.parametrize(
    ("unit", "longest", "sequences", "dropped"),
    [
        (
            "sentence",
            1000,
            ["A first sentence here.", "Another long sentence here.", "an item ends."],
            {"no terminator": 2, "hole": 1, "too short": 1},
        ),
        (
            "sentence",
            23,
            ["A first sentence here.", "an item ends."],
            {"no terminator": 2, "hole": 1, "too short": 1, "too long": 1},
        ),
        (
            "filled",
            40,
            ["A first sentence here. Short.", "Another long sentence here.", "an item ends."],
            {"no terminator": 2, "hole": 1},
        ),
        ("paragraph", None, [CLOSED, "item\nan item ends."], {"too short": 1}),
        ("article", None, [TEXT.replace(f" {HOLE}", "")], {}),
    ],
)
def test_units_and_the_reasons_for_what_is_dropped(unit, longest, sequences, dropped):
    report = Report()
    assert sequences_of(TEXT, Rules(unit, 7, longest, "en"), report) == sequences
    assert dict(report.sequences.dropped) == dropped
    assert report.characters.kept == sum(map(len, sequences))
    report.check("here")
