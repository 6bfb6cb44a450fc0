"""Every way of running a model version, by name, and which of them run on this machine."""

import importlib.util
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from toxicity_ml.errors import BackendUnavailable

if TYPE_CHECKING:
    from toxicity_ml.inference.backends import Backend, DType

VARIANTS = {
    "onnx-int8": "model.onnx, as it is served",
    "onnx-fp32": "model.safetensors in float32, exported to ONNX for the occasion",
    "torch-fp32": "model.safetensors in torch",
    "torch-bf16": "the same in bfloat16",
    "torch-fp32-compiled": "through torch.compile, which takes a minute or two first",
    "torch-bf16-compiled": "the same in bfloat16",
    "cuda-fp16": "model.safetensors in float16 on a CUDA device",
    "cuda-fp16-compiled": "the same through torch.compile",
}
"""Name: what it runs."""
DEFAULT = ("onnx-int8", "onnx-fp32", "torch-fp32", "torch-bf16", "cuda-fp16", "cuda-fp16-compiled")
"""All but those that are compiled for a CPU."""
_DTYPES: "dict[str, DType]" = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


def runnable(names: Sequence[str] = DEFAULT) -> tuple[list[str], list[str]]:
    """Return the names that run on this machine, and a note on each thing that others lack."""
    notes = []
    has_torch = all(importlib.util.find_spec(name) for name in ("torch", "transformers"))
    if not has_torch:
        notes.append("torch and transformers are not installed here: only onnx-int8 runs")
        return [name for name in names if name == "onnx-int8"], notes
    import torch

    if torch.cuda.is_available():
        return list(names), notes
    notes.append("no CUDA device here")
    return [name for name in names if not is_on_cuda(name)], notes


def is_on_cuda(name: str) -> bool:
    return name.startswith("cuda")


def open_backend(name: str, directory: str | Path, threads: Sequence[int] = (1,)) -> "dict[int, Backend]":
    """The backend of that name for each number of cores that one run may use.

    In torch that number holds for the process and is set with torch.set_num_threads; the entries are then one
    and the same object. Raises ValueError for an unknown name, BackendUnavailable where it does not run here,
    ModelNotFound or ModelDamaged for the directory.
    """
    if name not in VARIANTS:
        raise ValueError(f"{name} is no backend. There are: {', '.join(VARIANTS)}.")
    found, notes = runnable([name])
    if not found:
        raise BackendUnavailable(f"{name} does not run on this machine: {notes[0]}.")
    if name == "onnx-int8":
        from toxicity_ml.inference.backends.onnx import OnnxBackend

        return {count: OnnxBackend(directory, threads=count) for count in threads}
    if name == "onnx-fp32":
        return _float_onnx(Path(directory), threads)
    from toxicity_ml.inference.backends.torch import TorchBackend

    device, dtype, *compiled = name.split("-")
    backend = TorchBackend(
        directory, "cuda" if device == "cuda" else "cpu", _DTYPES[dtype], compile=bool(compiled)
    )
    return dict.fromkeys(threads, backend)


def _float_onnx(directory: Path, threads: Sequence[int]) -> "dict[int, Backend]":
    from toxicity_ml.inference.backends.onnx import OnnxBackend
    from toxicity_ml.network import load_model
    from toxicity_ml.publishing.export import write_float

    with tempfile.TemporaryDirectory(prefix="onnx-fp32-") as scratch:
        write_float(load_model(directory, attention="eager"), Path(scratch) / "model.onnx")
        return {count: OnnxBackend(scratch, threads=count) for count in threads}
