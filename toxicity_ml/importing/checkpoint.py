"""Opens a checkpoint directory of transformers: weights as safetensors alone, and no code of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from toxicity_ml.activations import sigmoid, softmax
from toxicity_ml.errors import DataError, ModelDamaged, ModelNotFound
from toxicity_ml.labels import SINGLE_LABEL
from toxicity_ml.manifest import file_sha256

FAMILIES = {
    "bert": "BERT",
    "roberta": "RoBERTa",
    "distilbert": "DistilBERT",
    "xlm-roberta": "XLM-R",
    "electra": "ELECTRA",
    "mpnet": "MPNet",
}
"""Families of networks that are imported, by the ``model_type`` of their configuration."""
LONGEST = 512
"""Tokens of a window at most: longer ones take more time than they tell."""
MOST_PARAMETERS = 500_000_000
"""An ONNX file holds two gigabytes."""
MOST_LAYERS = 100
"""Each is made in memory before any weight is read."""
WHOLE = "model.safetensors"
"""The weights in one file; larger ones are parted, by an index."""
_COUNTED_FROM_PADDING = ("roberta", "xlm-roberta", "mpnet")
"""Their positions begin after that of the padding token."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint as transformers itself runs it."""

    directory: Path
    family: str
    """A key of FAMILIES."""
    names: tuple[str, ...]
    """Its outputs, in their order."""
    problem_type: str | None
    max_length: int
    """Tokens that it reads of a text, special ones included, at most LONGEST."""
    model: Any
    tokenizer: Any
    sha256: dict[str, str]
    """Of each file with weights."""

    def scores(self, texts: Sequence[str], task: str) -> np.ndarray:
        """Its own scores, float (n_texts, n_outputs): each text by itself, cut to ``max_length``."""
        rows = []
        with torch.inference_mode():
            for text in texts:
                encoded = self.tokenizer(
                    text, truncation=True, max_length=self.max_length, return_tensors="pt"
                )
                rows.append(self.model(**encoded).logits[0].double().numpy())
        return (softmax if task == SINGLE_LABEL else sigmoid)(np.array(rows))

    def token_ids(self, text: str) -> list[int]:
        """The tokens that it reads of a text, special ones included."""
        ids: list[int] = self.tokenizer(text, truncation=True, max_length=self.max_length)["input_ids"]
        return ids


def open_checkpoint(directory: Path, longest: int | None = None) -> Checkpoint:
    """Load a checkpoint and its tokenizer in float32 on the CPU, from the directory alone.

    longest: tokens that are read of a text; None: as many as it was made for. Raises ModelNotFound or
    ModelDamaged, naming the file, and DataError for one that is not imported: weights that are not
    safetensors, code of its own, another family, no classification head.
    """
    config = _configuration(directory)
    _refuse_what_loads_other_files(directory, config)
    family = str(config.get("model_type"))
    if family not in FAMILIES:
        raise DataError(
            f"{directory / 'config.json'} is of the family {family}; imported are "
            f"{', '.join(FAMILIES.values())}."
        )
    weights = _weights(directory)
    _refuse_what_is_too_large(config)
    try:
        model, told = AutoModelForSequenceClassification.from_pretrained(
            str(directory),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
            dtype=torch.float32,
        )
        tokenizer = AutoTokenizer.from_pretrained(
            str(directory), local_files_only=True, trust_remote_code=False, use_fast=True
        )
        _ = tokenizer.backend_tokenizer
    except Exception as error:  # transformers and safetensors raise many types, the Rust sides their own
        raise ModelDamaged(
            f"{directory} can't be loaded by transformers ({type(error).__name__}): are config.json, the "
            "weights and the tokenizer's files whole, and of one model?"
        ) from error
    missing = sorted(told["missing_keys"])
    if missing or told["mismatched_keys"]:
        raise DataError(
            f"{directory} lacks weights of a classifier, {missing[0] if missing else 'of another shape'} "
            "first: it is an encoder, or made for something else. Fine-tune it with `train --base`."
        )
    size = sum(parameter.numel() for parameter in model.parameters())
    if size > MOST_PARAMETERS:
        raise DataError(
            f"It has {size / 1e6:.0f} million parameters; {MOST_PARAMETERS / 1e6:.0f} can be exported."
        )
    return Checkpoint(
        directory=directory,
        family=family,
        names=tuple(model.config.id2label[place] for place in range(model.config.num_labels)),
        problem_type=model.config.problem_type,
        max_length=_max_length(model.config, tokenizer, family, longest),
        model=model.eval(),
        tokenizer=tokenizer,
        sha256={path.name: file_sha256(path) for path in weights},
    )


