"""Who may call the API without a session: ApiKey."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from moderation.models.primary import PrimaryManager

TEST_KEY = "mod_test_fixed_answers_that_store_nothing_0000"
"""The key of a client's own tests. It is public, and off unless API_TEST_KEY says otherwise."""


def sha256_of(raw: str) -> str:
    """Return the hash under which a key is stored, 64 hexadecimal digits; takes any string."""
    return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()


class ApiKey(models.Model):
    """One key to the API: what it may do, how often, from where and until when. The key itself is not kept.

    A key has 256 random bits, so nobody can find it by trying, and a plain SHA-256 is enough: the slow hashes
    made for passwords would cost each request a tenth of a second.
    """

    class Scope(models.TextChoices):
        """What a key may be allowed to do."""

        ANALYZE = "analyze", _("analyze")
        """Ask the Perspective endpoints for scores."""
        SUGGEST = "suggest", _("suggest")
        """Send suggestions to the Perspective endpoints."""
        CLASSIFY = "classify", _("classify")
        """Ask `classify/` for scores."""
        READ = "read", _("read")
        """Read screenings, policies, versions and figures."""
        REVIEW = "review", pgettext_lazy("what a key may do", "review")
        """Decide about screenings."""
        REPORT = "report", _("report")
        """Report texts on behalf of readers."""

    name = models.CharField(_("name"), max_length=100)
    """Whose it is, or what for: for people."""
    prefix = models.CharField(_("prefix"), max_length=16, editable=False)
    """The key's first characters, by which its owner recognises it."""
    sha256 = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    """A list of `Scope` values."""
    quota = models.PositiveIntegerField(
        _("requests a minute"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    """How many requests it may make in a minute; null: any number."""
    origins = models.JSONField(_("origins"), default=list, blank=True)
    """Pages of these origins alone may use it, such as `https://example.org`; empty: anybody anywhere."""
    created = models.DateTimeField(_("created"), auto_now_add=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("acts for"),
        help_text=_("Whose decisions those made with the key are. Without one it decides nothing."),
    )
    """For whom it decides; null: for nobody, so it can't review."""
    created_by_name = models.CharField(_("created by"), max_length=255, blank=True, editable=False)
    """The user name as it was, or `name (system)` for the system user behind a command."""
    expires = models.DateTimeField(_("expires"), null=True, blank=True)
    """From this moment on it opens nothing; null: it does not expire."""
    revoked = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    """When a person withdrew it; for good."""
    last_used = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    """To the minute."""

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        default_permissions = ("add", "change", "view")
        base_manager_name = "objects"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_test(self) -> bool:
        """True where it gets fixed answers, and nothing that it sends is stored or counted."""
        return self.sha256 == sha256_of(TEST_KEY)

    @property
    def is_expired(self) -> bool:
        """True where its time is over."""
        return self.expires is not None and self.expires <= timezone.now()

    @property
    def is_usable(self) -> bool:
        """True where it is neither revoked nor expired."""
        return self.revoked is None and not self.is_expired

    @property
    def state(self) -> str:
        """Return one of `valid`, `expired`, `revoked`."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.is_expired else "valid"
