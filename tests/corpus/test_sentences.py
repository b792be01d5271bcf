"""Sentences end where a reader says they end."""

import importlib
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expanda.sentences import TERMINATORS, describe_language, ends_sentence, split_sentences
from expanda.sequences import Rules, sequences_of
from expanda.splitters import load_splitter
from expanda.tally import Report
from expanda.utils import UserError
from expanda.wikitext import HOLE

HARD = Path(__file__).parent / "hard_splits"


@pytest.mark.parametrize(("language", "items", "right"), [("en", 30, 29), ("ko", 20, 20)])
def test_hard_items_are_cut_where_a_reader_cuts_them(language, items, right):
    lines = (HARD / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    marked = [line for line in lines if not line.startswith("# ")]
    assert len(marked) == items
    wrong = []
    for item in marked:
        expected = [sentence.strip() for sentence in item.split("|")]
        found = split_sentences(item.replace("| ", "").replace("|", ""), language)
        if found != expected:
            wrong.append(f"{item}\n    got: {' | '.join(found)}")
    print(f"{language}: {items - len(wrong)} of {items} right", *wrong, sep="\n  ")
    assert items - len(wrong) >= right, "\n".join(wrong)


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
        ("en", "1. Take one.|2. Take two.|There were: 1. apples and 2. pears."),
        ("en", "See vol. 3 and approx. 40 more.|She won the quiz What Now? twice.|(Nobody knew.)|Ms. Lee left."),
        ("en", "Well…|Then he thought … and left.|“Oh… She knew,” he said."),
        ("fr", "Mme. Duval est là.|Le vol. 2 manque."),
        ("es", "La Sra. Gil y el Sr. Paz.|¿Vienes?|¡Sí!"),
        ("ar", "د. أحمد هنا.|ذهب."),
        ("hi", "यह डॉ. शर्मा हैं।|वे घर गए।"),
        ("zh", "“好！”她说。|《怎么办？》是小说。|（他笑了。）|他走了。"),
        ("zh", "他走了。|1990年出生。|「好。1号走。」"),
        ("ja", "終わり。|iPhoneを買った。|「1。2。」と言った。"),
        ("ko", "2024.1.1. 시행되었다.|곧 끝났다."),
        ("km", "ខ្ញុំទៅផ្ទះ។|គាត់មក។"),
        ("ko", "갔는데... 아무도 없었다.|가. 첫째 항목이다."),
        ("ko", "회의는 끝났습니다|이제 모두 집에 갑니다"),
        ("ko", "정말 좋았어요~|또 가고 싶네요 ㅎㅎ|다음 주에 갈게요"),
        ("ko", "눈이 내렸다|하지만 춥지는 않았다"),
    ],
)
def test_sentences_are_cut_where_the_bars_stand(language, marked):
    separator = "" if language in ("ja", "zh", "km") else " "
    expected = [sentence.strip() for sentence in marked.split("|")]
    assert split_sentences(separator.join(expected), language) == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "있다 없다 말이 많다",
        "밖에 나갔다 왔다 했다.",
        "비가 온다 해도 간다.",
        "키가 크다 보니 늘 뒤에 섰다.",
        "바다 그리고 산을 좋아한다.",
        "판다 그리고 호랑이가 산다.",
        "바로 요 앞에 있다.",
        "필요 없는 것을 버렸다.",
        "고요 속에 잠들었다.",
        "그는 갔습니다 하고 대답했다.",
        "감사합니다 여러분",
        "“비가 왔습니다 그래서 갔습니다”라고 적었다.",
        "(비가 왔습니다 그래서 쉬었습니다)",
    ],
)
def test_korean_is_not_cut_where_the_clause_may_go_on(sentence):
    assert split_sentences(sentence, "ko") == [sentence]


@pytest.mark.parametrize("text", ["저는 강릉에 살아요", "비가 왔습니다", "정말 그렇죠 ㅋㅋㅋ", "오늘 시험을 봤다"])
def test_a_final_verb_ends_a_korean_sentence_without_a_mark(text):
    assert ends_sentence(text, "ko")
    assert not ends_sentence(text, "en")


@pytest.mark.parametrize("text", ["넓은 바다", "그것이 필요", "대한민국", "집에 가는데"])
def test_a_korean_noun_or_clause_ends_nothing(text):
    assert not ends_sentence(text, "ko")


PIECES = [
    *TERMINATORS,
    *"\"'“”‘’()[]「」『』〈〉（） \t\u3000",
    *"aAéßЯдΩ가다요죠ㅋ了と1",
    "습니다",
    "Dr",
    "...",
    " (",
    ". ",
]


