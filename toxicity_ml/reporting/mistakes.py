"""Where a model and the labels disagree over a whole comment, the clearest first, with the likely cause."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from toxicity_ml.reporting import causes
from toxicity_ml.reporting.decisive_words import DecisiveWord, decisive_words
from toxicity_ml.reporting.rows import Rows, Scorer

SHOWN = 25
"""Comments shown of each kind, with their decisive word."""
ANALYSED = 400
"""Comments of each kind whose causes are counted."""
TEXT_SHOWN = 400
"""Characters shown of a comment, around its decisive word."""


def mistakes(
    rows: Rows, scores: np.ndarray, scorer: Scorer, *, shown: int = SHOWN, with_texts: bool = True
) -> dict[str, Any]:
    """The comments judged wrongly, by kind.

    Multi-label: ``false_positives`` are comments of no toxicity, every label looked at and false, that are
    flagged; ``false_negatives`` have a true label and are not flagged. Single-label: ``wrong_class``. Each is
    ``{"count", "analysed", "by_cause": {cause: {"first", "any"}}, "examples"}``, the clearest disagreement
    first. An example has ``file``, ``row``, ``true`` labels, the ``scores`` that went wrong, ``causes`` and,
    with texts, ``text`` (at most TEXT_SHOWN characters from ``text_start``, ``cut`` where that is not all)
    and ``word``, the decisive one. with_texts: False leaves out whatever quotes a comment.
    """
    kinds = _wrong_classes if scorer.is_single_label else _disagreements
    return {
        kind: _described(rows, scores, scorer, places, columns, rule, shown, with_texts)
        for kind, (places, columns, rule) in kinds(rows, scores, scorer).items()
    }


Kinds = dict[str, tuple[np.ndarray, np.ndarray, Callable[[causes.Judged], list[str]]]]
"""Kind: places of its rows, the label that went wrong furthest in each, and the rules for its causes."""


def _disagreements(rows: Rows, scores: np.ndarray, scorer: Scorer) -> Kinds:
    truth = np.nan_to_num(rows.targets) >= 0.5
    looked_at = ~np.isnan(rows.targets).any(axis=1)
    flagged = scorer.flags(scores).any(axis=1)
    relative = scores / np.asarray(scorer.thresholds)
    false_positive = np.flatnonzero(looked_at & ~truth.any(axis=1) & flagged)
    false_negative = np.flatnonzero(truth.any(axis=1) & ~flagged)
    of_true = np.where(truth, relative, -np.inf)
    margin = np.where(scores >= np.asarray(scorer.thresholds), scores, -np.inf)
    false_positive = false_positive[np.argsort(-margin[false_positive].max(axis=1), kind="stable")]
    false_negative = false_negative[np.argsort(of_true[false_negative].max(axis=1), kind="stable")]
    return {
        "false_positives": (
            false_positive,
            margin[false_positive].argmax(axis=1) if len(false_positive) else false_positive,
            causes.causes_of_false_positive,
        ),
        "false_negatives": (
            false_negative,
            of_true[false_negative].argmax(axis=1) if len(false_negative) else false_negative,
            causes.causes_of_false_negative,
        ),
    }


def _wrong_classes(rows: Rows, scores: np.ndarray, scorer: Scorer) -> Kinds:
    known = ~np.isnan(rows.targets).any(axis=1)
    taken = scores.argmax(axis=1)
    wrong = np.flatnonzero(known & (np.nan_to_num(rows.targets).argmax(axis=1) != taken))
    wrong = wrong[np.argsort(-scores[wrong, taken[wrong]], kind="stable")]
    return {"wrong_class": (wrong, taken[wrong], causes.causes_of_wrong_class)}


def _described(
    rows: Rows,
    scores: np.ndarray,
    scorer: Scorer,
    places: np.ndarray,
    columns: np.ndarray,
    rule: Callable[[causes.Judged], list[str]],
    shown: int,
    with_texts: bool,
) -> dict[str, Any]:
    count = len(places)
    places = places[:ANALYSED]
    wrong = [int(column) for column in columns[:ANALYSED]]
    texts = [rows.texts[at] for at in places]
    limits = _limits(scorer)
    strong = causes.strong_words(texts, scorer.predict, limits)
    words: list[DecisiveWord | None] = [*decisive_words(texts[:shown], wrong[:shown], scorer.predict)]
    words += [None] * (len(texts) - len(words))
    by_cause: Counter[str] = Counter()
    first: Counter[str] = Counter()
    examples = []
    for number, (place, column, text, word) in enumerate(zip(places, wrong, texts, words, strict=True)):
        judged = causes.Judged(
            text,
            float(scores[place, column]),
            limits[column],
            causes.strong_spans(text, strong),
            None if word is None else (word.start, word.end),
        )
        matching = rule(judged)
        first[matching[0]] += 1
        by_cause.update(matching)
        if number < shown:
            example = _example(rows, scores, scorer, int(place), column, matching)
            examples.append(example | (_quoted(text, word, limits[column]) if with_texts else {}))
    order = [cause for cause in causes.EXPLANATIONS if by_cause[cause]]
    return {
        "count": count,
        "analysed": len(texts),
        "by_cause": {cause: {"first": first[cause], "any": by_cause[cause]} for cause in order},
        "examples": examples,
    }


def _limits(scorer: Scorer) -> Sequence[float]:
    """From which score a label counts; a single word decides a class alone when the model is confident."""
    return [causes.CONFIDENT] * len(scorer.labels) if scorer.is_single_label else scorer.thresholds


def _example(
    rows: Rows, scores: np.ndarray, scorer: Scorer, place: int, column: int, found: list[str]
) -> dict[str, Any]:
    targets = rows.targets[place]
    true = [label for label, target in zip(scorer.labels, targets, strict=True) if target >= 0.5]
    wrong = {column}
    if not scorer.is_single_label:
        wrong |= {at for at, is_over in enumerate(scorer.flags(scores[place][None])[0]) if is_over}
        wrong |= {at for at, target in enumerate(targets) if target >= 0.5}
    file, row = rows.origins[place]
    return {
        "file": file,
        "row": row,
        "true": true,
        "scores": {scorer.labels[at]: round(float(scores[place, at]), 4) for at in sorted(wrong)},
        "decided": scorer.labels[column],
        "causes": found,
    }


def _quoted(text: str, word: DecisiveWord | None, threshold: float) -> dict[str, Any]:
    """The part of the comment that is shown, and the decisive word by its place in that part."""
    centre = 0 if word is None else (word.start + word.end) // 2
    start = max(0, min(centre - TEXT_SHOWN // 2, len(text) - TEXT_SHOWN))
    part = text[start : start + TEXT_SHOWN]
    quoted: dict[str, Any] = {"text": part, "text_start": start, "cut": len(part) < len(text), "word": None}
    if word is not None:
        quoted["word"] = {
            "text": text[word.start : word.end][:TEXT_SHOWN],
            "start": max(0, word.start - start),
            "end": min(len(part), word.end - start),
            "score_without": round(word.score_without, 4),
            "decides_alone": word.score_without < threshold,
        }
    return quoted
