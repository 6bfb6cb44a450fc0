"""Webhooks end to end: the outbox in the storing transaction, signed deliveries, retries, blindness."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import signal
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, connections, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from moderation.audit import Actor
from moderation.models import ModelVersion, Screening, Webhook, WebhookDelivery
from moderation.rescreening import apply, runs
from moderation.rescreening.runs import RunLease, Scope
from moderation.review import blind, events
from moderation.review.decisions import decide
from moderation.screening import store
from moderation.webhooks import addresses, delivery, delivery_thread, making, outbox, sending, signatures
from moderation.webhooks.sending import SendFailed
from moderation.worker.sweep import sweep
from mysite.demo.environment import BASE_DIR
from tests.forum.models import Letter
from tests.moderation.conftest import load_by_words, make_version, screen
from tests.moderation.test_rescreen import begin, constant, go
from tests.receivers import CERTIFICATE, NAME, Receiver, receiver, trickling

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = BASE_DIR / "docs" / "webhooks.md"
ANN = Actor(None, "ann")
HELD = "I will kill you, kestrel"
FLAGGED = "You idiot, kestrel"
CLEAR = "Good morning, kestrel"
ALL = list(Webhook.Event.values)


@pytest.fixture(autouse=True)
def this_machine_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of the tests lead here, here counts as public, and the receivers' certificate is trusted."""
    monkeypatch.setattr(addresses, "resolve", lambda *_: ["127.0.0.1"])
    monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.1")
    monkeypatch.setattr(sending, "tls_context", lambda: ssl.create_default_context(cafile=str(CERTIFICATE)))


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def make(url: str, *wanted: str, **options: Any) -> tuple[Webhook, str]:
    webhook = Webhook(name="ours", url=url, events=list(wanted) or ALL, **options)
    return webhook, making.create(webhook, ANN)


def write(*texts: str) -> list[Screening]:
    """Letters that are screened, oldest first."""
    for text in texts:
        Letter.objects.create(text=text)
    screen()
    return list(Screening.objects.order_by("-id")[: len(texts)])[::-1]


def pauses_are_over() -> None:
    past = Now() - timedelta(seconds=1)
    WebhookDelivery.objects.filter(retry_at__isnull=False).update(retry_at=past)
    Webhook.objects.filter(paused_until__isnull=False).update(paused_until=past)


def types(rows: Any = None) -> list[str]:
    return sorted((rows or WebhookDelivery.objects).values_list("event", flat=True))


def bodies(there: Receiver) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in there.requests]


# --- the outbox ----------------------------------------------------------------------------------


