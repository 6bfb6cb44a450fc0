"""Every way of running the network gives what every other gives, within what its arithmetic can; and serving
depends on none but ONNX."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from moderation.checks import configuration
from tests.toxicity_ml.tiny_model import CANNED, FRIENDLY
from toxicity_ml.benchmarking.backends import VARIANTS, open_backend, runnable
from toxicity_ml.classifier import Classifier
from toxicity_ml.errors import BackendUnavailable, ModelDamaged, ModelNotFound
from toxicity_ml.inference.backends import BACKENDS
from toxicity_ml.inference.backends.onnx import OnnxBackend
from toxicity_ml.inference.backends.torch import TorchBackend
from toxicity_ml.inference.windows import WindowEncoder

TEXTS = [*(text for text in CANNED if text), " ".join(FRIENDLY * 8), "you stupid moron"]
NEAR = {"onnx-int8": 0.03, "onnx-fp32": 1e-4, "torch-bf16": 0.02}
"""How far a probability may be from that of torch in float32."""


@pytest.fixture(scope="module")
def windows(tiny_version: Path) -> list[np.ndarray]:
    encoder = WindowEncoder(tiny_version)
    return [ids for text in TEXTS for ids in encoder.windows(text)]


@pytest.fixture(scope="module")
def trained(tiny_version: Path) -> TorchBackend:
    return TorchBackend(tiny_version)


def probabilities(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


@pytest.mark.parametrize("name", sorted(NEAR))
def test_each_backend_gives_what_torch_gives(
    name: str, tiny_version: Path, windows: list[np.ndarray], trained: TorchBackend
) -> None:
    backend = open_backend(name, tiny_version)[1]
    found = np.array([backend.run(ids) for ids in windows])
    expected = np.array([trained.run(ids) for ids in windows])
    assert found.dtype == np.float32
    assert found.shape == (len(windows), 6)
    assert np.abs(probabilities(found) - probabilities(expected)).max() < NEAR[name]
    assert probabilities(expected).max() > 0.9  # so that the texts tell a good network from a poor one
    assert not np.array_equal(found, expected)  # another arithmetic, not the same network under another name


def with_compiler(monkeypatch: pytest.MonkeyPatch, compiler: Any) -> list[Any]:
    """torch.compile traces the network as ever and gives it to this compiler: the real one takes 20 seconds.
    Returns the list of the graphs that were compiled."""
    graphs: list[Any] = []
    real = torch.compile

    def compile_graph(graph: Any, example: Any) -> Any:
        graphs.append(graph)
        return compiler(graph, example)

    def traced(network: Any, *, dynamic: bool, options: dict[str, Any]) -> Any:
        return real(network, dynamic=dynamic, backend=compile_graph)

    monkeypatch.setattr(torch, "compile", traced)
    return graphs


def test_a_compiled_network_gives_what_it_was_compiled_from_and_is_compiled_once_for_all_lengths(
    tiny_version: Path, windows: list[np.ndarray], trained: TorchBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs = with_compiler(monkeypatch, lambda graph, example: graph.forward)
    compiled = TorchBackend(tiny_version, compile=True)
    for ids in windows:
        np.testing.assert_allclose(compiled.run(ids), trained.run(ids), rtol=1e-4, atol=1e-4)
    assert len(graphs) == 1
    found = compiled.run_batch(windows)
    np.testing.assert_allclose(found, trained.run_batch(windows), rtol=1e-4, atol=1e-4)
    assert len(graphs) == 2  # and once more for batches


def test_where_nothing_can_be_compiled_the_error_says_what_is_missing(
    tiny_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_compiler(graph: Any, example: Any) -> Any:
        raise OSError("no compiler")

    with_compiler(monkeypatch, no_compiler)
    with pytest.raises(BackendUnavailable, match=r"C\+\+ compiler"):
        TorchBackend(tiny_version, compile=True)


@pytest.mark.parametrize("tokens", [1, 20, 10_000])
def test_a_batch_gives_each_window_its_own_logits_in_their_order(
    tokens: int, windows: list[np.ndarray], trained: TorchBackend
) -> None:
    order = [3, 0, 5, 1, 4, 2]
    mixed = [windows[index] for index in order]
    assert len({len(ids) for ids in mixed}) > 2
    found = trained.run_batch(mixed, tokens=tokens)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [trained.run(ids) for ids in mixed], rtol=1e-4, atol=1e-4)


def test_a_batch_of_nothing_has_the_labels_and_no_rows(trained: TorchBackend) -> None:
    assert trained.run_batch([]).shape == (0, 6)


def test_more_threads_in_a_run_change_no_more_than_last_digits(
    tiny_version: Path, windows: list[np.ndarray]
) -> None:
    one, two = OnnxBackend(tiny_version), OnnxBackend(tiny_version, threads=2)
    for ids in windows:
        np.testing.assert_allclose(one.run(ids), two.run(ids), rtol=1e-4, atol=1e-4)


def test_cuda_gives_what_the_cpu_gives_or_says_that_it_is_not_there(
    tiny_version: Path, windows: list[np.ndarray], trained: TorchBackend
) -> None:
    names, notes = runnable(tuple(VARIANTS))
    if not torch.cuda.is_available():
        assert notes == ["no CUDA device here"]
        assert "cuda-fp16" not in names
        with pytest.raises(BackendUnavailable, match="no CUDA device"):
            open_backend("cuda-fp16", tiny_version)
        with pytest.raises(BackendUnavailable, match="no CUDA device"):
            TorchBackend(tiny_version, "cuda", "float16")
        return
    assert names == list(VARIANTS)
    found = TorchBackend(tiny_version, "cuda", "float16").run_batch(windows)
    assert np.abs(probabilities(found) - probabilities(trained.run_batch(windows))).max() < 0.02


def test_an_unknown_name_is_answered_with_those_there_are(tiny_version: Path) -> None:
    with pytest.raises(ValueError, match="onnx-int8, onnx-fp32"):
        open_backend("onnx", tiny_version)


@pytest.mark.parametrize("name", ["onnx-fp32", "torch-fp32"])
def test_a_missing_or_garbled_file_is_named(name: str, tiny_version: Path, tmp_path: Path) -> None:
    version = Path(shutil.copytree(tiny_version, tmp_path / "version"))
    (version / "model.safetensors").write_bytes(b"garbled")
    with pytest.raises(ModelDamaged, match=r"model\.safetensors"):
        open_backend(name, version)
    (version / "model.safetensors").unlink()
    with pytest.raises(ModelNotFound, match=r"model\.safetensors"):
        open_backend(name, version)


def test_a_classifier_on_torch_scores_as_the_one_on_onnx(
    tiny_version: Path, tiny_classifier: Classifier
) -> None:
    threads = torch.get_num_threads()
    classifier = Classifier.load(tiny_version, backend="torch", threads=threads)
    texts = [*TEXTS, "", " ".join([*FRIENDLY, "idiot"] * 20)]
    found, expected = classifier.predict_array(texts), tiny_classifier.predict_array(texts)
    assert np.abs(found - expected).max() < NEAR["onnx-int8"]
    assert not np.array_equal(found, expected)
    assert [classifier.labels_over_threshold(scores) for scores in classifier.predict(texts)] == [
        tiny_classifier.labels_over_threshold(scores) for scores in tiny_classifier.predict(texts)
    ]


def test_trained_weights_that_are_not_those_published_are_refused(tiny_version: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    version = Path(shutil.copytree(tiny_version, tmp_path / "version"))
    state = load_file(version / "model.safetensors")
    state["head.bias"] += 4
    save_file(state, version / "model.safetensors")
    with pytest.raises(ModelDamaged, match=r"model\.safetensors is damaged"):
        Classifier.load(version, backend="torch")
    with pytest.raises(ModelDamaged, match=r"model\.safetensors does not give the scores"):
        Classifier.load(version, backend="torch", verify=False)


def test_a_backend_that_does_not_exist_is_refused(tiny_version: Path) -> None:
    with pytest.raises(ValueError, match="auto, onnx, torch or cuda"):
        Classifier.load(tiny_version, backend="tensorflow")  # type: ignore[arg-type]


def run_python(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


HEAVY = "('torch','transformers','datasets','sklearn','scipy','matplotlib','captum','nltk','pandas','onnx')"


@pytest.mark.parametrize(
    "module",
    [
        *(
            "toxicity_ml",
            "toxicity_ml.classifier",
            "toxicity_ml.text.repair",
            "toxicity_ml.inference.windows",
        ),
        *(
            "toxicity_ml.inference.backends",
            "toxicity_ml.inference.backends.onnx",
            "toxicity_ml.benchmarking.backends",
        ),
        *(
            "toxicity_ml.manifest",
            "toxicity_ml.cli",
            "toxicity_ml.cli.predict",
            "toxicity_ml.benchmarking.benchmark",
        ),
    ],
)
def test_what_serves_imports_nothing_heavy(module: str) -> None:
    script = (
        "import importlib, sys; importlib.import_module(sys.argv[1]); "
        f"print(*[name for name in {HEAVY} if name in sys.modules])"
    )
    assert run_python(script, module) == ""


def test_scoring_on_onnx_imports_nothing_heavy(tiny_version: Path) -> None:
    script = (
        "import sys; from toxicity_ml.classifier import Classifier; "
        "c = Classifier.load(sys.argv[1], backend='auto'); c.predict('you are an idiot \\uff46oo'); "
        f"print(*[name for name in {HEAVY} if name in sys.modules])"
    )
    assert run_python(script, str(tiny_version)) == ""


def test_without_torch_the_onnx_backend_serves_and_the_others_say_what_is_missing(tiny_version: Path) -> None:
    script = """
import sys
sys.modules["torch"] = None  # as where it is not installed
from toxicity_ml.benchmarking.backends import open_backend, runnable
from toxicity_ml.classifier import Classifier
from toxicity_ml.errors import BackendUnavailable
print(runnable()[0], Classifier.load(sys.argv[1]).predict("you are an idiot")["insult"] > 0.5)
for attempt in (
    lambda: Classifier.load(sys.argv[1], backend="torch"),
    lambda: open_backend("onnx-fp32", sys.argv[1]),
):
    try:
        attempt()
    except BackendUnavailable as error:
        print(error)
"""
    lines = run_python(script, str(tiny_version)).splitlines()
    assert lines[0] == "['onnx-int8'] True"
    assert "pip install" in lines[1]
    assert "torch and transformers are not installed here" in lines[2]


def test_the_setting_offers_every_backend_but_torch_which_is_for_measuring() -> None:
    assert set(configuration.BACKENDS) == set(BACKENDS) - {"torch"}
