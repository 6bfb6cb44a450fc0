"""Harmless sentences that name a group of people, of templates and groups that no training text has."""

from __future__ import annotations

import random

from toxicity_ml.augmentation.phrases import groups_clear
from toxicity_ml.augmentation.phrases.grammar import draw
from toxicity_ml.augmentation.phrases.words import HELD_OUT_GROUPS, HELD_OUT_WORDS

_ATTEMPTS = 20


def identity_sentences(count: int = 200, seed: int = 0) -> list[tuple[str, str]]:
    """Return up to `count` different (sentence, the group that it names), groups and templates in turn.

    A classifier that flags one of them flags the group. The same seed gives the same sentences.
    """
    chance = random.Random(f"identity {seed}")  # noqa: S311 - a sample, not a secret
    templates = [template for family in groups_clear.FAMILIES for template in family.held_out]
    pairs = [(template, group) for template in templates for group in HELD_OUT_GROUPS]
    chance.shuffle(pairs)
    sentences: dict[str, str] = {}
    for number in range(count * _ATTEMPTS):
        if len(sentences) == count:
            break
        template, group = pairs[number % len(pairs)]
        words = {**HELD_OUT_WORDS, **{slot: [name] for slot, name in group._asdict().items()}}
        sentences.setdefault(f"{draw(template, words, chance)}.", group.people)
    return list(sentences.items())
