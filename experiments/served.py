"""Holds published versions against the aims, as served: int8, windows, their own thresholds.

    python experiments/served.py --part test --out JSON NAME=DIR [NAME=DIR ...]

Scores are kept by version and texts, so a further version costs its own scoring alone. The second and later
ones are compared with the first by paired bootstrap of the rows.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from experiments import aims
from experiments.figures import MIN_SIDE, any_label, auc, by_kind, f1, ranked, rate, rounded
from experiments.judge import FIVE
from experiments.judged_rows import rows_to_judge
from experiments.places import load_arrays, runs, save_arrays, wait_while_held
from experiments.rows import (
    INSULT,
    LABELS,
    NEWS,
    OBSCENE,
    THREAT,
    TOXIC,
    at_natural_prevalence,
    sides,
    truth_of,
)
from toxicity_ml.classifier import Classifier
from toxicity_ml.evaluation.metrics import weighted_average_precision
from toxicity_ml.manifest import Manifest, manifest_sha256

RESAMPLES = 1000
PIECE = 1000
"""Texts between two writings of the scores."""
FRIENDLY = ("friendly", "neutral", "greeting", "self_description")
"""Families of our own harmless phrases that name a group."""
NAMING_GROUPS = ("bold", "holistic_bias")
"""Sources of harmless sentences that name a group."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the figures of each version and print the aims that each meets."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("versions", nargs="+", metavar="NAME=DIR")
    parser.add_argument("--part", default="test", choices=("valid", "test"))
    parser.add_argument("--rows", type=int, default=0, help="no more rows than this, for a try")
    parser.add_argument("--out", required=True)
    options = parser.parse_args(arguments)
    rows = some_rows(options.part, options.rows)
    results = measured(rows, dict(entry.split("=", 1) for entry in options.versions))
    Path(options.out).write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(aims.table(results))


def some_rows(part: str, count: int) -> pd.DataFrame:
    """Return the rows to judge on, no more than `count` of them where that is not 0."""
    rows = rows_to_judge(part)
    return rows.sample(min(count, len(rows)), random_state=1) if count else rows


