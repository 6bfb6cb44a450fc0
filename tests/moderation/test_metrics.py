"""What is counted, by one process and by several, and that counting stops nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from celery import current_app
from django.db import connection, transaction
from django.utils import timezone

from moderation import metrics
from moderation.coordination import processes
from moderation.discovery.search import remember_starts
from moderation.models import ModelVersion, Screening
from moderation.monitoring import figures
from moderation.monitoring.exposition import render
from moderation.notifier import Notifier
from moderation.screening.scorer import ModelNotReady, Scorer
from moderation.worker.drain import drain
from moderation.worker.sweep import sweep
from tests.forum.models import Note, Post
from tests.moderation.conftest import by_words, load_by_words, screen

pytestmark = pytest.mark.django_db
CANARY = "xylophonecanary"


class Change:
    """By how much counters of this process have grown since this was made."""

    def __init__(self) -> None:
        self._before = self._values()

    def of(self, sample: str, **labels: str) -> float:
        key = (sample, tuple(sorted(labels.items())))
        return self._values().get(key, 0.0) - self._before.get(key, 0.0)

    def _values(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for metric in metrics.REGISTRY.collect()
            for sample in metric.samples
        }


def test_a_batch_counts_its_size_verdicts_scores_and_how_long_it_took(version: ModelVersion) -> None:
    for text in ("hello", "you idiot", "I kill you"):
        Note.objects.create(text=text)
    Screening.objects.filter(text="hello").update(created=timezone.now() - timedelta(seconds=100))
    change = Change()
    screen()
    assert change.of("moderation_batch_size_count") == 1
    assert change.of("moderation_batch_size_sum") == 3
    for verdict in ("clear", "flagged", "held"):
        assert change.of("moderation_screened_total", verdict=verdict) == 1
    assert change.of("moderation_save_to_verdict_seconds_count", priority="normal") == 3
    assert change.of("moderation_save_to_verdict_seconds_bucket", priority="normal", le="60.0") == 2
    assert change.of("moderation_save_to_verdict_seconds_sum", priority="normal") == pytest.approx(
        100, abs=20
    )
    assert change.of("moderation_label_score_count", label="threat", version="test@1") == 3
    assert change.of("moderation_label_score_bucket", label="threat", version="test@1", le="0.05") == 2


def test_what_was_found_by_a_sweep_counts_as_of_low_priority(version: ModelVersion) -> None:
    remember_starts()
    Post.objects.bulk_create([Post(body="hello"), Post(body="hello")])
    change = Change()
    sweep(load=load_by_words)
    assert change.of("moderation_discovered_total", kind="new") == 2
    assert change.of("moderation_sweeps_total", result="ok") == 1
    assert change.of("moderation_save_to_verdict_seconds_count", priority="low") == 2


def test_an_error_of_one_text_is_counted_by_its_code(version: ModelVersion) -> None:
    def load(version: ModelVersion) -> Scorer:
        def score(texts: Sequence[str]) -> list[dict[str, float]]:
            if any("poison" in text for text in texts):
                raise ValueError(CANARY)
            return by_words(texts)

        return score

    for text in ("hello", f"poison {CANARY}"):
        Note.objects.create(text=text)
    change = Change()
    drain(load=load)
    assert change.of("moderation_failures_total", code="scoring-error:ValueError") == 1
    assert change.of("moderation_screened_total", verdict="clear") == 1
    assert CANARY not in render()[0].decode()


def test_texts_that_kill_their_workers_are_counted(version: ModelVersion) -> None:
    Note.objects.create(text="hello")
    Screening.objects.update(
        deaths=4, lease_token="00000000-0000-0000-0000-000000000001", lease_until="2000-01-01T00:00Z"
    )
    change = Change()
    screen()
    assert change.of("moderation_failures_total", code="worker-died") == 1


def test_a_model_that_is_not_there_is_counted_and_told_to_others_until_it_is_back(
    version: ModelVersion,
) -> None:
    def load(version: ModelVersion) -> Scorer:
        raise ModelNotReady("gone")

    Note.objects.create(text="hello")
    change = Change()
    sweep(load=load)
    assert change.of("moderation_failures_total", code="model-unavailable") == 1
    (worker,) = figures.read().workers
    assert (worker.name, worker.trouble) == (processes.here(), "model-unavailable")
    sweep(load=load_by_words)
    (worker,) = figures.read().workers
    assert worker.trouble == ""


def test_a_loaded_model_is_named_with_the_time_of_loading() -> None:
    from moderation.screening.scorer import _Loaded
    from moderation.versions import store

    change = Change()
    version = store.active_version()
    _Loaded(lambda: "onnx").get(version)
    assert change.of("moderation_model_load_seconds_count") == 1
    loaded = metrics.REGISTRY.get_sample_value(
        "moderation_model_loaded_timestamp_seconds", {"version": str(version)}
    )
    assert loaded == pytest.approx(timezone.now().timestamp(), abs=60)
    assert metrics.loaded_version == str(version)


def test_promises_that_were_lost_are_counted() -> None:
    change = Change()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE moderation_screening RENAME TO elsewhere")
        Post.objects.create(body=CANARY)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO moderation_screening")
    assert change.of("moderation_promises_lost_total") == 1


def test_wake_ups_that_the_broker_did_not_take_are_counted() -> None:
    assert current_app.conf.broker_url == "redis://127.0.0.1:1/0"
    change = Change()
    assert Notifier().notify() is False
    assert change.of("moderation_doorbell_failures_total") == 1


def run_alone(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process of its own: the library reads its environment once, when it is first imported."""
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


ADDED_UP = """
import os, django
django.setup()
from moderation import metrics
from moderation.monitoring.exposition import counted
for _ in range(2):
    if os.fork() == 0:
        metrics.count_loss()
        metrics.model_loaded("test@1", 2.0)
        os._exit(0)
    os.wait()
metrics.count_loss()
for metric in counted():
    for sample in metric.samples:
        if sample.name in ("moderation_promises_lost_total", "moderation_model_load_seconds_sum"):
            print(sample.name, sample.value)
print(sorted(metric.name for metric in counted() if not metric.name.startswith("moderation_")))
"""


def test_processes_that_share_a_folder_show_what_they_counted_together(tmp_path: Path) -> None:
    done = run_alone(ADDED_UP, PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "made by us"))
    assert done.stderr == ""
    assert sorted(done.stdout.splitlines()) == [
        "[]",
        "moderation_model_load_seconds_sum 4.0",
        "moderation_promises_lost_total 3.0",
    ]


GONE = """
import os, shutil, django
django.setup()
from moderation import metrics
shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"])
if os.fork() == 0:
    metrics.count_loss()
    metrics.observe_batch(3)
    os._exit(7)
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_a_folder_that_is_gone_stops_nobody(tmp_path: Path) -> None:
    done = run_alone(GONE, PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "soon gone"))
    assert (done.stdout, done.stderr) == ("7\n", "")


def test_a_site_starts_with_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    script = "import django; django.setup(); from moderation import metrics; print(metrics.is_multiprocess())"
    done = run_alone(script, PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "file" / "folder"))
    assert done.stdout == "False\n"
