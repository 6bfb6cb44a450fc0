"""Puts together what a training learns and chooses by: decisions, soft targets, rehearsal, a base corpus.

Uses a classifier that it is given; loads none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from moderation.conf import conf
from moderation.retraining import soft_targets
from moderation.retraining.label_files.learned import imported, without_copies
from moderation.retraining.soft_targets import UNTOUCHED_WEIGHT
from moderation.retraining.splitting import TEST, TRAIN
from moderation.retraining.training_data import Row, Sides, write_csv
from moderation.texts import text_key

PROVING = 500
"""Of so many rehearsal texts at least, those on the learning side prove the export, however few are learned.
The development side alone is too small for limits on means, and the queue brought up what is near one half.
"""


@dataclass(frozen=True)
class Learning:
    """The rows of one training."""

    learned: list[Row]
    """What has labels: reviewed, imported, and of the base corpus."""
    kept: list[Row]
    """Texts whose scores are to stay: unreviewed and rehearsed."""
    chosen_by: list[Row]
    """Development side, and texts without labels that prove the export; no soft target is among them."""
    rehearsed_for_test: list[Row]
    """Rehearsal texts that are not learned, with the active version's scores."""
    counts: dict[str, int]
    """How many there are of each kind: reviewed, imported, unreviewed, rehearsed, base."""

    def write(self, train: Path, dev: Path, kept: Path, labels: Sequence[str]) -> None:
        """Write the files as the classifier library reads them."""
        write_csv(train, labels, self.learned)
        write_csv(dev, labels, self.chosen_by)
        write_csv(kept, labels, self.kept)


def learning(
    old: Any,
    sides: Sides,
    *,
    unreviewed: int,
    rehearsed: int,
    elsewhere: int = 0,
    base: Sequence[Row] = (),
    untouched_weight: float = UNTOUCHED_WEIGHT,
    seed: int,
) -> Learning:
    """Put the rows of a training together.

    old: the active version's classifier. unreviewed, rehearsed: how many of such texts to learn at most.
    elsewhere: how many that came with labels in a file. base: rows of the base corpus, with their labels; a
    copy of what chooses or tests is left out, for a site may give its own comments as a corpus.
    untouched_weight: see `soft_targets.with_presets`.
    """
    labelled = imported(old.labels, elsewhere, seed=seed, apart_from=[*sides.dev, *sides.test])
    keys = {row.text_key for row in labelled}
    rehearsal = soft_targets.rehearsed(old, rehearsed, seed, sides.rotation.number)
    parts = {
        "reviewed": soft_targets.with_presets(old, sides.train, untouched_weight),
        "imported": labelled,
        "unreviewed": [
            row for row in soft_targets.unreviewed(old, sides, unreviewed, seed) if row.text_key not in keys
        ],
        "rehearsed": [row for row in rehearsal[TRAIN] if row.text_key not in keys],
        "base": _apart(base, sides),
    }
    proving = (
        rehearsal
        if rehearsed >= PROVING
        else soft_targets.rehearsed(old, PROVING, seed, sides.rotation.number)
    )
    chosen_by = sides.dev + soft_targets.proving_the_export(old, proving[TRAIN])
    counts = {name: len(rows) for name, rows in parts.items()}
    learned = [row for name in ("reviewed", "imported", "base") for row in parts[name]]
    kept = [row for name in ("unreviewed", "rehearsed") for row in parts[name]]
    return Learning(learned, kept, chosen_by, rehearsal[TEST], counts)


def _apart(base: Sequence[Row], sides: Sides) -> list[Row]:
    """Leave out the rows of a corpus whose texts, or near copies of them, choose or test."""
    keyed = [replace(row, text_key=text_key(row.text, conf.TEXT_KEY_SECRET)) for row in base]
    return without_copies(keyed, [*sides.dev, *sides.test])
