"""How often intervals for precision, recall and agreement, and the gate, are right on sites of known truth.

Each site draws its texts, some of them repeated, and their scores from the same source, so that the true
precision and recall are known. Its queue is read from the top for twenty days, by people who get through the
given share of what comes up: what is flagged, most severe first, and audit items in the places of flagged
ones. What they reviewed goes through `moderation.review.statistics`, and into `moderation.retraining.gate`
with a candidate that unlearns a slang which the active version lets through; and with one that flags a
harmless topic of 1 % of the comments and gains as much on others. For the agreement, two people err apart
from each other, each on the same share of the decided items, of which a part is judged twice.

    python benchmarks/coverage_of_estimates.py [--sites 200] [--json]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from moderation.retraining.gate import comparison as gate
from moderation.retraining.gate.decide import decide
from moderation.retraining.gate.evidence import Evidence
from moderation.review import agreement, statistics
from toxicity_ml.activations import sigmoid

THRESHOLD = 0.5
BANDS = 20
DAYS = 20
SITES = (
    # texts, audit rate, share of what comes up that is reviewed
    (20_000, 0.01, 1.0),
    (20_000, 0.01, 0.8),
    (20_000, 0.01, 0.6),
    (20_000, 0.01, 0.4),
    (60_000, 0.01, 0.6),
    (20_000, 0.05, 0.6),
    (8_000, 0.02, 0.6),
)
GATE = ((30, 60), (50, 60), (100, 60), (100, 200))
"""Random and flagged reviews on the test side."""
HARM_IN_RETURN = ((30, 60), (43, 60), (100, 60), (200, 60), (400, 60))
"""The same, for a candidate that harms one topic and gains as much on another."""
AGREEMENT = (
    # decided items, share of them that is judged twice, share for which the answer is yes, share of errors
    (1_000, 0.05, 0.5, 0.10),
    (2_000, 0.05, 0.7, 0.05),
    (2_000, 0.05, 0.7, 0.10),
    (2_000, 0.05, 0.7, 0.20),
    (5_000, 0.05, 0.2, 0.10),
    (5_000, 0.05, 0.05, 0.02),
    (20_000, 0.05, 0.7, 0.10),
    (20_000, 0.05, 0.05, 0.02),
)
Array = NDArray[Any]


@dataclass(frozen=True)
class Comments:
    """Comments of a site; all of one length."""

    text: Array
    score: Array
    is_toxic: Array

    @property
    def is_flagged(self) -> Array:
        return self.score >= THRESHOLD


def comments(texts: int, generator: np.random.Generator) -> Comments:
    """A tenth of the texts is repeated, up to 41 times; the model errs as a log-odds with noise does."""
    toxicity = generator.normal(-6.0, 3.0, texts)
    is_toxic = generator.random(texts) < sigmoid(toxicity)
    score = sigmoid(toxicity + generator.normal(0.3, 1.0, texts))
    is_repeated = generator.random(texts) < 0.1
    copies = np.where(is_repeated, 1 + np.minimum(generator.geometric(0.15, texts), 40), 1)
    text = np.repeat(np.arange(texts), copies)
    return Comments(text, score[text], is_toxic[text])


def reviewed(
    site: Comments, rate: float, share: float, generator: np.random.Generator
) -> tuple[Array, statistics.Sample, float]:
    """The reviewed comments, how each came to be, and the severity down to which the queue was read."""
    severity = site.score - THRESHOLD
    is_drawn = ~site.is_flagged & (generator.random(len(site.text)) < rate)
    place = np.where(site.is_flagged, severity, -1.0)
    place[is_drawn] = generator.choice(severity[site.is_flagged], is_drawn.sum())
    came_up = site.is_flagged | is_drawn
    day = generator.integers(0, DAYS, len(site.text))
    is_reviewed = np.zeros(len(site.text), dtype=bool)
    for today in range(DAYS):
        waiting = np.flatnonzero(came_up & (day <= today) & ~is_reviewed)
        is_reviewed[waiting[np.argsort(-place[waiting])[: round(share * came_up.sum() / DAYS)]]] = True
    band = np.floor(severity * BANDS).astype(int)
    counts = {
        int(here): (
            int((site.is_flagged & (band == here)).sum()),
            int((site.is_flagged & (band == here) & is_reviewed).sum()),
        )
        for here in np.unique(band[site.is_flagged])
    }
    of_all, of_reached = statistics.shares_by_band(counts)
    chosen = np.flatnonzero(is_reviewed)
    of_random = rate * is_reviewed[is_drawn].mean() if is_drawn.any() else rate
    sample = statistics.Sample(
        [of_all[band[item]] if site.is_flagged[item] else of_random for item in chosen],
        [of_reached[band[item]] if site.is_flagged[item] else of_random for item in chosen],
        list(is_drawn[chosen]),
        [str(text) for text in site.text[chosen]],
    )
    return chosen, sample, min(of_reached) / BANDS


def coverage(sites: int) -> list[dict[str, Any]]:
    """For each kind of site how many of the intervals have the truth in them.

    "whole": precision of all that is flagged, with what nobody reached taken to be like the band above it,
    which the library does not answer with.
    """
    everything = comments(2_000_000, np.random.default_rng(1))
    flagged, toxic = everything.is_flagged, everything.is_toxic
    found = []
    for kind, (texts, rate, share) in enumerate(SITES):
        answers: dict[str, list[tuple[bool, float]]] = {"precision": [], "recall": [], "whole": []}
        for number in range(sites):
            generator = np.random.default_rng([number, kind])
            site = comments(texts, generator)
            chosen, sample, lowest = reviewed(site, rate, share, generator)
            is_true, is_flagged = site.is_toxic[chosen].astype(float), site.is_flagged[chosen]
            precision, recall = statistics.precision_and_recall(is_true, is_flagged, sample)
            as_if = replace(sample, reached=sample.probabilities)
            whole, _ = statistics.precision_and_recall(is_true, is_flagged, as_if)
            reached = flagged & (everything.score >= THRESHOLD + lowest)
            for name, answer, truth in (
                ("precision", precision, (reached & toxic).sum() / reached.sum()),
                ("recall", recall, (flagged & toxic).sum() / toxic.sum()),
                ("whole", whole, (flagged & toxic).sum() / flagged.sum()),
            ):
                if answer.low is not None and answer.high is not None:
                    is_right = bool(answer.low <= truth <= answer.high)
                    answers[name].append((is_right, answer.high - answer.low))
        row: dict[str, Any] = {"texts": texts, "audit_rate": rate, "reviewed_share": share}
        for name, given in answers.items():
            row[f"{name}_given"] = len(given)
            row[f"{name}_coverage"] = sum(is_right for is_right, _ in given) / len(given) if given else None
            row[f"{name}_width"] = sum(width for _, width in given) / len(given) if given else None
        found.append(row)
    return found


def agreements(sites: int) -> list[dict[str, Any]]:
    """For each kind of site how many of the intervals of Krippendorff's alpha have the truth in them."""
    rows = []
    for kind, (decided, share, yes, errors) in enumerate(AGREEMENT):
        answered = yes * (1 - errors) + (1 - yes) * errors
        truth = 1 - errors * (1 - errors) / (answered * (1 - answered))
        answers: list[tuple[bool, float]] = []
        for number in range(sites):
            estimate = agreement.alpha(_judged_twice(decided, share, yes, errors, [number, kind]))[0]
            if estimate.low is not None and estimate.high is not None:
                is_right = bool(estimate.low <= truth <= estimate.high)
                answers.append((is_right, estimate.high - estimate.low))
        given = len(answers)
        rows.append(
            {
                "decided": decided,
                "second_share": share,
                "yes": yes,
                "errors": errors,
                "alpha": truth,
                "given": given,
                "coverage": sum(is_right for is_right, _ in answers) / given if given else None,
                "width": sum(width for _, width in answers) / given if given else None,
            }
        )
    return rows


