"""Compares the two versions of a trial: how often they agree, and which is right where they do not."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from moderation.models import Review, Screening, ShadowDisagreement, ShadowTrial
from moderation.review.decisions import standing_decisions
from moderation.shadow import counting
from moderation.shadow.counting import Counts
from moderation.shadow.difference import Reviewed, difference_of
from moderation.shadow.intervals import Share, Sum, exact

FlaggedBy = ShadowDisagreement.FlaggedBy


class Verdict(TextChoices):
    """What a trial says of the candidate."""

    BETTER = "better", _("the candidate makes fewer mistakes")
    WORSE = "worse", _("the candidate makes more mistakes")
    NO_DIFFERENCE = "no_difference", _("no difference shown")
    NOT_ENOUGH = "not_enough", _("not enough evidence")


@dataclass(frozen=True)
class Rates:
    """The share of comments that a version flags and holds."""

    flagged: Share
    held: Share


@dataclass(frozen=True)
class Comparison:
    """What a trial has found out so far."""

    counts: Counts
    agreement: Share
    """Comments that both flag or neither does."""
    active: Rates
    candidate: Rates
    of_active: Reviewed
    of_candidate: Reviewed
    difference: Sum | None
    """Mistakes of the candidate less those of the active version, per comment scored; None: not enough."""
    verdict: Verdict

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        kinds = {
            name: {**asdict(kind), "share": asdict(kind.share) if kind.reviewed else None}
            for name, kind in (("active", self.of_active), ("candidate", self.of_candidate))
        }
        return {
            "scored": self.counts.scored,
            "counts": self.counts.as_stored(),
            "agreement": asdict(self.agreement) if self.counts.scored else None,
            "rates": {"active": asdict(self.active), "candidate": asdict(self.candidate)}
            if self.counts.scored
            else None,
            "flagged_alone": kinds,
            "difference": None if self.difference is None else asdict(self.difference),
            "verdict": str(self.verdict),
        }


def compare(trial: ShadowTrial) -> Comparison:
    """Read what a trial has counted, and what people decided on its disagreements; five queries."""
    counts = Counts.of(trial.counts)
    of_active = _reviewed(trial, FlaggedBy.ACTIVE)
    of_candidate = _reviewed(trial, FlaggedBy.CANDIDATE)
    difference = difference_of(of_active, of_candidate, counts.scored)
    flagged, held = counts.flagged, counts.held
    return Comparison(
        counts=counts,
        agreement=exact(flagged[counting.BOTH] + flagged[counting.NEITHER], counts.scored),
        active=_rates(flagged, held, counting.ACTIVE),
        candidate=_rates(flagged, held, counting.CANDIDATE),
        of_active=of_active,
        of_candidate=of_candidate,
        difference=difference,
        verdict=verdict_of(difference),
    )


def verdict_of(difference: Sum | None) -> Verdict:
    """Return what the interval of the difference says."""
    if difference is None:
        return Verdict.NOT_ENOUGH
    if difference.high < 0:
        return Verdict.BETTER
    return Verdict.WORSE if difference.low > 0 else Verdict.NO_DIFFERENCE


def _rates(flagged: dict[str, int], held: dict[str, int], own: str) -> Rates:
    scored = sum(flagged.values())
    return Rates(
        exact(flagged[counting.BOTH] + flagged[own], scored),
        exact(held[counting.BOTH] + held[own], scored),
    )


def _reviewed(trial: ShadowTrial, flagged_by: FlaggedBy) -> Reviewed:
    """Count the disagreements of one kind.

    Of what moderators picked, by its topic or the like, nothing is taken: it stands for no others. Neither is
    what was hidden for another reason, or has labels that nobody looked at and none that is true.
    """
    mine = trial.disagreements.filter(flagged_by=flagged_by)
    in_queue = mine.exclude(screening__queued_for__in=("", Screening.QueuedFor.REPORTED))
    decisions = standing_decisions().filter(
        screening__in=in_queue.filter(screening__was_picked=False).values("screening")
    )
    truths = [
        truth
        for decision, labels in decisions.values_list("decision", "labels")
        if (truth := is_wrong(decision, labels)) is not None
    ]
    return Reviewed(mine.count(), in_queue.count(), len(truths), sum(truths))


def is_wrong(decision: str, labels: dict[str, bool | None]) -> bool | None:
    """True where a decision finds any label true, False where it finds none; None where it does not say."""
    if decision == Review.Decision.OTHER_REASON:
        return None
    if any(labels.values()):
        return True
    return False if labels and None not in labels.values() else None
