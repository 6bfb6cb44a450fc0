"""Makes webhooks and changes them; each change leaves an audit entry, without secret and path of the URL."""

from __future__ import annotations

from typing import Any

from django.db import router, transaction

from moderation import audit
from moderation.audit import Action, Actor
from moderation.models import Webhook
from moderation.webhooks import signatures

EDITABLE = ("name", "url", "events", "includes_text", "is_enabled")


def create(webhook: Webhook, actor: Actor) -> str:
    """Store a new webhook and return its secret, which nobody is shown again."""
    secret = signatures.renew(webhook)
    webhook.created_by_name = actor.name
    with transaction.atomic(using=router.db_for_write(Webhook)):
        webhook.save(force_insert=True)
        audit.record(Action.WEBHOOK_CREATED, actor, webhook, {}, _told(webhook))
    return secret


def change(webhook: Webhook, actor: Actor) -> None:
    """Store what a person changed of a webhook; how its deliveries fare is left as it is."""
    with transaction.atomic(using=router.db_for_write(Webhook)):
        before = Webhook.objects.select_for_update().get(pk=webhook.pk)
        if all(getattr(before, name) == getattr(webhook, name) for name in EDITABLE):
            return
        webhook.paused_until = None  # what was mended is tried at once
        webhook.save(update_fields=[*EDITABLE, "paused_until"])
        is_disabled = before.is_enabled and not webhook.is_enabled
        action = Action.WEBHOOK_DISABLED if is_disabled else Action.WEBHOOK_CHANGED
        after = {**_told(webhook), "url_changed": before.url != webhook.url}
        audit.record(action, actor, webhook, _told(before), after)


def renew_secret(webhook: Webhook, actor: Actor) -> str:
    """Give a webhook another secret, and return it: from now on the old one signs nothing."""
    with transaction.atomic(using=router.db_for_write(Webhook)):
        secret = signatures.renew(webhook)
        webhook.save(update_fields=["salt", "secret_sha256"])
        told = _told(webhook)
        audit.record(Action.WEBHOOK_CHANGED, actor, webhook, told, {**told, "secret_renewed": True})
    return secret


def _told(webhook: Webhook) -> dict[str, Any]:
    return {
        "name": webhook.name,
        "where": webhook.where,
        "events": webhook.events,
        "includes_text": webhook.includes_text,
        "is_enabled": webhook.is_enabled,
    }
