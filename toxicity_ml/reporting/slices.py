"""Figures by kind of comment: length, how it was drawn, punctuation stripped, group mentioned."""

from typing import Any

import numpy as np

from toxicity_ml import evaluation
from toxicity_ml.evaluation.metrics import figure
from toxicity_ml.reporting.identity_terms import GROUPS, mentioned
from toxicity_ml.reporting.rows import Rows, Scorer, natural

LENGTHS = ((1, 10), (11, 25), (26, 50), (51, 100), (101, 200), (201, None))
"""Words from and to, both counted."""
ANY_GROUP = "any of these"
STRIPPED_LIMIT = 1.5
"""How many times as often the same comments may be flagged once stripped of punctuation."""


def sliced(rows: Rows, scores: np.ndarray, scorer: Scorer, resamples: int) -> dict[str, Any]:
    """Every slicing of one scorer: ``{"length", "sample", "identity", "punctuation"}``."""
    return {
        "length": by_length(rows, scores, scorer, resamples),
        "sample": by_sample(rows, scores, scorer, resamples),
        "identity": by_identity(rows, scores, scorer, resamples),
        "punctuation": by_punctuation(rows, scores, scorer, resamples),
    }


def by_length(rows: Rows, scores: np.ndarray, scorer: Scorer, resamples: int) -> dict[str, Any]:
    """``{"26 to 50 words": figures}`` for each length that occurs."""
    words = np.array([len(text.split()) for text in rows.texts])
    by_name = {}
    for low, high in LENGTHS:
        which = (words >= low) & (words <= (high or np.inf))
        if low == 1:
            which |= words == 0
        if which.any():
            name = f"{low} to {high} words" if high else f"over {low - 1} words"
            by_name[name] = _sliced(rows, scores, scorer, which, resamples)
    return by_name


def by_sample(rows: Rows, scores: np.ndarray, scorer: Scorer, resamples: int) -> dict[str, Any]:
    """``{sample: figures}`` where the files say how rows were drawn, each row counted once; else empty."""
    if not any(rows.samples):
        return {}
    even = rows.weighted(np.ones(len(rows.texts)), rows.name)
    names = np.array(rows.samples)
    return {
        name or "(not said)": _sliced(even, scores, scorer, names == name, resamples)
        for name in sorted(set(rows.samples))
    }


def by_identity(rows: Rows, scores: np.ndarray, scorer: Scorer, resamples: int) -> dict[str, Any]:
    """``{group: figures}`` for each group of ``identity_terms.GROUPS`` that is mentioned.

    The AUCs are those of the first label (``evaluation.bias_aucs``); beside them stands what a site feels of
    comments that mention the group, or the accuracy where the task is single-label.
    """
    groups = [mentioned(text) for text in rows.texts]
    known = ~np.isnan(rows.targets[:, 0])
    truth = rows.targets[:, 0] >= 0.5
    by_group = {}
    for group in (*GROUPS, ANY_GROUP):
        mentions = np.array(
            [bool(spans) if group == ANY_GROUP else group in spans for spans in groups], dtype=bool
        )
        if not mentions.any():
            continue
        figures = _sliced(rows, scores, scorer, mentions, resamples)
        if not scorer.is_single_label:
            figures["bias"] = evaluation.bias_aucs(
                truth[known], scores[known, 0], mentions[known], rows.weights[known], resamples
            )
        by_group[group] = figures
    return by_group


def by_punctuation(rows: Rows, scores: np.ndarray, scorer: Scorer, resamples: int) -> dict[str, Any]:
    """Compare natural comments as they are with the same ones stripped of punctuation, in pairs.

    Returns ``{"rows", "basis", "limit", "flagged_ratio": {value, low, high}, "within_limit", "labels":
    {label: {"raw", "stripped": predicted over observed}}}``; predicted over observed is None, with
    ``too_few``, for a label with fewer than MIN_POSITIVES positives. A single-label task has ``changed``, the
    share of comments whose class changes, instead of the ratio.
    """
    from toxicity_ml.augmentation.stripping import strip_punctuation

    which, basis = natural(rows)
    chosen = rows.chosen(which)
    weights = chosen.weights if which.all() else np.ones(len(chosen.texts))
    stripped = scorer.predict([strip_punctuation(text) for text in chosen.texts])
    before, after = scorer.flags(scores[which]), scorer.flags(stripped)
    report: dict[str, Any] = {"rows": len(chosen.texts), "basis": basis, "labels": {}}
    with np.errstate(divide="ignore", invalid="ignore"):
        if scorer.is_single_label:
            changed = np.column_stack([(before != after).any(axis=1), np.ones(len(before))])
            sums = evaluation.resampled_sums(changed, weights, resamples)
            report["changed"] = figure(sums[:, 0] / sums[:, 1])
        else:
            flags = np.column_stack([after.any(axis=1), before.any(axis=1)])
            sums = evaluation.resampled_sums(flags, weights, resamples)
            ratio = figure(sums[:, 0] / sums[:, 1])
            report |= {
                "limit": STRIPPED_LIMIT,
                "flagged_ratio": ratio,
                "within_limit": None if ratio is None else ratio["value"] <= STRIPPED_LIMIT,
            }
        for index, label in enumerate(scorer.labels):
            known = ~np.isnan(chosen.targets[:, index])
            truth = chosen.targets[known, index] >= 0.5
            few = int(truth.sum()) < evaluation.MIN_POSITIVES
            columns = np.column_stack([scores[which][known, index], stripped[known, index], truth])
            sums = evaluation.resampled_sums(columns, weights[known], resamples)
            report["labels"][label] = {
                "positives": int(truth.sum()),
                "too_few": few,
                "raw": None if few else figure(sums[:, 0] / sums[:, 2]),
                "stripped": None if few else figure(sums[:, 1] / sums[:, 2]),
            }
    return report


def _sliced(
    rows: Rows, scores: np.ndarray, scorer: Scorer, which: np.ndarray, resamples: int
) -> dict[str, Any]:
    """Figures of the rows at ``which``, bool (n,): every label's, and of whole comments."""
    part, part_scores = rows.chosen(which), scores[which]
    few = evaluation.MIN_POSITIVES
    if scorer.is_single_label:
        report = evaluation.evaluate_classes(
            part_scores,
            part.targets,
            scorer.labels,
            weights=part.weights,
            resamples=resamples,
            min_positives=few,
        )
        kept: dict[str, Any] = {
            "rows": report["rows"],
            "too_few": report["rows"] < few,
            "accuracy": None if report["rows"] < few else report["accuracy"],
        }
    else:
        report = evaluation.evaluate(
            part_scores,
            part.targets,
            scorer.thresholds,
            scorer.labels,
            weights=part.weights,
            resamples=resamples,
            min_positives=few,
        )
        kept = evaluation.site_view(
            scorer.flags(part_scores), part.targets, scorer.labels, part.weights, resamples
        )
    return {**kept, "labels": report["labels"]}
