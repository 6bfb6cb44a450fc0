"""Composes texts from the phrases, each kind and each group of people about equally often.

Needs nothing but the standard library: who retrains a model rehearses these texts.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple, TypeVar

from toxicity_ml.augmentation.phrases import benign_uses, groups_clear, groups_hostile, insults, threats
from toxicity_ml.augmentation.phrases.grammar import Family, draw
from toxicity_ml.augmentation.phrases.surroundings import HELD_OUT_SENTENCES, SENTENCES
from toxicity_ml.augmentation.phrases.words import GROUPS, HELD_OUT_GROUPS, HELD_OUT_WORDS, WORDS

FAMILIES: tuple[Family, ...] = (
    *groups_clear.FAMILIES,
    *groups_hostile.FAMILIES,
    *benign_uses.FAMILIES,
    *insults.FAMILIES,
    *threats.FAMILIES,
)
TOXIC_SHARE = 0.45
"""Share of toxic texts, the same among those that name a group and those that do not."""
GROUP_SHARE = 0.5
"""Share of texts that name a group of people."""

_IN_SURROUNDINGS = 0.3
_LOWER_CASE, _UPPER_CASE = 0.15, 0.03
_ENDINGS = (".", ".", ".", "", "", "!", "...")
_JOINTS = (".", ".", ".", ",", "!", "")
_ATTEMPTS = 200

Item = TypeVar("Item")


class Composed(NamedTuple):
    """One text with the family and the template that it is of."""

    text: str
    family: Family
    template: str


def composed(
    count: int, seed: int = 0, *, held_out: bool = False, key: Callable[[str], str] = str.casefold
) -> list[Composed]:
    """Compose ``count`` texts whose phrases differ by ``key``. The same seed gives the same texts.

    Toxic and clear texts share their insults, groups, surroundings, lengths, case and punctuation, so that
    none of these tells the label. held_out: draw from what is never used otherwise. Raises ValueError when
    the phrases give fewer texts.
    """
    phrases = _Phrases(random.Random(f"{seed} {held_out}"), held_out)  # noqa: S311 - a sample, not a secret
    found: list[Composed] = []
    seen: set[str] = set()
    for toxic, names_group in _mixture(count, phrases.chance):
        for _ in range(_ATTEMPTS):
            family, template, phrase = phrases.draw(toxic, names_group)
            if (told_by := key(phrase)) not in seen:
                break
        else:
            raise ValueError(f"The phrases give no {count} different texts; ask for fewer.")
        seen.add(told_by)
        found.append(Composed(phrases.dressed(phrase), family, template))
    return found


class _Phrases:
    """Draws phrases so that families, templates of a family, and groups of people come equally often."""

    def __init__(self, chance: random.Random, held_out: bool) -> None:
        self.chance = chance
        self._words: Mapping[str, Sequence[str]] = HELD_OUT_WORDS if held_out else WORDS
        groups = HELD_OUT_GROUPS if held_out else GROUPS
        self._groups = {toxic: self._in_turn(groups) for toxic in (False, True)}
        self._families: dict[tuple[bool, bool], Iterator[Family]] = {}
        self._templates: dict[str, Iterator[str]] = {}
        for kind in product((False, True), (False, True)):
            of = [family for family in FAMILIES if (family.is_toxic, family.names_group) == kind]
            drawn = {family.name: family.held_out if held_out else family.templates for family in of}
            self._families[kind] = self._in_turn([family for family in of if drawn[family.name]])
            self._templates |= {name: self._in_turn(found) for name, found in drawn.items() if found}
        self._surroundings = self._in_turn(HELD_OUT_SENTENCES if held_out else SENTENCES)

    def draw(self, toxic: bool, names_group: bool) -> tuple[Family, str, str]:
        """A family, a template of it, and a phrase of that."""
        family = next(self._families[toxic, names_group])
        template = next(self._templates[family.name])
        named = next(self._groups[toxic]) if names_group else None
        group = {slot: [name] for slot, name in named._asdict().items()} if named else {}
        return family, template, draw(template, {**self._words, **group}, self.chance)

    def dressed(self, phrase: str) -> str:
        """The phrase with an ending, sometimes among neutral sentences, sometimes in another case."""
        sentences = [phrase]
        while self.chance.random() < _IN_SURROUNDINGS and len(sentences) < 4:
            other = draw(next(self._surroundings), self._words, self.chance)
            sentences.insert(self.chance.randint(0, len(sentences)), other)
        ending = self.chance.choice(_ENDINGS)
        joint = self.chance.choice(_JOINTS)
        marks = [joint] * (len(sentences) - 1) + [ending]
        text = " ".join(
            sentence if sentence.endswith(("?", "!", ".")) else sentence + mark
            for sentence, mark in zip(sentences, marks, strict=True)
        )
        fate = self.chance.random()
        if fate < _LOWER_CASE:
            return text.lower()
        return text.upper() if fate < _LOWER_CASE + _UPPER_CASE else text

    def _in_turn(self, items: Sequence[Item]) -> Iterator[Item]:
        """Repeat the items without end, shuffled anew each time round."""
        while True:
            yield from self.chance.sample(items, len(items))


def _mixture(count: int, chance: random.Random) -> list[tuple[bool, bool]]:
    """(is toxic, names a group) for each row: the shares kept exactly, the order random."""
    kinds = []
    for names_group, rows in (
        (True, round(count * GROUP_SHARE)),
        (False, count - round(count * GROUP_SHARE)),
    ):
        toxic = round(rows * TOXIC_SHARE)
        kinds += [(index < toxic, names_group) for index in range(rows)]
    chance.shuffle(kinds)
    return kinds