def _judged_twice(decided: int, share: float, yes: float, errors: float, seed: list[int]) -> agreement.Judged:
    """Draw items and what two people say of them; a tenth of the texts is repeated up to six times."""
    generator = np.random.default_rng(seed)
    copies = np.where(generator.random(decided) < 0.1, generator.integers(2, 7, decided), 1)
    text = np.repeat(np.arange(decided), copies)[:decided]
    is_true = (generator.random(decided) < yes)[text]
    is_twice = generator.random(decided) < share
    said = [is_true ^ (generator.random(decided) < errors) for _ in range(2)]
    pairs = list(zip(said[0][is_twice].tolist(), said[1][is_twice].tolist(), strict=True))
    return agreement.Judged(pairs, text_keys=[str(one) for one in text[is_twice]])


def verdicts(sites: int) -> list[dict[str, Any]]:
    """How often a candidate that unlearns a slang passes, and how often one that only gets better does."""
    found = []
    for randoms, pointed_at in GATE:
        passed = {"worse": 0, "better": 0}
        for number in range(sites):
            generator = np.random.default_rng([number, randoms])
            for kind in passed:
                truth, old, new = _candidate(kind, generator)
                flagged, rest = np.flatnonzero(old >= THRESHOLD), np.flatnonzero(old < THRESHOLD)
                chosen = np.concatenate(
                    [generator.choice(flagged, pointed_at, False), generator.choice(rest, randoms, False)]
                )
                chances = [pointed_at / len(flagged)] * pointed_at + [randoms / len(rest)] * randoms
                answer = gate.compare(
                    truth[chosen, None],
                    old[chosen, None],
                    new[chosen, None],
                    chances,
                    old_thresholds=[THRESHOLD],
                    new_thresholds=[THRESHOLD],
                    is_random=[False] * pointed_at + [True] * randoms,
                )
                passed[kind] += answer.verdict == gate.BETTER
        found.append({"random": randoms, "flagged": pointed_at, **{k: n / sites for k, n in passed.items()}})
    return found


