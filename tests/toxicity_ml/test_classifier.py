"""Serving: the same score whatever the company, every text accepted, every damage named."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import logsumexp

from tests.toxicity_ml.test_text import ANY_TEXT
from tests.toxicity_ml.tiny_model import CANNED, FRIENDLY
from toxicity_ml.classifier import Classifier
from toxicity_ml.errors import ModelDamaged, ModelNotFound
from toxicity_ml.inference.backends.onnx import OnnxBackend
from toxicity_ml.inference.windows import MAX_WINDOWS, WindowEncoder
from toxicity_ml.labels import MULTI_LABEL
from toxicity_ml.manifest import Manifest
from toxicity_ml.window_pooling import pool_windows

PROSE = " ".join(FRIENDLY) + ". "
HOSTILE = {
    "one megabyte": PROSE * 12_000,
    "NUL": "you are\x00 an idiot\x00",
    "lone surrogates": "\ud800 idiot \udfff\udc00",
    "right-to-left override": "\u202etoidi na era uoy\u202c",
    "10,000 combining marks": "i" + "\u0301" * 10_000 + "diot",
    "emoji only": "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467\ufe0f" * 500,
    "HTML": "<script>alert('idiot')</script>&lt;b&gt;<!--",
    "one word of a megabyte": "a" * 1_000_000,
    "a megabyte of one unknown character": "\U0001f9ff" * 1_000_000,
    "a megabyte of special tokens": "[SEP][CLS][PAD]" * 70_000,
    "a megabyte of line breaks": "\n" * 1_000_000,
    "a megabyte of punctuation": "!" * 1_000_000,
}


@pytest.fixture
def version(tiny_version: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(tiny_version, tmp_path / "version"))


def with_canned_scores(version: Path, shift: float) -> None:
    """Move the expected scores of every canned text, as if int8 came out otherwise on this processor."""
    path = version / "manifest.json"
    content = json.loads(path.read_text())
    for entry in content["canned"]:
        if entry["text"]:
            entry["scores"] = {label: abs(score - shift) for label, score in entry["scores"].items()}
    path.write_text(json.dumps(content))


def test_one_text_gives_one_dict_and_a_list_gives_a_list(tiny_classifier: Classifier) -> None:
    one = tiny_classifier.predict("you are an idiot")
    assert list(one) == list(tiny_classifier.labels)
    assert one["insult"] > 0.9 > 0.1 > one["threat"]
    assert tiny_classifier.predict(["you are an idiot"]) == [one]
    assert tiny_classifier.predict([]) == []
    assert tiny_classifier.predict_array([]).shape == (0, len(tiny_classifier.labels))
    assert tiny_classifier.labels_over_threshold(one) == ["toxic", "insult"]


def test_scores_are_bit_equal_whatever_the_neighbours_order_and_threads(tiny_version: Path) -> None:
    texts = [PROSE * (number % 9) + CANNED[number % len(CANNED)] for number in range(60)] + ["", "?"]
    alone = Classifier.load(tiny_version, threads=1)
    expected = np.stack([alone.predict_array([text])[0] for text in texts])
    order = np.random.default_rng(1).permutation(len(texts))
    for threads in (1, 2, 5):
        classifier = Classifier.load(tiny_version, threads=threads)
        assert np.array_equal(classifier.predict_array(texts), expected)
        assert np.array_equal(classifier.predict_array([texts[index] for index in order]), expected[order])


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_scored(tiny_classifier: Classifier, name: str) -> None:
    scores = tiny_classifier.predict(HOSTILE[name])
    assert all(0.0 <= score <= 1.0 for score in scores.values())


@given(ANY_TEXT)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_string_is_scored(tiny_classifier: Classifier, text: str) -> None:
    assert all(0.0 <= score <= 1.0 for score in tiny_classifier.predict(text).values())


@pytest.mark.parametrize("text", ["", " \n\t", "\x00", "\u200b\u200d", "\ud800"])
def test_a_text_that_says_nothing_is_clear(tiny_classifier: Classifier, text: str) -> None:
    assert set(tiny_classifier.predict(text).values()) == {0.0}


@pytest.mark.parametrize(
    ("before", "after"),
    [(0, 10), (10, 0), (10, 10), (100, 100), (0, 12_000), (100, 12_000), (12_000, 0), (12_000, 100)],
)
def test_an_insult_is_found_in_a_long_text_and_at_both_ends_of_a_megabyte(
    tiny_classifier: Classifier, before: int, after: int
) -> None:
    insult = "stupid idiot moron. " * 30
    friendly = tiny_classifier.predict(PROSE * (before + after + 1))
    assert friendly["insult"] < 0.5
    scores = tiny_classifier.predict(PROSE * before + insult + PROSE * after)
    assert "insult" in tiny_classifier.labels_over_threshold(scores)


def test_windows_cover_every_token_and_start_every_stride(tiny_version: Path) -> None:
    encoder = WindowEncoder(tiny_version, max_length=192, stride=128)
    for count in (1, 189, 190, 191, 318, 319, 1000):
        windows = encoder.windows(" ".join("abcdefghij"[number % 10] for number in range(count)))
        first, last = windows[0][0], windows[0][-1]
        assert all(len(ids) <= 192 and ids[0] == first and ids[-1] == last for ids in windows)
        covered = [*windows[0][1:-1]]
        for number, ids in enumerate(windows[1:], start=1):
            assert list(ids[1:63]) == covered[number * 128 : number * 128 + 62]
            covered[number * 128 :] = list(ids[1:-1])
        assert len(covered) == count
    assert len(encoder.windows("a " * 1_000_000)) == MAX_WINDOWS


def test_special_tokens_written_in_a_comment_are_text(tiny_version: Path) -> None:
    (ids,) = WindowEncoder(tiny_version).windows("kind [SEP] friend")
    assert list(ids).count(ids[-1]) == 1


@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_the_score_of_a_long_text_is_what_its_windows_say_together(
    tiny_version: Path, tiny_classifier: Classifier, temperature: float
) -> None:
    text = PROSE * 30 + "you idiot. " + PROSE * 5
    windows = tiny_classifier._encoder.windows(text)
    assert len(windows) > 2
    each = np.stack([tiny_classifier.runner.backend.run(ids) for ids in windows])
    manifest = replace(Manifest.load(tiny_version), window_temperature=temperature)
    scored = Classifier(manifest, tiny_classifier._encoder, tiny_classifier.runner).logits([PROSE, text])
    expected = (
        temperature * logsumexp(each / temperature, b=1 / len(each), axis=0) if temperature else each.max(0)
    )
    assert np.allclose(scored[1], expected, atol=1e-5)
    if not temperature:
        assert np.array_equal(scored[1], expected)


@given(
    arrays(np.float32, st.tuples(st.integers(1, 70), st.just(3)), elements=st.floats(-40, 40, width=32)),
    st.floats(0.01, 5),
)
def test_windows_together_lie_between_their_mean_and_their_highest(
    logits: np.ndarray, temperature: float
) -> None:
    together = pool_windows([(logits, len(logits))], MULTI_LABEL, temperature)
    highest = logits.max(axis=0)
    twice = np.concatenate([logits, logits])
    assert (together <= highest + 1e-4).all()
    assert (together >= logits.mean(axis=0) - 1e-4).all()
    assert (together >= highest - temperature * np.log(len(logits)) - 1e-4).all()
    assert np.allclose(pool_windows([(twice, len(twice))], MULTI_LABEL, temperature), together, atol=1e-4)
    assert np.array_equal(pool_windows([(logits[:1], 1)], MULTI_LABEL, temperature), logits[0])


def test_of_two_readings_the_higher_counts_and_a_window_is_one_of_its_readings() -> None:
    plain = np.array([[-4.0, 1.0], [-4.0, 1.0], [-4.0, 1.0], [-4.0, 1.0]])
    undisguised = np.array([[3.0, -5.0]])
    together = pool_windows([(plain, 4), (undisguised, 4)], MULTI_LABEL, 0.5)
    assert together == pytest.approx([3.0 - 0.5 * np.log(4), 1.0])
    assert pool_windows([(plain, 4), (undisguised, 4)], MULTI_LABEL, 0.0) == pytest.approx([3.0, 1.0])
    assert pool_windows([(plain, 4), (undisguised, 1)], MULTI_LABEL, 0.5) == pytest.approx([3.0, 1.0])


def test_what_a_disguise_is_padded_with_does_not_count_as_prose(
    tiny_version: Path, tiny_classifier: Classifier
) -> None:
    manifest = replace(Manifest.load(tiny_version), window_temperature=0.5)
    classifier = Classifier(manifest, tiny_classifier._encoder, tiny_classifier.runner)
    padded = "you are a id" + "<b></b>" * 600 + "iot"
    (windows, count), (_, undisguised) = classifier._encoder.readings(padded)
    assert (len(windows) > 10, count, undisguised) == (True, len(windows), 1)
    plain, found = classifier.logits(["you are a idiot", padded])
    assert (found >= plain - 1e-4).all()


@pytest.mark.parametrize("place", [0, 100])
def test_a_disguised_insult_weighs_about_as_much_in_a_long_text_as_a_plain_one(
    tiny_version: Path, tiny_classifier: Classifier, place: int
) -> None:
    manifest = replace(Manifest.load(tiny_version), window_temperature=0.5)
    classifier = Classifier(manifest, tiny_classifier._encoder, tiny_classifier.runner)
    texts = [PROSE * place + f"you {word} moron. " + PROSE * (100 - place) for word in ("idiot", "i.d.i.o.t")]
    assert [len(classifier._encoder.readings(text)) for text in texts] == [1, 2]
    plain, disguised = classifier.logits(texts)
    assert (disguised <= plain + 0.1).all()
    assert (disguised >= plain - 0.5).all()


def test_where_int8_comes_out_wrong_the_same_weights_are_served_in_float(
    version: Path, tiny_classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The processor's part is played by arithmetic that is off: the integer network's logits are moved."""
    sound = OnnxBackend.run

    def broken(self: OnnxBackend, ids: np.ndarray) -> np.ndarray:
        return sound(self, ids) + (0.0 if self.is_dequantised else 3.0)

    monkeypatch.setattr(OnnxBackend, "run", broken)
    with pytest.warns(RuntimeWarning, match=r"tiny@1: int8 arithmetic is off"):
        served = Classifier.load(version)
    monkeypatch.undo()
    texts = [text for text in CANNED if text]
    assert served.runner.backend.is_dequantised
    in_float, in_int8 = served.predict_array(texts), tiny_classifier.predict_array(texts)
    assert np.abs(in_float - in_int8).max() < 0.03
    assert not np.array_equal(in_float, in_int8)


