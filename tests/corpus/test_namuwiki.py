"""NamuWiki: its dump is streamed, its markup becomes text, its pages are accounted for."""

import gzip
import json
import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expanda.ext import namuwiki
from expanda.extension import load_extension
from expanda.jsonstream import array_records
from expanda.lines import unescape
from expanda.namumark import clean
from expanda.utils import UserError


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("'''굵고''' ''기운'' __밑줄__ 글자", "굵고 기운 밑줄 글자"),
        ("물은 H,,2,,O이고 넓이는 x^^2^^이다.", "물은 H2O이고 넓이는 x2이다."),
        ("좋은 ~~나쁜~~ 날이다. --틀린 말--", "좋은 날이다."),
        ("2019--2020년, 물결~~표, 이름__표", "2019--2020년, 물결~~표, 이름__표"),
        ("[[대한민국|한국]]의 [[서울]]", "한국의 서울"),
        ("[[서울#역사]] [[#개요]] [[:파일:가.png]]", "서울 개요 파일:가.png"),
        ("[[http://a.kr|누리집]] [[http://a.kr]].", "누리집."),
        ("앞 [[파일:가.png|width=3&alt=[[나]]]] 뒤", "앞 뒤"),
        ("글이다.\n[[분류:사람]][[분류:서울]]\n", "글이다."),
        ("말[* 각주 [[링크]] 안의 말]이다.", "말이다."),
        ("말[*가 이름 있는 각주](이 말)이다.", "말(이 말)이다."),
        ("여러 줄[* 각주의\n둘째 줄]이다.", "여러 줄이다."),
        ("[목차]\n[Include(틀:넘겨주기, a=[[b]])]\n글이다. [각주]", "글이다."),
        ("첫째 줄[br]둘째 줄", "첫째 줄\n둘째 줄"),
        ("[ruby(漢字, ruby=한자)]와 [1]", "漢字와 [1]"),
        ("[youtube(abc)]", ""),
        ("질량은 [math(E = mc^2 [J])]이다. <math>a_1</math>", "질량은 E = mc^2 [J]이다. a_1"),
        ("{{{#red [math(\\frac{a}{b^{c^{2}}} \\{x\\})]}}}", "\\frac{a}{b^{c^{2}}} \\{x\\}"),
        ("{{{#red 빨강}}} {{{#fff,#000 글}}} {{{+2 크게}}} {{{-1 작게}}}", "빨강 글 크게 작게"),
        ("{{{ '''그대로''' [[x]]}}}", "'''그대로''' [[x]]"),
        ("{{{#!folding [펼치기 · 접기]\n접힌 '''글'''\n}}}", "접힌 글"),
        ("{{{#!wiki style='a'\n상자 {{{#blue 파랑}}}\n}}} 뒤", "상자 파랑\n뒤"),
        ("앞\n{{{#!syntax python\nprint('[[x]]')\n}}}\n뒤", "앞\n뒤"),
        ("앞\n||<-2> 표 || 칸 ||\n|| 여러\n줄 || 칸 ||\n뒤", "앞\n뒤"),
        ("|| 닫히지 않은 표\n\n뒤", "뒤"),
        (" * 하나\n  * 둘\n 1. 셋\n 1.#5 넷\n a. 다섯", "하나\n둘\n셋\n넷\n다섯"),
        ("> 인용한 글\n> > 더 깊은 글", "인용한 글\n더 깊은 글"),
        ("글\n## 주석\n----\n글", "글\n글"),
        ("== 역사 ==\n글\n=== 빈 곳 ===\n==# 접힌 #==\n끝", "역사\n\n글\n\n접힌\n\n끝"),
        ("\\[[서울\\]] \\'''a", "[[서울]] 'a"),
        ("이름([[파일:a.png]])은 (~~틀림~~, 1990년)이다.", "이름은 (1990년)이다."),
        ("닫히지 [[않은 링크\n다음 줄", "닫히지 않은 링크\n다음 줄"),
        ("닫히지 않은[* 각주\n다음 줄\n\n[[링크]]", "닫히지 않은\n다음 줄\n\n링크"),
        ("닫히지 않은 {{{#!wiki 상자\n다음 '''줄'''", "닫히지 않은\n다음 줄"),
        ("닫히지 않은 {{{ 글자\n다음 '''줄'''", "닫히지 않은 글자\n다음 줄"),
        ("닫히지 않은 '''굵은 글\n다음 ~~줄", "닫히지 않은 굵은 글\n다음 ~~줄"),
    ],
)
def test_markup_becomes_what_a_reader_sees(markup, text):
    assert clean(markup) == text


def test_a_real_page_keeps_its_prose_and_loses_its_markup(shared_data):
    pages = json.loads((shared_data / "namuwiki-sample.json").read_text(encoding="utf-8"))
    text = clean(pages[1]["text"])
    assert "약한 파티(ex: 레인저 5명)가 수해에 입장한다." in text
    assert "채집 방식이 한 턴으로 끝나는 구조로 바뀐 덕분인지" in text
    assert "3편, 4편에는 숨통이" in text
    assert not any(mark in text for mark in ("[[", "]]", "'''", "{{{", "~~", "[*", "분류:", "라플레시아"))


@given(st.text())
def test_any_text_is_cleaned_without_error_and_without_marks(text):
    cleaned = clean(text)
    cleaned.encode()
    assert not any("\ue000" <= character <= "\ue004" for character in cleaned)


_MARKS = [
    "[[",
    "]]",
    "{{{",
    "}}}",
    "[*",
    "[",
    "]",
    "'''",
    "~~",
    "||",
    "\n",
    "\n\n",
    "#!wiki ",
    "|",
    "= ",
    "\\",
    "a",
    " ",
]


