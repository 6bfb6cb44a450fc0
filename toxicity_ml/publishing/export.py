"""Turns a checkpoint into the ONNX network that is served, int8 mostly, and refuses one that strays from what
was trained."""

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from toxicity_ml.activations import sigmoid, softmax
from toxicity_ml.errors import DataError, ExportRefused
from toxicity_ml.inference.backends.onnx import INPUT, OUTPUT, OnnxBackend
from toxicity_ml.inference.windows import MAX_LENGTH, STRIDE, WindowEncoder
from toxicity_ml.labels import MULTI_LABEL, SINGLE_LABEL
from toxicity_ml.manifest import FLOAT32, INT8
from toxicity_ml.network import MeanPoolingClassifier, load_model, saved_symbols_in_words, saved_task
from toxicity_ml.publishing.fused import FusedNetwork, can_be_fused
from toxicity_ml.publishing.quantisation import WINDOWS, InFloat, quantise
from toxicity_ml.window_pooling import WINDOW_TEMPERATURE, pool_windows

MAX_MEAN_DIFFERENCE = 0.003
"""Mean |int8 - float32| over all probabilities."""
MAX_MEAN_DIFFERENCE_UNSURE = 0.015
"""The same over those between 0.05 and 0.95 in float32."""
MAX_CLASS_DIFFERENCE, MAX_CLASS_DIFFERENCE_UNSURE = 0.015, 0.04
"""The same limits for one of several classes: few of its probabilities are near 0, and each comes from the
difference of logits, whose errors add up."""
MAX_FLAGS_CHANGED = 0.02
"""Share of flags (probability of at least FLAG in either network) that only one of the two raises; for one of
several classes the share of texts whose likeliest class changes. So many are allowed in any case, as a matter
of chance:"""
FEW_FLAGS_CHANGED = 2
FLAG = 0.5
MAX_FLOAT_DIFFERENCE = 0.001
"""Largest |ONNX - torch| of a probability where both compute in float32."""

_OPSET = 17

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parity:
    """How far the served network is from the trained one over texts, windows included, uncalibrated."""

    texts: int
    mean_difference: float
    """Mean |int8 - float32| of the probabilities."""
    mean_difference_unsure: float
    """The same where float32 says 0.05 to 0.95; 0 where it never does."""
    largest_difference: float
    flags: int
    """Text-label pairs with a probability of at least FLAG in either network; the texts, for one of several
    classes."""
    flags_changed: int
    """Those of them that one of the two does not raise; texts whose likeliest class changes."""
    task: str = MULTI_LABEL
    left_in_float: str = InFloat.ENDS.value
    """Of which layers the product that ends the feed-forward block is not in int8."""
    precision: str = INT8

    def objections(self) -> list[str]:
        """A sentence for each figure that is over its limit."""
        if self.precision == FLOAT32:
            return self.objections_to_the_largest(MAX_FLOAT_DIFFERENCE)
        most, most_unsure = MAX_MEAN_DIFFERENCE, MAX_MEAN_DIFFERENCE_UNSURE
        if self.task == SINGLE_LABEL:
            most, most_unsure = MAX_CLASS_DIFFERENCE, MAX_CLASS_DIFFERENCE_UNSURE
        complaints = []
        if not self.mean_difference <= most:
            complaints.append(f"mean difference {self.mean_difference:.4f} is over {most}")
        if not self.mean_difference_unsure <= most_unsure:
            complaints.append(
                f"mean difference between 0.05 and 0.95 {self.mean_difference_unsure:.4f} is over "
                f"{most_unsure}"
            )
        if self.flags_changed > max(FEW_FLAGS_CHANGED, MAX_FLAGS_CHANGED * self.flags):
            complaints.append(
                f"{self.flags_changed} of {self.flags} flags changed, over {MAX_FLAGS_CHANGED:.0%}"
            )
        return complaints

    def objections_to_the_largest(self, limit: float | None) -> list[str]:
        """A sentence where any probability differs by more; none for a limit of None."""
        if limit is None or self.largest_difference <= limit:
            return []
        return [f"largest difference {self.largest_difference:.4f} is over {limit}"]


