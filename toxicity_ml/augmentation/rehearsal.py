"""Texts of our own on which a network that is trained on is to stay as it is: phrases, long comments made of
several, and strings of words without sense.

They carry no labels: their targets are the scores of the network itself. Words without sense reach what
sentences of ours do not: pseudo-rehearsal (Robins 1995) needs no data that the network has learned from.
"""

import random
from collections.abc import Sequence
from functools import lru_cache

from toxicity_ml.augmentation.counterexamples import counterexamples
from toxicity_ml.augmentation.synonyms import shipped_words
from toxicity_ml.text.deobfuscation.lexicon import FUNCTION_WORDS, RUDE_WORDS

PHRASE_SHARE, LONG_SHARE = 0.4, 0.2
"""Shares of the texts that are one phrase, and several; the rest are strings of words."""
MOST_PHRASES = 6
"""In a long comment, at most; two at least."""
MOST_WORDS = 60
"""In a string of words, at most; four at least."""
FUNCTION_SHARE = 0.45
"""Share of the words in a string that are *the*, *of*, *you* and the like."""
RUDE_TEXTS = 0.5
"""Share of the strings with rude words in them."""
MOST_RUDE = 0.25
"""Share of rude words in such a string, at most."""


def own_texts(count: int, seed: int = 0) -> list[str]:
    """Compose ``count`` texts at most, all different; the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    phrases, long = round(count * PHRASE_SHARE), round(count * LONG_SHARE)
    texts = list(counterexamples(phrases, seed)["text"]) if phrases else []
    if len(texts) >= MOST_PHRASES:
        texts += [" ".join(chance.sample(texts, chance.randint(2, MOST_PHRASES))) for _ in range(long)]
    texts += [_words(chance) for _ in range(count - len(texts))]
    return list(dict.fromkeys(texts))


def _words(chance: random.Random) -> str:
    """Return a string of words without sense, of any length up to MOST_WORDS, short ones as often as long."""
    length = round(4 * (MOST_WORDS / 4) ** chance.random())
    rude = chance.uniform(0, MOST_RUDE) if chance.random() < RUDE_TEXTS else 0.0
    plain, function, rudely = _vocabulary()
    words: list[str] = []
    for _ in range(length):
        kind: Sequence[str] = plain
        if chance.random() < rude:
            kind = rudely
        elif chance.random() < FUNCTION_SHARE:
            kind = function
        words.append(chance.choice(kind))
    return " ".join(words) + chance.choice(("", ".", "!", "?"))


@lru_cache(maxsize=1)
def _vocabulary() -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    return shipped_words(), tuple(sorted(FUNCTION_WORDS)), tuple(sorted(RUDE_WORDS))
