"""Changes thresholds, or withdraws them: a new row, in force from then on, with its audit entry."""

from __future__ import annotations

from django.db import router, transaction

from moderation import audit
from moderation.audit import Action, Actor
from moderation.coordination.turns import POLICIES, wait_for_turn
from moderation.models import Policy
from moderation.screening.judging import newest_policy

__all__ = ["ChangedMeanwhile", "NothingToWithdraw", "key_in_force", "put_in_force", "withdraw"]


class NothingToWithdraw(Exception):
    """Raised where no policy of this label is in force."""


class ChangedMeanwhile(Exception):
    """Raised where another policy is in force than the person saw."""


def key_in_force(model_label: str) -> int:
    """Return the id of the policy in force with exactly this label; 0 for none."""
    policy = newest_policy(model_label)
    return 0 if policy is None else policy.pk


def put_in_force(policy: Policy, actor: Actor, *, seen: int | None = None) -> Policy:
    """Store a new policy as of `actor`, and record from what to what, in one transaction.

    seen: `key_in_force` as the person saw it; None: whatever is in force. Raises ChangedMeanwhile where that
    is another one by now, with nothing stored.
    """
    with transaction.atomic(using=router.db_for_write(Policy)):
        wait_for_turn(POLICIES)
        if seen is not None and seen != key_in_force(policy.model_label):
            raise ChangedMeanwhile(policy.model_label)
        return _store(policy, actor, Action.POLICY_CHANGED, newest_policy(policy.model_label))


def withdraw(model_label: str, actor: Actor, note: str = "") -> Policy:
    """Let the policy of this label end: what held without it holds again. Raises NothingToWithdraw."""
    with transaction.atomic(using=router.db_for_write(Policy)):
        wait_for_turn(POLICIES)
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
