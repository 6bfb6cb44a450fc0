"""Changes thresholds, or withdraws them: a new row, in force from then on, with its audit entry."""

from __future__ import annotations

from django.db import router, transaction

from moderation import audit
from moderation.audit import Action, Actor
from moderation.models import Policy
from moderation.screening.judging import newest_policy

__all__ = ["NothingToWithdraw", "put_in_force", "withdraw"]


class NothingToWithdraw(Exception):
    """Raised where no policy of this label is in force."""


def put_in_force(policy: Policy, actor: Actor) -> Policy:
    """Store a new policy as of `actor`, and record from what to what, in one transaction."""
    with transaction.atomic(using=router.db_for_write(Policy)):
        return _store(policy, actor, Action.POLICY_CHANGED, newest_policy(policy.model_label))


def withdraw(model_label: str, actor: Actor, note: str = "") -> Policy:
    """Let the policy of this label end: what held without it holds again. Raises NothingToWithdraw."""
    with transaction.atomic(using=router.db_for_write(Policy)):
        before = newest_policy(model_label)
        if before is None:
            raise NothingToWithdraw(model_label)
        policy = Policy(model_label=model_label, thresholds={}, is_withdrawn=True, note=note)
        return _store(policy, actor, Action.POLICY_WITHDRAWN, before)


def _store(policy: Policy, actor: Actor, action: Action, before: Policy | None) -> Policy:
    policy.created_by, policy.created_by_name = actor.user, actor.name
    policy.save()
    audit.record(
        action,
        actor,
        policy,
        before={"model": policy.model_label, "thresholds": before.thresholds if before else {}},
        after={"model": policy.model_label, "thresholds": policy.thresholds},
    )
    return policy
