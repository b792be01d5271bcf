"""Text ⇄ ids, with the vocabulary's roles. A corpus and a prompt go through the same `encode`."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gpt2.config import UserError

# A role is a token with this name in the vocabulary; the contract with expanda.
BOS, EOS, PAD, END_OF_TEXT = "<s>", "</s>", "<pad>", "<|endoftext|>"
VOCAB_FILE, TOKENIZER_FILE = "vocab.txt", "tokenizer.json"
BREAKING = ("Cc", "Cf", "Zs", "Zl", "Zp")  # Unicode categories that a written token must not show


@dataclass(frozen=True)
class Tokenizer:
    """A vocabulary and the rule that cuts text into its tokens.

    `words` are the tokens as text corpora write them: line i of vocab.txt. `files` holds the contents of
    vocab.txt and tokenizer.json, so that a saved model brings its tokenizer along.
    """

    words: tuple[str, ...]
    kind: str  # wordpiece | bpe | char | other
    files: dict[str, str]
    backend: Any  # tokenizers.Tokenizer

    @property
    def vocab_size(self) -> int:
        return len(self.words)

    @cached_property
    def ids(self) -> dict[str, int]:
        return {word: index for index, word in enumerate(self.words)}

    @property
    def bos(self) -> int | None:
        return self.ids.get(BOS)

    @property
    def eos(self) -> int | None:
        return self.ids.get(EOS, self.ids.get(END_OF_TEXT))

    @property
    def pad(self) -> int | None:
        return self.ids.get(PAD)

    @cached_property
    def roles(self) -> dict[str, int | None]:
        """bos, eos, pad and unk → id. Unknown stands for text that the vocabulary cannot say; BPE needs none."""
        unknown = json.loads(self.files[TOKENIZER_FILE])["model"].get("unk_token")
        return {"bos": self.bos, "eos": self.eos, "pad": self.pad, "unk": self.ids.get(unknown)}

    @cached_property
    def vocab_sha256(self) -> str:
        """Names the vocabulary: two tokenizers with the same one give the same meaning to an id."""
        return hashlib.sha256(self.files[VOCAB_FILE].encode()).hexdigest()

    def encode(self, text: str) -> list[int]:
        """The ids of `text` alone, without begin and end marks.

        Raises:
            UserError: a character is not in a vocabulary that has no unknown token.
        """
        try:
            return list(self.backend.encode(text, add_special_tokens=False).ids)
        except Exception as error:  # the library raises nothing narrower
            missing = "".join(sorted(set(text) - set(self.backend.get_vocab())))
            raise UserError(f"cannot encode {text[:40]!r}: the vocabulary has no token for {missing[:20]!r}") from error

    def prompt_ids(self, prompt: str) -> list[int]:
        """What a model is given: the begin mark, when the vocabulary has one, and the prompt.

        Raises:
            UserError: there is nothing to begin with: an empty prompt and no begin or end mark.
        """
        if self.bos is not None:
            return [self.bos, *self.encode(prompt)]
        ids = self.encode(prompt)
        if not ids and self.eos is not None:
            ids = [self.eos]  # GPT-2's own vocabulary: what ends one text begins the next
        if not ids:
            raise UserError("the vocabulary has no <s>: the prompt must not be empty")
        return ids

    def decode(self, ids: list[int]) -> str:
        """The text of ids, without the vocabulary's control tokens."""
        return str(self.backend.decode(ids, skip_special_tokens=True))

    @cached_property
    def byte_lengths(self) -> npt.NDArray[np.int64] | None:
        """(V,) UTF-8 bytes that each token stands for: an end mark 1 (the sequence's newline), other control
        tokens 0. None for WordPiece, which does not keep spaces and case."""
        if self.kind not in ("bpe", "char"):
            return None
        special = {index for index, token in self.backend.get_added_tokens_decoder().items() if token.special}
        lengths = np.zeros(self.vocab_size, dtype=np.int64)
        tokens = [self.backend.id_to_token(index) for index in range(self.vocab_size)]
        for index, token in enumerate(tokens):
            if index not in special:
                # A byte-level token has one letter for each byte; a character has its own encoded length.
                lengths[index] = len(token) if self.kind == "bpe" else len(token.encode())
        if self.eos is not None:
            lengths[self.eos] = 1
        return lengths


