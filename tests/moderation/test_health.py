"""`/healthz` and `moderation_health`: what is wrong is named, one line a part, with what to do about it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from celery import current_app
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from moderation import metrics
from moderation.coordination import heartbeat, processes
from moderation.discovery.search import remember_starts
from moderation.models import Discovery, ModelVersion, Screening, WorkerHeartbeat
from moderation.monitoring import health
from moderation.screening import model, scorer
from moderation.versions import store
from moderation.worker.sweep import sweep
from tests.forum.models import Note
from tests.moderation.conftest import screen
from tests.servers import RedisServer

pytestmark = pytest.mark.django_db
CANARY = "xylophonecanary"


@pytest.fixture
def broker(redis_server: RedisServer, settings: Any) -> Iterator[RedisServer]:
    """A Redis that answers, as the site's broker."""
    settings.MODERATION = {**settings.MODERATION, "REDIS_URL": ""}
    app = current_app._get_current_object()
    before = app.conf.broker_url
    app.conf.broker_url = redis_server.url
    yield redis_server
    app.conf.broker_url = before


@pytest.fixture
def worker(version: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> str:
    """This process, as a worker that has loaded the active version; its name."""
    monkeypatch.setattr(metrics, "loaded_version", str(version))
    monkeypatch.setattr(metrics, "trouble", "")
    heartbeat.beat(at_once=True)
    return processes.here()


def findings(*arguments: str) -> dict[str, dict[str, Any]]:
    """{part: finding} of `moderation_health --json`, whose exit code must fit."""
    out = StringIO()
    is_well = True
    try:
        call_command("moderation_health", "--json", *arguments, stdout=out)
    except CommandError as error:
        assert error.returncode == 1
        is_well = False
    report = json.loads(out.getvalue())
    assert report["is_well"] is is_well is all(found["is_well"] for found in report["findings"])
    for found in report["findings"]:
        assert bool(found["do"]) is not found["is_well"]
        assert "\n" not in found["says"] + found["do"]
    return {found["part"]: found for found in report["findings"]}


def wrong(*arguments: str) -> list[str]:
    """The parts that are not well."""
    return [part for part, found in findings(*arguments).items() if not found["is_well"]]


def test_where_everything_runs_all_is_well(worker: str, broker: RedisServer) -> None:
    remember_starts()
    Note.objects.create(text="hello")
    screen()
    out = StringIO()
    call_command("moderation_health", stdout=out)
    lines = out.getvalue().splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ok", part]
        for part in (
            "database",
            "migrations",
            "backlog",
            "workers",
            "model",
            "watch",
            "failed",
            "queue",
            "actions",
            "hidden",
            "discovery",
            "webhooks",
            "broker",
        )
    ]


def test_the_command_ends_with_1_and_says_what_to_do(version: ModelVersion) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match=r"Not well: workers, model, broker\."):
        call_command("moderation_health", stdout=out)
    lines = [line for line in out.getvalue().splitlines() if line.startswith("WRONG")]
    assert len(lines) == 3
    assert "0 alive in the last 120 s, 1 wanted. Start one" in lines[0]
    assert "can't be reached" in lines[2]


def test_a_broker_that_is_away_or_silent_is_told_without_its_password(
    worker: str, broker: RedisServer
) -> None:
    assert wrong() == []
    broker.freeze()
    try:
        assert wrong() == ["broker"]
    finally:
        broker.thaw()
    current_app.conf.broker_url = f"redis://:{CANARY}@127.0.0.1:1/0"
    assert wrong() == ["broker"]
    assert CANARY not in json.dumps(findings())


def test_a_comment_that_waits_too_long_is_told_and_backfill_may_wait(
    worker: str, broker: RedisServer
) -> None:
    for text in ("saved", "backfilled"):
        Note.objects.create(text=f"{text} {CANARY}")
    Screening.objects.update(created=timezone.now() - timedelta(seconds=1000))
    backfilled = Screening.objects.filter(text__startswith="backfilled")
    backfilled.update(priority=Screening.Priority.LOW)
    assert wrong() == ["backlog"]
    assert wrong("--pending-seconds", "2000") == []
    found = findings()["backlog"]
    assert "1 wait, the oldest for 10" in found["says"]
    assert found["numbers"]["pending"] == {"low": 1, "normal": 1}
    Screening.objects.exclude(pk__in=backfilled).delete()
    assert wrong() == []
    assert CANARY not in json.dumps(findings())