def _candidate(kind: str, generator: np.random.Generator) -> tuple[Array, Array, Array]:
    """Truth, old and new scores of 100,000 comments, of which 2 % are a slang that is let through.

    The worse candidate says less of everything; the better one less of figures of speech alone, with noise.
    """
    figures, insults, slang, clear = (
        (600, 400, 2000, 97_000) if kind == "worse" else (1600, 1400, 500, 96_500)
    )
    truth = np.repeat([0.0, 1.0, 1.0, 0.0], [figures, insults, slang, clear])
    logits = np.repeat([_logit(score) for score in (0.8, 0.8, 0.3, 0.02)], [figures, insults, slang, clear])
    logits = logits + generator.normal(0, 0.3, len(logits))
    if kind == "worse":
        return truth, sigmoid(logits), sigmoid(logits - 1)
    lower = np.repeat([2.0, 0.0, 0.0, 0.0], [figures, insults, slang, clear])
    return truth, sigmoid(logits), sigmoid(logits - lower + generator.normal(0, 0.7, len(logits)))


def harm_in_return(sites: int) -> list[dict[str, Any]]:
    """How often a candidate passes that does as much harm to 1 % of the comments as good to others.

    "primary": by the primary figure alone; "guarded": with the guards of reviewed comments as well.
    """
    found = []
    for randoms, pointed_at in HARM_IN_RETURN:
        primary = guarded = 0
        for number in range(sites):
            generator = np.random.default_rng([number, randoms])
            truth, old, new = _exchange(generator)
            flagged, rest = np.flatnonzero(old >= THRESHOLD), np.flatnonzero(old < THRESHOLD)
            chosen = np.concatenate(
                [generator.choice(flagged, pointed_at, False), generator.choice(rest, randoms, False)]
            )
            comparison, verdict = decide(
                Evidence(
                    truth[chosen, None],
                    old[chosen, None],
                    new[chosen, None],
                    [pointed_at / len(flagged)] * pointed_at + [randoms / len(rest)] * randoms,
                    [False] * pointed_at + [True] * randoms,
                    [str(place) for place in chosen],
                    [THRESHOLD],
                    [THRESHOLD],
                )
            )
            primary += comparison.verdict == gate.BETTER
            guarded += verdict.result == gate.BETTER
        found.append(
            {
                "random": randoms,
                "flagged": pointed_at,
                "primary": primary / sites,
                "guarded": guarded / sites,
            }
        )
    return found


