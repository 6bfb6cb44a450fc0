"""Says before anything is trained what it would learn, how long it takes, and whether the gate can decide.

Changes nothing.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from moderation.conf import conf
from moderation.models import Contradiction, Review, Screening, TrainingRun
from moderation.retraining import base_corpus, rehearsal, training_data
from moderation.retraining.gate import needs
from moderation.retraining.refusals import Refused, answers, refuse_what_teaches_nothing
from moderation.retraining.retrain import NONSENSE_SHARE, Options, comparable
from moderation.retraining.splitting import TEST_SHARE
from moderation.review.decisions import standing_decisions
from moderation.versions import store

RATE_DAYS = 28
PROBED_TEXTS = 24
TRAINING_OVER_SCORING = 6.0
"""How much longer a text takes to learn, once, than to score: measured with the packaged version."""
OVERHEAD_SECONDS = 90.0
"""Start of the training process, export to int8, comparison."""


@dataclass(frozen=True)
class Plan:
    """What `retrain` would do now."""

    parent: str
    refusal: str
    """Why it would not begin at all; empty: it would."""
    counts: dict[str, int] = field(default_factory=dict)
    """Rows of each side, as the training run would keep them."""
    answers: dict[str, tuple[int, int]] = field(default_factory=dict)
    """{label: texts to learn that it fits, and that it does not}."""
    learned: int = 0
    """Texts that are learned at most, rehearsed ones among them."""
    minutes: float = 0.0
    minutes_from: str = ""
    """`earlier run` or `probe`."""
    items: int = 0
    """Reviewed comments of the test side that stand for others."""
    random_items: int = 0
    """Of these, the ones that came up at random."""
    can_decide: bool = False
    """True where the gate has as many of both as it needs."""
    more_reviews: int = 0
    """How many more reviews of the queue bring the items that are lacking."""
    more_random: int = 0
    """How many more reviews that come up at random bring the random items that are lacking."""
    random_per_day: float = 0.0
    """How many such reviews were made a day of late."""
    days: int | None = None
    """How long that takes at this rate; None: none was made, or none is lacking."""
    contradictions: int = 0
    """Decisions that were found to contradict each other, and that no lead has settled."""
    comparison: int = 1
    """Which comparison on this test share it would be."""
    level: float = needs.LEVEL

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)


def plan(options: Options) -> Plan:
    """Look at the decisions of now. Raises ModelUnavailable where the active version's files are missing."""
    parent = store.active_version()
    directory = store.local_directory(parent)
    sides = training_data.sides(parent.labels, version=parent)
    refusal = ""
    try:
        if options.base is not None:
            base_corpus.parted(options.base, parent.labels)
        refuse_what_teaches_nothing(sides, parent.labels, options.min_reviews)
    except Refused as refused:
        refusal = str(refused)
    items, randoms = comparable(sides.test)
    lacking_items = max(0, needs.MIN_ITEMS - items)
    lacking_randoms = max(0, needs.MIN_RANDOM_ITEMS - randoms)
    more_random = math.ceil(lacking_randoms / TEST_SHARE)
    rate = _random_reviews_a_day()
    learned = len(sides.train) + options.soft_targets + round((1 + NONSENSE_SHARE) * options.rehearsed)
    minutes, source = _minutes(learned, options.epochs, directory)
    return Plan(
        parent=str(parent),
        refusal=refusal,
        counts=sides.counts,
        answers=answers(sides.train, parent.labels),
        learned=learned,
        minutes=minutes,
        minutes_from=source,
        items=items,
        random_items=randoms,
        can_decide=not lacking_items and not lacking_randoms,
        more_reviews=math.ceil(lacking_items / TEST_SHARE),
        more_random=more_random,
        random_per_day=rate,
        days=math.ceil(more_random / rate) if more_random and rate else None,
        contradictions=Contradiction.objects.waiting().count(),
        comparison=sides.rotation.earlier + 1,
        level=needs.level_of(sides.rotation.earlier + 1),
    )


def lines(of: Plan) -> list[str]:
    """Write a plan as lines for a terminal."""
    if of.refusal:
        return [of.refusal]
    said = ", ".join(f"{label} {yes} yes, {no} no" for label, (yes, no) in of.answers.items())
    written = [
        f"From {of.parent}: {of.counts['train']} reviewed texts to learn, {of.counts['dev']} to choose by, "
        f"{of.counts['test']} reviewed comments to test on; with the texts that are rehearsed up to "
        f"{of.learned}.",
        f"What decisions say of the texts to learn: {said}.",
        f"It takes about {max(1, round(of.minutes))} min, by "
        f"{'an earlier run' if of.minutes_from == 'earlier run' else 'a short probe of this machine'}.",
    ]
    if of.contradictions:
        written.append(
            f"Contradictions between decisions that wait for a lead: {of.contradictions}. Settle them first."
        )
    if of.can_decide:
        written.append(
            f"The gate can decide: {of.items} test items, {of.random_items} of them random. It would be "
            f"comparison {of.comparison} on this test share, at a level of {of.level:.2%}."
        )
        return written
    written.append(
        "The gate can't decide yet: "
        f"{' and '.join(needs.shortfalls(of.items, of.random_items))} on the test side."
    )
    if of.more_reviews:
        written.append(f"Review about {of.more_reviews} more of the queue.")
    if of.more_random and of.days is not None:
        written.append(
            f"Collect {of.more_random} more random reviews, about {of.days} day{'s'[: of.days != 1]} at this "
            f"rate ({of.random_per_day:.1f} a day)."
        )
    elif of.more_random:
        written.append(
            f"Collect {of.more_random} more random reviews: none was made in the last {RATE_DAYS} days. "
            f"AUDIT_RATE is {conf.AUDIT_RATE:g}; 0.05 suits a site of a few thousand comments a week."
        )
    return written


def _random_reviews_a_day() -> float:
    """Count them over the last RATE_DAYS, or since the first decision, where that is less long ago."""
    now = timezone.now()
    first = Review.objects.order_by("id").values_list("created", flat=True).first()
    if first is None:
        return 0.0
    days = min(RATE_DAYS, max(1.0, (now - first) / timedelta(days=1)))
    audit = standing_decisions().filter(
        screening__queued_for=Screening.QueuedFor.AUDIT, created__gte=now - timedelta(days=days)
    )
    return audit.count() / days


def _minutes(texts: int, epochs: float, directory: Path) -> tuple[float, str]:
    """Estimate how long a training takes, and say by what."""
    for run in TrainingRun.objects.filter(status=TrainingRun.Status.DONE).order_by("-id")[:5]:
        told = run.progress or {}
        seconds, text_epochs = told.get("seconds", {}), told.get("text_epochs", 0)
        if text_epochs and seconds.get("training"):
            others = sum(value for stage, value in seconds.items() if stage != "training")
            return (seconds["training"] * texts * epochs / text_epochs + others) / 60, "earlier run"
    from toxicity_ml.classifier import Classifier

    model = Classifier.load(directory, verify=False)
    probed = rehearsal.texts(PROBED_TEXTS, seed=0)
    model.predict_array(probed[:4])
    began = time.perf_counter()
    model.predict_array(probed)
    each = (time.perf_counter() - began) / len(probed)
    return (each * TRAINING_OVER_SCORING * texts * epochs + OVERHEAD_SECONDS) / 60, "probe"
