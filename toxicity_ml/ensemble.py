"""Averages the scores of several model versions. Same surface as Classifier; no torch."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from toxicity_ml.activations import sigmoid
from toxicity_ml.classifier import NO_TEXT_LOGIT, Classifier, NamedScores
from toxicity_ml.errors import DataError
from toxicity_ml.inputs import as_texts
from toxicity_ml.labels import MULTI_LABEL, SINGLE_LABEL
from toxicity_ml.scorer import Scorer

Average = Literal["probabilities", "logits"]
AVERAGES: tuple[Average, ...] = get_args(Average)
_LEAST = 1e-12
_MOST = 1 - 2.0**-24
"""Probabilities are kept within these before a logarithm is taken; nearer to 1 float32 has no number."""


class Ensemble(NamedScores):
    """Scores texts with several model versions and averages what they say.

    ``probabilities`` averages the members' calibrated probabilities; ``logits`` their calibrated log-odds (of
    single-label versions: their log-probabilities, softmax again), which lets a member that is sure pull
    harder. Labels are in the first member's order.

    Thresholds are the members', averaged as the scores are: a text that stands exactly at the threshold of
    every member stands exactly at the ensemble's (nearly, for logits of more than two classes). The members'
    probabilities are calibrated, so their thresholds are on one scale; where there are rows to spare,
    thresholds chosen on the ensemble's own scores are better.
    """

    def __init__(
        self,
        classifiers: Sequence[Scorer],
        average: Average = "probabilities",
        weights: Sequence[float] | None = None,
    ) -> None:
        """weights: one for each member, not negative; only their proportions count. None weighs all alike.

        Raises DataError where members differ in labels or task, or weights don't fit.
        """
        if not classifiers:
            raise DataError("An ensemble needs at least one model version.")
        first = classifiers[0]
        for other in classifiers[1:]:
            if set(other.labels) != set(first.labels):
                raise DataError(
                    f"{other.version} has other labels than {first.version}: "
                    f"{_difference(other.labels, first.labels)}. Only versions of the same labels average."
                )
            if other.task != first.task:
                raise DataError(f"{other.version} is {other.task} and {first.version} is {first.task}.")
        if average not in AVERAGES:
            raise DataError(f"average is one of {', '.join(AVERAGES)}, not {average!r}.")
        self.members = tuple(classifiers)
        self.average: Average = average
        self.weights = _normalised(weights, len(self.members))
        self.labels: tuple[str, ...] = first.labels
        self.task = first.task
        self.version = "+".join(member.version for member in self.members)
        thresholds = np.array(
            [[member.thresholds[label] for label in self.labels] for member in self.members]
        )
        averaged = _averaged(thresholds[:, np.newaxis, :], self.weights, average, MULTI_LABEL)[0]
        self.thresholds = {label: float(value) for label, value in zip(self.labels, averaged, strict=True)}

    @classmethod
    def load(
        cls,
        paths: Sequence[str | Path | None],
        average: Average = "probabilities",
        weights: Sequence[float] | None = None,
        *,
        threads: int | None = None,
        verify: bool = True,
    ) -> "Ensemble":
        """Load model version directories as ``Classifier.load``; None is the packaged one.

        Raises DataError where they don't fit together, ModelNotFound or ModelDamaged.
        """
        members = [Classifier.load(path, threads=threads, verify=verify) for path in paths]
        return cls(members, average, weights)

    def __repr__(self) -> str:
        return f"<Ensemble {self.version} ({', '.join(self.labels)}), {self.average} averaged>"

    def predict_array(self, texts: Iterable[str], *, progress: bool = False) -> np.ndarray:
        """Averaged probabilities, float32 (n_texts, n_labels). A text without any token has 0 for each
        label, or the same for each class."""
        texts = as_texts(texts, "predict_array")  # each member reads them
        probabilities = np.stack(
            [
                member.predict_array(texts, progress=progress)[:, _order(member.labels, self.labels)]
                for member in self.members
            ]
        )
        return averaged_probabilities(probabilities, self.weights, self.average, self.task)

    def logits(self, texts: Iterable[str], *, progress: bool = False) -> np.ndarray:
        """Log-odds of the averaged probabilities (single-label: their logarithms), float32
        (n_texts, n_labels); classifier.NO_TEXT_LOGIT for a text without any token."""
        texts = as_texts(texts, "logits")
        probabilities = self.predict_array(texts, progress=progress).astype(np.float64)
        clipped = np.clip(probabilities, _LEAST, None)
        logits = np.log(clipped)
        if self.task != SINGLE_LABEL:
            logits -= np.log1p(-np.clip(probabilities, None, _MOST))
        nothing = probabilities[:, :1] if self.task == SINGLE_LABEL else 0.0  # what each label of no text has
        logits[(probabilities == nothing).all(axis=1)] = NO_TEXT_LOGIT
        return logits.astype(np.float32)


def averaged_probabilities(
    probabilities: np.ndarray,
    weights: Sequence[float] | np.ndarray | None = None,
    average: Average = "probabilities",
    task: str = MULTI_LABEL,
) -> np.ndarray:
    """Average of several classifiers' probabilities.

    probabilities: (n_members, n_texts, n_labels), labels in one order. Returns float32 (n_texts, n_labels). A
    text that has 0 for every label from every member (no token) keeps it. Raises DataError for weights that
    don't fit.
    """
    average_scores = _averaged(probabilities, _normalised(weights, len(probabilities)), average, task)
    average_scores[(probabilities == 0.0).all(axis=(0, 2))] = 0.0
    return average_scores.astype(np.float32)


def fit_weights(
    probabilities: np.ndarray,
    targets: np.ndarray,
    *,
    row_weights: np.ndarray | None = None,
    average: Average = "probabilities",
    task: str = MULTI_LABEL,
    rounds: int = 50,
) -> np.ndarray:
    """Weights of an ensemble by greedy forward selection with replacement (Caruana et al. 2004, "Ensemble
    Selection from Libraries of Models", section 2): from nothing, ``rounds`` times the member is added that
    lowers the log loss on these rows the most; a member's weight is the share of rounds that it was taken in.
    The shortest selection with the lowest loss counts, so a member that only harms has 0.

    probabilities: (n_members, n_texts, n_labels) on rows that no member was trained or calibrated on.
    targets: (n_texts, n_labels), NaN where not looked at (single-label: one-hot rows). row_weights:
    (n_texts,). Returns float64 (n_members,), summing to 1. Raises DataError for shapes that don't fit or
    targets that are all NaN.
    """
    if probabilities.ndim != 3 or probabilities.shape[1:] != targets.shape or len(probabilities) == 0:
        raise DataError("probabilities must be (members, texts, labels) and targets (texts, labels).")
    is_known = ~np.isnan(targets)
    if row_weights is not None and row_weights.shape != targets.shape[:1]:
        raise DataError("row_weights must have one number for each text.")
    rows = np.ones(len(targets)) if row_weights is None else row_weights
    cells = np.where(is_known, rows[:, np.newaxis], 0.0)
    if rounds < 1 or not cells.sum() > 0:
        raise DataError("Weights need at least one round and one target that is not NaN or of no weight.")
    truth = np.where(is_known, targets, 0.0)

    def loss(counts: np.ndarray) -> float:
        averaged = np.clip(_averaged(probabilities, counts / counts.sum(), average, task), _LEAST, _MOST)
        costs = truth * np.log(averaged)
        if task != SINGLE_LABEL:
            costs += (1.0 - truth) * np.log(1.0 - averaged)
        return -float((cells * costs).sum() / cells.sum())

    counts = np.zeros(len(probabilities))
    best_loss, best = np.inf, counts
    for _ in range(rounds):
        trials = counts + np.eye(len(counts))
        losses = [loss(trial) for trial in trials]
        counts = trials[int(np.argmin(losses))]
        if min(losses) < best_loss:
            best_loss, best = min(losses), counts
    weights: np.ndarray = best / best.sum()
    return weights


def _averaged(probabilities: np.ndarray, weights: np.ndarray, average: Average, task: str) -> np.ndarray:
    """float64 (n_texts, n_labels) from (n_members, n_texts, n_labels) and weights that sum to 1."""
    members = probabilities.astype(np.float64)
    if average == "probabilities":
        return np.tensordot(weights, members, axes=1)
    low = np.log(np.clip(members, _LEAST, None))
    if task == SINGLE_LABEL:
        joined = np.exp(np.tensordot(weights, low, axes=1))
        normalised: np.ndarray = joined / joined.sum(axis=-1, keepdims=True)
        return normalised
    logits = np.tensordot(weights, low - np.log1p(-np.clip(members, None, _MOST)), axes=1)
    return sigmoid(logits)


def _normalised(weights: Sequence[float] | np.ndarray | None, count: int) -> np.ndarray:
    """float64 (count,), summing to 1. Raises DataError."""
    given_weights = np.ones(count) if weights is None else np.asarray(weights, dtype=np.float64)
    if given_weights.shape != (count,):
        raise DataError(f"{count} model versions need {count} weights, not {given_weights.size}.")
    if not np.isfinite(given_weights).all() or (given_weights < 0).any() or not given_weights.sum() > 0:
        raise DataError("Weights are numbers from 0 on, and not all of them 0.")
    normalised: np.ndarray = given_weights / given_weights.sum()
    return normalised


def _order(labels: Sequence[str], wanted: Sequence[str]) -> list[int]:
    return [list(labels).index(label) for label in wanted]


def _difference(labels: Sequence[str], others: Sequence[str]) -> str:
    more, fewer = sorted(set(labels) - set(others)), sorted(set(others) - set(labels))
    parts = [f"it also has {', '.join(more)}"] if more else []
    return "; ".join([*parts, f"it lacks {', '.join(fewer)}"] if fewer else parts)
