"""What people decided, only ever added to: Review, Policy, AuditEntry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models, router
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from moderation.models.primary import PrimaryManager
from moderation.models.screenings import Screening


class AppendOnlyError(TypeError):
    """Raised on an attempt to change or delete a row of an append-only table."""


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """Rows may be added and read. A deleted user is still set to null: Django does that by itself."""

    def update(self, **kwargs: Any) -> int:
        raise AppendOnlyError(f"{self.model.__name__} rows are never changed; add a new one")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError(f"{self.model.__name__} rows are never deleted")


class AppendOnly(models.Model):
    """A model whose rows are written once."""

    objects = PrimaryManager.from_queryset(AppendOnlyQuerySet)()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError(f"{type(self).__name__} rows are never changed; add a new one")
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError(f"{type(self).__name__} rows are never deleted")


class Review(AppendOnly):
    """One row of a person's doing.

    Ground truth of a screening is the highest-numbered decision that no undo names.
    """

    class Kind(models.TextChoices):
        """What the person did."""

        DECISION = "decision", _("decision")
        UNDO = "undo", _("undo")
        SECOND_OPINION = "second_opinion", _("second opinion")
        SUGGESTION = "suggestion", _("confirmed suggestion")
        IMPORT = "import", _("import")
        """What a file of another system says; learned from, and no decision of this site."""

    class Decision(models.TextChoices):
        """What the person made of the model's opinion."""

        UPHOLD = "uphold", _("uphold")
        """The labels over threshold are true, the rest was not looked at."""
        FALSE_POSITIVE = "false_positive", _("false positive")
        """Every label is false."""
        RELABEL = "relabel", _("relabel")
        """Every label as ticked."""
        OTHER_REASON = "other_reason", _("another reason")
        """It is hidden for what no label says, as `reason` has it; no label was looked at."""

    screening = models.ForeignKey(
        Screening, models.PROTECT, related_name="reviews", verbose_name=_("screening")
    )
    number = models.PositiveIntegerField(_("number"))
    """1, 2, 3 ... within its screening."""
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.DECISION)
    decision = models.CharField(_("decision"), max_length=16, choices=Decision, blank=True)
    """Empty for an undo and an import."""
    outcome = models.CharField(_("outcome"), max_length=12, choices=Screening.Outcome, blank=True)
    """Empty for an undo."""
    labels = models.JSONField(_("labels"), default=dict, blank=True)
    """{label: true | false | null}; null was not looked at and is masked in training."""
    touched = models.JSONField(_("boxes touched"), null=True, blank=True)
    """Of a relabelling: the labels whose box the person ticked or cleared; the others are as the form came.
    Null: not known, or there were no boxes."""
    reason = models.CharField(_("reason"), max_length=32, default="", db_default="", blank=True)
    """Why it was hidden for another reason: a code of `moderation.review.reasons`; else empty."""
    undoes = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="undone_by",
        verbose_name=_("takes back"),
    )
    """The decision or second opinion that an undo takes back."""
    model_version = models.ForeignKey(
        "moderation.ModelVersion",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("model version"),
    )
    """Whose opinion the reviewer judged; null where there was none."""
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    reviewer_name = models.CharField(_("reviewer"), max_length=255, blank=True)
    """The user name as it was, which stays when the user goes."""
    note = models.TextField(_("note"), blank=True)
    """The reviewer's own words, blanked with the text."""
    was_released = models.DateTimeField(null=True, blank=True, editable=False)
    """Of a decision: since when the object had been released before it, so that an undo can restore that."""
    is_picked = models.BooleanField(_("picked"), default=False, db_default=False, editable=False)
    """Of a decision: its topic, author, page or the like led to the item, not the order of the queue."""
    created = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        default_permissions = ("view",)
        ordering = ("screening", "number")
        constraints = (
            models.UniqueConstraint(fields=["screening", "number"], name="moderation_review_number"),
            models.UniqueConstraint(
                fields=["undoes"], condition=Q(kind="undo"), name="moderation_undone_once"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="moderation_review_number_from_1"),
            models.CheckConstraint(
                condition=Q(kind__in=["decision", "undo", "second_opinion", "suggestion", "import"]),
                name="moderation_review_kind",
            ),
            models.CheckConstraint(
                condition=Q(decision__in=["", "uphold", "false_positive", "relabel", "other_reason"]),
                name="moderation_review_decision",
            ),
            models.CheckConstraint(
                condition=(~Q(reason="") & Q(decision="other_reason"))
                | (~Q(decision="other_reason") & Q(reason="")),
                name="moderation_review_reason",
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["", "show", "hide"]), name="moderation_review_outcome"
            ),
            models.CheckConstraint(
                condition=~Q(kind="decision") | (~Q(outcome="") & ~Q(decision="")),
                name="moderation_decision_complete",
            ),
            models.CheckConstraint(
                condition=Q(kind="undo", undoes__isnull=False) | (~Q(kind="undo") & Q(undoes__isnull=True)),
                name="moderation_undo_names_one",
            ),
        )
        indexes = (
            models.Index(fields=["created"], name="moderation_review_created"),
            models.Index(fields=["reviewer_name", "created", "screening"], name="moderation_reviewer_dates"),
            models.Index(
                fields=["reason", "screening"], condition=~Q(reason=""), name="moderation_by_reason"
            ),
        )

    def __str__(self) -> str:
        return str(_("%(kind)s %(number)s of screening %(screening)s")) % {
            "kind": self.get_kind_display(),
            "number": self.number,
            "screening": self.screening_id,
        }


