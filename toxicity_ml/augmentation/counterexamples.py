"""Training texts of our own that mend known failures: groups of people in friendly sentences, reported
insults, strong words meant well, malice and threats without strong words. Composed from ``phrases/``.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from toxicity_ml.augmentation.phrases import (
    groups_clear,
    groups_hostile,
    insults,
    threats,
)
from toxicity_ml.augmentation.phrases.grammar import Family, draw
from toxicity_ml.augmentation.phrases.words import GROUPS, HELD_OUT_GROUPS, HELD_OUT_WORDS, WORDS
from toxicity_ml.corpora import from_rows, text_key

if TYPE_CHECKING:
    from datasets import Dataset

FAMILIES: tuple[Family, ...] = (
    *groups_clear.FAMILIES,
    *groups_hostile.FAMILIES,
    *insults.FAMILIES,
    *threats.FAMILIES,
)
Item = TypeVar("Item")
SAMPLE = "counterexample"
PLAIN = ("polite_counterpart", "harmless_counterpart")
"""Families whose texts stand beside others."""
TOXIC_SHARE = 0.45
"""Share of toxic texts, the same among those that name a group and those that do not."""
GROUP_SHARE = 0.5
"""Share of texts that name a group of people."""

_IN_SURROUNDINGS = 0.3
_LOWER_CASE, _UPPER_CASE = 0.15, 0.03
_ENDINGS = (".", ".", ".", "", "", "!", "...")
_ATTEMPTS = 200


def counterexamples(count: int, seed: int = 0, *, held_out: bool = False) -> "Dataset":
    """Compose ``count`` texts with their labels, all different once case and punctuation are folded.

    Toxic and clear texts share their insults, groups, surroundings, lengths, case and punctuation, so that
    none of these tells the label; each group is named about equally often, in either. Labels on which people
    would not agree are masked.

    held_out: draw from templates, groups and insults that are never used otherwise, and from families of
    which nothing else is, to test what was learnt from the others.

    Returns rows as :func:`toxicity_ml.corpora.load` does, over JIGSAW_LABELS; ``sample`` is "counterexample"
    and the family's name. The same seed gives the same rows. Raises ValueError when the phrases do not give
    so many different texts.
    """
    chance = random.Random(f"{seed} {held_out}")  # noqa: S311 - a sample, not a secret
    kinds = {
        (toxic, group): _templates(
            [family for family in FAMILIES if (family.is_toxic, family.names_group) == (toxic, group)],
            held_out,
            chance,
        )
        for toxic in (False, True)
        for group in (False, True)
    }
    groups = {toxic: _in_turn(HELD_OUT_GROUPS if held_out else GROUPS, chance) for toxic in (False, True)}
    words: Mapping[str, Sequence[str]] = HELD_OUT_WORDS if held_out else WORDS
    plain = _templates([family for family in FAMILIES if family.name in PLAIN], held_out=False, chance=chance)
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    for toxic, names_group in _mixture(count, chance):
        for _ in range(_ATTEMPTS):
            family, template = next(kinds[toxic, names_group])
            named = next(groups[toxic])._asdict() if names_group else {}
            slots = {slot: [name] for slot, name in named.items()}
            phrase = _ended(draw(template, {**words, **slots}, chance), chance)
            if (key := text_key(phrase)) not in seen:
                break
        else:
            raise ValueError(f"The phrases give no {count} different texts; ask for fewer.")
        seen.add(key)
        rows.append(
            {
                "text": _dressed(phrase, plain, words, chance),
                "labels": family.labels,
                "sample": f"{SAMPLE} {family.name}",
            }
        )
    return from_rows(rows)


def _mixture(count: int, chance: random.Random) -> list[tuple[bool, bool]]:
    """(is toxic, names a group) for each row: the shares kept exactly, the order random."""
    kinds = [
        ((index + 0.5) / count < TOXIC_SHARE, (place + 0.5) / 2 < GROUP_SHARE)
        for index in range(count)
        for place in (index % 2,)
    ]
    chance.shuffle(kinds)
    return kinds


def _templates(
    families: Sequence[Family], held_out: bool, chance: random.Random
) -> Iterator[tuple[Family, str]]:
    """Every family equally often, and every template of a family."""
    of = {
        family: _in_turn(family.held_out if held_out else family.templates, chance)
        for family in families
        if (family.held_out if held_out else family.templates)
    }
    for family in _in_turn(list(of), chance):
        yield family, next(of[family])


def _in_turn(items: Sequence[Item], chance: random.Random) -> Iterator[Item]:
    """Every item once, in random order, and again, for ever."""
    while True:
        yield from chance.sample(items, len(items))


def _ended(phrase: str, chance: random.Random) -> str:
    return phrase if phrase[-1:] in ".!?" else phrase + chance.choice(_ENDINGS)


def _dressed(
    phrase: str,
    plain: Iterator[tuple[Family, str]],
    words: Mapping[str, Sequence[str]],
    chance: random.Random,
) -> str:
    """The phrase in the case of one writer or another, some of them with a harmless sentence beside it."""
    if chance.random() < _IN_SURROUNDINGS:
        beside = draw(next(plain)[1], words, chance)
        beside = beside if beside[-1:] in ".!?" else beside + "."
        phrase = f"{phrase} {beside}" if chance.random() < 0.5 else f"{beside} {phrase}"
    case = chance.random()
    if case < _LOWER_CASE:
        return phrase.lower()
    return phrase.upper() if case < _LOWER_CASE + _UPPER_CASE else phrase
