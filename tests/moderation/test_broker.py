"""Brokers as sites have them: with TLS, sentinels, lists of addresses, prefixes, or none at all."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import current_app
from django.core.management import call_command
from kombu import Queue

from moderation import broker, notifier, tasks
from moderation.models import ModelVersion, Screening
from moderation.monitoring import health
from moderation.notifier import Notifier
from moderation.worker import drain as drain_module
from tests.forum.models import Post
from tests.moderation.conftest import by_words, scores_with
from tests.servers import RedisServer, start_sentinel
from tests.tls import CERTIFICATE, TlsProxy

NOBODY = "redis://127.0.0.1:1/0"
SECRET = "xylophonecanary"


@pytest.fixture
def celery(redis_server: RedisServer, settings: Any) -> Iterator[Any]:
    """Celery's settings, which are the site's own again afterwards; the flag goes where the messages go."""
    settings.MODERATION = {**settings.MODERATION, "REDIS_URL": ""}
    app = current_app._get_current_object()
    names = (
        *("broker_url", "broker_use_ssl", "broker_transport_options", "task_always_eager", "task_queues"),
        "task_create_missing_queues",
    )
    before = {name: app.conf[name] for name in names}
    queues = app.amqp.queues
    with redis.Redis(port=redis_server.port) as client:
        client.flushall()
    yield app
    app.conf.update(before)
    app.amqp.queues = queues


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> Notifier:
    """A notifier of this test, which has time for a slow broker."""
    monkeypatch.setattr(notifier, "SOCKET_SECONDS", 20.0)
    fresh = Notifier()
    monkeypatch.setattr(notifier, "process_notifier", fresh)
    monkeypatch.setattr(tasks, "process_notifier", fresh)
    return fresh


@pytest.fixture
def tls(redis_server: RedisServer) -> Iterator[str]:
    """`host:port` of the same Redis behind TLS."""
    with TlsProxy(redis_server.port) as proxy:
        yield f"127.0.0.1:{proxy.port}"


def keys(redis_server: RedisServer) -> list[str]:
    """The queue and the flag, where both are."""
    with redis.Redis(port=redis_server.port, decode_responses=True) as client:
        return sorted(key for key in map(str, client.scan_iter()) if "_kombu" not in key)


def rings_and_hears(bell: Notifier) -> bool:
    """Whether it rings once for two saves, and anew once a worker answered: the flag works, too."""
    first = [bell.notify(), bell.notify()]
    bell.acknowledge()
    return first == [True, False] and bell.notify()


@pytest.mark.regression("M18")
@pytest.mark.parametrize(
    "options",
    [
        "ssl_cert_reqs=CERT_NONE",
        "ssl_cert_reqs=none",
        f"ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs={CERTIFICATE}",
        f"ssl_cert_reqs=CERT_OPTIONAL&ssl_ca_certs={CERTIFICATE}",
        f"ssl_cert_reqs=required&ssl_ca_certs={CERTIFICATE}",
    ],
)
@pytest.mark.parametrize("is_beside", [False, True])
def test_a_redis_behind_tls_is_rung_as_celery_writes_it(
    options: str,
    is_beside: bool,
    tls: str,
    celery: Any,
    bell: Notifier,
    settings: Any,
    redis_server: RedisServer,
) -> None:
    """Also where `REDIS_URL` is one beside the broker."""
    url = f"rediss://{tls}/0?{options}"
    celery.conf.broker_url = redis_server.url if is_beside else url
    if is_beside:
        settings.MODERATION = {**settings.MODERATION, "REDIS_URL": url}
    assert rings_and_hears(bell)
    assert keys(redis_server) == ["moderation:doorbell:screening", "screening"]
    assert health.broker().is_well


@pytest.mark.regression("M18")
def test_a_certificate_that_nobody_trusts_is_not_rung(tls: str, celery: Any, bell: Notifier) -> None:
    celery.conf.broker_url = f"rediss://{tls}/0?ssl_cert_reqs=CERT_REQUIRED"
    assert not bell.notify()
    assert not health.broker().is_well


@pytest.mark.regression("M18")
@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_celerys_own_setting_of_tls_counts(scheme: str, tls: str, celery: Any, bell: Notifier) -> None:
    celery.conf.broker_url = f"{scheme}://{tls}/0"
    celery.conf.broker_use_ssl = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": str(CERTIFICATE)}
    assert rings_and_hears(bell)


@pytest.mark.regression("M18")
@pytest.mark.parametrize("form", ["list", "text"])
def test_of_several_addresses_one_that_lives_is_enough(
    form: str, celery: Any, bell: Notifier, redis_server: RedisServer
) -> None:
    urls = [NOBODY, redis_server.url]
    celery.conf.broker_url = urls if form == "list" else ";".join(urls)
    assert rings_and_hears(bell)
    assert health.broker().is_well


@pytest.mark.regression("M18")
def test_several_addresses_of_which_none_lives_are_all_named(
    celery: Any, bell: Notifier, caplog: pytest.LogCaptureFixture
) -> None:
    celery.conf.broker_url = f"redis://:{SECRET}@127.0.0.1:1/0;redis://ann:{SECRET}@127.0.0.1:2/0"
    assert not bell.notify()
    assert "at redis://127.0.0.1:1/0, redis://127.0.0.1:2/0 (OperationalError)" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.regression("M18")
def test_the_master_that_sentinels_name_is_rung(
    celery: Any, bell: Notifier, redis_server: RedisServer, tmp_path: Path
) -> None:
    with start_sentinel(redis_server, tmp_path, "ours") as port:
        celery.conf.broker_url = f"sentinel://127.0.0.1:1;sentinel://127.0.0.1:{port}"
        celery.conf.broker_transport_options = {"master_name": "ours"}
        assert rings_and_hears(bell)
        assert keys(redis_server) == ["moderation:doorbell:screening", "screening"]
        assert health.broker().is_well


@pytest.mark.regression("M18")
def test_a_redis_at_a_socket_is_rung(
    celery: Any, bell: Notifier, redis_server: RedisServer, settings: Any
) -> None:
    socket = redis_server.directory / "redis.sock"
    with redis.Redis(port=redis_server.port) as client:
        assert client.config_get("unixsocket")["unixsocket"] == str(socket)
    for beside in ("", f"redis+socket://{socket}?virtual_host=1", f"unix://{socket}?db=1"):
        celery.conf.broker_url = f"redis+socket://{socket}"
        settings.MODERATION = {**settings.MODERATION, "REDIS_URL": beside}
        assert rings_and_hears(Notifier()), beside
        assert health.broker().is_well
        with redis.Redis(port=redis_server.port) as client:
            client.flushall()


@pytest.mark.regression("M18")
def test_a_prefix_of_keys_is_that_of_celerys_own(
    celery: Any, bell: Notifier, redis_server: RedisServer
) -> None:
    celery.conf.broker_url = redis_server.url
    celery.conf.broker_transport_options = {"global_keyprefix": "site:"}
    assert rings_and_hears(bell)
    assert keys(redis_server) == ["site:moderation:doorbell:screening", "site:screening"]


@pytest.mark.regression("M18")
def test_health_looks_for_a_redis_beside_the_broker(
    celery: Any, settings: Any, bell: Notifier, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    celery.conf.broker_url = redis_server.url
    settings.MODERATION = {**settings.MODERATION, "REDIS_URL": f"redis://:{SECRET}@127.0.0.1:1/3"}
    found = health.broker()
    assert not bell.notify()
    for said in (found.says, caplog.text):
        assert "can't be reached at redis://127.0.0.1:1/3 (ConnectionError)" in said
        assert SECRET not in said


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"amqp://ann:{SECRET}@mq.example.org:5672/site", "amqp://mq.example.org:5672/site"),
        (f"rediss://:{SECRET}@cache/0?ssl_keyfile_password={SECRET}", "rediss://cache/0"),
        (f"redis://:{SECRET}@cache:port/0", "an address that can't be read"),
        (f"ann:{SECRET}@mq", "mq"),
        (f"sqs://{SECRET}:{SECRET}@", "sqs:///"),
    ],
)
def test_an_address_is_told_without_its_secrets(url: str, said: str, celery: Any) -> None:
    celery.conf.broker_url = url
    assert broker.addresses().rstrip("/") == said.rstrip("/")


@pytest.mark.regression("L9")
def test_a_site_that_has_no_broker_tries_none_and_is_well(
    celery: Any,
    settings: Any,
    bell: Notifier,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def connect(*_: Any, **__: Any) -> Any:
        raise AssertionError("tried")

    monkeypatch.setattr(broker, "connection", connect)
    celery.conf.broker_url = None
    settings.MODERATION = {**settings.MODERATION, "BROKER": False}
    caplog.set_level(logging.DEBUG)
    assert not bell.notify()
    bell.acknowledge()
    assert caplog.text == ""
    assert health.broker().is_well


@pytest.mark.regression("L9")
@pytest.mark.django_db
def test_without_a_broker_health_says_how_to_start_what_screens(
    celery: Any, settings: Any, version: ModelVersion
) -> None:
    settings.MODERATION = {**settings.MODERATION, "BROKER": False}
    (workers,) = [found for found in health.look(health.Limits()) if found.part == "workers"]
    assert "screen_pending --loop" in workers.do and "celery" not in workers.do


@pytest.mark.regression("L9")
def test_a_broker_that_nobody_configured_is_warned_of_once_with_what_to_do(
    celery: Any, bell: Notifier, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Celery's default is RabbitMQ on this machine, which some sites do have."""

    def connect(*_: Any, **__: Any) -> Any:
        raise ConnectionRefusedError

    monkeypatch.setattr(broker, "connection", connect)
    celery.conf.broker_url = None
    for _ in range(3):
        bell._quiet_until = 0.0
        assert not bell.notify()
    (line,) = caplog.messages
    assert "amqp://localhost:5672" in line
    assert "CELERY_BROKER_URL" in line and 'MODERATION["BROKER"] = False' in line
    found = health.broker()
    assert not found.is_well and 'MODERATION["BROKER"] = False' in found.do