@pytest.fixture
def traced(tiny_checkpoint: Path, tmp_path: Path) -> Path:
    """A folder with the int8 network as versions had it that were traced and then quantised."""
    from toxicity_ml.network import load_model
    from toxicity_ml.publishing.export import write_float
    from toxicity_ml.publishing.quantisation import quantise

    windows = [ids for text in (*CANNED, PROSE) for ids in WindowEncoder(tiny_checkpoint).windows(text)]
    write_float(load_model(tiny_checkpoint, attention="eager"), tmp_path / "float32.onnx")
    (tmp_path / "traced").mkdir()
    quantise(tmp_path / "float32.onnx", tmp_path / "traced" / "model.onnx", windows)
    return tmp_path / "traced"


def test_the_float_network_has_no_integer_product_left(version: Path, traced: Path) -> None:
    import onnx

    from toxicity_ml.inference.backends.onnx import dequantise

    for directory, product in ((version, "DynamicQuantizeMatMul"), (traced, "MatMulInteger")):
        model = onnx.load(str(directory / "model.onnx"))
        assert product in {node.op_type for node in model.graph.node}
        dequantise(model)
        onnx.checker.check_model(model)
        kinds = {node.op_type for node in model.graph.node}
        assert not kinds & {"MatMulInteger", "DynamicQuantizeLinear", "DynamicQuantizeMatMul"}


