"""What serves on a GPU, run on the CPU by the same code: batches of tokens, too little memory, and the way
back to ONNX."""

import logging
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.toxicity_ml.tiny_model import CANNED, FRIENDLY
from toxicity_ml.classifier import Classifier
from toxicity_ml.errors import BackendUnavailable, ModelDamaged
from toxicity_ml.inference import loading
from toxicity_ml.inference.backends.cuda import is_cuda_there
from toxicity_ml.inference.backends.onnx import OnnxBackend
from toxicity_ml.inference.backends.torch import TorchBackend
from toxicity_ml.inference.loading import TRAINED_TOLERANCE
from toxicity_ml.inference.runners import ThreadedRunner

TEXTS = [
    *CANNED,
    " ".join(FRIENDLY * 40),
    "you stupid moron",
    *(" ".join(FRIENDLY[:n]) for n in range(1, 17)),
]


def in_batches(directory: Path | None) -> Classifier:
    """As on a GPU, in float32 on the CPU."""
    return Classifier.load(directory, backend="cuda", device="cpu")


@pytest.fixture
def batched(tiny_version: Path) -> Classifier:
    return in_batches(tiny_version)


class Memory:
    """A network whose device has room for so many padded tokens, and which notes what it was given."""

    def __init__(self, network: Any, tokens: int) -> None:
        self._network, self._tokens = network, tokens
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        if ids.numel() > self._tokens:
            raise torch.OutOfMemoryError
        self.shapes.append(tuple(ids.shape))
        return self._network(ids, mask)


def with_memory(classifier: Classifier, tokens: int) -> Memory:
    backend = classifier.runner.backend
    assert isinstance(backend, TorchBackend)
    backend._network = memory = Memory(backend._network, tokens)
    return memory


def test_scores_in_batches_are_those_of_onnx(batched: Classifier, tiny_classifier: Classifier) -> None:
    assert batched.runner.is_batched and not tiny_classifier.runner.is_batched
    found, expected = batched.predict_array(TEXTS), tiny_classifier.predict_array(TEXTS)
    assert np.abs(found - expected).max() < 0.03
    assert not np.array_equal(found, expected)  # another arithmetic
    assert [batched.labels_over_threshold(scores) for scores in batched.predict(TEXTS)] == [
        tiny_classifier.labels_over_threshold(scores) for scores in tiny_classifier.predict(TEXTS)
    ]
    assert batched.predict([]) == []
    assert set(batched.predict("").values()) == {0.0}


def test_the_shipped_model_scores_in_batches_within_its_limit() -> None:
    onnx, batched = Classifier.load(), in_batches(None)
    texts = [str(entry["text"]) for entry in batched.manifest.canned]
    difference = np.abs(batched.predict_array(texts) - onnx.predict_array(texts)).max()
    assert 0 < difference <= TRAINED_TOLERANCE
    assert batched.canned_difference is not None and batched.canned_difference <= TRAINED_TOLERANCE


def test_batches_hold_windows_of_like_length_up_to_so_many_tokens(batched: Classifier) -> None:
    memory = with_memory(batched, 10**9)
    backend = batched.runner.backend
    assert isinstance(backend, TorchBackend)
    backend.tokens = 100
    batched.predict(TEXTS)
    assert len(memory.shapes) > 2
    for rows, length in memory.shapes:
        assert rows == 1 or rows * length <= 100
    assert max(rows for rows, _ in memory.shapes) > 4
    lengths = [length for _, length in memory.shapes]
    assert lengths == sorted(lengths)


def test_too_little_memory_halves_the_batches_and_changes_no_score(
    batched: Classifier, caplog: pytest.LogCaptureFixture
) -> None:
    expected = batched.predict_array(TEXTS)
    memory = with_memory(batched, 200)
    assert np.allclose(batched.predict_array(TEXTS), expected, atol=1e-5)
    backend = batched.runner.backend
    assert isinstance(backend, TorchBackend)
    assert backend.tokens <= 200
    assert "ran out of memory" in caplog.text
    assert batched.runner.is_batched
    caplog.clear()
    assert np.allclose(batched.predict_array(TEXTS), expected, atol=1e-5)
    assert caplog.text == ""  # what was learnt is kept
    assert all(rows * length <= 200 for rows, length in memory.shapes)