def test_a_verdict_is_noted_in_the_transaction_that_stores_it(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("https://receiver.example/")

    real, counts = events.note_verdicts, []

    def fail(rows: Any) -> None:
        real(judged := list(rows))
        if judged:
            counts.append(WebhookDelivery.objects.count())
            raise OperationalError

    monkeypatch.setattr(store.events, "note_verdicts", fail)
    Letter.objects.create(text=CLEAR)
    with pytest.raises(OperationalError):
        screen()
    assert counts and set(counts) == {1}
    assert not WebhookDelivery.objects.exists()
    monkeypatch.setattr(store.events, "note_verdicts", real)
    Screening.objects.update(retry_at=None)
    screen()
    assert types() == ["screening.scored"]


def test_each_verdict_has_its_events_and_holds_no_text(version: ModelVersion) -> None:
    make("https://receiver.example/")
    make("https://other.example/", "screening.held")
    clear, flagged, held = write(CLEAR, FLAGGED, HELD)
    assert types(WebhookDelivery.objects.filter(screening_id=clear.pk)) == ["screening.scored"]
    assert types(WebhookDelivery.objects.filter(screening_id=flagged.pk)) == [
        "screening.flagged",
        "screening.scored",
    ]
    rows = WebhookDelivery.objects.filter(screening_id=held.pk)
    assert types(rows) == ["screening.held", "screening.held", "screening.scored"]
    payload = rows.filter(event="screening.held")[0].payload
    assert payload == {
        "screening": held.pk,
        "source": "object",
        "model": "forum.Letter",
        "object_id": held.object_id,
        "field": "text",
        "withheld": False,
        "version": "test@1",
        "verdict": "held",
        "labels": ["toxic", "threat"],
        "scores": {"toxic": 0.97, "threat": 0.97, "insult": 0.01},
    }
    assert "kestrel" not in str(list(WebhookDelivery.objects.values()))


def statements(*wanted: str) -> int:
    Letter.objects.create(text=FLAGGED)
    Letter.objects.create(text=CLEAR)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        screen()
    return len([one for one in queries if "webhook" in one["sql"]])


def test_without_a_webhook_storing_costs_one_query_and_with_some_one_insert_more(
    version: ModelVersion,
) -> None:
    assert statements() == 1
    make("https://receiver.example/")
    make("https://other.example/")
    assert statements() == 2
    assert WebhookDelivery.objects.count() == 6


def test_a_disabled_webhook_is_told_nothing(version: ModelVersion, there: Receiver) -> None:
    webhook, _ = make(there.url)
    write(CLEAR)
    webhook.is_enabled = False
    making.change(webhook, ANN)
    write(CLEAR)
    delivery.deliver_due()
    assert WebhookDelivery.objects.count() == 1 and there.requests == []
    webhook.is_enabled = True
    making.change(webhook, ANN)
    delivery.deliver_due()
    assert len(there.requests) == 1


def test_a_decision_is_noted_with_what_the_verdict_rests_on(
    version: ModelVersion, admin_user: User, there: Receiver
) -> None:
    make(there.url, "review.decided")
    (row,) = write(HELD)
    review = decide(row.pk, reviewer=admin_user, kind="uphold", note="see kestrel")
    delivery.deliver_due()
    (body,) = bodies(there)
    assert body["type"] == "review.decided"
    assert body["data"]["review"] == {
        "id": review.pk,
        "number": 1,
        "decision": "uphold",
        "outcome": "hide",
        "labels": {"toxic": True, "threat": True, "insult": None},
        "reason": None,
    }
    assert (body["data"]["verdict"], body["data"]["labels"]) == ("held", ["toxic", "threat"])
    assert "kestrel" not in json.dumps(body) and admin_user.username not in json.dumps(body)


def test_a_decision_that_is_undone_with_its_transaction_tells_nobody(
    version: ModelVersion, admin_user: User
) -> None:
    make("https://receiver.example/", "review.decided")
    (row,) = write(HELD)
    with pytest.raises(RuntimeError), transaction.atomic():
        decide(row.pk, reviewer=admin_user, kind="uphold")
        raise RuntimeError
    assert not WebhookDelivery.objects.exists()


# --- blind items ---------------------------------------------------------------------------------


def test_audit_items_and_blind_flagged_ones_look_alike_until_the_decision(
    version: ModelVersion, admin_user: User, settings: Any
) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 1.0, "BLIND_SHARE": 1.0}
    make("https://receiver.example/")
    drawn, flagged = write(CLEAR, FLAGGED)
    assert (drawn.queued_for, flagged.queued_for) == ("audit", "flagged")
    seen = []
    for row in (drawn, flagged):
        assert blind.is_blind(row)
        noted = WebhookDelivery.objects.filter(screening_id=row.pk).order_by("event")
        alike = [(one.event, {**one.payload, "screening": None, "object_id": None}) for one in noted]
        assert [event for event, _ in alike] == ["screening.flagged", "screening.scored"]
        seen.append(alike)
    assert seen[0] == seen[1]
    payload = seen[0][0][1]
    assert payload["withheld"] is True
    assert (payload["verdict"], payload["labels"], payload["scores"]) == (None, None, None)
    WebhookDelivery.objects.all().delete()
    decide(drawn.pk, reviewer=admin_user, kind="false_positive")
    told = WebhookDelivery.objects.get().payload
    assert (told["withheld"], told["verdict"], told["labels"]) == (False, "clear", [])


def test_held_items_are_never_withheld(version: ModelVersion, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 1.0, "BLIND_SHARE": 1.0}
    make("https://receiver.example/", "screening.held")
    write(HELD)
    assert WebhookDelivery.objects.get().payload["verdict"] == "held"


# --- what is sent --------------------------------------------------------------------------------


def test_a_delivery_is_signed_with_its_time_and_goes_to_the_name_of_the_url(
    version: ModelVersion, there: Receiver
) -> None:
    webhook, secret = make(there.url, "screening.held")
    (row,) = write(HELD)
    assert delivery.deliver_due().delivered == 1
    (request,) = there.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert request.path == "/hook?token=t0p"
    assert headers["host"] == f"{NAME}:{there.port}" and there.names == [NAME]
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == "django-toxicity-moderation"
    noted = WebhookDelivery.objects.get()
    body = json.loads(request.body)
    assert headers["x-moderation-id"] == body["id"] == str(noted.event_id)
    assert headers["x-moderation-event"] == body["type"] == "screening.held"
    signed = f"{headers['x-moderation-timestamp']}.".encode() + request.body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["x-moderation-signature"] == f"v1={expected}"
    assert abs(time.time() - int(headers["x-moderation-timestamp"])) < 60
    assert "text" not in body["data"] and body["data"]["screening"] == row.pk
    assert (noted.status, noted.attempts, noted.lease_token) == ("delivered", 1, None)
    webhook.refresh_from_db()
    assert webhook.last_delivered is not None and webhook.failing_since is None


