"""One network from several that were fine-tuned from the same base: the average of their weights, which often
does better than each and costs no more to serve (model soups, Wortsman et al. 2022)."""

import json
import math
import shutil
from collections.abc import Sequence
from pathlib import Path

from toxicity_ml.errors import DataError
from toxicity_ml.manifest import Manifest

_SAME = ("labels", "task", "base_model")


def merge_weights(versions: Sequence[Path], shares: Sequence[float], out: Path) -> Path:
    """Write a checkpoint into the folder ``out`` whose weights are those of ``versions``, averaged.

    versions: at least two model version directories of the same base model, labels and task. shares: how much
    each counts, over 0; they are divided by their sum. Returns ``out``. Raises DataError where they can't be
    averaged, ModelNotFound or ModelDamaged for a directory.
    """
    import torch
    from safetensors.torch import load_file, save_file

    if len(versions) < 2 or len(versions) != len(shares):
        raise DataError("Merging takes two versions or more, and a share for each.")
    if not all(share > 0 and math.isfinite(share) for share in shares):
        raise DataError("Every share must be over 0.")
    manifests = [Manifest.load(directory) for directory in versions]
    for manifest, directory in zip(manifests, versions, strict=True):
        manifest.verify(directory)
        for name in _SAME:
            if getattr(manifest, name) != getattr(manifests[0], name):
                raise DataError(f"{directory} has another {name.replace('_', ' ')} than {versions[0]}.")
    total: dict[str, torch.Tensor] = {}
    kinds: dict[str, torch.dtype] = {}
    for directory, share in zip(versions, shares, strict=True):
        weights = load_file(directory / "model.safetensors")
        shapes = {name: tensor.shape for name, tensor in weights.items()}
        if total and shapes != {name: tensor.shape for name, tensor in total.items()}:
            raise DataError(f"{directory} has another network than {versions[0]}.")
        for name, tensor in weights.items():
            part = tensor.double() * (share / sum(shares))
            total[name] = total[name] + part if name in total else part
            kinds.setdefault(name, tensor.dtype)
    out.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: tensor.to(kinds[name]).contiguous() for name, tensor in total.items()},
        out / "model.safetensors",
    )
    for file in ("config.json", "tokenizer.json"):
        shutil.copyfile(versions[0] / file, out / file)
    return out


def origin(versions: Sequence[Path], shares: Sequence[float]) -> dict[str, object]:
    """What the manifest of a merged version says of how it was made: each part's share and training."""
    parts = [Manifest.load(directory) for directory in versions]
    return {
        "merged": [
            {
                "version": f"{part.name}@{part.version}",
                "share": round(share / sum(shares), 4),
                "training": json.loads(json.dumps(part.training)),
            }
            for part, share in zip(parts, shares, strict=True)
        ]
    }
