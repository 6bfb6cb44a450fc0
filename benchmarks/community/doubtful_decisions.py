"""Lets the search for contradictions look at spoilt decisions, and holds what it says against the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction
from django_comments.models import Comment as SiteComment
from numpy.typing import NDArray

from benchmarks.community.generator import comments
from moderation.models import Screening
from moderation.retraining import near_copies, training_data
from moderation.retraining.training_data import Row
from moderation.versions import store
from toxicity_ml import doubts


@dataclass
class Searcher:
    """The features of the texts so far, which no decision changes, and the truth of the forum's comments."""

    is_harmful: dict[int, bool]
    """Of each screening."""
    features: dict[str, NDArray[np.float32]]

    @classmethod
    def of_the_site(cls, *, seed: int) -> Searcher:
        """Find out what is true. seed: of the comments of the forum's first round."""
        keys = list(SiteComment.objects.order_by("pk").values_list("pk", flat=True))
        truth = {
            str(key): one.is_toxic for key, one in zip(keys, comments(len(keys), seed=seed), strict=True)
        }
        rows = Screening.objects.exclude(object_id="").values_list("pk", "object_id")
        return cls({pk: truth[key] for pk, key in rows if key in truth}, {})

    def search(self, spoil: Callable[[], int]) -> dict[str, Any]:
        """Spoil the decisions, search them, and leave the site as it was.

        Returns the share that is wrong in truth and by the estimate, how many decisions were spoilt, who is
        named, and of each reviewer the rate of unlikely decisions.
        """
        with transaction.atomic():
            changed = spoil()
            labels = store.active_version().labels
            rows = training_data.reviewed(labels)
            transaction.set_rollback(True)
        groups = near_copies.groups([row.text for row in rows], [row.text_key for row in rows])
        said = np.array([row.labels for row in rows], dtype=np.float64)
        found = doubts.find(
            self._features(rows),
            said,
            labels,
            groups=[f"group {group}" for group in groups],
            reviewers=[row.reviewer for row in rows],
        )
        is_said = (np.nan_to_num(said) >= 0.5).any(axis=1)
        known = is_said | ~np.isnan(said).any(axis=1)
        true = np.array([self.is_harmful[row.screening or 0] for row in rows])
        return {
            "decisions": len(rows),
            "changed": changed,
            "wrong": float((is_said != true)[known].mean()),
            "estimated": found.wrong,
            "named": [one.reviewer for one in found.reviewers if one.stands_out],
            "disputes": [[one.reviewer, one.only_against] for one in found.reviewers if one.only_against],
            "rates": {one.reviewer: [one.decisions, round(one.rate, 3)] for one in found.reviewers},
        }

    def _features(self, rows: Sequence[Row]) -> NDArray[np.float32]:
        new = list(dict.fromkeys(row.text for row in rows if row.text not in self.features))
        if new:
            directory = store.local_directory(store.active_version())
            self.features.update(zip(new, doubts.pooled_features(directory, new), strict=True))
        return np.stack([self.features[row.text] for row in rows])
