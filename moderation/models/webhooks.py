"""Whom the app tells of verdicts and reviews, and the outbox of what is still to be told."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from moderation.clock import Now, unset_or_before
from moderation.models.primary import PrimaryManager

WAITING = Q(status="waiting")
"""Deliveries that the receiver has not acknowledged and that have not been given up."""


class WebhookQuerySet(models.QuerySet["Webhook"]):
    """The sets of webhooks that the sender asks for by name."""

    def enabled(self) -> WebhookQuerySet:
        """Those for which events are noted."""
        return self.filter(is_enabled=True)

    def ready(self) -> WebhookQuerySet:
        """Those of `enabled` that no failure makes pause."""
        return self.enabled().filter(unset_or_before("paused_until", Now()))


class Webhook(models.Model):
    """One address that is told of events, and how its deliveries fare.

    Its secret is derived from the site's SECRET_KEY and `salt`: somebody who reads the database
    can't sign with it.
    """

    class Event(models.TextChoices):
        """What a webhook can be told of."""

        SCORED = "screening.scored", _("a text has its verdict")
        """Every verdict, also one that `rescreen --act` has changed."""
        FLAGGED = "screening.flagged", _("a text was flagged, or stands in the queue as if it were")
        HELD = "screening.held", _("a text was held")
        DECIDED = "review.decided", _("a moderator has decided")
        UNDONE = "review.undone", _("a moderator has taken a decision back")
        REPORTED = "text.reported", _("a reader has reported a text")
        SETTLED = "reports.settled", _("a decision has answered readers' reports")

    name = models.CharField(_("name"), max_length=100)
    """For people."""
    url = models.CharField(_("URL"), max_length=500)
    """Where to; it may hold a token of the receiver's, so it is in no log and no audit entry."""
    salt = models.CharField(max_length=64, editable=False)
    """Public part of what the secret is derived from."""
    secret_sha256 = models.CharField(max_length=64, editable=False)
    """By which the secret is recognised, when SECRET_KEY has been changed."""
    events = models.JSONField(_("events"), default=list)
    """A list of `Event` values."""
    includes_text = models.BooleanField(_("includes the text"), default=False)
    """True: each delivery carries the text itself, while it is not blanked."""
    is_enabled = models.BooleanField(_("is enabled"), default=True)
    """False: nothing is noted for it, and what waits is not sent."""
    created = models.DateTimeField(_("created"), auto_now_add=True)
    created_by_name = models.CharField(_("created by"), max_length=255, blank=True, editable=False)
    """The user name as it was."""
    last_delivered = models.DateTimeField(_("last delivered"), null=True, blank=True, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True, editable=False)
    """The first failure since the last delivery; null: the last one succeeded."""
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    last_error = models.CharField(_("last error"), max_length=64, blank=True, editable=False)
    """Our code of the latest failure, such as `http:503`; empty: the last delivery succeeded."""
    paused_until = models.DateTimeField(null=True, blank=True, editable=False)
    """After a failure: until when nothing is sent to it, so that others need not wait for it."""

    objects = PrimaryManager.from_queryset(WebhookQuerySet)()

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        default_permissions = ()
        base_manager_name = "objects"
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name

    @property
    def where(self) -> str:
        """The scheme and the host of the URL, for pages and the audit trail: a path may hold a token."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname or ''}"


class DeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    """The sets of deliveries that the sender asks for by name."""

    def waiting(self) -> DeliveryQuerySet:
        """Deliveries that are neither acknowledged nor given up."""
        return self.filter(WAITING)

    def unleased(self) -> DeliveryQuerySet:
        """Those that no worker has in hand."""
        return self.filter(unset_or_before("lease_until", Now()))

    def due(self) -> DeliveryQuerySet:
        """Those of `waiting` to send now: no worker has them in hand, and no back-off makes them wait."""
        return self.waiting().unleased().filter(unset_or_before("retry_at", Now()))


class WebhookDelivery(models.Model):
    """One event for one webhook: the outbox row, written in the transaction that stores what it tells of."""

    class Status(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", _("waiting")
        """To be sent, for the first time or again."""
        DELIVERED = "delivered", _("delivered")
        """The receiver answered with 2xx."""
        GIVEN_UP = "given_up", _("given up")
        """It failed for three days, or its webhook was disabled for as long."""

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries", verbose_name=_("webhook"))
    event = models.CharField(_("event"), max_length=32)
    """A `Webhook.Event` value, or `webhook.test`."""
    event_id = models.UUIDField(_("event id"), default=uuid.uuid4, unique=True, editable=False)
    """The same with each try, so that the receiver recognises a repetition."""
    screening_id = models.BigIntegerField(_("screening"), null=True, blank=True)
    """Whose text is read when it is sent; null: of no text."""
    payload = models.JSONField(_("payload"), default=dict)
    """What is sent, but for the text, which is never in it."""
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.WAITING)
    created = models.DateTimeField(_("created"), auto_now_add=True)
    waiting_since = models.DateTimeField(_("waiting since"), auto_now_add=True)
    """From then on its three days are counted: `created`, or when somebody had it sent again."""
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    retry_at = models.DateTimeField(_("next try"), null=True, blank=True)
    """Before this it is not tried again; null: at once."""
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    """Until then one worker has it in hand."""
    ended = models.DateTimeField(_("ended"), null=True, blank=True)
    """When it was delivered or given up."""
    last_error = models.CharField(_("last error"), max_length=64, blank=True)
    """Our code of the latest failure; empty: none."""

    objects = PrimaryManager.from_queryset(DeliveryQuerySet)()

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        default_permissions = ()
        base_manager_name = "objects"
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["webhook", "id"], condition=WAITING, name="moderation_delivery_waits"),
            models.Index(fields=["ended"], condition=~WAITING, name="moderation_delivery_ended"),
        )

    def __str__(self) -> str:
        return f"{self.event} ({self.pk})"