def _exchange(generator: np.random.Generator) -> tuple[Array, Array, Array]:
    """Truth, old and new scores of 20,000 comments, of which both versions' losses have the same sum.

    The old version flags figures of speech. The new one says less of them, and flags a harmless topic of
    1 % of the comments.
    """
    figures, insults, topic, _ = counts = 600, 400, 200, 18_800
    truth = np.repeat([0.0, 1.0, 0.0, 0.0], counts)
    logits = np.repeat([_logit(score) for score in (0.8, 0.8, 0.05, 0.02)], counts)
    logits = logits + generator.normal(0, 0.3, len(logits))
    of_figures, of_topic = slice(0, figures), slice(figures + insults, figures + insults + topic)
    changed = logits.copy()
    changed[of_topic] += _logit(0.6) - _logit(0.05)
    old, new = sigmoid(logits), sigmoid(changed)
    allowed = float((old[of_figures] ** 2).sum() - (new[of_topic] ** 2 - old[of_topic] ** 2).sum())
    low, high = 0.0, 10.0
    while high - low > 1e-6:
        lower = (low + high) / 2
        loss = float((sigmoid(logits[of_figures] - lower) ** 2).sum())
        low, high = (lower, high) if loss > allowed else (low, lower)
    new[of_figures] = sigmoid(logits[of_figures] - low)
    return truth, old, new


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def main() -> None:
    """Print the tables, or one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sites", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    report = {
        "sites": given.sites,
        "coverage": coverage(given.sites),
        "agreement": agreements(given.sites),
        "gate": verdicts(given.sites),
        "harm_in_return": harm_in_return(given.sites),
    }
    if given.json:
        print(json.dumps(report, indent=2))
        return
    print(f"95 % intervals of {given.sites} sites each that have the truth in them")
    print(f"{'texts':>8}{'audit':>8}{'read':>8}{'precision':>20}{'recall':>20}{'of all flagged':>20}")
    for row in report["coverage"]:
        cells = [
            f"{row[f'{name}_coverage']:.1%} (width {row[f'{name}_width']:.2f})"
            if row[f"{name}_given"]
            else "too few"
            for name in ("precision", "recall", "whole")
        ]
        start = f"{row['texts']:>8}{row['audit_rate']:>8.0%}{row['reviewed_share']:>8.0%}"
        print(start + "".join(f"{cell:>20}" for cell in cells))
    print("\nthe same of Krippendorff's alpha between two people")
    print(f"{'decided':>8}{'twice':>8}{'yes':>8}{'errors':>8}{'alpha':>8}{'given':>8}{'coverage':>22}")
    for row in report["agreement"]:
        start = f"{row['decided']:>8}{row['second_share']:>8.0%}{row['yes']:>8.0%}{row['errors']:>8.0%}"
        start += f"{row['alpha']:>8.2f}{row['given']:>8}"
        cell = f"{row['coverage']:.1%} (width {row['width']:.2f})" if row["given"] else "too few"
        print(f"{start}{cell:>22}")
    print("\nshare of candidates that the gate calls better")
    print(f"{'random':>8}{'flagged':>8}{'worse ones':>12}{'better ones':>12}")
    for row in report["gate"]:
        print(f"{row['random']:>8}{row['flagged']:>8}{row['worse']:>12.0%}{row['better']:>12.0%}")
    print("\nshare that passes of candidates that harm 1 % of the comments and gain as much on others")
    print(f"{'random':>8}{'flagged':>8}{'primary figure':>16}{'with guards':>16}")
    for row in report["harm_in_return"]:
        print(f"{row['random']:>8}{row['flagged']:>8}{row['primary']:>16.0%}{row['guarded']:>16.0%}")


if __name__ == "__main__":
    main()