def load_tokenizer(path: str | Path) -> Tokenizer:
    """The tokenizer of a vocabulary: tokenizer.json, a directory that holds one, or a vocab.txt.

    Beside a vocab.txt the tokenizer.json is used; a lone vocab.txt means Expanda's WordPiece.

    Raises:
        UserError: nothing there, not a tokenizer, or a vocab.txt that contradicts the tokenizer.json beside it.
    """
    path = Path(path)
    directory = path if path.is_dir() else path.parent
    tokenizer_path = path if path.suffix == ".json" else directory / TOKENIZER_FILE
    vocab_path = directory / VOCAB_FILE if path.is_dir() or path.suffix == ".json" else path
    files = {p.name: _read(p) for p in (vocab_path, tokenizer_path) if p.is_file()}
    if not files or (not path.is_dir() and not path.is_file()):
        raise UserError(f"{path}: no such vocabulary; 'expanda build' makes vocab.txt and tokenizer.json")
    return tokenizer_from_files(
        vocab=files.get(vocab_path.name), tokenizer=files.get(tokenizer_path.name), source=str(path)
    )


def tokenizer_from_files(*, vocab: str | None, tokenizer: str | None, source: str) -> Tokenizer:
    """The same from the contents of the two files; either may be missing, not both. `source` is for messages."""
    import tokenizers

    if tokenizer is None:
        assert vocab is not None
        return _expanda_wordpiece(vocab, source)
    try:
        backend = tokenizers.Tokenizer.from_str(tokenizer)
        description = json.loads(tokenizer)
    except Exception as error:  # the library raises nothing narrower
        raise UserError(f"{source}: not a tokenizer.json: {error}") from error
    backend.encode_special_tokens = True  # '<s>' in a text is text, as it was when the corpus was built
    kind = _kind(description)
    words = tuple(_written(str(backend.id_to_token(index)), kind) for index in range(backend.get_vocab_size()))
    if vocab is None:
        vocab = "".join(f"{word}\n" for word in words)
    elif tuple(vocab.removesuffix("\n").split("\n")) != words:
        raise UserError(f"{source}: {VOCAB_FILE} and {TOKENIZER_FILE} are not of the same build; build again")
    return Tokenizer(words, kind, {VOCAB_FILE: vocab, TOKENIZER_FILE: tokenizer}, backend)


def _expanda_wordpiece(vocab: str, source: str) -> Tokenizer:
    """Expanda's tokenizer around a bare vocab.txt: unknown is the first line, control tokens look like <…>."""
    from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers
    from tokenizers import Tokenizer as Backend

    words = tuple(vocab.removesuffix("\n").split("\n"))
    if len(set(words)) != len(words) or not all(words) or any(" " in word for word in words):
        raise UserError(f"{source}: not a vocabulary: one token a line, no empty line, no space, none twice")
    ids = {word: index for index, word in enumerate(words)}
    backend = Backend(models.WordPiece(vocab=ids, unk_token=words[0]))
    backend.normalizer = normalizers.BertNormalizer(strip_accents=False)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix="##")
    control = [word for word in words if word in (words[0], BOS, EOS, PAD, END_OF_TEXT)]
    backend.add_special_tokens([AddedToken(word, special=True) for word in control])
    backend.encode_special_tokens = True
    files = {VOCAB_FILE: "".join(f"{word}\n" for word in words), TOKENIZER_FILE: backend.to_str()}
    return Tokenizer(words, "wordpiece", files, backend)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text file in UTF-8") from error


def _kind(description: dict[str, Any]) -> str:
    model = description["model"]["type"]
    if model == "WordPiece":
        return "wordpiece"
    if model == "BPE" and "ByteLevel" in json.dumps(description.get("pre_tokenizer")):
        return "bpe"
    if model == "WordLevel" and (description.get("pre_tokenizer") or {}).get("type") == "Split":
        return "char"
    return "other"


def _written(token: str, kind: str) -> str:
    """A token as vocab.txt and text corpora write it: what would break a line or a token is named (expanda's rule)."""
    if kind == "char" and token in (" ", "\n"):
        return "Ġ" if token == " " else "Ċ"
    if kind == "char" and token in ("Ġ", "Ċ"):
        return f"\\u{ord(token):04X}"
    return "".join(f"\\u{ord(c):04X}" if c.isspace() or unicodedata.category(c) in BREAKING else c for c in token)
