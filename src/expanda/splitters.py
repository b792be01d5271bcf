"""The sentence splitter that a configuration names: ours, nltk's, kss or a function of the user's own."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable

from expanda.sentences import base_language, split_sentences
from expanda.utils import UserError, did_you_mean

Splitter = Callable[[str], list[str]]
NAMES = ("sentencex", "nltk", "kss")

# The languages of nltk's punkt_tab, under nltk's names.
_PUNKT_MODELS = {
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "fi": "finnish",
    "fr": "french",
    "it": "italian",
    "ml": "malayalam",
    "nb": "norwegian",
    "nl": "dutch",
    "nn": "norwegian",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ru": "russian",
    "sl": "slovene",
    "sv": "swedish",
    "tr": "turkish",
}


def load_splitter(spec: str | None, language: str) -> Splitter:
    """Return the function from one line to its sentences that `spec` names.

    A foreign splitter may drop or add blanks and nothing else; each call checks that. Worker processes load their own.

    Args:
        spec: None or `sentencex` (ours), `nltk` (Punkt with the data the user has), `kss`, or `module:function`.
        language: a code such as `en` or `pt-br`.

    Raises:
        UserError: there is no such splitter, it or its data is not installed, or it does not know the language.
            Calling it raises one when it fails, or when its sentences are not the line's text.
    """
    match spec:
        case None | "" | "sentencex":
            return functools.partial(split_sentences, language=language)
        case "nltk":
            split = _load_punkt(language)
        case "kss":
            split = _load_kss(language)
        case _:
            split = _load_function(spec)
    return functools.partial(_split_checked, split, spec)


def _split_checked(split: Callable[[str], object], spec: str, line: str) -> list[str]:
    try:
        pieces = split(line)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"splitter '{spec}' failed: {type(error).__name__}: {error}; the line was {_excerpt(line)}"
        ) from error
    if not isinstance(pieces, list) or not all(isinstance(piece, str) for piece in pieces):
        raise UserError(f"splitter '{spec}' must return a list of strings; for {_excerpt(line)} it gave {pieces!r:.80}")
    if "".join("".join(pieces).split()) != "".join(line.split()):
        raise UserError(
            f"splitter '{spec}' changed the text, which it may only cut; the line was {_excerpt(line)}; "
            "mend it, or use splitter = sentencex"
        )
    return [stripped for piece in pieces if (stripped := piece.strip())]


def _excerpt(line: str) -> str:
    return repr(line if len(line) <= 80 else f"{line[:79]}…")


def _load_punkt(language: str) -> Callable[[str], object]:
    try:
        punkt_tokenizer = importlib.import_module("nltk.tokenize.punkt").PunktTokenizer
    except (ImportError, AttributeError) as error:
        raise UserError(
            f"splitter 'nltk' needs nltk 3.9 or newer ({error}); install it with: pip install 'nltk>=3.9'"
        ) from error
    model = _PUNKT_MODELS.get(base_language(language))
    if model is None:
        raise UserError(
            f"splitter 'nltk': Punkt has no model for language '{language}'; it has "
            f"{', '.join(sorted(_PUNKT_MODELS))}; use splitter = sentencex"
        )
    try:
        tokenizer = punkt_tokenizer(model)
    except LookupError as error:
        raise UserError(
            f"splitter 'nltk': the punkt_tab data for {model} is not installed; get it with: "
            "python -m nltk.downloader punkt_tab"
        ) from error
    tokenize: Callable[[str], object] = tokenizer.tokenize
    return tokenize


def _load_kss(language: str) -> Callable[[str], object]:
    if base_language(language) != "ko":
        raise UserError(f"splitter 'kss' is for Korean and the language is '{language}'; use splitter = sentencex")
    try:
        kss = importlib.import_module("kss")
    except ImportError as error:
        raise UserError(f"splitter 'kss' is not installed ({error}); install it with: pip install kss") from error
    # Workers of ours already fill the machine: kss must not start its own.
    takes_workers = "num_workers" in inspect.signature(kss.split_sentences).parameters  # since 3.0; before, always one
    return functools.partial(kss.split_sentences, num_workers=1) if takes_workers else kss.split_sentences


def _load_function(spec: str) -> Callable[[str], object]:
    module_name, colon, name = spec.partition(":")
    if not (colon and module_name and name):
        raise UserError(
            f"there is no splitter '{spec}'{did_you_mean(spec, NAMES)}; "
            f"it is one of {', '.join(NAMES)}, or module:function for one of your own"
        )
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise UserError(
            f"splitter '{spec}': the module '{module_name}' cannot be imported from the workspace or the installed "
            f"packages: {type(error).__name__}: {error}"
        ) from error
    function: Callable[[str], object] | None = getattr(module, name, None)
    if not callable(function):
        callables = [known for known in dir(module) if callable(getattr(module, known))]
        raise UserError(
            f"splitter '{spec}': {module.__name__} ({getattr(module, '__file__', None)}) has no function '{name}'"
            f"{did_you_mean(name, callables)}"
        )
    return function
