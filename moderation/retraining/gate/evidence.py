"""What a candidate and the active version say of the reviewed comments of the test side, with the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from moderation.retraining.gate.resamples import Array, Texts, numbered

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Evidence:
    """Reviewed comments of the test side, each with what both models say of it; arrays of n_items."""

    truth: Array
    """(n_items, n_labels) of 0, 1 or NaN: not looked at."""
    old: Array
    """(n_items, n_labels), scores of the active version."""
    new: Array
    probabilities: Sequence[float | None]
    """With which each was reviewed; None: somebody brought it up, and it stands for no others."""
    is_random: Sequence[bool]
    """True where chance alone brought it up."""
    text_keys: Sequence[str]
    """Equal where the texts read the same."""
    old_thresholds: Sequence[float]
    new_thresholds: Sequence[float]

    @cached_property
    def drawn(self) -> Evidence:
        """The items that stand for others."""
        return self.chosen([place for place, given in enumerate(self.probabilities) if given is not None])

    def chosen(self, places: Sequence[int]) -> Evidence:
        """Return the items at these places."""
        at = list(places)
        return Evidence(
            self.truth[at],
            self.old[at],
            self.new[at],
            [self.probabilities[place] for place in at],
            [self.is_random[place] for place in at],
            [self.text_keys[place] for place in at],
            self.old_thresholds,
            self.new_thresholds,
        )

    @cached_property
    def weights(self) -> Array:
        """How many comments of the site each item stands for; 0 where it stands for none."""
        return np.array([0.0 if given is None else 1 / given for given in self.probabilities])

    @cached_property
    def is_reported(self) -> Flags:
        """True where somebody brought it up and no model did."""
        return np.array([given is None for given in self.probabilities], dtype=bool)

    @cached_property
    def texts(self) -> Texts:
        """The number of each item's text."""
        return numbered(self.text_keys)

    @cached_property
    def any_true(self) -> Array:
        """1 or 0 whether any label is true; NaN where none is and not all were looked at."""
        is_true = (np.nan_to_num(self.truth) >= 0.5).any(axis=1)
        known = is_true | ~np.isnan(self.truth).any(axis=1)
        return np.where(known, is_true.astype(np.float64), np.nan)

    @cached_property
    def flagged_by_old(self) -> Flags:
        return np.asarray((self.old >= np.asarray(self.old_thresholds)).any(axis=1), dtype=bool)

    @cached_property
    def flagged_by_new(self) -> Flags:
        return np.asarray((self.new >= np.asarray(self.new_thresholds)).any(axis=1), dtype=bool)
