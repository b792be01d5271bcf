"""Tokenizers: train one, take over an existing one, and show its vocabulary."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from expanda.keys import TokenizationConfig
from expanda.lines import batches, read_lines, unescape
from expanda.long_words import without_long_words
from expanda.utils import UserError
from expanda.wordpiece import wordpiece
from expanda.wordpiece_training import train_wordpiece


def train_tokenizer(lines: Path, config: TokenizationConfig) -> Tokenizer:
    """Train on the head of a file of escaped sequences; the same file and configuration give the same tokenizer.

    Raises:
        UserError: the vocabulary cannot be what the configuration asks for.
    """
    match config.tokenizer:
        case "wordpiece":
            tokenizer = train_wordpiece(batches(_sample(lines, config.subset_size)), config)
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
        yield without_long_words(sequence)
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


def vocabulary_text(tokenizer: Tokenizer) -> str:
    """Return the content of vocab.txt; raises as `shown_tokens` does."""
    return "".join(f"{token}\n" for token in shown_tokens(tokenizer))


def _show_character(token: str) -> str:
    if token in " \n":
        return "Ġ" if token == " " else "Ċ"
    return f"\\u{ord(token):04X}" if token in "ĠĊ" else _escape_spaces(token)


def _escape_spaces(token: str) -> str:
    return "".join(
        f"\\u{ord(c):04X}" if c.isspace() or unicodedata.category(c) in ("Cc", "Cf", "Zs", "Zl", "Zp") else c
        for c in token
    )
