"""Figures that several scripts state: F1, recall at a share flagged for nothing, examples by kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from experiments.rows import TOXIC
from toxicity_ml.evaluation import FALSE_POSITIVE_RATES

MIN_SIDE = 10
"""Rows on either side under which a ranking says nothing."""
RECALLS = "recall at 1, 3, 5 %"


def rounded(value: float | np.floating[Any], digits: int = 3) -> float:
    """Return a plain number, rounded to these digits."""
    return round(float(value), digits)


def rate(over: np.ndarray) -> float | None:
    """Return the share that is True; None of none."""
    return rounded(over.mean()) if len(over) else None


def any_label(over: np.ndarray) -> np.ndarray:
    """Return which rows have any label over its threshold: bool (n,). over: bool (n, n_labels)."""
    return np.asarray(over.any(axis=1))


def f1(truth: np.ndarray, over: np.ndarray) -> float:
    """Return F1 of flags. truth, over: bool (n,)."""
    return float(2 * (truth & over).sum() / max(1, truth.sum() + over.sum()))


def best_f1_threshold(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Return the threshold of the greatest F1, halfway to the next score below."""
    order = np.argsort(-scores, kind="stable")
    hits, flagged = np.cumsum((weights * truth)[order]), np.cumsum(weights[order])
    values = 2 * hits / (flagged + (weights * truth).sum())
    best = int(np.argmax(values))
    following = scores[order][min(best + 1, len(scores) - 1)]
    return float((scores[order][best] + following) / 2)


def f1_at_best(truth: np.ndarray, scores: np.ndarray) -> float:
    """Return the greatest F1 of any threshold."""
    return f1(truth, scores >= best_f1_threshold(truth, scores, np.ones(len(scores))))


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Return how often a score of the first is over one of the second."""
    truth = np.r_[np.ones(len(positive)), np.zeros(len(negative))]
    return float(roc_auc_score(truth, np.r_[positive, negative]))


def ranked(positive: np.ndarray, negative: np.ndarray) -> dict[str, Any]:
    """Return the AUC of two sides' scores and the recall at each of FALSE_POSITIVE_RATES; {} of few rows."""
    if min(len(positive), len(negative)) < MIN_SIDE:
        return {}
    cuts = [np.quantile(negative, 1 - share) for share in FALSE_POSITIVE_RATES]
    return {
        "auc": rounded(auc(positive, negative)),
        RECALLS: [rounded((positive > cut).mean()) for cut in cuts],
    }


def by_kind(rows: pd.DataFrame, flagged: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    """Return of each kind of comment which share is judged rightly on either side; `all` has their mean.

    rows: examples of kinds, with `source`, `flagged` and `pair`. flagged: bool (n,). scores: (n, n_labels).
    """
    should = rows.flagged.to_numpy(dtype=bool)
    right, score, kinds = flagged == should, scores[:, TOXIC], rows.source.to_numpy()
    found: dict[str, Any] = {}
    for kind in sorted(set(kinds)):
        here = kinds == kind
        found[kind] = {
            "right": rounded(right[here].mean()),
            "clear right": rate(right[here & ~should]),
            "flagged right": rate(right[here & should]),
            "auc": rounded(roc_auc_score(should[here], score[here])),
            "pairs": pairs_in_order(rows[here], score[here]),
        }
    shares = [entry["right"] for entry in found.values()]
    return found | {"all": {"right": rounded(np.mean(shares)), "lowest": min(shares)}}


def pairs_in_order(rows: pd.DataFrame, score: np.ndarray) -> float:
    """Return the share of pairs whose flagged side scores over the clear one."""
    scored = rows.assign(score=score)
    both = scored.pivot_table(index="pair", columns="flagged", values="score").dropna()
    return rounded((both[True] > both[False]).mean())


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def cell(get: Callable[[Mapping[str, Any]], object], figures: Mapping[str, Any]) -> str:
    """Return one of the figures as text, `-` where it is None or was not measured."""
    try:
        value = get(figures)
    except KeyError:
        return "-"
    return "-" if value is None else str(value)
