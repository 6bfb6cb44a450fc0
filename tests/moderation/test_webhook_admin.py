"""Webhooks in the admin, in the audit trail, on the metrics page and in `moderation_health`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from moderation.audit import Actor
from moderation.models import AuditEntry, Webhook, WebhookDelivery
from moderation.monitoring import figures, health
from moderation.monitoring.exposition import render
from moderation.webhooks import making, outbox, signatures

pytestmark = pytest.mark.django_db
ADD = reverse("admin:moderation_webhook_add")
LIST = reverse("admin:moderation_webhook_changelist")
DELIVERIES = reverse("admin:moderation_webhookdelivery_changelist")
URL = "https://receiver.example/hook?token=t0p"
FORM = {"name": "ours", "url": URL, "events": ["screening.held"], "is_enabled": "on"}


def make() -> Webhook:
    webhook = Webhook(name="ours", url=URL, events=["screening.held"])
    making.create(webhook, Actor(None, "ann"))
    return webhook


def page_of(webhook: Webhook) -> str:
    return reverse("admin:moderation_webhook_change", args=[webhook.pk])


def test_a_superuser_makes_a_webhook_and_sees_its_secret_once(admin_client: Client) -> None:
    answer = admin_client.post(ADD, FORM)
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
    (secret,) = re.findall(r"whsec_[\w-]+", answer.text)
    webhook = Webhook.objects.get()
    assert signatures.secret_of(webhook) == secret
    assert (webhook.created_by_name, webhook.events) == ("admin", ["screening.held"])
    for page in (LIST, page_of(webhook), DELIVERIES, reverse("admin:moderation_auditentry_changelist")):
        assert secret not in admin_client.get(page).text
    assert "t0p" not in admin_client.get(LIST).text
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.username, entry.after["where"]) == (
        "webhook.created",
        "admin",
        "https://receiver.example",
    )
    assert "t0p" not in str(AuditEntry.objects.values())


def test_a_changed_and_a_switched_off_webhook_stand_in_the_audit_trail(admin_client: Client) -> None:
    webhook = make()
    Webhook.objects.update(failures=3)
    assert admin_client.post(page_of(webhook), {**FORM, "includes_text": "on"}).status_code == 302
    assert admin_client.post(page_of(webhook), {**FORM, "is_enabled": ""}).status_code == 302
    assert admin_client.post(page_of(webhook), {**FORM, "is_enabled": ""}).status_code == 302  # no change
    entries = AuditEntry.objects.order_by("id").values_list("action", "before", "after")
    assert [action for action, *_ in entries] == ["webhook.created", "webhook.changed", "webhook.disabled"]
    _, before, after = entries[1]
    assert (before["includes_text"], after["includes_text"]) == (False, True)
    webhook.refresh_from_db()
    assert (webhook.failures, webhook.is_enabled) == (3, False)


@pytest.mark.parametrize(
    "url", ["http://receiver.example/", "https://10.0.0.1/", "https://localhost:99999/", "no url"]
)
def test_a_url_that_is_no_place_for_a_webhook_is_refused(admin_client: Client, url: str) -> None:
    answer = admin_client.post(ADD, {**FORM, "url": url})
    assert answer.status_code == 200 and 'class="errorlist"' in answer.text
    assert not Webhook.objects.exists()


def test_a_new_secret_replaces_the_old_one(admin_client: Client) -> None:
    webhook = make()
    old = signatures.secret_of(webhook)
    answer = admin_client.post(page_of(webhook), {**FORM, "_secret": "1"})
    (secret,) = re.findall(r"whsec_[\w-]+", answer.text)
    webhook.refresh_from_db()
    assert signatures.secret_of(webhook) == secret != old
    assert AuditEntry.objects.order_by("id").last().after["secret_renewed"]  # type: ignore[union-attr]


def test_a_button_sends_a_test_event(admin_client: Client) -> None:
    webhook = make()
    answer = admin_client.post(page_of(webhook), {**FORM, "_test": "1"})
    assert answer.status_code == 302 and answer["Location"].startswith(page_of(webhook))
    row = WebhookDelivery.objects.get()
    assert (row.event, row.webhook, row.payload) == ("webhook.test", webhook, {})


def test_deliveries_that_were_given_up_are_sent_again(admin_client: Client) -> None:
    outbox.note_test(make())
    WebhookDelivery.objects.update(status="given_up", ended=Now(), last_error="http:500", attempts=9)
    row = WebhookDelivery.objects.get()
    assert "given up" in admin_client.get(DELIVERIES).text
    answer = admin_client.post(
        DELIVERIES, {"action": "send_again", "_selected_action": [row.pk]}, follow=True
    )
    assert "1 is sent again" in answer.text
    row.refresh_from_db()
    assert (row.status, row.attempts, row.ended) == ("waiting", 0, None)


def test_staff_with_every_permission_and_no_superuser_reach_nothing(client: Client) -> None:
    webhook = make()
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    client.force_login(user)
    for page in (ADD, LIST, page_of(webhook), DELIVERIES):
        assert client.get(page).status_code == 403
    assert client.post(ADD, FORM).status_code == 403
    assert client.post(page_of(webhook), {**FORM, "_secret": "1"}).status_code == 403
    assert client.post(DELIVERIES, {"action": "send_again", "_selected_action": [1]}).status_code == 403
    assert "webhook" not in client.get(reverse("admin:index")).text.lower()


def test_nobody_deletes_a_webhook_by_hand(admin_client: Client) -> None:
    webhook = make()
    answer = admin_client.post(reverse("admin:moderation_webhook_delete", args=[webhook.pk]), {"post": "yes"})
    assert answer.status_code == 403 and Webhook.objects.exists()


def finding() -> Any:
    return health._webhooks(figures.read())


def test_health_tells_of_a_webhook_that_fails_and_of_one_that_nobody_serves() -> None:
    assert finding().is_well
    webhook = make()
    assert finding().is_well
    Webhook.objects.update(failing_since=Now() - timedelta(seconds=300))
    assert finding().is_well  # it may be back soon
    Webhook.objects.update(failing_since=Now() - timedelta(seconds=1000))
    found = finding()
    assert not found.is_well and f"webhook {webhook.pk}" in found.says
    Webhook.objects.update(is_enabled=False)
    assert finding().is_well
    Webhook.objects.update(is_enabled=True, failing_since=None)
    outbox.note_test(webhook)
    WebhookDelivery.objects.update(waiting_since=Now() - timedelta(seconds=1000))
    found = finding()
    assert not found.is_well and "workers" in found.do
    assert found.numbers["waiting"] == 1 and 999 < found.numbers["oldest_seconds"] < 1100


def test_the_metrics_page_tells_what_waits() -> None:
    outbox.note_test(make())
    page = render()[0].decode()
    assert "moderation_webhook_deliveries_waiting 1.0" in page
    assert "moderation_webhooks_failing 0.0" in page
    assert 'moderation_webhook_tries_total{result="given-up"}' in page
