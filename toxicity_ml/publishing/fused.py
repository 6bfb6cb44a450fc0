"""Writes a BERT's int8 network operator by operator, for speed: few nodes, none of them slow, and no product
left in float where none has to be.

The layer norm's gain and shift, smoothing and all biases are folded into the products,
which quantise their input, multiply, rescale and add in one operator. Normalising itself is an
InstanceNormalization over each token's channels, a fraction of the time that ONNX Runtime's
SkipLayerNormalization takes on a CPU. One text is run at a time, unpadded, so there is no mask.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from transformers import BertModel

from toxicity_ml.inference.backends.onnx import INPUT, OUTPUT
from toxicity_ml.network import MeanPoolingClassifier
from toxicity_ml.publishing.quantisation import STRENGTH, WINDOWS, InFloat
from toxicity_ml.publishing.rounding import Activations, Tally, rounded

WIDEST = 3072
"""Of the feed-forward block: a wider network's covariances would take too much memory."""
_OPSET = 17
_CONTRIB = "com.microsoft"
_TOKENS = 2048
"""Tokens whose activations are held at once."""
_LEAST = 1e-5


def can_be_fused(network: nn.Module) -> bool:
    """True for a BERT with a mean over its tokens as pooling, which is the one architecture written so."""
    if not isinstance(network, MeanPoolingClassifier) or not isinstance(network.encoder, BertModel):
        return False
    config = network.encoder.config
    return (
        bool(network.layers)
        and network.kept is None
        and config.hidden_act == "gelu"
        and getattr(config, "position_embedding_type", None) in (None, "absolute")
        and not config.is_decoder
        and config.intermediate_size <= WIDEST
    )


class FusedNetwork:
    """A network that can be written as int8, with what was seen of its activations."""

    def __init__(self, network: MeanPoolingClassifier, windows: Sequence[np.ndarray]) -> None:
        """windows: token ids, int64 (length,), of texts typical for what will be scored; the first WINDOWS
        of them count."""
        self._network = network
        self._seen = _observed(_graph(network, _Float()), windows[:WINDOWS])

    def write(self, path: Path, in_float: InFloat = InFloat.NONE) -> None:
        """Write the int8 form, with the feed-forward outputs of these layers in float."""
        depth = int(self._network.encoder.config.num_hidden_layers)  # type: ignore[union-attr, arg-type]
        ends = (0, depth - 1) if depth > 2 else ()
        layers = {InFloat.NONE: (), InFloat.ENDS: ends, InFloat.ALL: tuple(range(depth))}[in_float]
        left = frozenset(f"{layer}/output" for layer in layers)
        onnx.save(_graph(self._network, _Int8(self._seen, left)).model(), str(path))


