"""One decision about many screenings: BulkDecision, and BulkItem for each of them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from moderation.models.decisions import Review
from moderation.models.primary import PrimaryManager
from moderation.models.screenings import Screening


class BulkDecision(models.Model):
    """What a person decided about many screenings at once, and how far it has come."""

    class Chosen(models.TextChoices):
        """How the screenings were chosen."""

        SELECTED = "selected", _("selected one by one")
        TEXT = "text", _("the same text")
        AUTHOR = "author", _("the same author")
        FILTER = "filter", _("everything in a list")

    decision = models.CharField(_("decision"), max_length=16, choices=Review.Decision)
    reason = models.CharField(_("reason"), max_length=32, blank=True)
    """As `Review.reason`."""
    note = models.TextField(_("note"), blank=True)
    """As `Review.note`; blanked with the last of the texts."""
    chosen = models.CharField(_("chosen"), max_length=12, choices=Chosen)
    total = models.PositiveIntegerField(_("items"), default=0)
    created = models.DateTimeField(_("created"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_by_name = models.CharField(_("created by"), max_length=255, blank=True)
    ready = models.DateTimeField(null=True, blank=True)
    """When all of its items were written; before, nobody carries it out."""
    finished = models.DateTimeField(_("finished"), null=True, blank=True)
    """When no item was left to be decided."""
    undo_asked = models.DateTimeField(null=True, blank=True)
    """When somebody took the whole of it back; from then on nothing more is decided."""
    undone = models.DateTimeField(_("undone"), null=True, blank=True)
    """When no decision was left to be undone."""
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    undone_by_name = models.CharField(_("undone by"), max_length=255, blank=True)

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("decision about many")
        verbose_name_plural = _("decisions about many")
        default_permissions = ()
        base_manager_name = "objects"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.get_decision_display()} ({self.pk})"

    @property
    def is_running(self) -> bool:
        """True while there is something left to decide, or to undo."""
        return self.finished is None or (self.undo_asked is not None and self.undone is None)


class BulkItem(models.Model):
    """One of the screenings, and what became of it."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", _("waiting")
        DECIDED = "decided", _("decided")
        LEFT = "left", _("left alone")
        UNDONE = "undone", _("undone")
        KEPT = "kept", _("not undone")

    class Why(models.TextChoices):
        """Why it was left alone, or not undone."""

        ALREADY_DECIDED = "decided", _("decided by somebody else meanwhile")
        NOT_CURRENT = "not_current", _("edited, deleted or blanked meanwhile")
        CLAIMED = "claimed", _("somebody else was looking at it")
        ONE_BY_ONE = "one_by_one", _("to be judged one by one, without the model's opinion")
        NOTHING_TO_UPHOLD = "nothing", _("no label over its threshold, so nothing to uphold")
        NOT_THERE = "not_there", _("no longer there")
        NOT_ALLOWED = "not_allowed", _("the person may not decide it any more")
        TAKEN_BACK = "taken_back", _("taken back before it was decided")
        CHANGED_SINCE = "changed", _("changed by somebody since")
        ERROR = "error", _("an error of the site's code or data")

    bulk = models.ForeignKey(BulkDecision, models.CASCADE, related_name="items", db_index=False)
    screening = models.ForeignKey(Screening, models.CASCADE, related_name="+", db_index=False)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    why = models.CharField(max_length=12, choices=Why, blank=True)
    review = models.ForeignKey(Review, models.PROTECT, null=True, blank=True, related_name="+")
    """The decision."""

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("item of a decision about many")
        verbose_name_plural = _("items of decisions about many")
        default_permissions = ()
        base_manager_name = "objects"
        constraints = (models.UniqueConstraint(fields=["screening", "bulk"], name="moderation_bulk_once"),)
        indexes = (models.Index(fields=["bulk", "state", "id"], name="moderation_bulk_state"),)

    def __str__(self) -> str:
        return f"{self.bulk_id}: {self.screening_id}"