def test_without_room_for_a_single_text_scoring_goes_on_on_onnx(
    batched: Classifier, tiny_classifier: Classifier, caplog: pytest.LogCaptureFixture
) -> None:
    with_memory(batched, 3)
    assert np.array_equal(batched.predict_array(TEXTS), tiny_classifier.predict_array(TEXTS))
    assert [record.levelno for record in caplog.records].count(logging.ERROR) == 1
    assert "no memory left" in caplog.text and "on the CPU" in caplog.text
    assert not batched.runner.is_batched
    assert isinstance(batched.runner.backend, OnnxBackend)
    assert batched.threads == tiny_classifier.threads
    caplog.clear()
    assert np.array_equal(batched.predict_array(TEXTS), tiny_classifier.predict_array(TEXTS))
    assert caplog.text == ""


def test_a_device_that_fails_is_left_and_no_text_is_named(
    batched: Classifier, tiny_classifier: Classifier, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("CUDA error: an illegal memory access was encountered, idiot")

    backend = batched.runner.backend
    assert isinstance(backend, TorchBackend)
    backend._network = fail
    assert np.array_equal(batched.predict_array(TEXTS), tiny_classifier.predict_array(TEXTS))
    assert "The device cpu failed (RuntimeError). Scoring goes on on the CPU." in caplog.text
    assert "idiot" not in caplog.text


@pytest.mark.skipif(is_cuda_there(), reason="there is a GPU here, which is then used")
def test_without_a_gpu_auto_is_onnx_and_cuda_says_that_there_is_none(tiny_version: Path) -> None:
    assert Classifier.load(tiny_version, backend="auto").runner.name == "onnx int8 (cpu)"
    with pytest.raises(BackendUnavailable, match="no CUDA device"):
        Classifier.load(tiny_version, backend="cuda")


@pytest.mark.skipif(not is_cuda_there(), reason="no GPU here: what runs on one has not run")
def test_on_a_gpu_auto_is_cuda_and_scores_as_onnx_does(
    tiny_version: Path, tiny_classifier: Classifier
) -> None:
    classifier = Classifier.load(tiny_version, backend="auto")
    assert classifier.runner.name == "torch float16 in batches (cuda)"
    assert np.abs(classifier.predict_array(TEXTS) - tiny_classifier.predict_array(TEXTS)).max() < 0.05


def test_where_the_device_does_not_serve_auto_falls_back_and_says_why(
    tiny_version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A driver that sees a device, on a machine where torch does not, or where the weights are missing."""
    monkeypatch.setattr(loading, "is_cuda_there", lambda: True)
    if not torch.cuda.is_available():
        assert Classifier.load(tiny_version, backend="auto").runner.name == "onnx int8 (cpu)"
        assert "does not serve: There is no CUDA device here." in caplog.text
    version = Path(shutil.copytree(tiny_version, tmp_path / "version"))
    (version / "model.safetensors").unlink()
    served = Classifier.load(version, backend="auto", verify=False, device="cpu")
    assert served.runner.name == "onnx int8 (cpu)"
    assert "model.safetensors" in caplog.text


def test_weights_that_give_other_scores_than_published_are_refused(
    tiny_version: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    version = Path(shutil.copytree(tiny_version, tmp_path / "version"))
    state = load_file(version / "model.safetensors")
    state["head.bias"] += 4
    save_file(state, version / "model.safetensors")
    with pytest.raises(ModelDamaged, match="does not give the scores"):
        Classifier.load(version, backend="cuda", device="cpu", verify=False)


def test_callers_on_several_threads_share_the_cores(tiny_version: Path) -> None:
    """Three callers of a classifier with two threads never have more than two runs under way."""
    network = OnnxBackend(tiny_version)
    under_way, most = 0, 0
    lock, is_second = threading.Lock(), threading.Event()

    class Counting:
        def run(self, ids: np.ndarray) -> np.ndarray:
            nonlocal under_way, most
            with lock:
                under_way += 1
                most = max(most, under_way)
                if under_way == 2:
                    is_second.set()
            is_second.wait(60)  # on a single core a run may be over before another begins
            try:
                return network.run(ids)
            finally:
                with lock:
                    under_way -= 1

    runner = ThreadedRunner(Counting(), 2, "counted")
    windows: Sequence[np.ndarray] = [np.array([2, *range(5, 5 + n), 3]) for n in range(1, 12)] * 20
    results: list[list[np.ndarray]] = []
    callers = [threading.Thread(target=lambda: results.append(list(_run(runner, windows)))) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert most == 2
    assert len(results) == 3
    for found in results:
        assert np.array_equal(found, results[0])


def _run(runner: ThreadedRunner, windows: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    yield from runner.run_all(windows)
