"""The metrics port of real workers: what it counts, for whom it answers, what stays when a child dies."""

from __future__ import annotations

import json
import signal
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil
import pytest
from django.core.management import call_command
from prometheus_client.parser import text_string_to_metric_families

from moderation.models import Screening, WorkerHeartbeat
from mysite.demo.environment import free_port
from tests.faults.workers import Workers
from tests.forum.models import Post
from tests.servers import RedisServer

CANARY = "xylophonecanary"
TEXTS = [f"Thank you for the friendly answer {CANARY}.", f"You are a fucking idiot {CANARY}, shut up."]


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """Where the workers of this test serve their metrics; ask for it before `workers`."""
    chosen = free_port()
    monkeypatch.setenv("METRICS_PORT", str(chosen))
    return chosen


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the processes of a worker add up what they count; ask for it before `workers`."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "metrics"))
    return tmp_path / "metrics"


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    """What opens the port; ask for it before `workers`."""
    monkeypatch.setenv("METRICS_TOKEN", "s3cret")
    return "s3cret"


def ask(port: int, path: str = "/metrics", **headers: str) -> tuple[int, str]:
    """Status and body; status 0 while nobody listens."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, HTTPException):
        return 0, ""
    finally:
        connection.close()


def total(port: int, sample: str, **labels: str) -> float:
    """The sum of a sample over all its labels but those given; 0 while nobody listens."""
    status, text = ask(port)
    return sum(
        found.value
        for family in (text_string_to_metric_families(text) if status == 200 else ())
        for found in family.samples
        if found.name == sample and labels.items() <= found.labels.items()
    )


@pytest.mark.parametrize("pool", ["solo", "threads"])
def test_a_worker_serves_what_it_counted(port: int, workers: Workers, pool: str) -> None:
    workers.start(pool)
    for text in TEXTS:
        Post.objects.create(body=text)
    workers.wait_until_screened(2)
    workers.wait_for(lambda: total(port, "moderation_screened_total") == 2, "the counts")
    assert total(port, "moderation_screened_total", verdict="clear") == 1
    assert total(port, "moderation_save_to_verdict_seconds_count", priority="normal") == 2
    assert total(port, "moderation_label_score_count", label="toxic") == 2
    assert total(port, "moderation_model_load_seconds_count") == 1
    assert total(port, "moderation_workers_alive") == 1
    assert total(port, "moderation_database_up") == 1
    status, text = ask(port)
    assert status == 200
    assert CANARY not in text
    assert json.loads(ask(port, "/healthz")[1])["status"] == "ok"
    assert ask(port, "/admin/")[0] == 404


def test_a_prefork_worker_adds_up_its_children_and_forgets_nothing_when_they_die(
    port: int, folder: Path, workers: Workers
) -> None:
    parent = workers.start("prefork")
    workers.wait_for(lambda: WorkerHeartbeat.objects.exclude(version="").count() == 2, "two children")
    for number in range(80):
        Post.objects.create(body=f"{number} {TEXTS[0]}")
    workers.wait_until_screened(80)
    workers.wait_for(lambda: total(port, "moderation_screened_total") == 80, "the counts of both")
    assert total(port, "moderation_model_load_seconds_count") == 2
    for child in psutil.Process(parent.process.pid).children():
        child.send_signal(signal.SIGKILL)
    Post.objects.create(body=TEXTS[1])
    workers.wait_until_screened(81)
    workers.wait_for(lambda: total(port, "moderation_screened_total") == 81, "the counts of all four")
    assert ask(port, "/healthz")[0] == 200
    assert CANARY not in ask(port)[1]
    assert workers.stop(parent) == 0
    assert ask(port) == (0, "")


def test_a_prefork_worker_without_a_folder_says_what_is_missing(port: int, workers: Workers) -> None:
    workers.start("prefork")
    workers.wait_for(lambda: "set PROMETHEUS_MULTIPROC_DIR" in workers.log(), "the warning")
    Post.objects.create(body=TEXTS[0])
    workers.wait_until_screened(1)
    workers.wait_for(lambda: total(port, "moderation_workers_alive") == 2, "what the database knows")


def test_a_token_is_asked_for_where_one_is_set(port: int, token: str, workers: Workers) -> None:
    workers.start()
    workers.wait_for(lambda: ask(port, "/healthz")[0] == 200, "the port")
    assert ask(port)[0] == 403
    assert ask(port, Authorization="Bearer wrong")[0] == 403
    status, text = ask(port, Authorization=f"Bearer {token}")
    assert (status, "moderation_pending" in text) == (200, True)


def test_a_port_that_is_taken_stops_no_worker(port: int, workers: Workers) -> None:
    workers.start()
    workers.wait_for(lambda: ask(port, "/healthz")[0] == 200, "the first one's port")
    workers.start()
    workers.wait_for(lambda: "can't be opened" in workers.log(), "a clear line in the log")
    workers.wait_for(lambda: WorkerHeartbeat.objects.count() == 2, "both to screen")


def test_the_port_answers_while_redis_is_away(port: int, workers: Workers, broker: RedisServer) -> None:
    broker.stop()
    workers.start()
    Post.objects.create(body=TEXTS[0])
    workers.wait_until_screened(1)
    workers.wait_for(lambda: total(port, "moderation_screened_total") == 1, "the counts")


def test_moderation_health_finds_the_worker_and_its_model(workers: Workers, broker: RedisServer) -> None:
    worker = workers.start()
    workers.wait_for(lambda: WorkerHeartbeat.objects.exclude(version="").exists(), "the model")
    call_command("moderation_health")
    workers.stop(worker)
    assert not WorkerHeartbeat.objects.exists()
    assert not Screening.objects.exists()
