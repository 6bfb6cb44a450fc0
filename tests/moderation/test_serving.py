"""One model in each process, on its share of the cores, on the backend that there is, and a line about it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connections

from moderation.models import ModelVersion, Scoring, Screening
from moderation.screening import model
from moderation.screening.model import ON_CPU, ON_GPU, LoadedModel, divide_cores, load_model, threads
from moderation.screening.scorer import Scorer, _Loaded, load_scorer_for_web
from moderation.versions import artifacts, store
from moderation.worker import pools
from moderation.worker.drain import drain
from tests.forum.models import Post
from toxicity_ml.classifier import Classifier
from toxicity_ml.inference.backends.cuda import is_cuda_there
from toxicity_ml.inference.cores import available_cores
from toxicity_ml.perspective.scale import Scale

TOXIC = "You are a stupid idiot, shut up."


@pytest.fixture(autouse=True)
def undivided() -> Iterator[None]:
    yield
    divide_cores(1)


@pytest.fixture
def packaged(db: None) -> ModelVersion:
    return store.active_version()


def only_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "moderation.screening"]


@pytest.mark.parametrize(("processes", "share"), [(1, 1.0), (2, 0.5), (1000, 0.0)])
def test_processes_of_one_worker_share_the_cores(settings: Any, processes: int, share: float) -> None:
    divide_cores(processes)
    assert threads() == max(1, int(available_cores() * share))
    settings.MODERATION = {**settings.MODERATION, "THREADS": 7}
    assert threads() == 7


def worker(pool: str, **options: Any) -> Any:
    """As `celeryd_after_setup` hands it over; Celery names a pool by its class."""
    cls = type("TaskPool", (), {"__module__": f"celery.concurrency.{pool}"})
    return SimpleNamespace(pool_cls=cls, **{"concurrency": 3, "max_concurrency": None, **options})


@pytest.mark.parametrize(
    ("given", "processes"),
    [
        (worker("solo"), 1),
        (worker("thread"), 1),
        (worker("prefork"), 3),
        (worker("prefork", max_concurrency=8), 8),
    ],
)
def test_only_prefork_divides_the_cores(given: Any, processes: int) -> None:
    assert pools.processes(given) == processes
    assert pools.forks(given) == (processes > 1)
    assert pools.can_score(given, "screening", {"screening": None})


@pytest.mark.parametrize("pool", ["gevent", "eventlet"])
def test_a_pool_of_greenlets_does_not_sweep_and_is_told_so_where_it_takes_the_queue(
    pool: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert not pools.can_score(worker(pool), "screening", {"celery": None})
    assert caplog.text == ""
    assert not pools.can_score(worker(pool), "screening", {"screening": None})
    assert pool in caplog.text and "--pool solo" in caplog.text


def test_the_log_says_what_scores_and_how(packaged: ModelVersion, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    loaded = load_model(packaged, backend="onnx")
    (line,) = only_lines(caplog)
    for part in (str(packaged), "onnx", "batches of 32", f"{available_cores()} thread(s)", "MB of memory"):
        assert part in line
    canned = len(artifacts.read_manifest(artifacts.packaged_directory()).content["canned"])
    assert canned > 0 and f"{canned} canned text(s) right within 0.0" in line
    assert loaded.predict([TOXIC])[0]["toxic"] > 0.5


def test_the_database_holds_a_version_s_languages_and_its_scale_of_perspective(
    packaged: ModelVersion,
) -> None:
    manifest = ModelVersion.objects.get(pk=packaged.pk).manifest
    assert manifest["languages"] == ["en"]
    scale = Scale.from_json(manifest["perspective_scale"])
    assert sorted(scale.maps) == sorted(packaged.labels)


def test_threads_that_ask_at_once_load_one_model(
    packaged: ModelVersion, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    loaded = _Loaded(lambda: "onnx")
    found: list[LoadedModel] = []
    start = threading.Barrier(4)

    def ask() -> None:
        start.wait()
        try:
            found.append(loaded.get(packaged))
        finally:
            connections.close_all()

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join(120)
    assert len(found) == 4 and len(set(map(id, found))) == 1
    assert len(only_lines(caplog)) == 1


@pytest.mark.skipif(is_cuda_there(), reason="there is a GPU here, which then serves")
def test_cuda_without_a_gpu_is_onnx_and_an_error_in_the_log(
    packaged: ModelVersion, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    load_model(packaged, backend="cuda")
    error, line = only_lines(caplog)
    assert 'MODERATION["BACKEND"] is "cuda", but: There is no CUDA device here.' in error
    assert "onnx int8 (cpu)" in line


def test_a_web_process_scores_on_the_cpu_whatever_the_workers_do(
    packaged: ModelVersion, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MODERATION = {**settings.MODERATION, "BACKEND": "cuda"}
    assert load_scorer_for_web(packaged)([TOXIC])[0]["toxic"] > 0.5
    assert "CUDA" not in caplog.text


def test_the_claim_is_as_large_as_suits_the_backend_or_as_the_setting_says(settings: Any) -> None:
    assert model.batch_limits(is_batched=False) == ON_CPU
    assert model.batch_limits(is_batched=True) == ON_GPU
    settings.MODERATION = {**settings.MODERATION, "BATCH_SIZE": 9}
    assert model.batch_limits(is_batched=True) == model.BatchLimits(9, ON_GPU.characters)


def test_comments_are_screened_in_batches_of_tokens_as_on_a_gpu(packaged: ModelVersion) -> None:
    """The same code on the CPU, in float32: the same verdicts as on ONNX."""
    texts = [TOXIC, "Thank you for the kind words.", "", "I like this article. " * 100, TOXIC * 30]
    for text in texts:
        Post.objects.create(body=text)
    batched = Classifier.load(artifacts.packaged_directory(), backend="cuda", device="cpu")
    assert LoadedModel(batched).batch_limits == ON_GPU

    def load(version: ModelVersion) -> Scorer:
        return LoadedModel(batched).predict

    assert drain(load=load).scored == len(texts)
    expected = Classifier.load(artifacts.packaged_directory()).predict(texts)
    scorings = Scoring.objects.order_by("screening_id").values_list("scores", flat=True)
    for found, wanted in zip(scorings, expected, strict=True):
        assert found == pytest.approx(wanted, abs=0.1)
    verdicts = list(Screening.objects.order_by("id").values_list("verdict", flat=True))
    assert [verdict == "clear" for verdict in verdicts] == [False, True, True, True, False]


def test_a_worker_without_torch_scores() -> None:
    """The app as a lean worker has it installed: with [worker], without [train]."""

    script = """
import sys
for name in ("torch", "transformers", "safetensors"):
    sys.modules[name] = None  # as where it is not installed
import django
django.setup()
from moderation.versions import artifacts
from moderation.screening.model import LoadedModel, _classifier
loaded = LoadedModel(_classifier(artifacts.packaged_directory(), "auto"))
print(round(loaded.predict(["You are a stupid idiot."])[0]["toxic"]))
"""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment
    )
    assert (done.returncode, done.stdout.strip()) == (0, "1"), done.stderr


def test_the_old_name_that_tests_of_sites_patch_is_the_loaded_model_still() -> None:
    sys.modules.pop("moderation.screening.serving", None)  # a module warns when it is first imported
    with (
        pytest.warns(DeprecationWarning, match="moderation.screening.model.LoadedModel"),
        patch("moderation.screening.serving.Served.predict", lambda self, texts: [{} for _ in texts]),
    ):
        assert LoadedModel.predict(SimpleNamespace(), ["a text"]) == [{}]  # type: ignore[arg-type]