def test_a_worker_that_said_nothing_for_long_is_dead(worker: str, broker: RedisServer) -> None:
    WorkerHeartbeat.objects.update(seen=timezone.now() - timedelta(seconds=200))
    assert wrong() == ["workers", "model"]
    assert worker in findings()["workers"]["says"]
    assert wrong("--worker-seconds", "300") == []
    assert wrong("--worker-seconds", "300", "--workers", "2") == ["workers"]


def test_a_worker_that_was_killed_on_this_machine_is_not_counted_any_more(
    worker: str, broker: RedisServer
) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    killed = f"{worker.rpartition(':')[0]}:{ended.pid}"
    elsewhere = f"other[boot/1]:{ended.pid}"
    seen = timezone.now() - timedelta(seconds=30)
    WorkerHeartbeat.objects.bulk_create(WorkerHeartbeat(name=name, seen=seen) for name in (killed, elsewhere))
    found = findings("--workers", "2")["workers"]
    assert found["is_well"] and found["numbers"] == {"alive": 2}
    assert f"{killed} has ended without a word; seen 30 s ago." in found["says"]
    assert wrong("--workers", "3") == ["workers"]


def test_a_worker_that_is_late_is_told_before_it_counts_as_dead(worker: str, broker: RedisServer) -> None:
    WorkerHeartbeat.objects.update(seen=timezone.now() - timedelta(seconds=90))
    found = findings()["workers"]
    assert found["is_well"] and f"{worker} has not been seen for 90 s." in found["says"]


def test_a_hidden_comment_that_nobody_comes_to_is_told(worker: str, broker: RedisServer) -> None:
    Note.objects.create(text=f"you idiot {CANARY}")
    screen()
    assert "1 item(s) wait for a person; none is hidden." in findings()["queue"]["says"]
    hidden = {"hidden_by_us": True, "created": timezone.now() - timedelta(days=3, hours=1)}
    Screening.objects.update(**hidden)
    assert wrong() == ["queue"]
    found = findings()["queue"]
    assert "A hidden comment has waited for a person for 3 days; 1 item(s) wait." in found["says"]
    assert wrong("--held-hours", "80") == []
    Screening.objects.update(outcome="hide")
    assert wrong() == []


def test_a_worker_that_ends_in_order_leaves_no_sign_of_life(worker: str, broker: RedisServer) -> None:
    heartbeat.stop()
    assert findings()["workers"]["numbers"] == {"alive": 0}


def test_where_cron_screens_no_worker_is_wanted(version: ModelVersion, broker: RedisServer) -> None:
    assert wrong("--workers", "0") == []


def test_a_site_without_a_broker_is_well_without_one(version: ModelVersion) -> None:
    assert wrong("--workers", "0") == ["broker"]
    assert wrong("--workers", "0", "--no-broker") == []
    assert "broker" not in findings("--workers", "0", "--no-broker")


def test_signs_of_life_of_the_forgotten_are_removed(worker: str) -> None:
    days_ago = timezone.now() - timedelta(days=3)
    WorkerHeartbeat.objects.create(name="other:1", seen=days_ago)
    WorkerHeartbeat.objects.filter(name=worker).delete()
    heartbeat._beaten = (0, 0.0)  # as in a process that has just started
    heartbeat.beat()
    assert list(WorkerHeartbeat.objects.values_list("name", flat=True)) == [worker]


def test_a_busy_worker_does_not_write_with_every_batch(
    worker: str, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 3600.0)  # however slow the machine is
    with django_assert_num_queries(0):
        heartbeat.beat()


def test_a_worker_without_a_model_is_told_with_its_name(worker: str, broker: RedisServer) -> None:
    metrics.model_unavailable()
    heartbeat.beat(at_once=True)
    found = findings()["model"]
    assert not found["is_well"]
    assert f"1 of 1 workers can't score with test@1, {worker} among them." in found["says"]
    assert "rollback" in found["do"]