def _configuration(directory: Path) -> dict[str, Any]:
    path = directory / "config.json"
    if not path.is_file():
        raise ModelNotFound(f"{path} is missing: name the directory of a checkpoint of transformers.")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise ModelDamaged(f"{path} is not a model configuration.") from error
    if not isinstance(config, dict):
        raise ModelDamaged(f"{path} is not a model configuration.")
    if config.get("auto_map"):
        raise DataError(f"{path} names code of the checkpoint's own (auto_map), which is never run.")
    return config


def _refuse_what_loads_other_files(directory: Path, config: Mapping[str, Any]) -> None:
    """Raise DataError for what has transformers read weights elsewhere than this module looks for them."""
    adapters = sorted(path.name for path in directory.glob("adapter_*"))
    if adapters:
        raise DataError(
            f"{directory / adapters[0]} makes it an adapter, which brings the weights of another one: "
            "merge both with peft's `merge_and_unload()`, and save the whole."
        )
    if config.get("transformers_weights"):
        raise DataError(
            f"{directory / 'config.json'} names files for its weights (transformers_weights): save it by "
            "`model.save_pretrained(...)`."
        )


def _refuse_what_is_too_large(config: Mapping[str, Any]) -> None:
    """Raise DataError by the sizes that a configuration claims, before anything is made as large as that.

    A text of a few lines could take all memory otherwise, whatever its weights hold.
    """
    sizes = dict.fromkeys(("vocab_size", "hidden_size", "layers", "intermediate_size", "positions"), 0)
    names = {
        **{"num_hidden_layers": "layers", "n_layers": "layers", "dim": "hidden_size"},
        **{"hidden_dim": "intermediate_size", "max_position_embeddings": "positions"},
    }
    for name, value in config.items():
        size = names.get(name, name)
        if size in sizes and isinstance(value, int):
            sizes[size] = max(sizes[size], value)
    hidden, outputs = sizes["hidden_size"], len(config.get("id2label") or ())
    of_a_layer = 4 * hidden**2 + 2 * hidden * sizes["intermediate_size"]
    claimed = hidden * (sizes["vocab_size"] + sizes["positions"] + outputs) + sizes["layers"] * of_a_layer
    if claimed > MOST_PARAMETERS or sizes["layers"] > MOST_LAYERS:
        raise DataError(
            f"It has {claimed / 1e6:.0f} million parameters in {sizes['layers']} layers; "
            f"{MOST_PARAMETERS / 1e6:.0f} in {MOST_LAYERS} can be exported."
        )


def _weights(directory: Path) -> list[Path]:
    """The files with weights. Raises DataError where there are only such that would have to be unpickled."""
    whole = directory / WHOLE
    if whole.is_file():
        return [whole]
    index = directory / f"{WHOLE}.index.json"
    if index.is_file():
        return _parts(index)
    pickled = (".bin", ".pt", ".pth", ".ckpt")
    pickles = sorted(path.name for path in directory.iterdir() if path.suffix in pickled)
    if pickles:
        raise DataError(
            f"{directory} has its weights in {pickles[0]} alone. That is a pickle, which can run any code "
            "when it is read, so it is refused: convert it to safetensors where you trust it, with "
            "`model.save_pretrained(...)` of transformers."
        )
    raise ModelNotFound(f"{directory / WHOLE} is missing.")


def _parts(index: Path) -> list[Path]:
    """The files that an index names. Raises DataError for one that is no safetensors file beside it."""
    try:
        names = sorted(
            {str(name) for name in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
        )
    except (ValueError, OSError, RecursionError, TypeError, KeyError, AttributeError) as error:
        raise ModelDamaged(f"{index} is not an index of weights.") from error
    for name in names:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise DataError(
                f"{index} names {name}, which is no safetensors file beside it: such a file can run any code "
                "when it is read, so it is refused."
            )
        if not (index.parent / name).is_file():
            raise ModelNotFound(f"{index.parent / name} is missing.")
    if not names:
        raise ModelDamaged(f"{index} names no file.")
    return [index.parent / name for name in names]


def _max_length(config: Any, tokenizer: Any, family: str, longest: int | None) -> int:
    positions = int(config.max_position_embeddings)
    if family in _COUNTED_FROM_PADDING:
        positions -= int(config.pad_token_id) + 1
    made_for = min(positions, int(tokenizer.model_max_length), LONGEST)
    if longest is not None and not 8 <= longest <= made_for:
        raise DataError(f"It reads 8 to {made_for} tokens of a text, not {longest}.")
    return longest or made_for