@given(st.lists(st.sampled_from([*_MARKS, "[목차]", "[math(", ")]", "--", "가.", "> ", " * "])).map("".join))
def test_any_heap_of_markup_is_cleaned_without_error_and_ends_clean(text):
    cleaned = clean(text)
    assert not any("\ue000" <= character <= "\ue004" for character in cleaned)
    assert cleaned.split("\n\n") == [block for block in cleaned.split("\n\n") if block.strip()] or cleaned == ""


@given(st.lists(st.text("가나다ABC.,!?()'" + string.digits, min_size=1), min_size=1).map(" ".join))
def test_plain_text_is_unchanged(text):
    text = text.replace("''", "'가").replace(",,", ",가")
    assert clean(text) == text


@pytest.mark.parametrize(
    "text", ["[목차] ", "[[", "{{{", "[* a\n", "[math(", "|| a\n", "~~", ",,a", "--- ", "(,", "\\["]
)
def test_a_long_heap_of_beginnings_is_cleaned(text):
    """A walk that costs the square of its input would not come back from this."""
    assert len(clean(text * 300_000)) <= len(text) * 300_000


def page(title, text, namespace="0"):
    return {"namespace": namespace, "title": title, "text": text, "contributors": ["x"]}


def test_pages_are_kept_or_dropped_for_a_reason(workspace, build):
    prose = "이 문장은 말뭉치에 남을 만큼 길다고 할 수 있는 {}번째 문장이다."
    pages = [page(f"문서 {n}", prose.format(n), namespace=("0", 0, "문서")[n % 3]) for n in range(6)]
    pages += [page("넘겨주기", "#redirect 문서 1"), page("또", "#넘겨주기 문서 2"), page("틀:가", prose, "틀")]
    pages += [page("1", prose, 1), page("빈", " "), {"title": "글 없음", "namespace": 0}, page("표", "||a||")]
    workspace.write("namu.json.gz", gzip.compress(json.dumps(pages).encode()))
    made = build(
        "[expanda.ext.namuwiki]\nmin-length = 10\n[build]\ninput-files = --expanda.ext.namuwiki namu.json.gz\n"
        "[tokenization]\ntokenizer = char\n"
    )
    (source,) = made.manifest["sources"]
    dropped = {"empty": 2, "namespace": 2, "no text": 1, "redirect": 2}
    assert source["pages"] == {"read": 13, "kept": 6, "dropped": dropped}
    assert {unescape(line) for line in made.lines("corpus.raw.txt")} == {prose.format(n) for n in range(6)}


def test_the_real_dump_gives_the_same_with_any_number_of_workers(shared_data, tmp_path):
    made = []
    for workers in ("1", "2"):
        arguments, _ = load_extension("expanda.ext.namuwiki").cast({"num-cores": workers, "min-length": "20"})
        output = tmp_path / workers
        report = namuwiki.extract(str(shared_data / "namuwiki-sample.json"), str(output), str(tmp_path), arguments)
        made.append((output.read_bytes(), report))
    assert made[0] == made[1]
    assert made[0][1]["pages"] == {"read": 2, "kept": 1, "dropped": {"redirect": 1}}
    assert made[0][1]["sequences"]["kept"] > 15


@given(
    st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.booleans()), max_size=4)),
    st.integers(1, 9),
)
def test_an_array_is_read_as_json_does_wherever_its_blocks_end(records, size):
    data = json.dumps(records, indent=1, ensure_ascii=len(records) % 2 == 0).encode("utf-8", "surrogatepass")
    try:
        data.decode()
    except UnicodeDecodeError:
        return
    blocks = [data[at : at + size] for at in range(0, len(data), size)]
    assert list(array_records("namu.json", blocks)) == json.loads(data)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"a": 1}', "after 1 whole records: the file was cut short"),
        ('[{"a": 1},', "cut short"),
        ('[{"a": "words', "after 0 whole records: the file was cut short"),
        ('[{"a": tr', "cut short"),
        ('[{"a": 1} {"b": 2}]', "a comma or ] is missing, '{'"),
        ('[{"a": 1}, 7]', "an object must begin, '7'"),
        ('[{"a" 1, "b": "' + "x" * 99 + '"}]', "Expecting ':'"),
        ("[] []", "something follows the array"),
        ('{"a": 1}', "no JSON array"),
        ("", "no JSON array"),
        ("words", "no JSON array"),
        ('[{"a":' + "[" * 200_000, "nested too deeply|cut short"),
    ],
)
def test_what_is_no_whole_array_is_an_error(content, message):
    with pytest.raises(UserError, match=message):
        list(array_records("namu.json", [content.encode()]))


def test_bytes_that_are_not_utf8_are_replaced_and_counted():
    replaced = Counter()
    assert list(array_records("namu.json", [b'[{"a": "\xff', b"\xc3", b'\xa9"}]'], replaced=replaced)) == [
        {"a": "\ufffd\xe9"}
    ]
    assert replaced == {"invalid UTF-8": 1}


def test_only_about_one_record_is_held_at_a_time():
    """The records are taken as they come: none is waited for that lies far behind."""
    block = json.dumps({"text": "x" * 1000}).encode()
    given_out = 0

    def blocks():
        nonlocal given_out
        yield b"["
        for number in range(500):
            given_out = number
            yield (b"," if number else b"") + block
        yield b"]"

    for number, _ in enumerate(array_records("namu.json", blocks())):
        assert given_out - number < 4
