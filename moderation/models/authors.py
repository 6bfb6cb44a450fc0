"""What people decided and noted of authors: AuthorTrust, only ever added to, and AuthorNote."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db import models, router
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from moderation.models.decisions import AppendOnly


class AuthorTrust(AppendOnly):
    """What becomes of one author's texts from now on, as a person decided; the newest row is in force."""

    class Stance(models.TextChoices):
        """What becomes of each of the author's texts, before any person has judged it."""

        USUAL = "usual", _("as usual")
        """By what the model says, or the site's own rules about authors."""
        HOLD = "hold", _("always held")
        """Hidden until a person has looked at it."""
        NEVER_HOLD = "never_hold", _("never held")
        """Public until a person has looked at it, if it is flagged at all."""
        BAN = "ban", _("banned")
        """Held, and the site is told, so that it may lock the account."""

    author_key = models.CharField(_("author key"), max_length=255, blank=True)
    """The account's primary key as text, as screenings have it; empty for somebody without one."""
    author_name = models.CharField(_("author's name"), max_length=255, blank=True)
    """The name that somebody without an account goes by; empty of accounts, whose names may change."""
    stance = models.CharField(_("from now on"), max_length=12, choices=Stance)
    created = models.DateTimeField(_("created"), auto_now_add=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_by_name = models.CharField(_("decided by"), max_length=255, blank=True)
    """The user name as it was, which stays when the user goes."""

    class Meta:
        verbose_name = _("trust in an author")
        verbose_name_plural = _("trust in authors")
        default_permissions = ()
        constraints = (
            models.CheckConstraint(
                condition=Q(stance__in=["usual", "hold", "never_hold", "ban"]), name="moderation_stance"
            ),
            models.CheckConstraint(
                condition=(~Q(author_key="") & Q(author_name="")) | (Q(author_key="") & ~Q(author_name="")),
                name="moderation_key_or_name",
            ),
        )
        indexes = (models.Index(fields=["author_key", "author_name", "-id"], name="moderation_trust_newest"),)

    def __str__(self) -> str:
        return f"{self.get_stance_display()} ({self.pk})"


class AuthorNote(AppendOnly):
    """What one moderator tells the others about an author."""

    author_key = models.CharField(_("author key"), max_length=255, blank=True)
    author_name = models.CharField(_("author's name"), max_length=255, blank=True)
    """As of AuthorTrust: one of the two is empty."""
    text = models.TextField(_("note"), max_length=2000)
    created = models.DateTimeField(_("created"), auto_now_add=True)
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    written_by_name = models.CharField(_("written by"), max_length=255, blank=True)
    """The user name as it was, which stays when the user goes."""

    class Meta:
        verbose_name = _("note on an author")
        verbose_name_plural = _("notes on authors")
        default_permissions = ()
        constraints = (
            models.CheckConstraint(
                condition=(~Q(author_key="") & Q(author_name="")) | (Q(author_key="") & ~Q(author_name="")),
                name="moderation_note_key_or_name",
            ),
        )
        indexes = (models.Index(fields=["author_key", "author_name", "-id"], name="moderation_note_newest"),)

    def __str__(self) -> str:
        return f"Note {self.pk}"


def forget_notes(keys: Iterable[int]) -> int:
    """Remove the notes with these ids, as their retention has ended; returns how many."""
    notes: models.QuerySet[AuthorNote] = models.QuerySet(AuthorNote, using=router.db_for_write(AuthorNote))
    return notes.filter(pk__in=list(keys)).delete()[0]
