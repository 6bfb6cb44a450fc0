"""Measures a model version on comments of known truth: before and after, each figure with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.community.generator import Comment, Kind
from toxicity_ml import Classifier, corpora, evaluation
from toxicity_ml.augmentation.counterexamples import FAMILIES, SAMPLE, counterexamples
from toxicity_ml.labels import JIGSAW_LABELS

JIGSAW_FILES = ("valid.csv.gz", "valid_enriched.csv.gz")
IDENTITY_SENTENCES = 600
RESAMPLES = 200
Array = NDArray[Any]


def share(of: int, among: int) -> dict[str, float | int]:
    """Return a share with Wilson's 95 % interval (1927); of nothing it is 0, from 0 to 1."""
    if not among:
        return {"value": 0.0, "low": 0.0, "high": 1.0, "count": 0, "among": 0}
    z = NormalDist().inv_cdf(0.975)
    value = of / among
    middle = (value + z * z / (2 * among)) / (1 + z * z / among)
    half = z / (1 + z * z / among) * np.sqrt(value * (1 - value) / among + z * z / (4 * among**2))
    return {
        "value": value,
        "low": max(0.0, float(middle - half)),
        "high": min(1.0, float(middle + half)),
        "count": of,
        "among": among,
    }


class Ruler:
    """Scores of the comments that nobody reviewed, of Jigsaw's rows and of sentences that name groups."""

    def __init__(self, first: Path, fresh: Sequence[Comment], jigsaw: Path | None) -> None:
        """first: the version that the site began with: what it missed is what recall is measured on."""
        self.fresh = fresh
        self.truth = np.array([comment.truth for comment in fresh], dtype=bool)
        self.kinds = np.array([comment.kind for comment in fresh])
        self.identity = _identity_sentences()
        self.jigsaw = {name: corpora.load([jigsaw / name]) for name in JIGSAW_FILES} if jigsaw else {}
        self._scores: dict[tuple[Path, str], Array] = {}
        self.first = first
        self.is_missed = self.truth.any(axis=1) & ~self._flagged(first, "fresh")

    def measure(self, version: Path) -> dict[str, Any]:
        """Return the figures of a version directory."""
        flagged = self._flagged(version, "fresh")
        toxic = self.truth.any(axis=1)
        figures: dict[str, Any] = {
            "false_positives": share(int((flagged & ~toxic).sum()), len(flagged)),
            "recall_on_missed": share(int(flagged[self.is_missed].sum()), int(self.is_missed.sum())),
            "recall": share(int(flagged[toxic].sum()), int(toxic.sum())),
            "precision": share(int((flagged & toxic).sum()), int(flagged.sum())),
            "brier": self.brier(version),
            "kinds": {
                kind.value: share(int(flagged[self.kinds == kind].sum()), int((self.kinds == kind).sum()))
                for kind in Kind
            },
        }
        harmless = self.identity["harmless"]
        of_identity = self._flagged(version, "identity")
        figures["identity_flagged"] = share(int(of_identity[harmless].sum()), int(harmless.sum()))
        figures["identity_recall"] = share(int(of_identity[~harmless].sum()), int((~harmless).sum()))
        if self.jigsaw:
            figures["jigsaw"] = {name: self._average_precision(version, name) for name in self.jigsaw}
        return figures

    def brier(self, version: Path) -> float:
        """Return the mean squared error over comments and labels, the figure that the gate compares."""
        return float(((self._scored(version, "fresh") - self.truth) ** 2).mean())

    def _average_precision(self, version: Path, name: str) -> dict[str, Any]:
        """Mean over the labels with enough positives; and how much it is above that of the first version."""
        truth = np.asarray(self.jigsaw[name]["labels"], dtype=float)
        difference = evaluation.paired_difference(
            truth, self._scored(self.first, name), self._scored(version, name), resamples=RESAMPLES
        )
        known = [place for place, found in difference["labels"].items() if found is not None]
        scores = self._scored(version, name)
        value = np.mean(
            [
                evaluation.weighted_average_precision(
                    truth[:, place] >= 0.5, scores[:, place], np.ones(len(truth))
                )
                for place in known
            ]
        )
        mean = difference["mean"]
        assert mean is not None, "Jigsaw's rows have positives."
        return {"value": float(value), "change": mean.value, "low": mean.low, "high": mean.high}

    def _flagged(self, version: Path, what: str) -> Array:
        thresholds = Classifier.load(version, verify=False).thresholds
        over: Array = self._scored(version, what) >= np.array([thresholds[label] for label in JIGSAW_LABELS])
        return over.any(axis=1)

    def _scored(self, version: Path, what: str) -> Array:
        """Return the scores of a set of texts, (n, n_labels) in the order of Jigsaw's labels; made once."""
        key = (version, what)
        if key not in self._scores:
            model = Classifier.load(version, verify=False)
            order = [model.labels.index(label) for label in JIGSAW_LABELS]
            self._scores[key] = model.predict_array(self._texts(what))[:, order]
        return self._scores[key]

    def _texts(self, what: str) -> list[str]:
        if what == "fresh":
            return [comment.text for comment in self.fresh]
        return list(self.identity["texts"] if what == "identity" else self.jigsaw[what]["text"])


def _identity_sentences() -> dict[str, Any]:
    """Return texts that name a group of people, with templates, groups and words that nothing learns from."""
    rows = counterexamples(IDENTITY_SENTENCES, seed=5, held_out=True)
    naming = {f"{SAMPLE} {family.name}" for family in FAMILIES if family.names_group}
    chosen = [row for row in rows if row["sample"] in naming]
    labels = np.asarray([row["labels"] for row in chosen], dtype=float)
    return {
        "texts": [row["text"] for row in chosen],
        "harmless": ~(np.nan_to_num(labels) >= 0.5).any(axis=1),
    }
