"""Which thresholds are in force, and what they make of scores: the policy of each model, newest first.

`moderation.policies` has the rules themselves, as pure functions. Nothing is stored here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Exists, OuterRef, QuerySet

from moderation import policies
from moderation.conf import conf
from moderation.models import AuthorTrust, ModelVersion, Policy, Scoring, Screening
from moderation.policies import Judgement, Thresholds
from moderation.registry import Registered
from moderation.screening.scorer import Scores
from moderation.visibility import means

__all__ = [
    "InForce",
    "Judged",
    "for_author",
    "has_newer_policy",
    "judge_each",
    "labels_with_policy",
    "newest_policy",
    "policies_with_age",
    "policy_for",
    "stored_policy",
    "thresholds_for",
    "thresholds_of",
    "thresholds_with",
]

InForce = tuple[Thresholds, Policy | None]
"""The thresholds in force, and the stored policy that they rest on, if any."""
Judged = tuple[Screening, Scores, Judgement, InForce]


def judge_each(
    rows: Sequence[Screening],
    scores: Mapping[int, Scores],
    version: ModelVersion,
    *,
    stances: Mapping[int, str] | None = None,
) -> list[Judged]:
    """Judge {screening id: scores} by the policy of each row's model; the result has the order of the rows.

    Each model's policy is read once. stances: of authors, as `trust.stances_of` has them; None: what the
    scores alone make of it.
    """
    in_force: dict[int | None, InForce] = {}
    judged = []
    for row in rows:
        if row.content_type_id not in in_force:
            in_force[row.content_type_id] = thresholds_for(row, version)
        thresholds, policy = in_force[row.content_type_id]
        judgement = for_author(policies.judge(scores[row.pk], thresholds), (stances or {}).get(row.pk, ""))
        judged.append((row, scores[row.pk], judgement, (thresholds, policy)))
    return judged


def for_author(judgement: Judgement, stance: str) -> Judgement:
    """Make of a judgement what the site decided of the author; stance: empty for an author like any other."""
    if stance in (AuthorTrust.Stance.HOLD, AuthorTrust.Stance.BAN):
        return policies.always_held(judgement)
    return policies.never_held(judgement) if stance == AuthorTrust.Stance.NEVER_HOLD else judgement


def thresholds_for(screening: Screening, version: ModelVersion) -> InForce:
    """Read the thresholds in force for a screening: those of its model, or those for every model."""
    return thresholds_of(means.registration(screening), version)


def thresholds_of(entry: Registered | None, version: ModelVersion) -> InForce:
    """Read the thresholds in force for a registered model; None: for texts that belong to none."""
    stored = policy_for(entry.label if entry else "")
    return thresholds_with(stored.thresholds if stored else {}, entry, version), stored


def thresholds_with(
    stored: Mapping[str, Mapping[str, float | None]], entry: Registered | None, version: ModelVersion
) -> Thresholds:
    """Return what would be in force for a registered model if a policy had the thresholds `stored`."""
    return policies.combine(version.thresholds, conf.HOLD_AT, entry.thresholds if entry else {}, stored)


def thresholds_of_scoring(screening: Screening, scoring: Scoring) -> Thresholds:
    """Return the thresholds by which a scoring was judged: of its policy, and of the setting as it is now.

    scoring: with its policy and its model version, or each is read.
    """
    entry = means.registration(screening)
    return policies.combine(
        scoring.model_version.thresholds,
        conf.HOLD_AT,
        entry.thresholds if entry else {},
        scoring.policy.thresholds if scoring.policy else {},
    )


def newest_policy(model_label: str) -> Policy | None:
    """Read the policy in force with exactly this label; None: there is none, or it was withdrawn."""
    newest = Policy.objects.filter(model_label=model_label).order_by("-id").first()
    return None if newest is None or newest.is_withdrawn else newest


def stored_policy(key: int) -> Policy | None:
    """Read a policy by its id, in force or not."""
    return Policy.objects.filter(pk=key).first()


def has_newer_policy() -> Exists:
    """An expression that is true of a policy which a newer one with the same label has replaced."""
    return Exists(Policy.objects.filter(model_label=OuterRef("model_label"), id__gt=OuterRef("id")))


def policies_with_age() -> QuerySet[Policy]:
    """Return every policy, with `is_outdated`: True of one that a newer one has replaced."""
    return Policy.objects.annotate(is_outdated=has_newer_policy())


def labels_with_policy() -> set[str]:
    """Read for which models a policy of their own is in force; the empty label stands for all others."""
    newest = Policy.objects.filter(~has_newer_policy(), is_withdrawn=False)
    return set(newest.values_list("model_label", flat=True))


def policy_for(model_label: str) -> Policy | None:
    """Read the stored policy that a model's texts are judged by: its own, or else that for all models."""
    # the label of the one for all models is empty, and sorts last here
    newest = Policy.objects.filter(~has_newer_policy(), model_label__in={model_label, ""})
    return newest.filter(is_withdrawn=False).order_by("-model_label").first()