def test_the_text_is_sent_where_it_is_asked_for_and_not_once_it_is_blanked(
    version: ModelVersion, there: Receiver
) -> None:
    make(there.url, "screening.held", includes_text=True)
    first, second = write(HELD, HELD + "!")
    Screening.objects.filter(pk=second.pk).update(text="", blanked=timezone.now())
    delivery.deliver_due()
    assert [body["data"]["text"] for body in bodies(there)] == [HELD, None]
    assert first.text == HELD


def test_the_secret_is_neither_in_the_database_nor_forgotten_with_an_old_secret_key(settings: Any) -> None:
    webhook, secret = make("https://receiver.example/")
    assert secret.startswith("whsec_") and secret not in str(Webhook.objects.values())
    old = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [old]
    assert signatures.secret_of(webhook) == secret
    settings.SECRET_KEY_FALLBACKS = []
    assert signatures.secret_of(webhook) is None
    outbox.note_test(webhook)
    assert delivery.deliver_due().failed == 1
    webhook.refresh_from_db()
    assert webhook.last_error == "no-secret"
    assert making.renew_secret(webhook, ANN) not in (secret, None)
    assert signatures.secret_of(webhook) is not None


def test_the_page_s_way_to_verify_a_signature_is_right(there: Receiver) -> None:
    (snippet,) = re.findall(
        r"^```python\n(import hashlib.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    names: dict[str, Any] = {}
    exec(snippet, names)  # noqa: S102 - our own page
    webhook, secret = make(there.url)
    outbox.note_test(webhook)
    delivery.deliver_due()
    (request,) = there.requests
    is_genuine = names["is_genuine"]
    assert is_genuine(secret, request.headers, request.body)
    assert not is_genuine("whsec_another", request.headers, request.body)
    assert not is_genuine(secret, request.headers, request.body + b" ")
    late = str(int(request.headers["X-Moderation-Timestamp"]) - 301)
    again = signatures.signature(secret, late, request.body)
    old = {**request.headers, "X-Moderation-Timestamp": late, "X-Moderation-Signature": again}
    assert not is_genuine(secret, old, request.body)


# --- where nothing is sent -----------------------------------------------------------------------


def refused(url: str, body: bytes = b"{}") -> str:
    with pytest.raises(SendFailed) as failed:
        sending.post(url, body, {})
    return failed.value.code


def test_a_redirect_is_not_followed(there: Receiver) -> None:
    there.status, there.answer_headers = 302, {"Location": "https://169.254.169.254/"}
    assert refused(there.url) == "redirect:302"
    assert len(there.requests) == 1


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503])
def test_anything_but_2xx_is_a_failure(there: Receiver, status: int) -> None:
    there.status = status
    assert refused(there.url) == f"http:{status}"


def test_a_name_that_leads_inside_is_not_connected_to(
    there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "is_public", lambda address: False)
    assert refused(there.url) == "private-address"
    assert there.names == [] and there.requests == []