def export_onnx(
    checkpoint_dir: Path,
    out_dir: Path,
    sample_texts: Sequence[str],
    *,
    max_length: int = MAX_LENGTH,
    stride: int = STRIDE,
    both_forms: bool = True,
    precision: str = INT8,
    largest: float | None = None,
) -> dict[str, Any]:
    """Write ``out_dir``/model.onnx; returns its parity with the checkpoint's network in torch.

    checkpoint_dir: config.json, model.safetensors and tokenizer.json, as training writes them. Dynamic
    quantisation, per channel, weights in seven bits (so that sums do not overflow where the processor lacks
    VNNI), embeddings included. When ``Parity.objections`` finds any, more of the network stays in float,
    which is slower; when it still does, this raises ExportRefused, and nothing is written.

    both_forms: False where disguised words are not undone. precision: ``float32`` leaves all of it in float,
    within MAX_FLOAT_DIFFERENCE. largest: refuse also where any probability differs by more.
    """
    checkpoint_dir, out_dir = Path(checkpoint_dir), Path(out_dir)
    network = load_model(checkpoint_dir, attention="eager").eval()
    one_of_several = saved_task(checkpoint_dir) == SINGLE_LABEL
    encoder = WindowEncoder(
        checkpoint_dir,
        max_length,
        stride,
        both_forms=both_forms and not one_of_several,
        symbols_in_words=saved_symbols_in_words(checkpoint_dir),
    )
    samples = [readings for readings in map(encoder.readings, sample_texts) if readings]
    if not samples:
        raise DataError(
            "Export needs texts with words in them, to compare the int8 network with the trained one."
        )
    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out_dir, prefix=".export-") as scratch:
        full, small = Path(scratch) / "float32.onnx", Path(scratch) / "model.onnx"
        spread = [readings[0][0][0] for readings in samples[:: max(1, len(samples) // WINDOWS)]]
        for in_float, write in _forms(network, full, spread, precision):
            write(small)
            measured = measure_parity(network, OnnxBackend(scratch), samples, saved_task(checkpoint_dir))
            parity = replace(measured, left_in_float=in_float.value, precision=precision)
            objections = "; ".join([*parity.objections(), *parity.objections_to_the_largest(largest)])
            if not objections:
                small.replace(out_dir / "model.onnx")
                return asdict(parity)
            logger.warning("In %s the network strays from the trained one: %s.", precision, objections)
    raise ExportRefused(f"The {precision} network of {checkpoint_dir} is not the trained one: {objections}.")


def _forms(
    network: nn.Module, full: Path, windows: Sequence[np.ndarray], precision: str
) -> Iterator[tuple[InFloat, Callable[[Path], None]]]:
    """The forms that a network can be served in, the fastest first: which products are in float, and what
    writes it to a path. full: where a float network can lie meanwhile."""
    if precision != INT8:
        yield InFloat.ALL, lambda path: write_float(network, path)
    elif can_be_fused(network):
        fused = FusedNetwork(cast(MeanPoolingClassifier, network), windows)
        for in_float in InFloat:
            yield in_float, partial(fused.write, in_float=in_float)
    else:
        write_float(network, full)
        for in_float in (InFloat.ENDS, InFloat.ALL):
            yield in_float, partial(quantise, full, windows=windows, in_float=in_float)


def measure_parity(
    network: nn.Module,
    backend: OnnxBackend,
    samples: Sequence[list[tuple[list[np.ndarray], int]]],
    task: str = MULTI_LABEL,
) -> Parity:
    """Score each text, given as the windows of its readings, with both networks, and pool the windows as they
    are when served."""
    probabilities = softmax if task == SINGLE_LABEL else sigmoid

    def pooled(
        readings: list[tuple[list[np.ndarray], int]], run: Callable[[np.ndarray], np.ndarray]
    ) -> np.ndarray:
        logits = [(np.stack([run(ids) for ids in windows]), count) for windows, count in readings]
        return pool_windows(logits, task, WINDOW_TEMPERATURE)

    with torch.inference_mode():
        trained = [pooled(readings, lambda ids: _run_float(network, ids)) for readings in samples]
    served = [pooled(readings, backend.run) for readings in samples]
    expected, quantised = probabilities(np.array(trained)), probabilities(np.array(served))
    difference = np.abs(expected - quantised)
    unsure = (expected > 0.05) & (expected < 0.95)
    flags, found_flags = expected >= FLAG, quantised >= FLAG
    raised, changed = int((flags | found_flags).sum()), int((flags != found_flags).sum())
    if task == SINGLE_LABEL:
        raised, changed = len(samples), int((expected.argmax(axis=1) != quantised.argmax(axis=1)).sum())
    return Parity(
        texts=len(samples),
        mean_difference=float(difference.mean()),
        mean_difference_unsure=float(difference[unsure].mean()) if unsure.any() else 0.0,
        largest_difference=float(difference.max()),
        flags=raised,
        flags_changed=changed,
        task=task,
    )


def _run_float(network: nn.Module, ids: np.ndarray) -> np.ndarray:
    row = torch.from_numpy(ids).unsqueeze(0)
    logits: np.ndarray = network(row, torch.ones_like(row))[0].numpy()
    return logits


class _OneText(nn.Module):
    """The network for one unpadded text: every token counts, so the mask is not an input."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor) -> Tensor:
        logits: Tensor = self.network(input_ids, torch.ones_like(input_ids))
        return logits


def write_float(network: nn.Module, path: Path) -> None:
    """Write the network in float32 as ONNX: one unpadded text of any length in, its logits out.

    network: from ``load_model`` with eager attention, in evaluation mode.
    """
    # The exporter by tracing: its graph is the smaller, and onnxruntime fuses it at load. Fusing attention
    # before quantisation (onnxruntime.transformers) came out 5 to 10 % slower in int8.
    example = torch.ones((1, 16), dtype=torch.long)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _OneText(network).eval(),
            (example,),
            str(path),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {1: "length"}},
            opset_version=_OPSET,
            dynamo=False,
        )
