"""Runs the suite on a classifier: recall lost to each rewrite, false flags won by repair, edge cases."""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from toxicity_ml.activations import sigmoid
from toxicity_ml.classifier import Classifier
from toxicity_ml.errors import DataError
from toxicity_ml.evaluation.resampling import RESAMPLES, Interval, interval, resampled_sums
from toxicity_ml.robustness.probes import EDGE_CASES, HARMLESS
from toxicity_ml.robustness.rewrites import CONTEXT, CONTROL, NOISE, REPAIRABLE, REWRITES
from toxicity_ml.robustness.toxic_words import Score, toxic_words

FLAGGED_SHARE = 0.03
"""Recall is measured at the threshold that flags this share of the natural comments without the label."""
LIMITS = {REPAIRABLE: 0.03, NOISE: 0.12, CONTEXT: 0.08}
"""Recall that the rewrites of a class may cost on average."""
FALSE_FLAG_LIMIT = 0.003
"""Share of natural comments without the label that may be flagged only because disguises are undone."""
MIN_NATURAL = 100
"""Comments without the label that a threshold for FLAGGED_SHARE of them needs at least."""


def attack(
    classifier: Classifier,
    toxic: Sequence[str],
    natural: Sequence[str],
    *,
    label: str | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    on_step: Callable[[str], None] = lambda step: None,
) -> dict[str, Any]:
    """Measure what rewriting costs.

    toxic: comments that carry the label. natural: comments of the site's own mix that do not. label: the
    model's first by default. on_step: told the name of each step as it starts.

    Returns JSON-ready ``{"model", "label", "rows", "threshold", "recall", "rewrites": [{"name", "kind",
    "changed", "recall", "loss"}], "classes": {kind: {"loss", "worst", "limit", "passes"}}, "control": the
    masked words' loss, "false_flags", "harmless", "edge_cases", "passes"}``. Losses are recall before minus
    after on the same comments, as shares, with 95 % bootstrap intervals over the comments at a fixed
    threshold; a class's is the mean of its rewrites', a gain counted as 0. Raises DataError where there are
    no toxic comments with a word to rewrite, or fewer than MIN_NATURAL natural ones, or the model lacks the
    label.
    """
    label = classifier.labels[0] if label is None else label
    if label not in classifier.labels:
        raise DataError(f"This model has no label {label}; it has {', '.join(classifier.labels)}.")
    if len(natural) < MIN_NATURAL:
        raise DataError(
            f"{len(natural)} natural comments without {label} are too few for a threshold; "
            f"give at least {MIN_NATURAL}."
        )
    score = log_odds(classifier, label)
    on_step("natural comments")
    scores = score(natural)
    threshold = threshold_flagging(scores, FLAGGED_SHARE)
    on_step("toxic words")
    words = toxic_words(score, toxic)
    targets = [(text, own) for text, own in zip(toxic, words, strict=True) if own]
    if not targets:
        raise DataError(f"No comment with {label} has a word of four letters that could be rewritten.")
    report: dict[str, Any] = {
        "model": classifier.version,
        "label": label,
        "rows": {"toxic": len(targets), "left out": len(toxic) - len(targets), "natural": len(natural)},
        "threshold": float(sigmoid(np.array(threshold))),
    }
    report |= _rewritten(score, targets, threshold, seed, resamples, on_step)
    on_step("false flags")
    report["false_flags"] = _false_flags(classifier, label, natural, scores, threshold, seed, resamples)
    report["harmless"] = _harmless(classifier, label, threshold)
    on_step("edge cases")
    report["edge_cases"] = _edge_cases(classifier)
    report["passes"] = bool(
        all(found["passes"] for found in report["classes"].values())
        and report["false_flags"]["passes"]
        and not report["harmless"]["names and abbreviations"]["flagged by repair"]
        and all(case["passes"] for case in report["edge_cases"])
    )
    return report


def log_odds(classifier: Classifier, label: str) -> Score:
    """Return a function from texts to the log-odds of one label's probability, float (n,)."""
    column = classifier.labels.index(label)

    def score(texts: Sequence[str]) -> np.ndarray:
        probability = classifier.predict_array(list(texts))[:, column].astype(np.float64)
        probability = np.clip(probability, 1e-7, 1 - 1e-7)
        return np.asarray(np.log(probability / (1 - probability)))

    return score


def threshold_flagging(scores: np.ndarray, share: float) -> float:
    """The lowest threshold that flags (score at or over it) at most this share of the scores, float (n,)."""
    ordered = np.sort(scores)[::-1]
    return float(np.nextafter(ordered[int(share * len(ordered))], np.inf))


def one_form(classifier: Classifier) -> Classifier:
    """The same classifier reading each text only as it was written, disguises left in place."""
    reader = copy.copy(classifier)
    reader._encoder = classifier._encoder.reading_one_form()  # the network and calibration are shared
    return reader


