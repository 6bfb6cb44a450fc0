"""What readers and authors say of texts: Report, SecondLook."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from moderation.models.decisions import Review
from moderation.models.primary import PrimaryManager
from moderation.models.screenings import Screening

UNSETTLED = Q(settled=None)
"""What no decision has answered."""


class Report(models.Model):
    """What one reader said of one text as it was then: an edit has reports of its own."""

    class Source(models.TextChoices):
        """How the report came."""

        SITE = "site", _("the site")
        """Code of the site called `moderation.report`."""
        PAGE = "page", _("the report page")
        API = "api", _("the API")
        COMMENTS = "comments", _("a flag of django-contrib-comments")

    screening = models.ForeignKey(Screening, models.CASCADE, related_name="reports")
    source = models.CharField(_("source"), max_length=12, choices=Source)
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    """Null: a reader without an account, or one whose account is gone."""
    reporter_key = models.CharField(max_length=255, editable=False)
    """Tells one reader of a text from another: a user's key, or a keyed hash of what the site knows."""
    key_name = models.CharField(_("API key"), max_length=100, blank=True)
    """Name of the API key it came with, as it was; empty: with none."""
    reason = models.CharField(_("reason"), max_length=32)
    """A code of `moderation.review.reasons.report_reasons`."""
    note = models.TextField(_("note"), blank=True)
    """The reader's own words, blanked with the text."""
    created = models.DateTimeField(_("created"), auto_now_add=True)
    settled = models.DateTimeField(_("settled"), null=True, blank=True)
    """When a decision answered it, or at once, where a person had decided before; null: it is open."""
    review = models.ForeignKey(Review, models.PROTECT, null=True, blank=True, related_name="+")
    """The decision that answers it; null: it is open."""

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=["screening", "reporter_key"], name="moderation_report_once"),
            models.CheckConstraint(
                condition=Q(settled=None, review=None) | Q(settled__isnull=False, review__isnull=False),
                name="moderation_report_settled",
            ),
        )

    def __str__(self) -> str:
        return f"Report {self.pk} of screening {self.screening_id}"


class SecondLook(models.Model):
    """An author's request that somebody else looks at a decision; at most one for each decision."""

    screening = models.ForeignKey(Screening, models.CASCADE, related_name="second_looks")
    decision = models.OneToOneField(Review, models.PROTECT, related_name="second_look")
    """The decision that is to be looked at again."""
    words = models.TextField(_("the author's words"), blank=True)
    """Blanked with the text."""
    created = models.DateTimeField(_("created"), auto_now_add=True)
    settled = models.DateTimeField(_("settled"), null=True, blank=True)
    """When another moderator answered it, or the decision was taken back; null: it waits."""
    answer = models.ForeignKey(Review, models.PROTECT, null=True, blank=True, related_name="+")
    """The decision that answers it, which may say the same, or the undo of `decision`; null: it waits."""

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("second look")
        verbose_name_plural = _("second looks")
        default_permissions = ()
        constraints = (
            models.CheckConstraint(
                condition=Q(settled=None, answer=None) | Q(settled__isnull=False, answer__isnull=False),
                name="moderation_second_look_settled",
            ),
        )

    def __str__(self) -> str:
        return f"Second look at review {self.decision_id}"

    @property
    def is_changed(self) -> bool:
        """True where the answer shows what had been hidden."""
        return self.answer is not None and self.answer.outcome == Screening.Outcome.SHOW

    @property
    def is_taken_back(self) -> bool:
        """True where the decision was taken back before anybody had looked at it again."""
        return self.answer is not None and self.answer.kind == Review.Kind.UNDO
