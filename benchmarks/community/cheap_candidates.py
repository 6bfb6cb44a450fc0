"""Makes candidates in a moment, for the gate alone: real scores, changed; nothing is fine-tuned.

`null`: the active version's logits, to which each word adds something at random, small and the same wherever
the word stands, as in a model that weighs words a little otherwise. Both the candidate and the version that
it is held against are changed so, each in its own way, so neither is better but by chance. Chance does make
one of the two better, on all comments and not just on the reviewed ones: comments of the forum that nobody
reviewed tell which, so that what passes can be told from what passes wrongly.

`shuffled`: the decisions are exchanged at random among the items. Of the learning side a logistic regression
on words (TF-IDF) learns these; the candidate's scores lie half-way between its answers and the old ones.
`as_is`: the same of the decisions as they are.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from benchmarks.community.generator import Comment
from moderation.retraining import comparing, training_data
from moderation.retraining.gate.decide import decide
from moderation.retraining.gate.evidence import Evidence
from moderation.retraining.gate.verdict import BETTER
from moderation.retraining.training_data import TEST, TRAIN, Row
from moderation.versions import store
from toxicity_ml import Classifier
from toxicity_ml.activations import sigmoid
from toxicity_ml.labels import JIGSAW_LABELS

WORD_NOISE = 0.4
"""Standard deviation of what one word adds to a logit."""
HALF_WAY = 0.5
Array = NDArray[np.float64]


def candidates(kind: str, count: int, fresh: Sequence[Comment]) -> list[dict[str, Any]]:
    """Let the gate decide on that many candidates, each after those before on the same test side.

    fresh: comments that nobody reviewed. "result_alone" is what it says where the candidate is the first one;
    "true_change" by how much the candidate's Brier score is above the other's on `fresh` (`null` alone).
    Returns lines as those of real ones.
    """
    parent = store.active_version()
    model = Classifier.load(store.local_directory(parent), verify=False)
    rows = training_data.reviewed(parent.labels)
    evidence = comparing.gathered(model, model, rows)
    scores = model.predict_array([comment.text for comment in fresh]) if kind == "null" else np.empty((0, 0))
    lines = []
    for number in range(count):
        made = _null(evidence, rows, number) if kind == "null" else _learned(evidence, rows, kind, number)
        comparison, verdict = decide(made, earlier_comparisons=number)
        _, alone = decide(made)
        lines.append(
            {
                "number": number,
                "result": verdict.result,
                "result_alone": alone.result,
                "reasons": verdict.reasons,
                "comparison": comparison.as_dict(),
                "true_change": _true_change(model, scores, fresh, number) if kind == "null" else None,
            }
        )
    return lines


def summary(lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Count the verdicts, and the reasons against the candidates."""
    return {
        "candidates": len(lines),
        "verdicts": dict(Counter(line["result"] for line in lines)),
        "verdicts where each is the first": dict(Counter(line["result_alone"] for line in lines)),
        "passed as the first and no better in truth": sum(
            line["result_alone"] == BETTER and line["true_change"] is not None and line["true_change"] >= 0
            for line in lines
        ),
        "reasons": dict(Counter(reason for line in lines for reason in line["reasons"])),
    }


def _null(evidence: Evidence, rows: Sequence[Row], seed: int) -> Evidence:
    """Hold two changed copies of the active version against each other on the test side."""
    logits = np.log(np.clip(evidence.old, 1e-6, 1 - 1e-6) / (1 - np.clip(evidence.old, 1e-6, 1 - 1e-6)))
    texts = [row.text for row in rows]
    old, new = (sigmoid(logits + _of_words(texts, logits.shape[1], f"{seed} {which}")) for which in (0, 1))
    return _of_side(replace(evidence, old=old, new=new), rows, TEST)


def _true_change(model: Classifier, scores: Array, fresh: Sequence[Comment], seed: int) -> float:
    """Return the mean squared error of the candidate `seed` less that of the one it is held against."""
    truth = np.array(
        [[comment.truth[JIGSAW_LABELS.index(label)] for label in model.labels] for comment in fresh]
    )
    texts = [comment.text for comment in fresh]
    kept = np.clip(scores, 1e-6, 1 - 1e-6)
    both = np.log(kept / (1 - kept))
    old, new = (
        ((sigmoid(both + _of_words(texts, both.shape[1], f"{seed} {which}")) - truth) ** 2).mean()
        for which in (0, 1)
    )
    return float(new - old)


def _of_words(texts: Sequence[str], labels: int, seed: str) -> Array:
    """Return what the words of each text add, (n_texts, n_labels); of every word the same wherever it is."""
    effects: dict[str, Array] = {}
    added = np.zeros((len(texts), labels))
    for place, text in enumerate(texts):
        words = sorted(set(re.findall(r"\w+", text.lower())))
        for word in words:
            if word not in effects:
                generator = np.random.default_rng(random.Random(f"{seed} {word}").getrandbits(32))
                effects[word] = generator.normal(0, WORD_NOISE, labels)
            added[place] += effects[word] / np.sqrt(len(words)) * 2
    return added


def _learned(evidence: Evidence, rows: Sequence[Row], kind: str, seed: int) -> Evidence:
    """Have a model on words learn the decisions of the learning side, shuffled or as they are."""
    truth = evidence.truth
    if kind == "shuffled":
        truth = truth[np.random.default_rng(seed).permutation(len(truth))]
    is_learned = np.array([row.side == TRAIN for row in rows])
    texts = [row.text for row in rows]
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    seen = words.fit_transform([text for text, chosen in zip(texts, is_learned, strict=True) if chosen])
    answers = np.empty_like(evidence.old)
    for label in range(truth.shape[1]):
        known = ~np.isnan(truth[is_learned, label])
        says = truth[is_learned, label][known] >= 0.5
        if says.all() or not says.any():
            answers[:, label] = says.mean()
            continue
        learner = LogisticRegression(C=3.0, max_iter=500, random_state=seed).fit(seen[known], says)
        answers[:, label] = learner.predict_proba(words.transform(texts))[:, 1]
    new = (1 - HALF_WAY) * evidence.old + HALF_WAY * answers
    return _of_side(replace(evidence, truth=truth, new=new), rows, TEST)


def _of_side(evidence: Evidence, rows: Sequence[Row], side: str) -> Evidence:
    chosen = [place for place, row in enumerate(rows) if row.side == side]
    return replace(
        evidence,
        truth=evidence.truth[chosen],
        old=evidence.old[chosen],
        new=evidence.new[chosen],
        probabilities=[evidence.probabilities[place] for place in chosen],
        is_random=[evidence.is_random[place] for place in chosen],
        text_keys=[evidence.text_keys[place] for place in chosen],
    )
