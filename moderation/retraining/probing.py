"""Holds a candidate against the active version on fixed texts of our own, and on time: guards of the gate.

Uses two classifiers that it is given; reads no rows.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moderation.retraining import rehearsal
from moderation.retraining.gate import guards
from moderation.retraining.gate.verdict import Guard

IDENTITY_SENTENCES = 200
TIMED_TEXTS = 40
ROUNDS = 3
"""Times that each text is timed with each version, turn by turn."""
TRIES = 3
"""A candidate that seems slower is timed again, up to this often in all."""
SEED = 20


def probe(old: Any, new: Any, rehearsed: Sequence[str]) -> list[Guard]:
    """Return the guards of identity terms, disguises, rehearsed texts and latency.

    old, new: classifiers. rehearsed: texts of the test side that no version learns.
    """
    return [identity(old, new), disguises(old, new), kept(old, new, rehearsed), latency(old, new)]


def identity(old: Any, new: Any) -> Guard:
    """Compare how many harmless sentences that name a group of people are flagged."""
    from toxicity_ml.robustness.identity_sentences import identity_sentences

    sentences = [sentence for sentence, _ in identity_sentences(IDENTITY_SENTENCES, SEED)]
    before, after = (float(is_flagged(model, sentences).mean()) for model in (old, new))
    return guards.fixed(
        guards.IDENTITY,
        before,
        after,
        guards.ALLOWED_IDENTITY,
        items=len(sentences),
        higher_is_better=False,
    )


def disguises(old: Any, new: Any) -> Guard:
    """Compare how many plainly toxic texts are still flagged once their toxic words are disguised.

    The disguises are those of `toxicity_ml attack` that are to be undone or survived: look-alike letters,
    spaces, digits for letters, misspellings.
    """
    from toxicity_ml.robustness.rewrites import NOISE, REPAIRABLE, REWRITES
    from toxicity_ml.robustness.toxic_words import toxic_words

    texts = list(dict.fromkeys(text for kind in rehearsal.TOXIC_KINDS for text in kind))
    texts = [text for text, flagged in zip(texts, is_flagged(old, texts), strict=True) if flagged]
    words = toxic_words(lambda given: margin(old, given), texts) if texts else []
    rewrites = [rewrite for rewrite in REWRITES if rewrite.kind in (REPAIRABLE, NOISE)]
    disguised = [
        rewrite(text, own, SEED)
        for rewrite in rewrites
        for text, own in zip(texts, words, strict=True)
        if own
    ]
    if not disguised:
        return guards.unmeasured(guards.DISGUISES, guards.ALLOWED_DISGUISES)
    before, after = (float(is_flagged(model, disguised).mean()) for model in (old, new))
    return guards.fixed(guards.DISGUISES, before, after, guards.ALLOWED_DISGUISES, items=len(disguised))


def kept(old: Any, new: Any, texts: Sequence[str]) -> Guard:
    """Compare how many of the rehearsed texts that the old version flags are flagged."""
    texts = list(texts)
    if not texts or not (flagged := is_flagged(old, texts)).any():
        return guards.unmeasured(guards.REHEARSED, guards.ALLOWED_REHEARSED)
    share = float(is_flagged(new, texts)[flagged].mean())
    return guards.fixed(guards.REHEARSED, 1.0, share, guards.ALLOWED_REHEARSED, items=int(flagged.sum()))


def latency(old: Any, new: Any) -> Guard:
    """Compare the milliseconds that a text takes, again where the machine may have been busy meanwhile."""
    guard = _timed(old, new)
    for _ in range(TRIES - 1):
        if guard.passed:
            break
        guard = _timed(old, new)
    return guard


def _timed(old: Any, new: Any) -> Guard:
    """Time both once: the median over texts, each timed turn by turn."""
    texts = rehearsal.texts(TIMED_TEXTS, seed=SEED)
    times: list[list[float]] = [[], []]
    for text in texts:
        best = [float("inf"), float("inf")]
        for _ in range(ROUNDS):
            for place, model in enumerate((old, new)):
                began = time.perf_counter()
                model.predict_array([text])
                best[place] = min(best[place], time.perf_counter() - began)
        for place in range(2):
            times[place].append(1000 * best[place])
    before, after = (statistics.median(of_model) for of_model in times)
    return guards.ratio(guards.LATENCY, before, after, guards.ALLOWED_LATENCY, items=len(texts))


def is_flagged(model: Any, texts: Sequence[str]) -> NDArray[np.bool_]:
    """True of each text, (n,), that is at or over one of the model's own thresholds."""
    return np.asarray(margin(model, texts) >= 0, dtype=bool)


def margin(model: Any, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return by how much log-odds each text, (n,), is over the threshold that it is furthest over."""
    scores = np.clip(model.predict_array(list(texts)).astype(np.float64), 1e-7, 1 - 1e-7)
    thresholds = np.clip([model.thresholds[label] for label in model.labels], 1e-7, 1 - 1e-7)
    over = np.log(scores / (1 - scores)) - np.log(thresholds / (1 - thresholds))
    # float32 scores that equal their threshold are over it
    at = scores >= np.asarray([model.thresholds[label] for label in model.labels])
    return np.asarray(np.where(at, np.maximum(over, 0.0), np.minimum(over, -1e-9)).max(axis=1))
