"""Puts teachers' scores into a rows file as soft targets.

    python experiments/distil.py --rows ROWS.npz --out OUT.npz [--share 0.5] [--unknown 0.5] SCORES.npz [...]

The files of scores are in the order of the folds. Teacher k was trained on fold k of the texts alone: a row
of fold k gets the mean of the other teachers' scores, so that no target repeats a label which its teacher has
learnt by heart (cross-fitting). With one file every row gets its score. A known label becomes (1 - share)
label + share score; an unknown one the score, at the weight --unknown. Rows of our own keep their labels. A
teacher's scores are mapped before to the labels' own scale: Platt's way, on the known rows that it scored.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from experiments.places import load_arrays, save_arrays
from experiments.rows import LABELS, kept_folds
from experiments.score_rows import key
from toxicity_ml.evaluation import sigmoid

KNOWN_WEIGHT = 0.55
"""From this weight on a label is the row's own: every plan weighs these .6 or more, and filled ones less."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the rows with the teachers' scores in them."""
    options = _parser().parse_args(arguments)
    rows = load_arrays(options.rows)
    score, is_taught = teachers_scores(rows, options.scores)
    targets, weights = rows["targets"].astype(np.float64), rows["weights"].astype(np.float64)
    is_known = weights >= KNOWN_WEIGHT
    mixed = (1 - options.share) * targets + options.share * score
    targets = np.where(is_taught[:, None] & is_known, mixed, targets)
    unknown = is_taught[:, None] & ~is_known
    targets = np.where(unknown, score, targets)
    weights = np.where(unknown, options.unknown, weights)
    save_arrays(
        options.out, rows | {"targets": targets.astype(np.float32), "weights": weights.astype(np.float32)}
    )
    print(f"{is_taught.sum()} of {len(is_taught)} rows taught, {int(unknown.sum())} labels of unknown ones")


def teachers_scores(rows: Mapping[str, np.ndarray], files: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's mean score by the teachers of other folds, (n, n_labels), and which rows have one."""
    texts, is_own = rows["text"].tolist(), np.char.startswith(rows["source"], "own")
    keys = [key(text) for text in texts]
    folds = kept_folds(rows, len(files)) if len(files) > 1 else np.full(len(texts), -1)
    total, count = np.zeros((len(texts), len(LABELS))), np.zeros(len(texts))
    for number, file in enumerate(files):
        kept = load_arrays(file)
        known = dict(zip(kept["text_key"].tolist(), kept["logits"].astype(np.float32), strict=True))
        has = np.array([name in known for name in keys]) & (folds != number)
        logits = np.zeros((len(texts), len(LABELS)))
        logits[has] = np.array([known[name] for name, there in zip(keys, has, strict=True) if there])
        total[has] += calibrated(logits, rows, has & ~is_own)[has]
        count[has] += 1
    return total / np.maximum(count, 1)[:, None], (count > 0) & ~is_own


def calibrated(logits: np.ndarray, rows: Mapping[str, np.ndarray], chosen: np.ndarray) -> np.ndarray:
    """Return scores on the labels' own scale, fitted by label on the chosen rows where it is known."""
    result = np.zeros_like(logits)
    for index, label in enumerate(LABELS):
        known = chosen & (rows["weights"][:, index] >= KNOWN_WEIGHT)
        target = rows["targets"][known, index]
        twice = np.r_[logits[known, index], logits[known, index]][:, None]
        sides = np.r_[np.ones(known.sum()), np.zeros(known.sum())]
        fitted = LogisticRegression(C=1e6).fit(twice, sides, sample_weight=np.r_[target, 1 - target] + 1e-9)
        slope, intercept = fitted.coef_[0, 0], fitted.intercept_[0]
        result[:, index] = sigmoid(logits[:, index] * slope + intercept)
        print(f"{label}: slope {slope:.2f}, intercept {intercept:.2f}, {known.sum()} rows")
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scores", nargs="+")
    parser.add_argument("--rows", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--unknown", type=float, default=0.5)
    return parser


if __name__ == "__main__":
    main()