def measured(rows: pd.DataFrame, versions: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return by name the figures of each version directory, the later ones against the first."""
    truth = truth_of(rows)
    results: dict[str, dict[str, Any]] = {}
    scored: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, directory in versions.items():
        scores = kept_scores(directory, rows.text.tolist())
        thresholds = Manifest.load(directory).thresholds
        over = scores >= np.array([thresholds[label] for label in LABELS])
        scored[name] = scores, np.asarray(over)
        results[name] = figures(rows, truth, *scored[name])
    first, *later = scored
    for name in later:
        results[name][f"against {first}"] = differences(rows, truth, scored[first], scored[name])
    return results


def kept_scores(directory: str, texts: list[str]) -> np.ndarray:
    """Return a version's scores as served, (n, n_labels); what was scored before a kill is read again."""
    key = hashlib.sha256(json.dumps([manifest_sha256(directory), texts]).encode()).hexdigest()[:16]
    file = runs() / f"served_{key}.npz"
    done = load_arrays(file)["scores"] if file.exists() else np.zeros((0, len(LABELS)), dtype=np.float32)
    if len(done) == len(texts):
        return done
    classifier = Classifier.load(directory, threads=1)
    while len(done) < len(texts):
        wait_while_held()
        piece = texts[len(done) : len(done) + PIECE]
        done = np.concatenate([done, classifier.predict_array(piece)])
        save_arrays(file, {"scores": done})
    return done


def figures(rows: pd.DataFrame, truth: np.ndarray, scores: np.ndarray, over: np.ndarray) -> dict[str, Any]:
    """Return what aims.py looks at. scores: float (n, n_labels). over: bool, at or over the thresholds."""
    at = {name: (rows.set == name).to_numpy() for name in rows.set.unique()}
    is_flagged, source = any_label(over), rows.source.to_numpy()
    kinds = by_kind(rows[at["kinds"]], is_flagged[at["kinds"]], _logits(scores[at["kinds"]]))
    friendly = at["phrases"] & np.isin(source, FRIENDLY)
    counter_speech = at["phrases"] & (source == "counter_speech")
    naming = at["wider"] & np.isin(source, NAMING_GROUPS)
    return {
        aims.NEWS_FOUND: _of_news(at["wider"] & np.isin(source, NEWS), truth, scores, over),
        **_of_jigsaw(at["jigsaw valid"], at["jigsaw enriched"], truth, scores, over),
        aims.THREATS: _of_threats(at["wider"], truth, scores, over),
        aims.GROUPS_FLAGGED: [rounded(is_flagged[friendly].mean()), rounded(is_flagged[naming].mean())],
        aims.PAIRS: [kinds[kind]["pairs"] for kind in ("groups", "contempt", "counter")],
        aims.COUNTER_FLAGGED: [
            rounded(is_flagged[counter_speech].mean()),
            rounded(1 - kinds["counter"]["clear right"]),
        ],
        "kinds": kinds,
        "sources": {
            name: _of_source(rows, truth, scores, over, name) for name in sorted(set(source[at["wider"]]))
        },
    }


def _logits(scores: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(np.clip(scores, 1e-6, 1 - 1e-6)))


def _of_news(is_news: np.ndarray, truth: np.ndarray, scores: np.ndarray, over: np.ndarray) -> list[float]:
    toxic, clean = is_news & (truth[:, TOXIC] > 0.5), is_news & (truth[:, TOXIC] < 0.2)
    cut = np.quantile(scores[clean, TOXIC], 0.95)
    return [
        rounded(np.mean(scores[toxic, TOXIC] > cut)),
        rounded(over[toxic, TOXIC].mean()),
        rounded(over[clean, TOXIC].mean()),
    ]


def _of_jigsaw(
    natural: np.ndarray, enriched: np.ndarray, truth: np.ndarray, scores: np.ndarray, over: np.ndarray
) -> dict[str, Any]:
    both = natural | enriched
    weights = at_natural_prevalence(truth[both])
    precision = [
        weighted_average_precision(truth[both, index] > 0.5, scores[both, index].astype(float), weights)
        for index in FIVE
    ]
    return {
        aims.MEAN_AP: rounded(np.mean(precision), 4),
        aims.ENRICHED: [
            rounded(f1(truth[enriched, index] > 0.5, over[enriched, index]))
            for index in (TOXIC, OBSCENE, INSULT)
        ],
        aims.NATURAL: [rounded(over[natural & (truth[:, TOXIC] == side), TOXIC].mean()) for side in (1, 0)],
    }


def _of_threats(is_wider: np.ndarray, truth: np.ndarray, scores: np.ndarray, over: np.ndarray) -> list[Any]:
    threat, other = is_wider & (truth[:, THREAT] > 0.5), is_wider & (truth[:, THREAT] < 0.3)
    area = rounded(auc(scores[threat, THREAT], scores[other, THREAT])) if threat.any() else None
    return [area, int(threat.sum()), rate(over[threat, THREAT]), rate(over[other, THREAT])]


def _of_source(
    rows: pd.DataFrame, truth: np.ndarray, scores: np.ndarray, over: np.ndarray, source: str
) -> dict[str, Any]:
    positive, negative = sides(rows, truth, source, borrows=False)
    here = ((rows.set == "wider") & (rows.source == source)).to_numpy()
    known = here & ~np.isnan(truth[:, TOXIC])
    found: dict[str, Any] = {
        "toxic": int(positive.sum()),
        "clean": int(negative.sum()),
        "found": rate(over[positive, TOXIC]),
        "for nothing": rate(any_label(over[negative])),
        **ranked(scores[positive, TOXIC], scores[negative, TOXIC]),
    }
    if known.any():
        observed = max(1e-3, truth[known, TOXIC].mean())
        found[aims.CALIBRATION] = rounded(scores[known, TOXIC].mean() / observed, 2)
    return found


def differences(
    rows: pd.DataFrame,
    truth: np.ndarray,
    first: tuple[np.ndarray, np.ndarray],
    second: tuple[np.ndarray, np.ndarray],
) -> dict[str, list[float]]:
    """Return [value, low, high] of the second minus the first: each source's AUC, and kinds judged rightly.

    first, second: scores, and which are at or over the thresholds. The kinds' rows are drawn by pairs, whose
    sides are no two independent rows.
    """
    chance = np.random.default_rng(1)
    found: dict[str, list[float]] = {}
    for source in sorted(set(rows.source[rows.set == "wider"])):
        positive, negative = map(np.flatnonzero, sides(rows, truth, source, borrows=False))
        if min(len(positive), len(negative)) < MIN_SIDE:
            continue
        draws = [
            _gain(
                chance.choice(positive, len(positive)),
                chance.choice(negative, len(negative)),
                first[0],
                second[0],
            )
            for _ in range(RESAMPLES // 4)
        ]
        found[f"auc {source}"] = _interval(_gain(positive, negative, first[0], second[0]), draws)
    is_kind = (rows.set == "kinds").to_numpy()
    flagged = rows.flagged.to_numpy()[is_kind].astype(bool)
    was, will_be = (any_label(over[is_kind]) == flagged for _, over in (first, second))
    gain = will_be.astype(float) - was
    return found | {"kinds right": mean_by_pairs(gain, rows.pair.to_numpy()[is_kind], chance)}


def mean_by_pairs(gain: np.ndarray, pair: np.ndarray, chance: np.random.Generator) -> list[float]:
    """Return [value, low, high] of the mean over rows, of which whole pairs are drawn.

    gain: float (n,). pair: (n,), what each row belongs to; a pair may have more rows than another.
    """
    grouped = pd.Series(gain).groupby(pair)
    total, size = grouped.sum().to_numpy(), grouped.size().to_numpy()
    drawn = (chance.integers(0, len(total), len(total)) for _ in range(RESAMPLES))
    return _interval(gain.mean(), [total[pairs].sum() / size[pairs].sum() for pairs in drawn])


def _gain(positive: np.ndarray, negative: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    return auc(second[positive, TOXIC], second[negative, TOXIC]) - auc(
        first[positive, TOXIC], first[negative, TOXIC]
    )


def _interval(value: float, draws: Sequence[float]) -> list[float]:
    return [rounded(value), rounded(np.quantile(draws, 0.025)), rounded(np.quantile(draws, 0.975))]


if __name__ == "__main__":
    main()
