"""Finds labels that a cross-validated model takes for unlikely, how many are wrong, and who stands out.

A logistic regression on the network's pooled features says of each text what the other texts make of it
(confident learning; Northcutt, Jiang & Chuang 2021, as cleanlab has it). Nothing is changed by it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_OF_A_CLASS = 20
"""Fewer texts with a label, or without it, say nothing of what is unlikely."""
FOLDS = 5
REGULARISATION = 0.01
"""Inverse strength: 384 features of a few hundred texts would be learned by heart otherwise."""
LEAST_DECISIONS = 30
"""Of somebody with fewer decisions nothing is said."""
LEVEL = 0.01
"""One-sided, over all reviewers together: how often somebody is named by chance."""
LEFT = 0.5
"""Of the difference between somebody and the others, what has to be left without any one of these."""
MAX_TOKENS = 128
ANY = ""
"""In place of a label: whether any is true."""


@dataclass(frozen=True)
class Issue:
    """A decision that the others make unlikely."""

    row: int
    label: str
    """Or ANY."""
    probability: float
    """Of what was decided, by a model that did not see it."""


@dataclass(frozen=True)
class ReviewerRate:
    """How often somebody's decisions are unlikely, beside those of everybody else."""

    reviewer: str
    decisions: int
    unlikely: int
    rate: float
    rate_of_others: float
    low: float
    """Lower bound of the difference, one-sided at LEVEL over the number of reviewers."""
    stands_out: bool
    """True where it is so without the decisions of any one of the others, too."""
    only_against: str = ""
    """The one without whose decisions nothing would be left of it: the two contradict each other, and either
    may be right. Who decides many alike comments wrongly makes the few who are right look unlikely."""


@dataclass(frozen=True)
class Doubts:
    """What is doubtful in a set of decisions."""

    decisions: int
    """Of which it is known whether any label is true."""
    wrong: float | None
    """Estimated share of them that are wrong; None: too few to say."""
    issues: list[Issue]
    """The least likely first."""
    reviewers: list[ReviewerRate]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def pooled_features(directory: Path, texts: Sequence[str], batch_size: int = 32) -> NDArray[np.float32]:
    """Return what the head of a saved network sees of each text's first tokens: (n, width)."""
    import torch

    from toxicity_ml.network import load_model, load_tokenizer, saved_symbols_in_words
    from toxicity_ml.text.repair import repair_encoding
    from toxicity_ml.text.symbols import symbols_in_words

    network = load_model(directory)
    tokenizer = load_tokenizer(directory)
    read = [repair_encoding(text) for text in texts]
    if saved_symbols_in_words(directory):
        read = [symbols_in_words(text, lambda sign: tokenizer.token_to_id(sign) is not None) for text in read]
    encodings = tokenizer.encode_batch([text.text for text in read])
    ids = [
        encoding.ids[: MAX_TOKENS - 1] + encoding.ids[-1:] if len(encoding.ids) > MAX_TOKENS else encoding.ids
        for encoding in encodings
    ]
    order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
    features = np.zeros((len(ids), network.head.in_features), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(order), batch_size):
            places = order[start : start + batch_size]
            length = max(len(ids[place]) for place in places)
            tokens = torch.zeros((len(places), length), dtype=torch.long)
            mask = torch.zeros_like(tokens)
            for number, place in enumerate(places):
                tokens[number, : len(ids[place])] = torch.tensor(ids[place])
                mask[number, : len(ids[place])] = 1
            features[places] = network.pooled(tokens, mask).numpy()
    return features


def find(
    features: NDArray[np.float32],
    labels: NDArray[np.float64],
    names: Sequence[str],
    *,
    groups: Sequence[str],
    reviewers: Sequence[str],
) -> Doubts:
    """Find what is doubtful.

    features: (n, width). labels: (n, len(names)) of 0, 1 or NaN. groups: n, equal for texts that read nearly
    the same, which are never on both sides of a fold. reviewers: n, who decided; empty: nobody is told of.
    """
    is_any = _any_of(labels)
    columns = {ANY: is_any} | {name: labels[:, place] for place, name in enumerate(names)}
    issues: dict[int, Issue] = {}
    wrong: float | None = None
    rates: list[ReviewerRate] = []
    for name, values in columns.items():
        known = np.flatnonzero(~np.isnan(values))
        given = (values[known] >= 0.5).astype(np.int64)
        of_groups = np.asarray(groups, dtype=object)[known]
        probabilities = _out_of_fold(features[known], given, of_groups)
        if probabilities is None:
            continue
        own = probabilities[np.arange(len(known)), given]
        for place in _issues(given, probabilities):
            issues.setdefault(int(known[place]), Issue(int(known[place]), name, float(own[place])))
        if name == ANY:
            wrong = _share_wrong(given, probabilities)
            rates = _without_disputes(
                _rates(np.asarray(reviewers, dtype=object)[known], own < 0.5),
                features[known],
                given,
                of_groups,
                np.asarray(reviewers, dtype=object)[known],
            )
    ordered = sorted(issues.values(), key=lambda issue: issue.probability)
    return Doubts(int((~np.isnan(is_any)).sum()), wrong, ordered, rates)


