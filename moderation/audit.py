"""Writes the audit trail: which actions there are, who did one, and the entry of it.

Nothing else makes an audit entry. Call it in the transaction that makes the change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models, router
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from moderation.models import AuditEntry

__all__ = ["MACHINE", "Action", "Actor", "about", "entry", "label_of", "record"]


class Action(models.TextChoices):
    """What an audit entry can tell of: the stored code, and its label for people."""

    ITEM_TAKEN_OVER = "item.taken_over", _("item taken over from a colleague")
    AUTHOR_NOTED = "author.noted", _("a note on an author")
    AUTHOR_DECIDED = "author.decided", _("what becomes of an author's texts")
    CONTRADICTION_LEFT = "contradiction.dismissed", _("contradicting decisions left as they are")
    KEY_CREATED = "key.created", _("API key made")
    KEY_REVOKED = "key.revoked", _("API key revoked")
    MODEL_PUBLISHED = "model.published", _("model version published")
    MODEL_ACTIVATED = "model.activated", _("model version activated")
    MODEL_ROLLED_BACK = "model.rolled_back", _("earlier model version activated again")
    MODEL_PRUNED = "model.pruned", _("files of a model version removed")
    LABELS_IMPORTED = "labels.imported", _("labels imported from a file")
    """One entry for each chunk of rows, with its counts."""
    LABELS_EXPORTED = "labels.exported", _("decisions written to a file")
    TRAINING_ASKED = "training.asked", _("training asked for")
    SCALE_CHANGED = "scale.changed", _("Perspective scale fitted")
    POLICY_CHANGED = "policy.changed", _("thresholds changed")
    POLICY_WITHDRAWN = "policy.withdrawn", _("thresholds withdrawn")
    POLICY_APPLIED = "policy.applied", _("thresholds applied to earlier verdicts")
    """One entry for each chunk of earlier verdicts that were judged again, with its counts."""
    REVIEW_DECIDED = "review.decided", _("decided by a moderator")
    REVIEW_CORRECTED = "review.corrected", _("decision corrected")
    """A decision took the place of one that stood."""
    REVIEW_UNDONE = "review.undone", _("decision taken back")
    REVIEW_SECOND_OPINION = "review.second_opinion", _("second opinion given")
    """Without effect on what was decided."""
    REVIEW_OPINION_TAKEN_BACK = "review.opinion_taken_back", _("second opinion taken back")
    BULK_STARTED = "bulk.started", _("one decision about many items")
    """Each item has an entry of its own, too."""
    BULK_UNDONE = "bulk.undone", _("a decision about many items taken back")
    RESCREEN_ACTED = "rescreen.acted", _("another model version's verdicts applied")
    """One entry for each chunk of `rescreen --act`, with its counts."""
    SHADOW_STARTED = "shadow.started", _("shadow trial started")
    SHADOW_ENDED = "shadow.ended", _("shadow trial ended")
    """By somebody, or by itself: then with the code of why."""
    SHADOW_PROMOTED = "shadow.promoted", _("candidate of a shadow trial activated")
    SHADOW_DROPPED = "shadow.dropped", _("candidate of a shadow trial dropped")
    SCREENING_REPORTED_AGAIN = "screening.reported_again", _("brought back by readers' reports")
    """As many readers reported it after a decision as REPORTS_TO_RETURN says; the decision stands."""
    SCREENING_RESCREENED = "screening.rescreened", _("verdict changed by another model version")
    VISIBILITY_RELEASED = "visibility.released", _("released: shown by the site's own means")
    VISIBILITY_HIDDEN_AGAIN = "visibility.hidden_again", _("hidden again after somebody showed it")
    """Somebody had shown behind the ORM what we hid."""
    VISIBILITY_HIDDEN_LATE = "visibility.hidden_late", _("hidden late: it was visible and should not be")
    """The object was to be hidden and was visible, though nobody had shown what we hid."""
    VISIBILITY_REPORTED = "visibility.held_by_reports", _("hidden for readers' reports")
    VISIBILITY_MENDED = "visibility.mended", _("set right after a change of registration")
    """An orphan was mended by `moderation_orphans`."""
    WEBHOOK_CREATED = "webhook.created", _("webhook made")
    WEBHOOK_CHANGED = "webhook.changed", _("webhook changed")
    WEBHOOK_DISABLED = "webhook.disabled", _("webhook switched off")


@dataclass(frozen=True)
class Actor:
    """Who does something: a user of the site, a command, or the machine."""

    user: Any
    """An instance of AUTH_USER_MODEL, whichever class that is; None where no user of the site does it."""
    name: str
    """The user's name as it is now, or the word that a command gives; empty: the machine."""

    @classmethod
    def of(cls, user: AbstractBaseUser | None, username: str = "") -> Actor:
        """Name the user, or what `username` says where no user of the site does it."""
        return cls(user, user.get_username() if user else username)


MACHINE = Actor(None, "")
"""Nobody asked for it."""


def record(
    action: Action, actor: Actor, target: models.Model, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Store an entry that says who changed `target`, from what, to what. Never give it a comment's text."""
    entry(action, actor, target, before, after).save(using=router.db_for_write(AuditEntry))


def entry(
    action: Action, actor: Actor, target: models.Model, before: dict[str, Any], after: dict[str, Any]
) -> AuditEntry:
    """Build, without saving it, the entry that `record` stores; for `bulk_create`."""
    return AuditEntry(
        action=action,
        user=actor.user,
        username=actor.name,
        before=before,
        after=after,
        **_named(target),
    )


def about(target: models.Model) -> QuerySet[AuditEntry]:
    """The entries of which `target` was changed."""
    return AuditEntry.objects.filter(**_named(target))


def label_of(code: str) -> str:
    """The label of an action; of a code that this release does not know, the code itself."""
    return str(Action(code).label) if code in Action else code


def _named(target: models.Model) -> dict[str, str]:
    return {"target_type": str(target._meta.model_name), "target_id": str(target.pk)}