@dataclass
class _Graph:
    """Nodes in the order in which they run, and constants."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)
    inputs_of_products: dict[str, str] = field(default_factory=dict)
    """By the product's name."""
    labels: int = 0

    def constant(self, name: str, values: Any, kind: Any = np.float32) -> str:
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(values, dtype=kind), name)
        return name

    def add(self, kind: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def model(self, outputs: Sequence[str] = ()) -> onnx.ModelProto:
        """outputs: further ones, to look at."""
        ids = helper.make_tensor_value_info(INPUT, TensorProto.INT64, [1, "length"])
        logits = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1, self.labels])
        others = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(
            self.nodes, "network", [ids], [logits, *others], list(self.constants.values())
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


class _Products(Protocol):
    """How matrix products are written."""

    def divisors(self, name: str, weight: np.ndarray) -> np.ndarray | None:
        """What to divide each channel of the product's input by, (inputs,); None: nothing."""
        ...

    def write(
        self, graph: _Graph, name: str, x: str, weight: np.ndarray, bias: np.ndarray, by: np.ndarray | None
    ) -> str:
        """Add the product of x, which was divided by ``by``, with a weight that was multiplied by it."""
        ...


class _Float:
    """Products in float32."""

    def divisors(self, name: str, weight: np.ndarray) -> np.ndarray | None:
        return None

    def write(
        self, graph: _Graph, name: str, x: str, weight: np.ndarray, bias: np.ndarray, by: np.ndarray | None
    ) -> str:
        graph.inputs_of_products[name] = x
        product = graph.add("MatMul", [x, graph.constant(f"{name}/weight", weight)], f"{name}/product")
        return graph.add("Add", [product, graph.constant(f"{name}/bias", bias)], name)


@dataclass
class _Int8:
    """Products of activations in eight bits, smoothed, with weights in seven."""

    seen: Mapping[str, Activations]
    in_float: frozenset[str]

    def divisors(self, name: str, weight: np.ndarray) -> np.ndarray | None:
        """SmoothQuant's scales (Xiao et al. 2023, equation 4), as ``quantisation.smooth``."""
        if name in self.in_float:
            return None
        rows, largest = np.abs(weight).max(axis=1), self.seen[name].largest
        scale: np.ndarray = np.maximum(largest, _LEAST) ** STRENGTH / np.maximum(rows, _LEAST) ** (
            1 - STRENGTH
        )
        return scale

    def write(
        self, graph: _Graph, name: str, x: str, weight: np.ndarray, bias: np.ndarray, by: np.ndarray | None
    ) -> str:
        if by is None:
            return _half(graph, name, x, weight, bias)
        integers, scales, correction = rounded(weight, self.seen[name].times(1 / by))
        inputs = [
            x,
            graph.constant(f"{name}/weight", integers, np.int8),
            graph.constant(f"{name}/scales", scales),
            graph.constant(f"{name}/zero", np.zeros(len(scales)), np.int8),
            graph.constant(f"{name}/bias", bias + correction),
        ]
        return graph.add("DynamicQuantizeMatMul", inputs, name, domain=_CONTRIB)


def _half(graph: _Graph, name: str, x: str, weight: np.ndarray, bias: np.ndarray) -> str:
    """Add a product in float32 whose weights lie in the file as float16, as a checkpoint has them: ONNX
    Runtime makes them float32 once, at load."""
    stored = graph.constant(f"{name}/weight/half", weight, np.float16)
    loaded = graph.add("Cast", [stored], f"{name}/weight", to=TensorProto.FLOAT)
    product = graph.add("MatMul", [x, loaded], f"{name}/product")
    return graph.add("Add", [product, graph.constant(f"{name}/bias", bias)], name)


@dataclass(frozen=True)
class _Normalised:
    """A layer norm's output: a tensor of the graph, times a gain, plus a shift, (width,) each."""

    name: str
    gain: np.ndarray
    shift: np.ndarray


Weights = Callable[[str], np.ndarray]


def _graph(network: MeanPoolingClassifier, products: _Products) -> _Graph:
    """The whole network."""
    state = {name: tensor.double().numpy() for name, tensor in network.state_dict().items()}
    config: Any = network.encoder.config
    graph = _Graph(labels=network.n_labels)
    epsilon = float(config.layer_norm_eps)

    def weights(name: str) -> np.ndarray:
        """A matrix with its inputs first, or a vector."""
        found: np.ndarray = state[f"encoder.{name}"].T
        return found

    def normalised(x: str, norm: str, name: str) -> _Normalised:
        found = graph.add("InstanceNormalization", [x, "ones", "zeros"], name, epsilon=epsilon)
        return _Normalised(found, weights(f"{norm}.weight"), weights(f"{norm}.bias"))

    x = normalised(_embedded(graph, state), "embeddings.LayerNorm", "embeddings/norm")
    means, heads, shifts = [], [], state["head.bias"].copy()
    width = int(config.hidden_size)
    for layer in range(int(config.num_hidden_layers)):
        place = f"encoder.layer.{layer}"
        added, residual = _attended(graph, x, weights, layer, int(config.num_attention_heads), products)
        x = normalised(
            graph.add("Add", [residual, added], f"{layer}/attention/sum"),
            f"{place}.attention.output.LayerNorm",
            f"{layer}/attention/norm",
        )
        added, residual = _fed_forward(graph, x, weights, layer, products)
        x = normalised(
            graph.add("Add", [residual, added], f"{layer}/sum"), f"{place}.output.LayerNorm", f"{layer}/norm"
        )
        for index in [i for i, pooled in enumerate(network.layers) if pooled == layer + 1]:
            head = state["head.weight"].T[index * width : (index + 1) * width]
            means.append(graph.add("ReduceMean", [x.name], f"{layer}/mean", axes=[1], keepdims=0))
            heads.append(head * x.gain[:, np.newaxis])
            shifts += x.shift @ head
    pooled = means[0] if len(means) == 1 else graph.add("Concat", means, "means", axis=-1)
    head = graph.constant("head/weight", np.concatenate(heads))
    graph.add("Gemm", [pooled, head, graph.constant("head/bias", shifts)], OUTPUT)
    return graph


def _embedded(graph: _Graph, state: Mapping[str, np.ndarray]) -> str:
    """Sum of the words', the positions' and the first token type's embeddings. The words' table, the largest
    thing of all, is held in int8 with a scale for each row."""
    place = "encoder.embeddings"
    words = state[f"{place}.word_embeddings.weight"]
    scales = np.maximum(np.abs(words).max(axis=1, keepdims=True) / 127, 1e-12)
    table = graph.constant("words", np.clip(np.rint(words / scales), -127, 127), np.int8)
    integers = graph.add("Gather", [table, INPUT], "embeddings/integers")
    scale = graph.add("Gather", [graph.constant("words/scales", scales), INPUT], "embeddings/scales")
    cast = graph.add("Cast", [integers], "embeddings/cast", to=TensorProto.FLOAT)
    word = graph.add("Mul", [cast, scale], "embeddings/words")
    positions = state[f"{place}.position_embeddings.weight"]
    positions = positions + state[f"{place}.token_type_embeddings.weight"][0]
    start = graph.constant("start", [0], np.int64)
    length = graph.add("Shape", [INPUT], "length", start=1, end=2)
    rows = [graph.constant("positions", positions, np.float16), start, length]
    half = graph.add("Slice", rows, "embeddings/positions/half")
    position = graph.add("Cast", [half], "embeddings/positions", to=TensorProto.FLOAT)
    # an InstanceNormalization takes a gain and a shift for each token: one and none
    for name, values in (("ones", np.ones(len(positions))), ("zeros", np.zeros(len(positions)))):
        graph.add("Slice", [graph.constant(f"all/{name}", values), start, length], name)
    return graph.add("Add", [word, position], "embeddings/sum")


def _attended(
    graph: _Graph, x: _Normalised, weights: Weights, layer: int, heads: int, products: _Products
) -> tuple[str, str]:
    """What a layer's attention adds, and what it adds it to; the shift of x is in the former."""
    place = f"encoder.layer.{layer}.attention"
    parts = {part: weights(f"{place}.self.{part}.weight") for part in ("query", "key", "value")}
    biases = {part: weights(f"{place}.self.{part}.bias") for part in parts}
    out = weights(f"{place}.output.dense.weight")
    by = products.divisors(f"{layer}/query", np.concatenate(list(parts.values()), axis=1))
    by_out = products.divisors(f"{layer}/attention/output", out)
    # each query's shares add up to 1, so that the value's bias goes through to the output
    through = (biases["value"] + x.shift @ parts["value"]) @ out
    if by_out is not None:
        parts["value"], out = parts["value"] / by_out, out * by_out[:, np.newaxis]
    offsets = {part: biases[part] + x.shift @ parts[part] for part in ("query", "key")}
    offsets["value"] = np.zeros(len(biases["value"]))
    residual, scaled = _divided(graph, x, by, f"{layer}/attention")
    factors = 1.0 if by is None else by[:, np.newaxis]
    three = [
        products.write(graph, f"{layer}/{part}", scaled, weight * factors, offsets[part], by)
        for part, weight in parts.items()
    ]
    context = graph.add(
        "MultiHeadAttention", three, f"{layer}/attention/context", domain=_CONTRIB, num_heads=heads
    )
    bias = weights(f"{place}.output.dense.bias") + through + x.shift
    return products.write(graph, f"{layer}/attention/output", context, out, bias, by_out), residual


def _fed_forward(
    graph: _Graph, x: _Normalised, weights: Weights, layer: int, products: _Products
) -> tuple[str, str]:
    """What a layer's feed-forward block adds, and what it adds it to; the shift of x is in the former."""
    place = f"encoder.layer.{layer}"
    first, last = weights(f"{place}.intermediate.dense.weight"), weights(f"{place}.output.dense.weight")
    by = products.divisors(f"{layer}/intermediate", first)
    residual, scaled = _divided(graph, x, by, f"{layer}/intermediate")
    bias = weights(f"{place}.intermediate.dense.bias") + x.shift @ first
    factors = 1.0 if by is None else by[:, np.newaxis]
    hidden = products.write(graph, f"{layer}/intermediate", scaled, first * factors, bias, by)
    hidden = graph.add("Gelu", [hidden], f"{layer}/gelu", domain=_CONTRIB)
    by = products.divisors(f"{layer}/output", last)
    if by is not None:
        last = last * by[:, np.newaxis]
        hidden = graph.add(
            "Mul", [hidden, graph.constant(f"{layer}/output/divided", 1 / by)], f"{layer}/gelu/scaled"
        )
    bias = weights(f"{place}.output.dense.bias") + x.shift
    return products.write(graph, f"{layer}/output", hidden, last, bias, by), residual


def _divided(graph: _Graph, x: _Normalised, by: np.ndarray | None, name: str) -> tuple[str, str]:
    """x without its shift, as it is added to what follows, and divided, as a product takes it."""
    residual = graph.add("Mul", [x.name, graph.constant(f"{name}/gain", x.gain)], f"{name}/residual")
    if by is None:
        return residual, residual
    gain = graph.constant(f"{name}/gain/divided", x.gain / by)
    return residual, graph.add("Mul", [x.name, gain], f"{name}/input")


def _observed(graph: _Graph, windows: Sequence[np.ndarray]) -> dict[str, Activations]:
    """What goes into each product of a float network, by the product's name."""
    watched = list(dict.fromkeys(graph.inputs_of_products.values()))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        graph.model(watched).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    tallies = {name: Tally() for name in watched}
    held: list[list[np.ndarray]] = []
    for number, ids in enumerate(windows, start=1):
        held.append([found[0] for found in session.run(watched, {INPUT: ids[np.newaxis]})])
        if number == len(windows) or sum(len(found[0]) for found in held) >= _TOKENS:
            for index, name in enumerate(watched):
                tallies[name].add(np.concatenate([found[index] for found in held]))
            held = []
    seen = {name: tally.activations() for name, tally in tallies.items()}
    return {product: seen[name] for product, name in graph.inputs_of_products.items()}
