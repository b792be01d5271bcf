"""Train WordPiece from counts of words: the vocabulary that the `tokenizers` library would find, but always the same.

The library's trainer numbers the continuation characters (`##x`) in the order of a hash table, other in every process,
and breaks ties between merges by these numbers. Here they have a fixed order. It also reads every word of the text
anew; here each different word is cleaned once.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from tokenizers import Tokenizer

from expanda.keys import TokenizationConfig
from expanda.utils import say
from expanda.wordpiece import PREFIX, chunks, wordpiece

_MIN_FREQUENCY = 2
_Pair = tuple[int, int]  # numbers of two neighbouring tokens


def train_wordpiece(sample: Iterable[Sequence[str]], config: TokenizationConfig) -> Tokenizer:
    """Train on sequences that come in lists, such as `expanda.lines.batches` makes.

    The vocabulary is the unknown token, the control tokens, the `limit_alphabet` most frequent characters (ties by code
    point), those of them that continue a word as `##x`, then merges in the order in which they were learned.
    """
    words = count_words(sample, config)
    counts: Counter[str] = Counter()
    continuing: set[str] = set()
    for word, times in words.items():
        for character in word:
            counts[character] += times
        continuing.update(word[1:])
    alphabet = sorted(sorted(counts, key=lambda c: (-counts[c], c))[: config.limit_alphabet])
    continuations = [PREFIX + character for character in alphabet if character in continuing]
    tokens = list(dict.fromkeys([*config.special_tokens, *alphabet, *continuations]))
    if len(tokens) > config.vocab_size:
        say(f"note: the characters alone need {len(tokens):,} tokens, more than vocab-size = {config.vocab_size:,}")
    # Ties between merges go to the pair with the lower numbers, and here continuations come before the alphabet.
    learned = learn_merges(words, [*config.special_tokens, *continuations, *alphabet], config.vocab_size)
    vocabulary = dict.fromkeys([*tokens, *learned])
    return wordpiece({token: number for number, token in enumerate(vocabulary)}, config)


def count_words(sample: Iterable[Sequence[str]], config: TokenizationConfig) -> Counter[str]:
    """Return how often each word stands in the sample, cleaned and divided as the tokenizer does it."""
    counts: Counter[bytes] = Counter()
    for sequences in sample:
        counts.update(chunks(sequences, lowercase=config.lowers))
    blank = wordpiece({}, config)
    words: Counter[str] = Counter()
    for chunk, times in counts.items():
        if chunk.isalnum():  # ASCII letters and digits: one word, which cleaning leaves as it is
            words[chunk.decode()] += times
            continue
        for word, _ in blank.pre_tokenizer.pre_tokenize_str(blank.normalizer.normalize_str(chunk.decode())):
            words[word] += times
    return words


def learn_merges(words: Mapping[str, int], tokens: Sequence[str], size: int) -> list[str]:
    """Return `tokens` and what joining the most frequent pair of neighbours, again and again, adds to them.

    Args:
        words: how often each word occurs. Its characters that are not in `tokens` are passed over.
        tokens: characters `x` that begin a word, `##x` that continue one, and others.
        size: how many tokens to end with; there are fewer when no pair occurs twice any more.
    """
    numbers = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    names = list(numbers)
    spelled, times = _spell(words, numbers)
    counts: defaultdict[_Pair, int] = defaultdict(int)
    places: defaultdict[_Pair, list[int]] = defaultdict(list)  # the words that hold a pair
    for place, symbols in enumerate(spelled):
        for pair in itertools.pairwise(symbols):
            counts[pair] += times[place]
            places[pair].append(place)
    queue = [(-count, pair, places.pop(pair)) for pair, count in counts.items()]
    heapq.heapify(queue)
    while queue and len(names) < size:
        negated, pair, where = queue[0]
        if counts[pair] != -negated:  # other merges took some away since it was put here
            heapq.heapreplace(queue, (-counts[pair], pair, where))
            continue
        if counts[pair] < _MIN_FREQUENCY:
            break
        heapq.heappop(queue)
        name = names[pair[0]] + names[pair[1]].removeprefix(PREFIX)
        number = numbers.setdefault(name, len(names))
        if number == len(names):
            names.append(name)
        for grown, grown_where in _merge(pair, number, [(spelled[p], times[p], p) for p in where], counts).items():
            if counts[grown] > 0:
                heapq.heappush(queue, (-counts[grown], grown, grown_where))
    return names


def _spell(words: Mapping[str, int], numbers: Mapping[str, int]) -> tuple[list[list[int]], list[int]]:
    """Return the words of more than one symbol as numbers, and how often each occurs."""
    begins = {token: number for token, number in numbers.items() if len(token) == 1}
    continues = {character: numbers[PREFIX + character] for character in begins if PREFIX + character in numbers}
    spelled, times = [], []
    for word, count in words.items():
        symbols = [begins[word[0]]] if word[0] in begins else []
        symbols += [continues[character] for character in word[1:] if character in continues]
        if len(symbols) > 1:
            spelled.append(symbols)
            times.append(count)
    return spelled, times


def _merge(
    pair: _Pair, new: int, where: Iterable[tuple[list[int], int, int]], counts: defaultdict[_Pair, int]
) -> dict[_Pair, list[int]]:
    """Put `new` in the place of `pair` in each word, keep the counts of its neighbours, return who has new pairs."""
    first, second = pair
    grown: dict[_Pair, list[int]] = {}
    for symbols, times, place in where:
        at = -1
        while (at := _find(symbols, first, second, at + 1)) >= 0:
            symbols[at : at + 2] = [new]
            changed: list[tuple[_Pair, _Pair]] = []  # a pair that is gone, the pair in its stead
            if at:
                changed.append(((symbols[at - 1], first), (symbols[at - 1], new)))
            if at + 1 < len(symbols):
                changed.append(((second, symbols[at + 1]), (new, symbols[at + 1])))
            for gone, come in changed:
                counts[gone] -= times
                counts[come] += times
                held = grown.setdefault(come, [])
                if not held or held[-1] != place:
                    held.append(place)
    return grown


def _find(symbols: list[int], first: int, second: int, start: int) -> int:
    """Return where `first` and `second` stand side by side, from `start` on, or -1."""
    try:
        while True:
            start = symbols.index(first, start)
            if symbols[start + 1] == second:
                return start
            start += 1
    except (ValueError, IndexError):
        return -1