@pytest.mark.parametrize("language", ["en", "ko", "ja", "zh", "de", "fr", "km", "th", "nosuchlanguage"])
@given(line=st.lists(st.sampled_from(PIECES), max_size=60).map("".join) | st.text(max_size=40))
def test_text_is_cut_and_never_changed(language, line):
    sentences = split_sentences(line, language)
    assert "".join("".join(sentences).split()) == "".join(line.split())
    assert all(sentence and sentence == sentence.strip() for sentence in sentences)


def test_a_long_line_is_cut_where_short_lines_are():
    sentences = [f"Dr. Lee saw {n} ships (or {n + 1}?) at 5 p.m. there." for n in range(600)]
    assert split_sentences(" ".join(sentences), "en") == sentences


@pytest.mark.parametrize(
    "unit", [".", ". ", "“", '"', "'", "!)", "(Aa.) ", "요 ", "요 “x ", "A. ", "「」", "가... ", " "]
)
@pytest.mark.parametrize("language", ["en", "ko", "fr"])
def test_a_long_line_of_one_thing_loses_nothing(language, unit):
    # Such a line goes through the windows; sentencex alone takes the square of its length for some of these.
    line = unit * (400_000 // len(unit))
    assert "".join("".join(split_sentences(line, language)).split()) == "".join(line.split())


def test_an_unknown_language_is_said_and_a_known_one_is_not():
    for language in ("en", "ko", "zh", "pt-br", "de_AT", ""):
        assert describe_language(language) is None
    for language in ("kr", "nosuchlanguage", "th"):
        assert f"'{language}'" in str(describe_language(language))


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    (tmp_path / "my_splits.py").write_text(
        "NUMBER = 3\n"
        "def by_semicolon(line): return [part + ';' for part in line.split(';')[:-1]]\n"
        "def lossy(line): return line.split(';')\n"
        "def text(line): return line\n"
        "def failing(line): raise RuntimeError('no model')\n"
    )
    (tmp_path / "my_broken.py").write_text("import nosuchpackage\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("my_splits", "my_worker"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("spec", [None, "sentencex"])
def test_the_splitter_is_ours_unless_another_is_named(spec):
    assert load_splitter(spec, "ko")("갔다. 왔다.") == split_sentences("갔다. 왔다.", "ko")


def test_a_function_of_the_users_own_splits_here_and_in_a_spawned_worker(workspace):
    spec, line = "my_splits:by_semicolon", "one; two;"
    assert load_splitter(spec, "en")(line) == ["one;", "two;"]
    (workspace / "my_worker.py").write_text(
        "from expanda.splitters import load_splitter\ndef split(spec, line): return load_splitter(spec, 'en')(line)\n"
    )
    split = importlib.import_module("my_worker").split
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(split, spec, line).result(timeout=60) == ["one;", "two;"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nltl", "did you mean 'nltk'"),
        ("my_splits:", "module:function"),
        ("nosuchmodule:split", "nosuchmodule"),
        ("my_broken:split", "nosuchpackage"),
        ("my_splits:by_semicolons", "did you mean 'by_semicolon'"),
        ("my_splits:NUMBER", "has no function 'NUMBER'"),
    ],
)
def test_a_splitter_that_cannot_be_had_is_a_clear_error(workspace, spec, message):
    with pytest.raises(UserError, match=message):
        load_splitter(spec, "en")


@pytest.mark.parametrize(
    ("function", "message"), [("lossy", "changed the text"), ("text", "list of strings"), ("failing", "no model")]
)
def test_a_splitter_that_fails_or_loses_text_is_named_with_the_line(workspace, function, message):
    split = load_splitter(f"my_splits:{function}", "en")
    with pytest.raises(UserError, match=message) as caught:
        split("one; two;")
    assert f"my_splits:{function}" in str(caught.value)
    assert "'one; two;'" in str(caught.value)


def test_nltk_splits_with_the_users_data_or_says_how_to_get_it():
    try:
        split = load_splitter("nltk", "en")
    except UserError as error:
        assert "pip install" in str(error) or "nltk.downloader punkt_tab" in str(error)  # noqa: PT017
    else:
        assert split("It rained. We stayed.") == ["It rained.", "We stayed."]


def test_kss_is_for_korean_only():
    with pytest.raises(UserError, match="Korean"):
        load_splitter("kss", "en")
    try:
        split = load_splitter("kss", "ko")
    except UserError as error:
        assert "pip install kss" in str(error)  # noqa: PT017
    else:
        assert split("그는 갔다. 나는 남았다.") == ["그는 갔다.", "나는 남았다."]


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
