"""Export: int8 that keeps to what was trained, or no file at all."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from tests.toxicity_ml.tiny_model import CANNED, FRIENDLY
from toxicity_ml.errors import DataError, ExportRefused
from toxicity_ml.network import MeanPoolingClassifier, load_model, load_tokenizer, save_model
from toxicity_ml.publishing.export import Parity, export_onnx
from toxicity_ml.publishing.fused import FusedNetwork, can_be_fused
from toxicity_ml.publishing.quantisation import InFloat, quantise_tables, smooth
from toxicity_ml.publishing.rounding import Activations, Tally, rounded

GOOD = Parity(
    texts=500,
    mean_difference=0.003,
    mean_difference_unsure=0.015,
    largest_difference=0.5,
    flags=100,
    flags_changed=2,
)


def test_the_limits_are_those_agreed() -> None:
    assert GOOD.objections() == []
    assert len(replace(GOOD, mean_difference=0.0031).objections()) == 1
    assert len(replace(GOOD, mean_difference_unsure=0.0151).objections()) == 1
    assert len(replace(GOOD, flags_changed=3).objections()) == 1
    assert replace(GOOD, flags=10, flags_changed=2).objections() == []  # two may be chance
    assert len(replace(GOOD, flags=10, flags_changed=3).objections()) == 1
    assert len(replace(GOOD, flags=200, flags_changed=5).objections()) == 1
    assert len(replace(GOOD, mean_difference=float("nan")).objections()) == 1


def test_the_exported_network_is_int8_and_its_figures_are_within_the_limits(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    figures = export_onnx(tiny_checkpoint, tmp_path, [*CANNED, "good article " * 200])
    assert Parity(**figures).objections() == []
    assert figures["texts"] == len(CANNED)  # the empty one has no tokens
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    graph = onnx.load(str(tmp_path / "model.onnx")).graph
    float_matrices = [
        entry.name
        for entry in graph.initializer
        if entry.data_type == onnx.TensorProto.FLOAT and len(entry.dims) == 2 and entry.dims[1] > 6
    ]
    assert float_matrices == []


def test_a_network_that_int8_cannot_follow_is_refused_and_nothing_written(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    network, tokenizer = load_model(tiny_checkpoint), load_tokenizer(tiny_checkpoint)
    torch.manual_seed(0)
    with torch.no_grad():  # a head that hangs on every rounding error
        torch.nn.init.normal_(network.head.weight, std=20)
        network.head.bias.zero_()
    save_model(network, tokenizer, tmp_path / "wild")
    texts = [" ".join(FRIENDLY[start : start + 5]) for start in range(15)]
    with pytest.raises(ExportRefused, match="mean difference"):
        export_onnx(tmp_path / "wild", tmp_path / "out", texts)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_network_that_int8_follows_badly_keeps_more_in_float(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    network, tokenizer = load_model(tiny_checkpoint), load_tokenizer(tiny_checkpoint)
    torch.manual_seed(0)
    with torch.no_grad():  # what the feed-forward blocks say, and its errors, outweighs the rest
        torch.nn.init.normal_(network.head.weight, std=0.1)
        network.head.bias.zero_()
        for layer in network.encoder.encoder.layer:
            layer.output.dense.weight.mul_(512)
    save_model(network, tokenizer, tmp_path / "loud")
    texts = [" ".join(FRIENDLY[start : start + 5]) for start in range(15)]
    plain = export_onnx(tmp_path / "loud", tmp_path / "plain", texts)
    assert (plain["left_in_float"], caplog.text) == ("none", "")

    limit = 0.9 * plain["mean_difference"]  # the rest is of attention, which stays in int8
    monkeypatch.setattr("toxicity_ml.publishing.export.MAX_MEAN_DIFFERENCE", limit)
    closer = export_onnx(tmp_path / "loud", tmp_path / "closer", texts)
    assert closer["left_in_float"] == "all"
    assert closer["mean_difference"] <= limit < plain["mean_difference"]
    assert "strays from the trained one: mean difference" in caplog.text
    sizes = [(tmp_path / name / "model.onnx").stat().st_size for name in ("plain", "closer")]
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize("texts", [[], ["", "\u200b"]])
def test_export_without_a_text_to_compare_on_is_refused(
    tiny_checkpoint: Path, tmp_path: Path, texts: list[str]
) -> None:
    with pytest.raises(DataError):
        export_onnx(tiny_checkpoint, tmp_path, texts)
    assert list(tmp_path.iterdir()) == []


def test_smoothing_changes_no_result_and_flattens_the_activation() -> None:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    table = rng.normal(size=(50, 8)).astype(np.float32)
    table[:, 3] *= 100  # the channel that would leave the others no resolution
    weight = rng.normal(size=(8, 5)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "input_ids"], ["x"]),
            helper.make_node("MatMul", ["x", "weight"], ["logits"]),
        ],
        "small",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "length"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, "length", 5])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(weight, "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    ids = np.arange(50, dtype=np.int64)

    def result() -> np.ndarray:
        onnx.checker.check_model(model)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return session.run(None, {"input_ids": ids[None]})[0]

    before = result()
    smooth(model, [ids])
    np.testing.assert_allclose(result(), before, rtol=1e-4, atol=1e-3)
    (division,) = [entry for entry in model.graph.initializer if entry.name == "x_smoothing"]
    spread = np.abs(table * numpy_helper.to_array(division)).max(axis=0)
    assert spread.max() / spread.min() < np.abs(table).max() / np.abs(table).max(axis=0).min() / 5
    quantise_tables(model)
    assert np.abs(result() - before).max() < 0.02 * np.abs(before).max()


def test_weights_are_rounded_so_that_typical_outputs_change_least() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(500, 8)) @ rng.normal(size=(8, 40)) + rng.normal(size=40)
    weight = rng.normal(size=(40, 7))
    seen = Activations(np.abs(inputs).max(axis=0), inputs.mean(axis=0), np.cov(inputs.T, bias=True))
    integers, scales, correction = rounded(weight, seen)
    assert (integers.dtype, integers.shape, np.abs(integers).max() <= 63) == (np.int8, weight.shape, True)
    nearest = np.rint(weight / scales) * scales
    error = inputs @ (integers * scales - weight) + correction
    assert np.square(error).mean() < 0.5 * np.square(inputs @ (nearest - weight)).mean()
    np.testing.assert_allclose(error.mean(axis=0), 0, atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "mean:1,2", "mean:1"])
def test_the_fused_network_says_what_the_trained_one_says(
    tiny_checkpoint: Path, tmp_path: Path, pooling: str
) -> None:
    import onnxruntime

    encoder = load_model(tiny_checkpoint, attention="eager").encoder
    torch.manual_seed(0)
    for name, values in encoder.named_parameters():  # gains and shifts that matter
        if "LayerNorm" in name or name.endswith("bias"):
            torch.nn.init.normal_(values, mean=float(name.endswith("LayerNorm.weight")), std=0.3)
    network = MeanPoolingClassifier(encoder, 3, pooling=pooling).eval()
    assert can_be_fused(network)
    words = encoder.config.vocab_size
    lengths = (2, 9, 40, encoder.config.max_position_embeddings)
    windows = [np.arange(1, 1 + length, dtype=np.int64) % words for length in lengths]
    fused = FusedNetwork(network, windows)
    with torch.inference_mode():
        wanted = np.stack([network(torch.from_numpy(ids)[None])[0].numpy() for ids in windows])
    for in_float in (InFloat.NONE, InFloat.ALL):
        fused.write(tmp_path / "fused.onnx", in_float)
        session = onnxruntime.InferenceSession(tmp_path / "fused.onnx", providers=["CPUExecutionProvider"])
        found = np.stack([session.run(None, {"input_ids": ids[None]})[0][0] for ids in windows])
        assert np.abs(found - wanted).max() < 0.05 * np.abs(wanted).max()


def test_one_layer_that_is_not_the_last_is_the_one_that_is_pooled(tiny_checkpoint: Path) -> None:
    encoder = load_model(tiny_checkpoint, attention="eager").encoder
    ids = torch.arange(2, 30)[None]
    with torch.inference_mode():
        states = encoder(input_ids=ids, output_hidden_states=True).hidden_states
        for pooling, layer in (("mean:1", 1), ("mean:2", 2), ("mean", 2)):
            network = MeanPoolingClassifier(encoder, 3, pooling=pooling).eval()
            torch.testing.assert_close(network.pooled(ids), states[layer].mean(dim=1))
            masked = network.pooled(ids, torch.ones_like(ids))
            torch.testing.assert_close(masked, states[layer].mean(dim=1))


def test_products_left_in_float_lie_in_the_file_in_two_bytes_a_weight(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    from onnx import numpy_helper

    network = load_model(tiny_checkpoint, attention="eager").eval()
    windows = [np.arange(2, 30), np.arange(5, 45)]
    fused = FusedNetwork(network, windows)
    fused.write(tmp_path / "model.onnx", in_float=InFloat.ALL)
    graph = onnx.load(str(tmp_path / "model.onnx")).graph
    stored = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    trained = network.state_dict()
    for layer in (0, 1):
        half = stored[f"{layer}/output/weight/half"]
        weight = trained[f"encoder.encoder.layer.{layer}.output.dense.weight"].numpy()
        assert half.dtype == np.float16 and np.array_equal(half, weight.T)


def test_the_fused_network_is_valid_onnx_whose_sums_fit_16_bits(tiny_version: Path) -> None:
    """A processor without VNNI adds two products of an unsigned eight-bit and a signed number in 16 bits."""
    from onnx import numpy_helper

    model = onnx.load(str(tiny_version / "model.onnx"))
    onnx.checker.check_model(model, full_check=True)
    assert {entry.domain: entry.version for entry in model.opset_import} == {"": 17, "com.microsoft": 1}
    constants = {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
    products = [node for node in model.graph.node if node.op_type == "DynamicQuantizeMatMul"]
    assert len(products) == 2 * 6
    for node in products:
        _, weight, scales, zero, bias = (constants.get(name) for name in node.input)
        assert (weight.dtype, scales.dtype, zero.dtype, bias.dtype) == (
            np.int8,
            np.float32,
            np.int8,
            np.float32,
        )
        assert 2 * 255 * np.abs(weight.astype(int)).max() < 2**15
        assert not zero.any()


def test_small_variances_of_large_channels_are_seen() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(loc=[3000, 0], scale=[0.01, 1], size=(4000, 2)).astype(np.float32)
    tally = Tally()
    for start in range(0, 4000, 1000):
        tally.add(values[start : start + 1000])
    seen = tally.activations()
    np.testing.assert_allclose(seen.covariance, np.cov(values.T.astype(float), bias=True), atol=1e-6)
    np.testing.assert_allclose(seen.mean, values.mean(axis=0, dtype=float), atol=1e-3)


def test_covariances_of_few_tokens_count_for_less() -> None:
    values = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    few, many = Tally(), Tally()
    few.add(values)
    for _ in range(1000):
        many.add(values)
    between = ~np.eye(4, dtype=bool)
    ratio = few.activations().covariance / many.activations().covariance
    np.testing.assert_allclose(ratio[between], 8 / 9, atol=1e-3)
    np.testing.assert_allclose(ratio[~between], 1, atol=1e-3)


def test_other_networks_are_traced(tiny_checkpoint: Path) -> None:
    network = load_model(tiny_checkpoint)
    assert can_be_fused(network)
    assert not can_be_fused(MeanPoolingClassifier(network.encoder, 3, pooling="first:tanh"))
    assert not can_be_fused(MeanPoolingClassifier(network.encoder, 3, kept=[0, 1]))
    network.encoder.config.hidden_act = "relu"
    assert not can_be_fused(network)
