"""Templates and families of them: how a phrase is written down, and how a text is drawn from it.

``[a|b|]`` is one of its alternatives, ``{word}`` one of that list of words, ``a(n)`` the article that fits
the word behind it. Alternatives may nest and hold words.
"""

import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from toxicity_ml.labels import JIGSAW_LABELS

UNCLEAR = math.nan

_ALTERNATIVES = re.compile(r"\[([^\[\]]*)\]")
_WORD = re.compile(r"\{(\w+)\}")
_ARTICLE = re.compile(r"\b([Aa])\(n\) (?=(\w+))")
_CONSONANT_SOUND = ("eu", "one", "uni", "use", "usu", "ukr")


@dataclass(frozen=True)
class Family:
    """Templates that say the same kind of thing, and what that makes of each label."""

    name: str
    labels: tuple[float, ...]
    """In the order of JIGSAW_LABELS, NaN where people who label would not agree."""
    templates: tuple[str, ...]
    """For training; none where the whole family is held out."""
    held_out: tuple[str, ...]
    """For testing; never drawn for training."""
    names_group: bool
    """True where every template names a group, as {adj}, {people} or {person}."""

    @property
    def is_toxic(self) -> bool:
        return self.labels[0] >= 0.5


def family(name: str, labels: Mapping[str, float], templates: str, held_out: str) -> Family:
    """A family from templates written as a list, one after each dash. Labels that are not named are 0."""
    return Family(
        name,
        tuple(float(labels.get(label, 0.0)) for label in JIGSAW_LABELS),
        _items(templates),
        _items(held_out),
        names_group=all(
            any(slot in line for slot in ("{adj}", "{people}", "{person}"))
            for line in _items(templates) + _items(held_out)
        ),
    )


def draw(template: str, words: Mapping[str, Sequence[str]], chance: random.Random) -> str:
    """One text of a template, begun with a capital and without a full stop.

    A word list that is drawn from twice gives two different words where it can.
    """
    left: dict[str, list[str]] = {}

    def word(match: re.Match[str]) -> str:
        name = match[1]
        if not left.get(name):
            left[name] = chance.sample(words[name], len(words[name]))
        return left[name].pop()

    text = template
    while _ALTERNATIVES.search(text) or _WORD.search(text):
        while _ALTERNATIVES.search(text):
            text = _ALTERNATIVES.sub(lambda match: chance.choice(match[1].split("|")), text)
        text = _WORD.sub(word, text)
    text = _ARTICLE.sub(_article, re.sub(r"\s+", " ", text).strip())
    text = re.sub(r" ([,.!?;:]|'(?:m|re|ll)\b)", r"\1", text)
    return text[:1].upper() + text[1:]


def _article(match: re.Match[str]) -> str:
    follower = match[2].lower()
    vowel = follower[0] in "aeiou" and not follower.startswith(_CONSONANT_SOUND)
    return f"{match[1]}n " if vowel or follower.startswith(("hon", "hour")) else f"{match[1]} "


def _items(text: str) -> tuple[str, ...]:
    """The items of a list written with dashes; an item may run over several lines."""
    return tuple(
        " ".join(item.split()) for item in re.split(r"^\s*- ", text, flags=re.MULTILINE) if item.strip()
    )