def _rewritten(
    score: Score,
    targets: Sequence[tuple[str, list[str]]],
    threshold: float,
    seed: int,
    resamples: int,
    on_step: Callable[[str], None],
) -> dict[str, Any]:
    originals = [text for text, _ in targets]
    caught = score(originals) >= threshold
    lost: dict[str, np.ndarray] = {}
    changed: dict[str, float] = {}
    for rewrite in REWRITES:
        on_step(rewrite.name)
        texts = [rewrite(text, words, seed) for text, words in targets]
        lost[rewrite.name] = caught.astype(float) - (score(texts) >= threshold)
        changed[rewrite.name] = float(
            np.mean([after != before for after, before in zip(texts, originals, strict=True)])
        )
    sums = resampled_sums(np.column_stack([caught, *lost.values()]), np.ones(len(targets)), resamples, seed)
    shares = sums / len(targets)
    recall, *losses = (_figure(shares[:, column]) for column in range(shares.shape[1]))
    by_name = dict(zip(lost, losses, strict=True))
    names = {kind: [rewrite.name for rewrite in REWRITES if rewrite.kind == kind] for kind in LIMITS}
    places = {name: 1 + place for place, name in enumerate(lost)}
    by_kind = {
        # what one rewrite gains doesn't make up for what another loses
        kind: _figure(np.maximum(shares[:, [places[name] for name in names[kind]]], 0).mean(axis=1))
        for kind in LIMITS
    }
    return {
        "recall": asdict(recall),
        "rewrites": [
            {
                "name": rewrite.name,
                "kind": rewrite.kind,
                "changed": changed[rewrite.name],
                "recall": recall.value - by_name[rewrite.name].value,
                "loss": asdict(by_name[rewrite.name]),
            }
            for rewrite in REWRITES
            if rewrite.kind != CONTROL
        ],
        "classes": {
            kind: {
                "loss": asdict(by_kind[kind]),
                "worst": max(names[kind], key=lambda name: by_name[name].value),
                "limit": limit,
                "passes": by_kind[kind].value <= limit,
            }
            for kind, limit in LIMITS.items()
        },
        "control": asdict(by_name[REWRITES[-1].name]),
    }


def _figure(values: np.ndarray) -> Interval:
    """A figure and its resamples, finite, float (1 + resamples,), as an interval."""
    figure = interval(values)
    if figure is None:
        raise ValueError("the figure is undefined")
    return figure


def _false_flags(
    classifier: Classifier,
    label: str,
    natural: Sequence[str],
    scores: np.ndarray,
    threshold: float,
    seed: int,
    resamples: int,
) -> dict[str, Any]:
    """Measure what undoing disguises adds to the flags on natural comments without the label."""
    readings = [classifier._encoder.forms(text) for text in natural]
    twice = [index for index, found in enumerate(readings) if len(found) == 2]
    without = scores.copy()
    if twice:
        without[twice] = log_odds(one_form(classifier), label)([natural[index] for index in twice])
    flagged, before = scores >= threshold, without >= threshold
    more = resampled_sums((flagged.astype(float) - before)[:, None], np.ones(len(natural)), resamples, seed)
    change = _figure(more[:, 0] / len(natural))
    return {
        "read twice": len(twice) / len(natural),
        "without": float(before.mean()),
        "with": float(flagged.mean()),
        "change": asdict(change),
        "limit": FALSE_FLAG_LIMIT,
        "passes": change.value <= FALSE_FLAG_LIMIT,
    }


def _harmless(classifier: Classifier, label: str, threshold: float) -> dict[str, Any]:
    """Count our harmless sentences that are flagged, and those that are only because disguises are undone."""
    score, plain = log_odds(classifier, label), log_odds(one_form(classifier), label)
    report: dict[str, Any] = {}
    for group, sentences in HARMLESS.items():
        over = score(sentences) >= threshold
        report[group] = {
            "sentences": len(sentences),
            "flagged": int(over.sum()),
            "flagged by repair": int((over & (plain(sentences) < threshold)).sum()),
        }
    return report


def _edge_cases(classifier: Classifier) -> list[dict[str, Any]]:
    """Score each edge case alone and among the others: probabilities must be finite and the same."""
    together = classifier.predict_array(list(EDGE_CASES.values()))
    report = []
    for (name, text), among in zip(EDGE_CASES.items(), together, strict=True):
        start = time.perf_counter()
        scores_alone = classifier.predict_array([text])[0]
        seconds = time.perf_counter() - start
        valid = bool(
            np.isfinite(scores_alone).all() and (scores_alone >= 0).all() and (scores_alone <= 1).all()
        )
        top = int(np.argmax(scores_alone))
        report.append(
            {
                "name": name,
                "characters": len(text),
                "seconds": round(seconds, 3),
                "highest": classifier.labels[top],
                "score": round(float(scores_alone[top]), 4),
                "passes": valid and bool(np.allclose(scores_alone, among, atol=1e-6)),
            }
        )
    return report