def _any_of(labels: NDArray[np.float64]) -> NDArray[np.float64]:
    is_true = (np.nan_to_num(labels) >= 0.5).any(axis=1)
    is_known = is_true | ~np.isnan(labels).any(axis=1)
    return np.where(is_known, is_true.astype(np.float64), np.nan)


def _out_of_fold(
    features: NDArray[np.float32], given: NDArray[np.int64], groups: NDArray[Any]
) -> NDArray[np.float64] | None:
    """Return (n, 2) probabilities by models that saw no text of the same group; None: too few to say."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if min(given.sum(), len(given) - given.sum()) < LEAST_OF_A_CLASS or len(set(groups)) < 2 * FOLDS:
        return None
    probabilities = np.zeros((len(given), 2))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=20)
    for learned, left in folds.split(features, given, groups):
        if len(set(given[learned])) < 2:
            return None
        model = make_pipeline(StandardScaler(), LogisticRegression(C=REGULARISATION, max_iter=500))
        model.fit(features[learned], given[learned])
        probabilities[left] = model.predict_proba(features[left])
    return probabilities


def _issues(given: NDArray[np.int64], probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    from cleanlab.filter import find_label_issues

    found = find_label_issues(
        given, probabilities, return_indices_ranked_by="self_confidence", filter_by="both", n_jobs=1
    )
    return np.asarray(found, dtype=np.int64)


def _share_wrong(given: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    from cleanlab.count import num_label_issues

    return float(num_label_issues(given, probabilities) / len(given))


def _rates(reviewers: NDArray[Any], is_unlikely: NDArray[np.bool_]) -> list[ReviewerRate]:
    """Compare each reviewer with all others together (Newcombe 1998, the interval of Wilson scores)."""
    names = [name for name in sorted(set(reviewers)) if name]
    judged = [name for name in names if (reviewers == name).sum() >= LEAST_DECISIONS]
    found = []
    for name in judged:
        own, others = is_unlikely[reviewers == name], is_unlikely[reviewers != name]
        if len(others) < LEAST_DECISIONS:
            continue
        low = _lower_difference(int(own.sum()), len(own), int(others.sum()), len(others), len(judged))
        rate, rest = float(own.mean()), float(others.mean())
        found.append(ReviewerRate(name, len(own), int(own.sum()), rate, rest, low, low > 0))
    return sorted(found, key=lambda row: -row.low)


def _without_disputes(
    rates: list[ReviewerRate],
    features: NDArray[np.float32],
    given: NDArray[np.int64],
    groups: NDArray[Any],
    reviewers: NDArray[Any],
) -> list[ReviewerRate]:
    """Leave the decisions of each other one out in turn, and tell against whom alone somebody stands out."""
    outstanding = [rate for rate in rates if rate.stands_out]
    left: dict[str, list[tuple[float, str]]] = {rate.reviewer: [] for rate in outstanding}
    for left_out in [rate.reviewer for rate in rates] if outstanding else []:
        rest = reviewers != left_out
        probabilities = _out_of_fold(features[rest], given[rest], groups[rest])
        if probabilities is None:
            continue
        unlikely = probabilities[np.arange(len(probabilities)), given[rest]] < 0.5
        for rate in _rates(reviewers[rest], unlikely):  # of two there is nobody left to be compared with
            if rate.reviewer in left:
                left[rate.reviewer].append((rate.rate - rate.rate_of_others, left_out))
    return [_disputed(rate, left.get(rate.reviewer, ())) for rate in rates]


def _disputed(rate: ReviewerRate, left: Sequence[tuple[float, str]]) -> ReviewerRate:
    """Say that it is a dispute of two where less than LEFT of the difference is left without one of them.

    left: (difference from the rest, whose decisions were left out).
    """
    difference, other = min(left, default=(1.0, ""))
    if difference >= LEFT * (rate.rate - rate.rate_of_others):
        return rate
    return replace(rate, stands_out=False, only_against=other)


def _lower_difference(hits: int, count: int, other_hits: int, other_count: int, tests: int) -> float:
    from statistics import NormalDist

    z = NormalDist().inv_cdf(1 - LEVEL / tests)
    rate, rest = hits / count, other_hits / other_count
    low = _wilson(rate, count, -z)
    high_of_others = _wilson(rest, other_count, z)
    return rate - rest - math.hypot(rate - low, high_of_others - rest)


def _wilson(rate: float, count: int, z: float) -> float:
    """Return the bound of a share, the lower one for a negative z."""
    spread = z * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    return (rate + z * z / (2 * count) + spread) / (1 + z * z / count)