@pytest.mark.regression("M7", "D4")
def test_a_worker_without_the_libraries_is_told_to_install_them(
    worker: str, broker: RedisServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def load_model(version: ModelVersion, **_: Any) -> Any:
        raise ModuleNotFoundError("No module named 'numpy'")

    monkeypatch.setattr(model, "load_model", load_model)
    monkeypatch.setattr(scorer, "_loaded", scorer._Loaded(lambda: "onnx"))
    Note.objects.create(text="hello")
    for _ in range(2):  # the second within the pause before the model is tried again
        sweep()
        found = findings("--model-here")
        assert f"1 of 1 workers can't score with test@1, {worker} among them." in found["model"]["says"]
        assert "pip install '.[worker]'" in found["model"]["do"]
        assert "rollback" not in found["model"]["do"]
        assert "pip install '.[worker]'" in found["model here"]["says"]
    assert "No module named 'numpy'" in caplog.text and "pip install '.[worker]'" in caplog.text


@pytest.mark.regression("M7", "D4")
def test_that_nobody_takes_the_queue_is_told_with_its_name(
    version: ModelVersion, broker: RedisServer, settings: Any
) -> None:
    settings.MODERATION = {**settings.MODERATION, "QUEUE": "looking"}
    found = findings()["workers"]
    assert 'Nobody takes the queue "looking": 0 alive' in found["says"]
    assert "-Q looking" in found["do"]


def test_the_model_is_loaded_here_when_asked_for(
    worker: str, broker: RedisServer, version: ModelVersion
) -> None:
    assert "model here" not in findings()
    found = findings("--model-here")["model here"]
    assert (found["is_well"], "manifest.json" in found["says"]) == (False, True)
    ModelVersion.objects.all().delete()
    assert wrong("--model-here") == ["model here"]
    active = store.active_version()
    found = findings("--model-here")["model here"]
    assert (found["is_well"], str(active) in found["says"]) == (True, True)


def test_where_an_older_package_was_installed_again_its_own_default_is_told(
    worker: str, broker: RedisServer, version: ModelVersion
) -> None:
    ModelVersion.objects.all().delete()
    ours = store.active_version()
    ModelVersion.objects.update(is_active=False)
    ModelVersion.objects.create(name="newer", version="1", manifest_sha256="1" * 64, is_active=True)
    found = findings("--model-here")
    assert f"{ours} is loaded" in found["model here"]["says"]
    assert found["model"]["says"] == "newer@1; 1 of 1 workers have a model. Still in use: test@1."


def test_texts_that_failed_are_told_from_their_limit_on(worker: str, broker: RedisServer) -> None:
    Screening.objects.bulk_create(
        Screening(source="import", text=CANARY, status="failed", queued_for="failed") for _ in range(11)
    )
    assert wrong() == ["failed"]
    assert wrong("--failed", "11") == []


def test_a_hiding_that_is_not_carried_out_is_told_after_a_while(worker: str, broker: RedisServer) -> None:
    Note.objects.create(text="I kill you")
    screen()
    Screening.objects.update(action_pending=True)
    assert wrong() == []
    assert findings()["actions"]["numbers"] == {"pending": 1, "overdue": 0, "hanging": 0}
    hour_ago = timezone.now() - timedelta(hours=1)
    Screening.objects.update(created=hour_ago, scored=hour_ago)
    assert wrong() == ["actions"]
    Screening.objects.update(reviewed=timezone.now())
    assert wrong() == []


def test_texts_that_were_not_compared_for_days_are_told(worker: str, broker: RedisServer) -> None:
    remember_starts()
    Discovery.objects.filter(model_label="forum.Post").update(compared=timezone.now() - timedelta(hours=60))
    assert wrong() == ["discovery"]
    assert findings()["discovery"]["says"] == "Not compared for over 48 h: forum.Post."
    assert wrong("--compare-hours", "100") == []


def test_healthz_tells_anybody_that_the_site_can_serve_and_nothing_else(
    django_assert_num_queries: Any,
) -> None:
    client = Client()
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": True, "migrations": True}
    assert "no-store" in answer.headers["Cache-Control"]
    with django_assert_num_queries(1):
        client.get("/healthz")
    assert client.head("/healthz").status_code == 200
    assert client.post("/healthz").status_code == 405


def test_healthz_and_the_command_tell_of_a_migration_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, broker: RedisServer
) -> None:
    monkeypatch.setattr(health, "_is_migrated", False)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'moderation'")
    answer = Client().get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "database": True, "migrations": False}
    assert wrong() == ["migrations"]
    assert "moderation.0001_" in findings()["migrations"]["says"]


ASK = """
import django, json
django.setup()
from django.core.management import call_command
from django.test import Client
answer = Client(SERVER_NAME="localhost").get("/healthz")
print(json.dumps([answer.status_code, answer.json()]))
call_command("moderation_health")
"""


def test_without_a_database_both_say_so_and_neither_breaks_or_tells_where_it_is() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**os.environ, "DATABASE_URL": f"postgresql://user:{CANARY}@127.0.0.1:1/name"},
        capture_output=True,
        text=True,
        check=False,
    )
    answer, *lines = done.stdout.splitlines()
    unavailable = {"status": "unavailable", "database": False, "migrations": False}
    assert json.loads(answer) == [503, unavailable]
    assert lines[0].startswith("WRONG database    It can't be reached (OperationalError).")
    assert lines[1].startswith("WRONG broker")
    assert "Not well: database, broker." in done.stderr
    assert CANARY not in done.stdout + done.stderr
