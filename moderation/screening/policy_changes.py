"""Changes thresholds: a new row, which is in force from then on, with its audit entry."""

from __future__ import annotations

from django.db import router, transaction

from moderation import audit
from moderation.audit import Action, Actor
from moderation.models import Policy
from moderation.screening.judging import newest_policy

__all__ = ["put_in_force"]


def put_in_force(policy: Policy, actor: Actor) -> Policy:
    """Store a new policy as of `actor`, and record from what to what, in one transaction."""
    with transaction.atomic(using=router.db_for_write(Policy)):
        before = newest_policy(policy.model_label)
        policy.created_by, policy.created_by_name = actor.user, actor.name
        policy.save()
        audit.record(
            Action.POLICY_CHANGED,
            actor,
            policy,
            before={"model": policy.model_label, "thresholds": before.thresholds if before else {}},
            after={"model": policy.model_label, "thresholds": policy.thresholds},
        )
    return policy