def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to(
    there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers otherwise a moment later is not asked again."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    monkeypatch.setattr(addresses, "resolve", lambda *_: next(answers))
    monkeypatch.setattr(addresses.socket, "getaddrinfo", _only_numbers(addresses.socket.getaddrinfo))
    sending.post(there.url, b"{}", {})
    assert len(there.requests) == 1
    assert next(answers) == ["10.0.0.1"]


def _only_numbers(real: Any) -> Any:
    def getaddrinfo(host: str, *args: Any, **options: Any) -> Any:
        assert host == "127.0.0.1"
        return real(host, *args, **options)

    return getaddrinfo


def test_a_certificate_of_another_name_is_refused(there: Receiver) -> None:
    assert refused(there.url.replace(NAME, "wrong.example")).startswith("tls:")
    assert there.requests == []


def test_a_certificate_of_no_authority_is_refused(there: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "tls_context", ssl.create_default_context)
    assert refused(there.url).startswith("tls:")
    assert there.requests == []


def test_no_proxy_of_the_environment_is_used(there: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    sending.post(there.url, b"{}", {})
    assert len(there.requests) == 1


def test_a_receiver_that_hangs_is_cut_off(there: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = threading.Event()
    there.before_answering = lambda: may_end.wait(30)
    monkeypatch.setattr(sending, "TOTAL_SECONDS", 0.5)
    assert refused(there.url) == "timeout"
    may_end.set()


def test_an_answer_that_trickles_in_is_cut_off(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Each byte begins a socket's time-out anew, so that alone would wait for ever."""
    settings.MODERATION = {**settings.MODERATION, "WEBHOOK_LOCALHOST": True}
    monkeypatch.setattr(sending, "TOTAL_SECONDS", 0.5)
    with trickling(b"x", 0.05) as port:
        assert refused(f"http://127.0.0.1:{port}/") == "timeout"
    with trickling(b"\x16", 0.05) as port:
        assert refused(f"https://{NAME}:{port}/") in ("timeout", "tls:SSLError")


def test_nobody_there_is_a_failure(there: Receiver) -> None:
    assert refused(f"https://{NAME}:1/") == "connection:ConnectionRefusedError"


# --- again and again -----------------------------------------------------------------------------


def test_a_failure_is_tried_again_ever_later_and_tells_no_log_of_url_or_text(
    version: ModelVersion, there: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    webhook, secret = make(there.url, "screening.held", includes_text=True)
    write(HELD)
    there.status = 503
    pauses = []
    for _ in range(9):
        assert delivery.deliver_due().failed == 1
        assert delivery.deliver_due().failed == 0  # it waits
        row = WebhookDelivery.objects.annotate(now=Now()).get()
        pauses.append((row.retry_at - row.now).total_seconds())
        pauses_are_over()
    for pause, expected in zip(pauses, (10, 30, 90, 270, 810, 2430, 7290, 21600, 21600), strict=True):
        assert 0.75 * expected < pause < 1.25 * expected
    assert (row.attempts, row.last_error, row.status) == (9, "http:503", "waiting")
    webhook.refresh_from_db()
    assert (webhook.failures, webhook.last_error) == (9, "http:503")
    assert webhook.failing_since is not None
    assert "http:503" in caplog.text
    assert not any(word in caplog.text for word in ("kestrel", NAME, "t0p", secret))
    there.status = 200
    assert delivery.deliver_due().delivered == 1
    assert len({body["id"] for body in bodies(there)}) == 1  # the same event, each time
    webhook.refresh_from_db()
    assert (webhook.failures, webhook.last_error, webhook.failing_since) == (0, "", None)


def test_after_three_days_it_is_given_up_and_a_person_may_have_it_sent_again(
    version: ModelVersion, there: Receiver
) -> None:
    make(there.url, "screening.held")
    write(HELD)
    there.status = 500
    delivery.deliver_due()
    WebhookDelivery.objects.update(waiting_since=Now() - timedelta(days=3, minutes=1))
    pauses_are_over()
    delivery.deliver_due()
    row = WebhookDelivery.objects.get()
    assert (row.status, row.last_error, row.lease_token) == ("given_up", "http:500", None)
    pauses_are_over()
    delivery.deliver_due()
    assert len(there.requests) == 2
    there.status = 200
    assert delivery.send_again([row.pk]) == 1
    pauses_are_over()
    delivery.deliver_due()
    row.refresh_from_db()
    assert row.status == "delivered"
    assert len({body["id"] for body in bodies(there)}) == 1


def test_what_waits_for_three_days_behind_a_failing_webhook_is_given_up_untried(
    version: ModelVersion, there: Receiver
) -> None:
    make(there.url, "screening.held")
    write(HELD, HELD)
    WebhookDelivery.objects.update(waiting_since=Now() - timedelta(days=3, minutes=1))
    delivery.tidy()
    assert WebhookDelivery.objects.waiting().count() == 2  # no worker ran: they have their try
    Webhook.objects.update(failing_since=Now())
    delivery.tidy()
    assert set(WebhookDelivery.objects.values_list("status", "last_error")) == {("given_up", "abandoned")}


def test_deliveries_that_ended_are_removed_in_time(
    version: ModelVersion, there: Receiver, settings: Any
) -> None:
    make(there.url, "screening.held")
    write(HELD, HELD)
    delivery.deliver_due()
    first = WebhookDelivery.objects.order_by("id")[0]
    WebhookDelivery.objects.filter(pk=first.pk).update(ended=Now() - timedelta(days=15))
    write(HELD)
    sweep(load=load_by_words)
    assert not WebhookDelivery.objects.filter(pk=first.pk).exists()
    assert WebhookDelivery.objects.count() == 2


def test_a_failing_webhook_holds_up_no_other(version: ModelVersion, there: Receiver) -> None:
    make(f"https://{NAME}:1/", "screening.held")
    make(there.url, "screening.held")
    write(*(3 * [HELD]))
    done = delivery.deliver_due()
    assert (done.delivered, done.failed) == (3, 1)
    pauses = Webhook.objects.filter(paused_until__gt=Now())
    assert pauses.count() == 1


def test_a_worker_killed_between_sending_and_marking_sends_again_under_the_same_id(
    version: ModelVersion, there: Receiver
) -> None:
    make(there.url, "screening.held")
    write(HELD)
    connections.close_all()  # which the other process must not share
    killed: list[int] = []
    there.before_answering = lambda: os.kill(killed[0], signal.SIGKILL)
    pid, may_begin = _in_a_process(delivery.deliver_due)
    killed.append(pid)
    may_begin()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    there.before_answering = lambda: None
    row = WebhookDelivery.objects.get()
    assert (row.status, len(there.requests)) == ("waiting", 1) and row.lease_token is not None
    delivery.deliver_due()
    assert len(there.requests) == 1  # the lease of the dead one
    WebhookDelivery.objects.update(lease_until=Now() - timedelta(seconds=1))
    delivery.deliver_due()
    first, second = bodies(there)
    assert first == second
    assert WebhookDelivery.objects.get().status == "delivered"


def _in_a_process(work: Any) -> tuple[int, Any]:
    """The id of a process of its own, and what lets it do the work."""
    reads, writes = os.pipe()
    pid = os.fork()
    if pid:
        return pid, lambda: os.write(writes, b"!")
    try:
        os.read(reads, 1)
        work()
    finally:
        os._exit(1)


def test_a_worker_that_lost_its_lease_marks_nothing(version: ModelVersion, there: Receiver) -> None:
    make(there.url, "screening.held")
    write(HELD)
    there.before_answering = lambda: _in_a_thread(
        lambda: WebhookDelivery.objects.update(lease_token="00000000-0000-0000-0000-000000000001")
    )
    delivery.deliver_due()
    row = WebhookDelivery.objects.get()
    assert (row.status, str(row.lease_token)) == ("waiting", "00000000-0000-0000-0000-000000000001")


def test_two_workers_share_the_outbox_and_send_nothing_twice(version: ModelVersion, there: Receiver) -> None:
    make(there.url, "screening.scored")
    write(*(60 * [CLEAR]))
    barrier = threading.Barrier(2)

    def work() -> None:
        barrier.wait(30)
        delivery.deliver_due()

    threads = [threading.Thread(target=_closing, args=(work,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    delivery.deliver_due()
    ids = [body["id"] for body in bodies(there)]
    assert len(ids) == len(set(ids)) == 60
    assert not WebhookDelivery.objects.waiting().exists()


def test_a_thread_of_the_worker_delivers_what_is_noted_and_gives_way_at_the_end(
    version: ModelVersion, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_thread, "POLL_SECONDS", 60.0)
    arrived = threading.Event()
    there.before_answering = arrived.set
    make(there.url, "screening.held")
    with delivery_thread.running() as thread:
        write(HELD)  # which wakes it
        assert arrived.wait(30)
    assert not thread.is_alive()
    assert outbox.wake is None
    assert WebhookDelivery.objects.get().status == "delivered"


def test_the_thread_outlives_a_database_that_is_away(
    version: ModelVersion, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_thread, "REST_SECONDS", 0.01)
    arrived, failures = threading.Event(), iter([RuntimeError(HELD)])
    there.before_answering = arrived.set
    real = delivery_thread.deliver_due

    def deliver(**options: Any) -> None:
        for error in failures:
            raise error
        real(**options)

    monkeypatch.setattr(delivery_thread, "deliver_due", deliver)
    make(there.url, "screening.held")
    write(HELD)
    with delivery_thread.running():
        assert arrived.wait(30)


def test_a_rescreen_tells_of_each_verdict_that_it_changed(version: ModelVersion) -> None:
    write(CLEAR, HELD)
    make("https://receiver.example/")
    candidate, lease = make_version("2"), RunLease(runs._take(print))
    assert go(begin(candidate), lease, load=constant(0.97))
    assert not WebhookDelivery.objects.exists()  # it changes no verdict by itself
    done = apply.act(candidate, Scope(runs.ScreeningRun.Kind.RESCREEN, candidate), lease)
    assert done.changes == {("clear", "held"): 1, ("held", "held"): 1}
    assert types() == ["screening.held", "screening.scored"]
    payload = WebhookDelivery.objects.all()[0].payload
    assert (payload["version"], payload["verdict"]) == ("test@2", "held")


def _in_a_thread(work: Any) -> None:
    thread = threading.Thread(target=_closing, args=(work,))
    thread.start()
    thread.join(30)


def _closing(work: Any) -> None:
    try:
        work()
    finally:
        connections.close_all()
