"""How many reviews a shadow trial saves: disagreements drawn blind, against random audit, at equal width.

Comments of the made-up forum (`benchmarks/community`) are scored by a model version. The candidate is the
same version after it has learned a share of what the forum's own words mean, and has unlearned a little
else. A sample of reviews, drawn in either way, says how many more mistakes the candidate makes than the
version does; both get their interval by the same exact method. Printed are the widths for as many reviews,
how often each interval holds the truth, and the reviews of random audit that are as narrow.

    python benchmarks/shadow.py [--comments 6000] [--reviews 100] [--learned 0.5] [--samples 400] [--json]

What the version alone flags stands in the queue in any case, trial or not; it is counted among the trial's
reviews all the same.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import command_line
from benchmarks.community import generator
from benchmarks.community.generator import Kind
from moderation.shadow.difference import Reviewed, estimated
from moderation.shadow.intervals import Sum, combined, exact
from toxicity_ml import Classifier

UNLEARNED = 0.01
"""Share of the other comments on which the candidate has changed its mind, for no reason."""
OWN = (Kind.BANTER, Kind.LOCAL, Kind.CODED)
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Forum:
    """What is known of n comments."""

    harmful: Mask
    by_active: Mask
    by_candidate: Mask

    @property
    def difference(self) -> float:
        """Return the candidate's mistakes less those of the active version, per comment."""
        return float(np.mean(self.changes))

    @property
    def changes(self) -> NDArray[np.int64]:
        """Return 1 where the candidate alone errs, -1 where the active version alone does, else 0."""
        wrong = self.by_candidate != self.harmful
        return wrong.astype(np.int64) - (self.by_active != self.harmful).astype(np.int64)


def scored(count: int, learned: float, seed: int, model: Path | None) -> Forum:
    """Write comments, and judge them with the version and with its candidate."""
    written = generator.comments(count, seed=seed)
    classifier = Classifier.load(model)
    thresholds = np.array([classifier.thresholds[label] for label in classifier.labels])
    by_active = (classifier.predict_array([comment.text for comment in written]) >= thresholds).any(axis=1)
    harmful = np.array([any(comment.truth) for comment in written])
    is_own = np.array([comment.kind in OWN for comment in written])
    generated = np.random.default_rng(seed)
    by_candidate = by_active.copy()
    taught = is_own & (generated.random(count) < learned)
    by_candidate[taught] = harmful[taught]
    flipped = ~is_own & (generated.random(count) < UNLEARNED)
    by_candidate[flipped] = ~by_candidate[flipped]
    return Forum(harmful, by_active, by_candidate)


def by_audit(forum: Forum, reviews: int, draw: np.random.Generator) -> Sum:
    """Estimate the difference from comments drawn at random among all."""
    changes = forum.changes[draw.choice(len(forum.harmful), reviews, replace=False)]
    worse, better = (exact(int(np.sum(changes == sign)), reviews) for sign in (1, -1))
    return combined([(1.0, worse), (-1.0, better)])


def by_disagreements(forum: Forum, reviews: int, draw: np.random.Generator) -> Sum:
    """Estimate it from disagreements drawn at random among either kind, as a trial does."""
    differ = forum.by_active != forum.by_candidate
    kinds = []
    for flags in (forum.by_active, forum.by_candidate):
        found = np.flatnonzero(differ & flags)
        share = len(found) / differ.sum()
        drawn = draw.choice(found, min(len(found), round(reviews * share)), replace=False)
        right = int(forum.harmful[drawn].sum())
        kinds.append(Reviewed(len(found), len(drawn), len(drawn), right))
    return estimated(*kinds, len(differ))


def compare(forum: Forum, reviews: int, samples: int, seed: int) -> dict[str, Any]:
    """Draw many samples in both ways; and find how many random reviews are as narrow."""
    draw = np.random.default_rng(seed)
    trial = [by_disagreements(forum, reviews, draw) for _ in range(samples)]
    audit = [by_audit(forum, reviews, draw) for _ in range(samples)]
    wanted = _width(trial)
    needed = _as_narrow(forum, wanted, reviews, draw)
    return {
        "disagreements": _told(trial, forum.difference),
        "audit": _told(audit, forum.difference),
        "audit_reviews_as_narrow": needed,
        "ratio": None if needed is None else needed / reviews,
    }


def _as_narrow(forum: Forum, wanted: float, reviews: int, draw: np.random.Generator) -> int | None:
    """Return how many random reviews give an interval of that width, by bisection; None: not even all."""
    low, high = reviews, len(forum.harmful)
    if _width([by_audit(forum, high, draw)]) > wanted:
        return None
    while high - low > max(1, low // 100):
        middle = (low + high) // 2
        if _width([by_audit(forum, middle, draw) for _ in range(5)]) > wanted:
            low = middle
        else:
            high = middle
    return high


def _width(estimates: Sequence[Sum]) -> float:
    return float(np.mean([each.high - each.low for each in estimates]))


def _told(estimates: Sequence[Sum], truth: float) -> dict[str, float]:
    return {
        "width": _width(estimates),
        "spread": float(np.std([each.value for each in estimates])),
        "mean": float(np.mean([each.value for each in estimates])),
        "covers": float(np.mean([each.low <= truth <= each.high for each in estimates])),
        "decides": float(np.mean([each.high < 0 or each.low > 0 for each in estimates])),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    forum = scored(options.comments, options.learned, options.seed, options.model)
    differ = forum.by_active != forum.by_candidate
    report = {
        "comments": options.comments,
        "reviews": options.reviews,
        "flagged": {"active": float(forum.by_active.mean()), "candidate": float(forum.by_candidate.mean())},
        "disagreements": int(differ.sum()),
        "difference": forum.difference,
        "by": compare(forum, options.reviews, options.samples, options.seed),
    }
    if options.json:
        command_line.print_json(report)
        return
    by: dict[str, Any] = report["by"]  # type: ignore[assignment]
    rows = [
        (
            name,
            *(f"{1000 * by[key][figure]:+.1f}" for figure in ("mean", "width")),
            *(f"{by[key][figure]:.0%}" for figure in ("covers", "decides")),
        )
        for name, key in (("disagreements", "disagreements"), ("random audit", "audit"))
    ]
    title = (
        f"{options.reviews} reviews of {options.comments} comments, {report['disagreements']} of them "
        f"disagreements; the truth: {1000 * forum.difference:+.1f} mistakes to 1,000 comments"
    )
    command_line.print_table(title, ("reviewed", "mean", "width", "covers", "decides"), rows)
    needed = by["audit_reviews_as_narrow"]
    sys.stdout.write(
        "No number of random reviews is as narrow.\n"
        if needed is None
        else f"As narrow: {needed} random reviews, {needed / options.reviews:.1f} times as many.\n"
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    made = command_line.parser(__doc__)
    made.add_argument("--comments", type=command_line.positive, default=6000)
    made.add_argument("--reviews", type=command_line.positive, default=100)
    made.add_argument("--learned", type=float, default=0.5, help="share of its own words")
    made.add_argument("--samples", type=command_line.positive, default=400)
    made.add_argument("--model", type=Path, metavar="DIR", help="default: the packaged version")
    made.add_argument("--seed", type=int, default=20)
    return made.parse_args(arguments)


if __name__ == "__main__":
    main()
