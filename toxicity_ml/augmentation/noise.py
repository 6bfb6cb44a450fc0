"""Character noise: typing errors and starred letters in any word, toxic or not, so that a model trained on it
reads through them and learns nothing from their being there. Rude words are hit more often than others:
a comment's label hangs on them, and one in which they are whole teaches nothing about reading them broken."""

import re

import numpy as np

from toxicity_ml.text.deobfuscation.lexicon import RUDE_WORDS

WORD = re.compile(r"[^\W\d_]{3,}")
"""What may be changed: words of three letters or more."""
RUDE_SHARE = 0.7
"""Share of the rude words that are misspelt, where the share of all words is not larger."""
KEYBOARD = {
    letter: "".join(
        row[at + step] for step in (-1, 1) if 0 <= at + step < len(row)
    )  # the keys beside it in its row
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for at, letter in enumerate(row)
}


def add_noise(text: str, generator: np.random.Generator, share: float = 0.3) -> str:
    """The text with about this share of its words misspelt, RUDE_SHARE of the rude ones, at least one word
    where it has any.

    A word is changed once: two neighbouring letters swapped, a letter dropped, doubled, struck on a
    neighbouring key, or replaced by a star, its first letter least often. share: 0 to 1.
    Raises ValueError for another share.
    """
    if not 0 <= share <= 1:
        raise ValueError("share must be from 0 to 1.")
    words = list(WORD.finditer(text))
    if not words or share == 0:
        return text
    shares = [max(share, RUDE_SHARE) if word.group().lower() in RUDE_WORDS else share for word in words]
    chosen = np.flatnonzero(generator.random(len(words)) < shares)
    if not len(chosen):
        chosen = generator.integers(0, len(words), size=1)
    parts, at = [], 0
    for index in chosen:
        word = words[index]
        parts += [text[at : word.start()], misspell(word.group(), generator)]
        at = word.end()
    return "".join([*parts, text[at:]])


def misspell(word: str, generator: np.random.Generator) -> str:
    """One typing error in a word of at least two letters."""
    kind = int(generator.integers(5))
    at = int(generator.integers(1 if len(word) > 2 and generator.random() < 0.8 else 0, len(word)))
    letter = word[at]
    if kind == 0:
        at = min(at, len(word) - 2)
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    if kind == 2:
        return word[:at] + letter + word[at:]
    if kind == 3 and letter.lower() in KEYBOARD:
        keys = KEYBOARD[letter.lower()]
        struck = keys[int(generator.integers(len(keys)))]
        return word[:at] + (struck.upper() if letter.isupper() else struck) + word[at + 1 :]
    return word[:at] + "*" + word[at + 1 :]
