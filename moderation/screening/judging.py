"""Which thresholds are in force, and what they make of scores: the policy of each model, newest first.

`moderation.policies` has the rules themselves, as pure functions. Nothing is stored here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Exists, OuterRef, QuerySet

from moderation import policies
from moderation.conf import conf
from moderation.models import ModelVersion, Policy, Screening
from moderation.policies import Judgement, Thresholds
from moderation.registry import Registered
from moderation.screening.scorer import Scores
from moderation.visibility import means

__all__ = [
    "InForce",
    "Judged",
    "has_newer_policy",
    "judge_each",
    "newest_policy",
    "policies_with_age",
    "thresholds_for",
    "thresholds_of",
]

InForce = tuple[Thresholds, Policy | None]
"""The thresholds in force, and the stored policy that they rest on, if any."""
Judged = tuple[Screening, Scores, Judgement, InForce]


def judge_each(
    rows: Sequence[Screening], scores: Mapping[int, Scores], version: ModelVersion
) -> list[Judged]:
    """Judge {screening id: scores} by the policy of each row's model; the result has the order of the rows.

    Each model's policy is read once.
    """
    in_force: dict[int | None, InForce] = {}
    judged = []
    for row in rows:
        if row.content_type_id not in in_force:
            in_force[row.content_type_id] = thresholds_for(row, version)
        thresholds, policy = in_force[row.content_type_id]
        judgement = policies.judge(scores[row.pk], thresholds)
        judged.append((row, scores[row.pk], judgement, (thresholds, policy)))
    return judged


def thresholds_for(screening: Screening, version: ModelVersion) -> InForce:
    """Read the thresholds in force for a screening: those of its model, or those for every model."""
    return thresholds_of(means.registration(screening), version)


def thresholds_of(entry: Registered | None, version: ModelVersion) -> InForce:
    """Read the thresholds in force for a registered model; None: for texts that belong to none."""
    stored = _policy_in_force(entry.label if entry else "")
    combined = policies.combine(
        version.thresholds,
        conf.HOLD_AT,
        entry.thresholds if entry else {},
        stored.thresholds if stored else {},
    )
    return combined, stored


def newest_policy(model_label: str) -> Policy | None:
    """Read the newest policy with exactly this label, which is empty for every model without its own."""
    return Policy.objects.filter(model_label=model_label).order_by("-id").first()


def has_newer_policy() -> Exists:
    """An expression that is true of a policy which a newer one with the same label has replaced."""
    return Exists(Policy.objects.filter(model_label=OuterRef("model_label"), id__gt=OuterRef("id")))


def policies_with_age() -> QuerySet[Policy]:
    """Return every policy, with `is_outdated`: True of one that a newer one has replaced."""
    return Policy.objects.annotate(is_outdated=has_newer_policy())


def _policy_in_force(model_label: str) -> Policy | None:
    """The model's own before the one for all models, whose label is empty and sorts last here."""
    rows = Policy.objects.filter(model_label__in={model_label, ""})
    return rows.order_by("-model_label", "-id").first()
