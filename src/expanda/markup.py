"""Wikitext cut into tokens, and its brackets paired: what a page is made of, before anyone asks what it says."""

from __future__ import annotations

import re
from collections.abc import Callable

# Everything else is text. No alternative can match in two ways, and none looks further than the next bracket or line.
_TOKEN = re.compile(
    r"""(
      \{\{ | \}\} | \[\[ | \]\]
    | <(?:!--|/?[a-zA-Z][^<>]*>) | -->
    | \n(?: [ \t]*(?=\n) | (?===) | [ \t:*\#]*\{\|(?!\}) | [ \t]*\|\}(?!\}) )
    )""",
    re.VERBOSE,
)
_LIST_ITEM = re.compile(r"\n(?=[*#:;])")
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)(?=[\s/>])")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Tags whose content is not shown in running text, or not text.
DROPPED_TAGS = _names(
    """ref references gallery timeline score imagemap mapframe maplink graph templatedata templatestyles indicator style
    script includeonly inputbox syntaxhighlight source hiero categorytree"""
)
FORMULA_TAGS = _names("math chem ce")
VERBATIM_TAGS = FORMULA_TAGS | _names("nowiki pre")
BLOCK_TAGS = _names("div p blockquote center poem ul ol dl dd dt tr td th hr caption")
INLINE_TAGS = _names(
    """a abbr b bdi bdo big cite code data del dfn em font i ins kbd mark noinclude onlyinclude q rb rp rt rtc ruby s
    samp section small span strike strong sub sup time tt u var wbr h1 h2 h3 h4 h5 h6 thead tbody tfoot"""
)
_OPAQUE = DROPPED_TAGS | VERBATIM_TAGS | {"!--"}
_KNOWN = _OPAQUE | BLOCK_TAGS | INLINE_TAGS | _names("br li table")
_ONE_LETTER = frozenset("abipqsu")


class Markup:
    """The tokens of one page.

    `parts` alternates text and token: a token has an odd index, and its text follows it. `closing` tells for the index
    of an opening token where its construct ends; one that is missing there is never closed.

    Args:
        is_file: whether a link that begins with this text shows a picture, whose caption may have paragraphs.
    """

    def __init__(self, markup: str, is_file: Callable[[str], bool]) -> None:
        self.parts = _TOKEN.split("\n" + markup)
        self.closing: dict[int, int] = {}
        self._is_file = is_file
        self._stack: list[int] = []  # openers of {{ [[ {| and <table> that wait for their closers
        self._pair()

    def name(self, at: int) -> str:
        """Return the lower-cased name of the tag at `at`, '!--' for a comment, '' when it only looks like a tag."""
        token = self.parts[at]
        if token == "<!--":
            return "!--"
        found = _TAG.match(token)
        name = found[1].lower() if found else ""
        # 'if a <b and c> d' holds no tag: one with attributes has an equals sign.
        if name not in _KNOWN or (name in _ONE_LETTER and " " in token[:-1].strip("/ ") and "=" not in token):
            return ""
        return name

    def inside(self, at: int) -> str:
        """Return the source between the opening token at `at` and the end of its construct."""
        return "".join(self.parts[at + 1 : self.closing[at]])

    def skip_paragraph(self, at: int) -> int:
        """Return the last token of the paragraph (or list item) of `at`, and blank what follows it there.

        For an opening token that nothing closes; constructs in between that are closed count as a whole.
        """
        parts, closing = self.parts, self.closing
        end = at
        while not (item := _LIST_ITEM.search(parts[end + 1])):
            following = end + 2
            if following >= len(parts) or (parts[following][0] == "\n" and not parts[following].strip()):
                break
            end = closing.get(following, following)
        parts[end + 1] = parts[end + 1][item.start() :] if item else ""
        return end

    def _pair(self) -> None:
        """Fill `closing`: a closer takes the nearest opener of its kind, and braces are stronger than brackets."""
        parts, closing, stack = self.parts, self.closing, self._stack
        ends = self._last_ends()
        braces = 0  # how many {{ are in the stack
        at, last = 1, len(parts)
        while at < last:
            token = parts[at]
            if token == "[[":
                stack.append(at)
            elif token == "]]":
                if stack and parts[stack[-1]] == "[[":
                    closing[stack.pop()] = at
            elif token == "{{":
                stack.append(at)
                braces += 1
            elif token == "}}":
                if braces:
                    while parts[stack[-1]] != "{{":
                        stack.pop()
                    closing[stack.pop()] = at
                    braces -= 1
            elif token[0] == "<":
                name = self.name(at)
                if name == "table":
                    self._pair_table(at, opens=token[1] != "/")
                elif name in _OPAQUE and token[1] != "/" and not token.endswith("/>") and ends.get(name, 0) > at:
                    at = self._pair_opaque(at, name)
            elif token[0] == "\n":
                if token[-1] in "|}":
                    self._pair_table(at, opens=token[-1] == "|")
                else:
                    while stack and parts[stack[-1]] == "[[" and not self._is_file(parts[stack[-1] + 1]):
                        stack.pop()
            at += 2

    def _pair_table(self, at: int, *, opens: bool) -> None:
        """{| pairs with |}, and <table> with its own; within a template nothing outside of it is closed."""
        parts, stack = self.parts, self._stack
        if opens:
            stack.append(at)
            return
        depth = len(stack)
        while depth and parts[stack[depth - 1]] == "[[":
            depth -= 1
        if depth and parts[stack[depth - 1]][0] == parts[at][0]:
            self.closing[stack[depth - 1]] = at
            del stack[depth - 1 :]

    def _last_ends(self) -> dict[str, int]:
        """Return where the last closing tag of each name stands, so that none is looked for in vain."""
        ends: dict[str, int] = {}
        for token, at in dict(zip(self.parts[1::2], range(1, len(self.parts), 2), strict=True)).items():
            if token == "-->":
                ends["!--"] = at
            elif token[:2] == "</" and (name := self.name(at)):
                ends[name] = max(at, ends.get(name, 0))
        return ends

    def _pair_opaque(self, at: int, name: str) -> int:
        """Pair a tag whose content is no markup, and return where to go on.

        One that opens again in a later paragraph was not closed. (A search ends there, so that all of them together
        stay linear.)
        """
        parts = self.parts
        other_paragraph = False
        for index in range(at + 2, len(parts), 2):
            token = parts[index]
            if token[0] == "\n":
                other_paragraph = True
            elif token == "-->":
                if name == "!--":
                    self.closing[at] = index
                    return index
            elif token[0] == "<" and self.name(index) == name:
                if token[1] == "/":
                    self.closing[at] = index
                    return index
                if other_paragraph and not token.endswith("/>"):
                    break
        return at