def blank_notes(screenings: Iterable[int]) -> int:
    """Take the notes out of reviews of these screenings, by their ids; returns of how many reviews.

    It is all that a review ever loses: the words in it go with the text that they are about.
    """
    reviews: models.QuerySet[Review] = models.QuerySet(Review, using=router.db_for_write(Review))
    return reviews.filter(screening__in=list(screenings)).exclude(note="").update(note="")


class Policy(AppendOnly):
    """Flag and hold thresholds for one registered model; the newest row is in force."""

    model_label = models.CharField(_("model"), max_length=200, blank=True)
    """`app_label.ModelName` as registered; empty: every model without a policy of its own."""
    thresholds = models.JSONField(_("thresholds"))
    """{label: {"flag": p, "hold": p or null}}; labels that are left out keep the model version's."""
    is_withdrawn = models.BooleanField(_("withdrawn"), default=False, db_default=False)
    """Nothing of the model's own is in force from here on: what holds for every model does, or, of that
    itself, the setting and the model version."""
    created = models.DateTimeField(_("created"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_by_name = models.CharField(_("created by"), max_length=255, blank=True)
    note = models.TextField(_("note"), blank=True)

    class Meta:
        verbose_name = _("policy")
        # What the admin calls their list and its page; the API calls them policies.
        verbose_name_plural = _("thresholds")
        default_permissions = ("add", "view")
        indexes = (models.Index(fields=["model_label", "-id"], name="moderation_policy_newest"),)

    def __str__(self) -> str:
        return f"{self.model_label or '*'} ({self.pk})"


class AuditEntry(AppendOnly):
    """Who changed what, when, from what, to what; written in the transaction that makes the change."""

    created = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    username = models.CharField(_("user"), max_length=255, blank=True)
    """As it was then, or `name (system)` for the system user behind a command; empty: the machine."""
    action = models.CharField(_("action"), max_length=64, db_index=True)
    """A code of `moderation.audit.Action`, such as `review.decided`."""
    target_type = models.CharField(_("target"), max_length=64)
    """Model name, such as `screening`."""
    target_id = models.CharField(_("target id"), max_length=64, blank=True)
    before = models.JSONField(_("before"), default=dict, blank=True)
    """Never comment text."""
    after = models.JSONField(_("after"), default=dict, blank=True)
    """Never comment text."""

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        default_permissions = ("view",)
        indexes = (models.Index(fields=["target_type", "target_id"], name="moderation_audit_target"),)

    def __str__(self) -> str:
        return str(_("audit entry %(number)s")) % {"number": self.pk}