def test_a_fused_product_in_float_is_that_of_its_dequantised_weights() -> None:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    from toxicity_ml.inference.backends.onnx import dequantise

    rng = np.random.default_rng(0)
    weights = rng.integers(-63, 64, size=(8, 5)).astype(np.int8)
    scales, bias = (rng.normal(size=5).astype(np.float32) for _ in range(2))
    zeros = np.array([0, 1, -2, 3, 0], dtype=np.int8)
    constants = {"weights": weights, "scales": scales, "zeros": zeros, "bias": bias}
    node = helper.make_node(
        "DynamicQuantizeMatMul", ["x", *constants], ["y"], name="product", domain="com.microsoft"
    )
    shapes = {"x": ["rows", 8], "y": ["rows", 5]}
    x_in, y_out = (helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items())
    initializers = [numpy_helper.from_array(values, name) for name, values in constants.items()]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(
        helper.make_graph([node], "product", [x_in], [y_out], initializers),
        opset_imports=opsets,
        ir_version=8,
    )
    dequantise(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x = rng.normal(size=(3, 8)).astype(np.float32)
    expected = x @ ((weights.astype(np.float32) - zeros) * scales) + bias
    np.testing.assert_allclose(session.run(None, {"x": x})[0], expected, rtol=1e-4, atol=1e-4)


def test_the_float_network_is_nearer_to_the_trained_one_than_int8_is(
    traced: Path, tiny_checkpoint: Path
) -> None:
    found = distances(traced, tiny_checkpoint)
    assert found["float to trained"] < found["int8 to trained"]


def test_a_fused_networks_float_form_differs_from_it_far_less_than_rounding_its_weights_does(
    version: Path, tiny_checkpoint: Path
) -> None:
    found = distances(version, tiny_checkpoint)
    assert 0 < found["float to int8"] < 0.15 * found["int8 to trained"]


def distances(directory: Path, checkpoint: Path) -> dict[str, float]:
    """Mean |difference| of the logits of int8, of its float form, and of the trained network, over windows
    of a few texts."""
    import torch

    from toxicity_ml.network import load_model

    network = load_model(checkpoint)
    whole, small = OnnxBackend(directory, dequantised=True), OnnxBackend(directory)
    windows = [ids for text in (*CANNED, PROSE, PROSE * 3) for ids in WindowEncoder(checkpoint).windows(text)]
    with torch.inference_mode():
        rows = [torch.from_numpy(ids)[None] for ids in windows]
        trained = np.array([network(row, torch.ones_like(row))[0].numpy() for row in rows])
    in_float, in_int8 = (np.array([backend.run(ids) for ids in windows]) for backend in (whole, small))
    return {
        "float to trained": float(np.abs(in_float - trained).mean()),
        "int8 to trained": float(np.abs(in_int8 - trained).mean()),
        "float to int8": float(np.abs(in_float - in_int8).mean()),
    }


def test_scores_that_float_does_not_give_either_mean_a_damaged_model(version: Path) -> None:
    with_canned_scores(version, 0.5)
    with pytest.warns(RuntimeWarning), pytest.raises(ModelDamaged, match=r"model\.onnx"):
        Classifier.load(version)


def test_small_differences_between_processors_are_no_cause_for_alarm(
    version: Path, recwarn: pytest.WarningsRecorder
) -> None:
    with_canned_scores(version, 0.01)
    assert not Classifier.load(version).runner.backend.is_dequantised
    assert not [warning for warning in recwarn if issubclass(warning.category, RuntimeWarning)]


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "tokenizer.json"])
@pytest.mark.parametrize("verify", [True, False])
def test_a_missing_or_garbled_file_gives_one_error_that_names_it(
    version: Path, name: str, verify: bool
) -> None:
    (version / name).write_bytes(b"garbled")
    with pytest.raises(ModelDamaged, match=name):
        Classifier.load(version, verify=verify)
    (version / name).unlink()
    with pytest.raises(ModelNotFound, match=name):
        Classifier.load(version, verify=verify)


def test_another_network_under_the_same_name_is_refused(version: Path) -> None:
    from onnx import TensorProto, helper, save

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "other",
        [value("x", TensorProto.FLOAT, [1])],
        [value("y", TensorProto.FLOAT, [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    save(model, str(version / "model.onnx"))
    with pytest.raises(ModelDamaged, match="another network"):
        Classifier.load(version, verify=False)


def test_serving_imports_neither_torch_nor_transformers_nor_datasets(tiny_version: Path) -> None:
    script = (
        "import sys; from toxicity_ml.classifier import Classifier; "
        "Classifier.load(sys.argv[1]).predict('you are an idiot'); "
        "unwanted = ('torch', 'transformers', 'datasets', 'onnx', 'django'); "
        "print([name for name in unwanted if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tiny_version)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
