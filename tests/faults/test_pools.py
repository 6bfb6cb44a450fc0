"""Real workers in each pool: one model a process, its share of the cores, another version in mid-backlog."""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path

import psutil
import pytest

from moderation.models import ModelVersion, Scoring, Screening, WorkerHeartbeat
from moderation.notifier import process_notifier
from moderation.versions import store
from moderation.versions.artifacts import packaged_directory
from tests.faults.accounting import TOXIC, Books
from tests.faults.workers import Workers
from tests.forum.models import Letter, Post
from toxicity_ml.classifier import Classifier
from toxicity_ml.inference.cores import available_cores

POOLS = ("solo", "threads", "prefork")
SENTENCE = "The market square was quiet in the morning, and people talked about the weather. "
CONCURRENCY = 2
"""Of every worker that the fixture starts."""


@pytest.mark.parametrize("pool", POOLS)
def test_each_process_that_scores_loads_one_verified_model_on_its_share_of_the_cores(
    workers: Workers, pool: str
) -> None:
    workers.start(pool)
    children = CONCURRENCY if pool == "prefork" else 1
    lines = workers.wait_for(lambda: _health(workers, children), "a line about the model of each process")
    for number in range(20):
        Post.objects.create(body=f"{number} {SENTENCE * 12}")
    workers.wait_until_screened(20)
    assert len(_health(workers, children)) == children  # and nothing was loaded twice
    share = max(1, available_cores() // children)
    for line in lines:
        assert f"onnx int8 (cpu), {share} thread(s), batches of 32" in line
        assert re.search(r"[1-9]\d* canned text\(s\) right within 0\.0", line)
        assert re.search(r"[1-9]\d* MB of memory", line)


@pytest.mark.regression("M7", "D4")
@pytest.mark.parametrize("pool", POOLS)
def test_a_worker_of_another_queue_pays_nothing_for_moderation(workers: Workers, pool: str) -> None:
    """As a site's own, for its mails."""
    other = workers.start(pool, options=["--queues", "celery"])
    workers.start("solo")
    Post.objects.create(body=SENTENCE)
    workers.wait_until_screened(1)
    workers.wait_for(lambda: "ready." in other.log.read_text(), "the other worker")
    assert WorkerHeartbeat.objects.count() == 1
    assert "moderation" not in other.log.read_text().partition("ready.")[2]
    processes = [psutil.Process(other.process.pid)]
    processes += processes[0].children(recursive=True)
    assert len(processes) == (1 + CONCURRENCY if pool == "prefork" else 1)
    for process in processes:
        assert not [found.path for found in process.memory_maps() if re.search("onnx|numpy", found.path)]


@pytest.mark.parametrize("pool", POOLS)
def test_another_version_takes_over_in_mid_backlog_without_a_restart(
    workers: Workers, tmp_path: Path, pool: str
) -> None:
    first = store.activate(store.publish(_calibrated_otherwise(tmp_path, "first", 1.0)))
    second = store.publish(_calibrated_otherwise(tmp_path, "second", 2.0))
    texts = [f"{number} {SENTENCE * 4}" for number in range(180)]
    for text in texts:
        Letter.objects.create(text=text)
    worker = workers.start(pool)
    workers.wait_for(Scoring.objects.exists, "a first verdict", pause=0.005)
    store.activate(second)
    for number in range(20):  # on a loaded machine the backlog may be over by now
        texts.append(f"later {number} {SENTENCE}")
        Letter.objects.create(text=texts[-1])
    workers.wait_until_screened(len(texts))

    assert worker.process.poll() is None
    assert set(Screening.objects.values_list("status", "deaths", "attempts")) == {("done", 0, 0)}
    scorings = Scoring.objects.select_related("screening", "model_version")
    assert len({scoring.screening_id for scoring in scorings}) == len(scorings) == len(texts)
    for version in (first, second):
        named = [scoring for scoring in scorings if scoring.model_version == version]
        assert len(named) > 0
        expected = Classifier.load(_directory(version)).predict([row.screening.text for row in named])
        for scoring, scores in zip(named, expected, strict=True):
            assert scoring.scores == pytest.approx(scores, abs=1e-5)
    print(
        {str(version): sum(row.model_version == version for row in scorings) for version in (first, second)}
    )


def test_children_that_are_replaced_all_the_time_screen_a_thousand_comments(
    workers: Workers, books: Books
) -> None:
    """As with `--max-tasks-per-child`: whoever has done its share ends, and another loads the model."""
    worker = workers.start("prefork", options=["--concurrency", "4", "--max-tasks-per-child", "50"])
    workers.wait_for_line(" ready.")
    first = {child.pid for child in workers.children_of(worker)}
    for number in range(1000):
        books.comment(Letter, "hello" if number % 20 else TOXIC)
        process_notifier.acknowledge()  # each save sends a message, as under a light load
    books.close()
    later = workers.wait_for(
        lambda: {child.pid for child in workers.children_of(worker)} - first, "a child to be replaced"
    )
    assert later
    assert set(Screening.objects.values_list("deaths", "attempts", "error_code")) == {(0, 0, "")}


def _health(workers: Workers, expected: int) -> list[str]:
    """The lines about a loaded model, once there are as many as expected."""
    lines = [line for line in workers.log().splitlines() if "Scoring with model version" in line]
    return lines if len(lines) >= expected else []


def _directory(version: ModelVersion) -> Path:
    return store.local_directory(version)


def _calibrated_otherwise(tmp_path: Path, number: str, shift: float) -> Path:
    """The shipped version with other intercepts: every score differs, so it shows which version made it."""
    directory = Path(shutil.copytree(packaged_directory(), tmp_path / number))
    path = directory / "manifest.json"
    content = json.loads(path.read_text())
    content["version"] = number
    for label in content["labels"]:
        content["calibration"][label]["intercept"] += shift
        for entry in content["canned"]:
            if entry["scores"][label] > 0:  # an empty text has 0, whatever the calibration
                entry["scores"][label] = _shifted(entry["scores"][label], shift)
    path.write_text(json.dumps(content))
    return directory


def _shifted(score: float, shift: float) -> float:
    return 1 / (1 + math.exp(-(math.log(score / (1 - score)) + shift)))
