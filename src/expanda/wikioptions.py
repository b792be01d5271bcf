"""The options that the wikis' extensions share, and what they mean."""

from __future__ import annotations

from typing import Any

from expanda.options import at_least, boolean, executor_name, one_of
from expanda.sentences import describe_language
from expanda.sequences import SENTENCE_MAX_LENGTH, Rules
from expanda.splitters import load_splitter
from expanda.utils import say

PAGE_BYTES = 1 << 24


def executor_of(args: dict[str, Any]) -> str:
    """Return where to work, from the values of `ARGUMENTS`."""
    return args["executor"] or f"local:{args['num-cores']}"


def rules_of(args: dict[str, Any], language: str) -> Rules:
    """Return how a text is cut, from the values of `ARGUMENTS`; say when nobody has rules for the language.

    Raises:
        UserError: the splitter cannot be used here.
    """
    unit = args["unit"] or ("sentence" if args["split-sent"] else "filled")
    longest = args["max-length"] or (SENTENCE_MAX_LENGTH if unit in ("sentence", "filled") else None)
    load_splitter(args["splitter"], language)  # better to fail now than in every worker
    note = describe_language(language)
    if note and unit in ("sentence", "filled") and args["splitter"] in (None, "sentencex"):
        say(f"note: {note}")
    return Rules(unit, args["min-length"], longest, language, bool(args.get("keep-holes")), args["splitter"])


ARGUMENTS: dict[str, dict[str, Any]] = {
    "num-cores": {"type": at_least(1), "default": 1, "help": "worker processes; the output never depends on it"},
    "executor": {
        "type": executor_name,
        "default": None,
        "help": "where to work: local:N or dask://host:port; wins over num-cores",
    },
    "min-length": {"type": at_least(0), "default": 50, "help": "drop sequences of at most so many characters"},
    "max-length": {
        "type": at_least(1),
        "default": None,
        "help": f"drop sequences of at least so many characters; default {SENTENCE_MAX_LENGTH} for sentences only",
    },
    "split-sent": {"type": boolean, "default": True, "help": "false: join sentences as long as max-length allows"},
    "unit": {
        "type": one_of("sentence", "paragraph", "article"),
        "default": None,
        "help": "what a sequence is; wins over split-sent; default sentence",
    },
    "splitter": {
        "type": str,
        "default": None,
        "help": "who cuts sentences: sentencex, nltk, kss, or module:function; default sentencex with rules of ours",
    },
    "page-seconds": {
        "type": at_least(1),
        "default": 60,
        "help": "a page that takes longer is quarantined (on Windows only between worker processes)",
    },
    "page-bytes": {
        "type": at_least(1),
        "default": PAGE_BYTES,
        "help": "a page whose text has more bytes is quarantined",
    },
}
