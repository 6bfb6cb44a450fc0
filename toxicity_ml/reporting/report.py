"""The whole report as data: models and a baseline on several sets of rows, beside each other."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from toxicity_ml import evaluation
from toxicity_ml.errors import DataError
from toxicity_ml.reporting import mistakes, sections, slices
from toxicity_ml.reporting.rows import Rows, Scorer, joined, judged_labels

JOINED = "natural prevalence"
"""The name of all rows weighted to the population's label combinations."""
ALL = "all files"


def report(
    parts: Sequence[Rows],
    models: Sequence[Scorer],
    baseline: Scorer | None = None,
    *,
    patterns: Path | None = None,
    resamples: int = evaluation.RESAMPLES,
    shown: int = mistakes.SHOWN,
    with_texts: bool = True,
) -> dict[str, Any]:
    """Everything that the evaluation report says, JSON-ready.

    parts: each file's rows, reported by themselves. models: versions with the same labels and task; the first
    is the one whose mistakes are shown and from which differences are taken. baseline: a simple model
    beside them. patterns: adds a part of all rows, weighted to this population (``corpora.natural_weights``).

    A label that no row of any part was judged by is left out of everything, flags of a site too, and named in
    ``left_out``.

    Returns ``{"model", "models", "labels", "left_out", "task", "data", "resamples", "min_positives", "parts":
    {part: {scorer: figures}}, "differences": {part: {scorer: difference}}, "slices": {model: slices},
    "mistakes"}``; see ``sections.measured``, ``sections.difference``, ``slices.sliced`` and
    ``mistakes.mistakes``. Slices and mistakes are those of all rows together. Raises DataError where models
    can't be set beside each other or the patterns don't fit.
    """
    _must_agree(models)
    left_out: list[str] = []
    if not models[0].is_single_label:
        places = judged_labels(parts, models[0].labels)
        left_out = [label for place, label in enumerate(models[0].labels) if place not in places]
    if left_out:
        parts = [part.of_labels(places) for part in parts]
        models = [model.of_labels(places) for model in models]
        baseline = None if baseline is None else baseline.of_labels(places)
    if left_out and patterns is not None:
        raise DataError(
            f"No row was judged by {', '.join(left_out)}, and --patterns counts combinations of all labels: "
            "leave it out."
        )
    first = models[0]
    scorers = [*models, baseline] if baseline is not None else list(models)
    scores = {scorer.name: [scorer.predict(part.texts) for part in parts] for scorer in scorers}
    whole = joined(parts, ALL)
    if patterns is not None:
        whole = _at_natural_prevalence(whole, patterns, first)
    of_whole = {name: np.concatenate(found) for name, found in scores.items()}
    every = [(part, {name: found[at] for name, found in scores.items()}) for at, part in enumerate(parts)]
    if patterns is not None:
        every.append((whole, of_whole))
    return {
        "model": first.name,
        "models": [scorer.name for scorer in scorers],
        "labels": list(first.labels),
        "left_out": left_out,
        "task": first.task,
        "data": [part.name for part in parts],
        "resamples": resamples,
        "min_positives": evaluation.MIN_POSITIVES,
        "parts": {
            part.name: {
                scorer.name: sections.measured(part, found[scorer.name], scorer, resamples)
                for scorer in scorers
            }
            for part, found in every
        },
        "differences": {
            part.name: {
                other.name: sections.difference(
                    part, found[first.name], found[other.name], first.labels, resamples
                )
                for other in scorers[1:]
            }
            for part, found in every
        },
        "slices": {
            model.name: slices.sliced(whole, of_whole[model.name], model, resamples) for model in models
        },
        "mistakes": mistakes.mistakes(whole, of_whole[first.name], first, shown=shown, with_texts=with_texts),
    }


def named_apart(names: Sequence[str]) -> list[str]:
    """The names, numbered where two are the same, so that each can be a key."""
    seen: dict[str, int] = {}
    distinct = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return distinct


def _must_agree(models: Sequence[Scorer]) -> None:
    first = models[0]
    for model in models[1:]:
        if (model.labels, model.task) != (first.labels, first.task):
            raise DataError(
                f"{model.name} has other labels than {first.name} ({', '.join(model.labels)} for "
                f"{model.task}): evaluate them apart."
            )


def _at_natural_prevalence(whole: Rows, patterns: Path, first: Scorer) -> Rows:
    from toxicity_ml import corpora

    if first.is_single_label:
        raise DataError("Label combinations are for multi-label models: leave --patterns out.")
    weights = corpora.natural_weights(whole.targets.tolist(), patterns)
    return whole.weighted(np.asarray(weights), JOINED)
