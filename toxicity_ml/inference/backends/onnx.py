"""The int8 network on ONNX Runtime, for CPUs; and the same weights in float for processors that get int8
wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from toxicity_ml.errors import ModelDamaged, ModelNotFound

if TYPE_CHECKING:
    import onnx

INPUT = "input_ids"
OUTPUT = "logits"


class OnnxBackend:
    """One session, with one thread inside it when it serves: parallel runs come from the caller's threads,
    each its own text.

    A batch would make a score depend on its neighbours (the activations of a run share one quantisation
    scale) and is no faster on CPU, so the network takes one text at a time.
    """

    def __init__(self, directory: str | Path, *, dequantised: bool = False, threads: int = 1) -> None:
        """Load model.onnx. dequantised: compute in float32 with the same int8 weights; needs the onnx
        package. threads: cores that one run may use.

        Raises ModelNotFound or ModelDamaged, naming the file.
        """
        self.is_dequantised = dequantised
        path = Path(directory) / "model.onnx"
        if not path.is_file():
            raise ModelNotFound(f"{path} is missing. Give a model version's directory, or publish one there.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                _float_model(path) if dequantised else str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's exceptions share no other base
            if isinstance(error, ModelDamaged):
                raise
            raise ModelDamaged(
                f"{path} is not a model that ONNX Runtime loads. Fetch or publish it again."
            ) from error
        names = (
            [entry.name for entry in self._session.get_inputs()],
            [e.name for e in self._session.get_outputs()],
        )
        if names != ([INPUT], [OUTPUT]):
            raise ModelDamaged(
                f"{path} is another network: {INPUT} in and {OUTPUT} out are expected, not {names}."
            )

    def run(self, ids: np.ndarray) -> np.ndarray:
        """ids: int64 (length,), special tokens included. Returns logits, float32 (n_labels,)."""
        logits: np.ndarray = self._session.run([OUTPUT], {INPUT: ids[np.newaxis]})[0][0]
        return logits


def _float_model(path: Path) -> bytes:
    """model.onnx with every integer product replaced by a float one over the dequantised weights,
    serialised."""
    try:
        import onnx
    except ImportError as error:
        raise ModelDamaged(
            f"{path} gives wrong scores in this processor's int8 arithmetic, and serving it in "
            "float needs the onnx package: pip install onnx."
        ) from error
    model = onnx.load(str(path))
    dequantise(model)
    content: bytes = model.SerializeToString()
    return content


def dequantise(model: onnx.ModelProto) -> None:
    """Rewrite a dynamically quantised graph in place.

    Each ``MatMulInteger(DynamicQuantizeLinear(x), W) -> Cast -> Mul(scales)`` becomes ``MatMul(x, W')`` with
    W' = (W - zero point) * scale, scale per column; each ``DynamicQuantizeMatMul(x, W, scale, zero point,
    bias)`` the same and an ``Add``. Embeddings stay int8: looking them up is exact on any
    processor.
    """
    from onnx import helper, numpy_helper

    graph = model.graph
    weights = {entry.name: entry for entry in graph.initializer}
    maker = {output: node for node in graph.node for output in node.output}
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    made: dict[str, str] = {}
    replaced: dict[str, list[onnx.NodeProto]] = {}

    def in_float(weight_name: str, scale_name: str, zero_name: str) -> str:
        """The name of the weights as floats, which are made at the first call."""
        if weight_name not in made:
            integers = numpy_helper.to_array(weights[weight_name]).astype(np.float32)
            zeros = numpy_helper.to_array(weights[zero_name]).astype(np.float32)
            values = (integers - zeros) * numpy_helper.to_array(weights[scale_name])
            made[weight_name] = f"{weight_name}_dequantised"
            graph.initializer.append(numpy_helper.from_array(values, made[weight_name]))
        return made[weight_name]

    removed: set[str] = set()
    for node in graph.node:
        if node.op_type == "DynamicQuantizeMatMul":
            x, weight_name, scale_name, zero_name, bias = node.input
            product = f"{node.name}_product"
            replaced[node.output[0]] = [
                helper.make_node(
                    "MatMul", [x, in_float(weight_name, scale_name, zero_name)], [product], name=product
                ),
                helper.make_node("Add", [product, bias], list(node.output), name=f"{node.name}_float"),
            ]
        if node.op_type != "MatMulInteger":
            continue
        (cast,) = users[node.output[0]]
        (rescale,) = users[cast.output[0]]
        (scales_name,) = [name for name in rescale.input if name != cast.output[0]]
        scales = maker[scales_name]
        quantise = maker[node.input[0]]
        (scale_name,) = [name for name in scales.input if name != quantise.output[1]]
        matrix = in_float(node.input[1], scale_name, node.input[3])
        replaced[rescale.output[0]] = [
            helper.make_node(
                "MatMul", [quantise.input[0], matrix], list(rescale.output), name=f"{node.name}_float"
            )
        ]
        removed.update((node.output[0], cast.output[0], scales.output[0], quantise.output[0]))
    kept = [
        new
        for node in graph.node
        if node.output[0] not in removed
        for new in replaced.get(node.output[0], [node])
    ]
    del graph.node[:]
    graph.node.extend(kept)
    used = {name for node in kept for name in node.input}
    initializers = [entry for entry in graph.initializer if entry.name in used]
    del graph.initializer[:]
    graph.initializer.extend(initializers)
