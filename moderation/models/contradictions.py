"""Decisions that contradict each other, or that the others make unlikely: Contradiction."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from moderation.models.decisions import Review
from moderation.models.primary import PrimaryManager


class ContradictionQuerySet(models.QuerySet["Contradiction"]):
    """What was found of decisions."""

    def waiting(self) -> ContradictionQuerySet:
        """Select what nobody has settled, of decisions that still stand, with their texts there."""
        undone = Review.objects.filter(kind=Review.Kind.UNDO, undoes=OuterRef("pk"))
        later = Review.objects.filter(
            ~Exists(undone),
            kind=Review.Kind.DECISION,
            screening=OuterRef("screening"),
            number__gt=OuterRef("number"),
        )
        gone = Review.objects.filter(Exists(undone) | Exists(later) | Q(screening__blanked__isnull=False))
        is_gone = Exists(gone.filter(pk=OuterRef("review"))) | Exists(gone.filter(pk=OuterRef("other")))
        return self.filter(~is_gone, settled=None)


class Contradiction(models.Model):
    """One thing that a lead is asked to settle; it holds ids, labels and figures, and no text."""

    class Kind(models.TextChoices):
        """What is the matter."""

        SAME = "same_text", _("the same text was decided otherwise")
        NEAR = "near_text", _("nearly the same text was decided otherwise")
        UNLIKELY = "unlikely", _("unlikely by what was decided on others")
        REVIEWER = "reviewer", _("somebody's decisions stand out")

    kind = models.CharField(_("what is the matter"), max_length=12, choices=Kind)
    key = models.CharField(max_length=255, unique=True, editable=False)
    """What it is about: the same is asked once."""
    review = models.ForeignKey(
        Review, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decision")
    )
    other = models.ForeignKey(
        Review, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("other decision")
    )
    label = models.CharField(_("label"), max_length=64, blank=True)
    """Empty: whether any is true."""
    probability = models.FloatField(_("probability"), null=True, blank=True)
    """Of what was decided, by a model that did not see it."""
    reviewer_name = models.CharField(_("reviewer"), max_length=255, blank=True)
    figures = models.JSONField(_("figures"), default=dict, blank=True)
    """Of a reviewer: decisions, unlikely, rate, rate_of_others, low."""
    found = models.DateTimeField(_("found"), auto_now_add=True)
    settled = models.DateTimeField(_("settled"), null=True, blank=True)
    """When a lead said that it is right as it is."""
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    settled_by_name = models.CharField(_("settled by"), max_length=255, blank=True)

    objects = PrimaryManager.from_queryset(ContradictionQuerySet)()

    class Meta:
        verbose_name = _("contradiction")
        verbose_name_plural = _("contradictions")
        default_permissions = ()
        base_manager_name = "objects"
        constraints = (
            models.CheckConstraint(
                condition=Q(kind__in=["same_text", "near_text", "unlikely", "reviewer"]),
                name="moderation_contradiction_kind",
            ),
        )

    def __str__(self) -> str:
        return str(_("contradiction %(number)s")) % {"number": self.pk}
