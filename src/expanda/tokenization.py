"""Tokenizers: train one, take over an existing one, write it down, and turn sequences into ids."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import regex
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from expanda.keys import TokenizationConfig
from expanda.lines import read_lines, unescape
from expanda.utils import UserError
from expanda.wordpiece import train_wordpiece, wordpiece

BEGIN, END, GPT2_END = "<s>", "</s>", "<|endoftext|>"
_PIECE_CHARACTERS = 100_000
# The trainers' time grows faster than a word's length, and Ctrl-C waits for them; a run of this length (a genome,
# a base64 image) teaches nothing about words. Only training leaves it out; encoding needs no such limit.
LONGEST_LEARNED_WORD = 1000
# Between them these runs hold all that wordpiece or bpe takes for one word. The lookbehinds let a match begin
# only where a run begins, which keeps the search linear.
_LONG_WORD = regex.compile(
    "|".join(
        rf"(?<!{kind}){kind}{{{LONGEST_LEARNED_WORD + 1},}}" for kind in (r"[^\s\p{P}]", r"[^\s\p{L}\p{N}]", r"\s")
    )
)


def train_tokenizer(lines: Path, config: TokenizationConfig) -> Tokenizer:
    """Train on the head of a file of escaped sequences; the same file and configuration give the same tokenizer.

    Raises:
        UserError: the vocabulary cannot be what the configuration asks for.
    """
    match config.tokenizer:
        case "wordpiece":
            tokenizer = train_wordpiece(lambda: _sample(lines, config.subset_size), config)
        case "bpe":
            tokenizer = _train_bpe(_sample(lines, config.subset_size), config)
        case _:
            tokenizer = _char_tokenizer(map(unescape, read_lines(lines)), config)
    for token in config.special_tokens:
        if _could_be_text(tokenizer, token):
            raise UserError(f"the token '{token}' is also an ordinary word of the text; write it like <{token}>")
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in config.special_tokens])
    return tokenizer


def _could_be_text(tokenizer: Tokenizer, token: str) -> bool:
    normalized = tokenizer.normalizer.normalize_str(token) if tokenizer.normalizer else token
    return normalized == token and len(tokenizer.pre_tokenizer.pre_tokenize_str(token)) == 1


def _sample(lines: Path, size: int) -> Iterator[str]:
    """Yield sequences until they hold `size` bytes, without the words that are too long to learn from."""
    for line in read_lines(lines):
        sequence = unescape(line)
        size -= len(sequence.encode()) + 1
        yield _LONG_WORD.sub(" ", sequence)
        if size <= 0:
            return


def _lowercase(config: TokenizationConfig) -> normalizers.Normalizer | None:
    return normalizers.Lowercase() if config.lowers else None


def _train_bpe(sample: Iterable[str], config: TokenizationConfig) -> Tokenizer:
    """Byte-level BPE as GPT-2 has it: lossless, and every text has ids."""
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    smallest = len(alphabet) + len(config.special_tokens)
    if config.vocab_size < smallest:
        raise UserError(f"[tokenization] vocab-size = {config.vocab_size}: bpe needs at least {smallest}")
    tokenizer = Tokenizer(models.BPE())
    if config.lowers:
        tokenizer.normalizer = _lowercase(config)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=config.vocab_size,
        min_frequency=2,
        special_tokens=list(config.special_tokens),
        initial_alphabet=sorted(alphabet),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sample, trainer)
    return tokenizer


def _char_tokenizer(sequences: Iterable[str], config: TokenizationConfig) -> Tokenizer:
    """One token a character, in the order of their code points after the special tokens."""
    normalizer = _lowercase(config)
    characters: set[str] = set()
    for sequence in sequences:
        characters.update(normalizer.normalize_str(sequence) if normalizer else sequence)
    tokens = [*config.special_tokens, *sorted(characters)]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    model = models.WordLevel(vocabulary, unk_token=config.unknown) if config.unknown else models.WordLevel(vocabulary)
    tokenizer = Tokenizer(model)
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


def load_tokenizer(path: Path, config: TokenizationConfig) -> Tokenizer:
    """Read an existing vocabulary: a tokenizer.json, or a vocab.txt: WordPiece, unless a tokenizer.json lies beside it.

    Raises:
        UserError: it cannot be read, or the two files beside each other disagree.
    """
    whole = path if path.suffix == ".json" else path.with_name("tokenizer.json")
    if not whole.exists():
        return _load_vocabulary(path, config)
    try:
        tokenizer = Tokenizer.from_file(str(whole))
    except Exception as error:  # the library raises plain Exception
        raise UserError(f"{whole}: this is no tokenizer that the 'tokenizers' library can read: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.post_processor = None
    if path != whole and shown_tokens(tokenizer) != list(read_lines(path)):
        raise UserError(
            f"{path} and {whole} are two different vocabularies; name the one you mean in input-vocab, alone"
        )
    return tokenizer


def _load_vocabulary(path: Path, config: TokenizationConfig) -> Tokenizer:
    tokens = [line.rstrip("\r") for line in read_lines(path)]
    if len(set(tokens)) < len(tokens) or "" in tokens:
        raise UserError(f"{path}: an empty line or a token twice; a vocab.txt has one token a line")
    if config.unknown not in tokens:
        raise UserError(f"{path}: the unknown token '{config.unknown}' is not in it; set unk-token in [tokenization]")
    tokenizer = wordpiece({token: number for number, token in enumerate(tokens)}, config)
    present = [token for token in config.special_tokens if token in set(tokens)]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in present])
    return tokenizer


def shown_tokens(tokenizer: Tokenizer) -> list[str]:
    """Return the tokens by id, as vocab.txt and the tokenized text show them: without white space inside.

    Raises:
        UserError: the ids are not 0, 1, 2 …, or two tokens look the same.
    """
    by_id = {number: token for token, number in tokenizer.get_vocab(with_added_tokens=True).items()}
    if sorted(by_id) != list(range(len(by_id))):
        raise UserError("the vocabulary leaves out some ids, so no vocab.txt can be written for it")
    show = _show_character if isinstance(tokenizer.model, models.WordLevel) else _escape_spaces
    shown = [show(by_id[number]) for number in range(len(by_id))]
    if len(set(shown)) < len(shown):
        raise UserError("two tokens of the vocabulary look the same once white space is written out")
    return shown


def _show_character(token: str) -> str:
    if token in " \n":
        return "Ġ" if token == " " else "Ċ"
    return f"\\u{ord(token):04X}" if token in "ĠĊ" else _escape_spaces(token)


def _escape_spaces(token: str) -> str:
    return "".join(
        f"\\u{ord(c):04X}" if c.isspace() or unicodedata.category(c) in ("Cc", "Cf", "Zs", "Zl", "Zp") else c
        for c in token
    )


class Encoder:
    """Sequences to ids, and the begin and end tokens to put around each; a literal `<s>` in a text stays text."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.encode_special_tokens = True
        self.tokens = shown_tokens(tokenizer)
        self.begin = [number for number in [tokenizer.token_to_id(BEGIN)] if number is not None]
        ends = [number for token in (END, GPT2_END) if (number := tokenizer.token_to_id(token)) is not None]
        self.end = ends[:1]
        self._tokenizer = tokenizer
        self._characters: set[str] | None = None
        if isinstance(tokenizer.model, models.WordLevel) and tokenizer.token_to_id(tokenizer.model.unk_token) is None:
            self._characters = set(tokenizer.get_vocab())

    def encode(self, sequences: Sequence[str]) -> list[list[int]]:
        """Return the ids of each sequence, begin and end left out.

        Raises:
            UserError: a character has no id and the vocabulary has no unknown token.
        """
        if not isinstance(self._tokenizer.model, models.WordLevel):
            return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(sequences, add_special_tokens=False)]
        # One token a character: a text of any length may be cut anywhere, which bounds the memory.
        return [[number for piece in _pieces(text) for number in self._encode_piece(piece)] for text in sequences]

    def _encode_piece(self, piece: str) -> list[int]:
        if self._characters is not None:
            normalizer = self._tokenizer.normalizer
            missing = set(normalizer.normalize_str(piece) if normalizer else piece) - self._characters
            if missing:
                raise UserError(
                    f"the character {min(missing)!r} is not in the vocabulary; set unk-token, or train a new one"
                )
        return list(self._tokenizer.encode(piece, add_special_tokens=False).ids)

    def show(self, ids: Iterable[int]) -> str:
        """Return the line of the tokenized text for the ids of one sequence."""
        return " ".join([self.tokens[number] for number in ids])


def _pieces(text: str) -> Iterator[str]:
    return (text[at : at + _PIECE_CHARACTERS] for at in range(0, len(text), _PIECE_CHARACTERS))


def batches(sequences: Iterable[str], *, characters: int = 1 << 19) -> Iterator[list[str]]:
    """Yield lists of sequences that hold about `characters` together, which bounds the memory of their encoding."""
    batch: list[str] = []
    size = 0
    for sequence in sequences:
        batch.append(sequence)
        size += len(sequence) + 1
        if size >= characters:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