@pytest.mark.regression("L9")
@pytest.mark.django_db(transaction=True)
def test_eager_tasks_need_neither_broker_nor_worker(
    celery: Any, bell: Notifier, version: ModelVersion, caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    scores_with(monkeypatch, by_words)
    monkeypatch.setattr(tasks, "drain_pending", lambda **options: drain_module.drain(**options))
    celery.conf.update(broker_url=NOBODY, task_always_eager=True)
    Post.objects.create(body="you idiot")
    assert Screening.objects.get().verdict == "flagged"
    assert "broker" not in caplog.text
    call_command("moderation_health")


@pytest.mark.regression("D8")
def test_a_queue_that_is_not_declared_is_named_with_what_to_do(
    celery: Any, bell: Notifier, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    celery.conf.broker_url = redis_server.url
    celery.conf.update(task_queues=[Queue("mails")], task_create_missing_queues=False)
    celery.amqp.queues = celery.amqp.Queues(celery.conf.task_queues)
    for _ in range(3):
        bell._quiet_until = 0.0
        with redis.Redis(port=redis_server.port) as client:
            client.flushall()
        assert not bell.notify()
    (line,) = caplog.messages
    found = health.broker()
    for said in (line, found.says):
        assert 'The queue "screening" is not declared: add it to task_queues' in said
        assert "reached" not in said
    assert not found.is_well
    celery.amqp.queues = celery.amqp.Queues([Queue("mails"), Queue("screening")])
    bell._quiet_until = 0.0
    with redis.Redis(port=redis_server.port) as client:
        client.flushall()
    assert rings_and_hears(bell)
    assert health.broker().is_well
