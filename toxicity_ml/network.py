"""The classifier network: a transformer encoder, pooling, dropout and a linear head.

Pooling is by default the mean of the token states, as the base encoder was trained (Reimers & Gurevych 2019,
section 3), because through BERT's pooler the six logits collapse to nearly one dimension.
"""

import importlib.util
import inspect
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel, AutoTokenizer

from toxicity_ml.base_models import BASE_WHEELS, DEFAULT_POOLING
from toxicity_ml.errors import ModelDamaged, ModelNotFound
from toxicity_ml.labels import MULTI_LABEL

FIRST_TOKEN: dict[str, Callable[[Tensor], Tensor]] = {
    "first:tanh": torch.tanh,
    "first:relu": torch.relu,
    "first:gelu": functional.gelu,
}
"""A dense layer and this activation over the first token's state: the head of RoBERTa, XLM-R and MPNet
(tanh), of DistilBERT (relu) and of ELECTRA (gelu) in transformers."""

logger = logging.getLogger(__name__)


class MeanPoolingClassifier(nn.Module):
    """Encoder, pooling, dropout, linear: token ids in, one logit per label out.

    pooling: ``mean`` of the last layer's token states; ``mean:3,6``, the means of these layers side by side
    (layers count from 1); ``pooler``, BERT's dense layer over the first token (Devlin et al. 2019); or one of
    FIRST_TOKEN.

    kept: of a head that was trained by softmax, the classes that are labels. Their logits are then log-odds
    against all other classes, so that the sigmoid of one is its share of the softmax.
    """

    def __init__(
        self,
        encoder: nn.Module,
        n_labels: int,
        dropout: float = 0.1,
        pooling: str = DEFAULT_POOLING,
        *,
        kept: Sequence[int] | None = None,
    ) -> None:
        """n_labels: outputs of the head, of which only those in ``kept`` are labels where that is given.

        Raises ValueError for a pooling that is not known.
        """
        super().__init__()
        self.encoder = encoder
        self.pooling = pooling
        self.kept = None if kept is None else tuple(kept)
        depth = int(encoder.config.num_hidden_layers)  # type: ignore[union-attr, arg-type]
        self.layers = pooled_layers(pooling, depth)
        self.pools_hidden_layers = self.layers not in ((), (depth,))
        self.dropout = nn.Dropout(dropout)
        width = int(encoder.config.hidden_size)  # type: ignore[union-attr, arg-type]
        self.projection = nn.Linear(width, width) if pooling in FIRST_TOKEN else None
        self.head = nn.Linear(width * max(1, len(self.layers)), n_labels)

    @property
    def n_labels(self) -> int:
        """How many labels come out."""
        return self.head.out_features if self.kept is None else len(self.kept)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
    ) -> Tensor:
        """input_ids, attention_mask: int64 (n, length); or inputs_embeds, float (n, length, width), in the
        place of input_ids. Returns logits, float (n, n_labels)."""
        logits: Tensor = self.head(self.dropout(self.pooled(input_ids, attention_mask, inputs_embeds)))
        return logits if self.kept is None else against_the_rest(logits, self.kept)

    def pooled(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
    ) -> Tensor:
        """What the head sees: float (n, head width)."""
        outputs = self.encoder(
            input_ids=input_ids,
            attention_mask=attention_mask,
            inputs_embeds=inputs_embeds,
            output_hidden_states=self.pools_hidden_layers,
        )
        if self.pooling == "pooler":
            return outputs.pooler_output  # type: ignore[no-any-return]
        if self.projection is not None:
            return FIRST_TOKEN[self.pooling](self.projection(outputs[0][:, 0]))
        hidden = self.pools_hidden_layers
        states = [outputs.hidden_states[layer] for layer in self.layers] if hidden else [outputs[0]]
        if attention_mask is None:
            return torch.cat([state.mean(dim=1) for state in states], dim=-1)
        mask = attention_mask.unsqueeze(-1).to(states[0].dtype)
        count = mask.sum(dim=1).clamp_min(1.0)
        return torch.cat([(state * mask).sum(dim=1) / count for state in states], dim=-1)


def against_the_rest(logits: Tensor, classes: Sequence[int]) -> Tensor:
    """Turn logits of a softmax, (n, n_classes), into log-odds of these classes against all others,
    log(p / (1 - p)) of their shares p, float (n, len(classes))."""
    odds = [
        logits[:, place] - torch.cat([logits[:, :place], logits[:, place + 1 :]], dim=1).logsumexp(dim=1)
        for place in classes
    ]
    return torch.stack(odds, dim=1)


def pooled_layers(pooling: str, depth: int) -> tuple[int, ...]:
    """The layers whose means are pooled, none for ``pooler`` and FIRST_TOKEN. Raises ValueError for another
    pooling."""
    if pooling == "pooler" or pooling in FIRST_TOKEN:
        return ()
    if pooling == "mean":
        return (depth,)
    name, _, numbers = pooling.partition(":")
    layers = tuple(int(number) for number in numbers.split(",") if number.strip().isdigit())
    if name != "mean" or len(layers) != numbers.count(",") + 1 or not all(0 < n <= depth for n in layers):
        raise ValueError(
            f"The pooling {pooling!r} is none of: mean, pooler, {', '.join(FIRST_TOKEN)}, mean:LAYER,LAYER "
            f"with layers 1 to {depth}."
        )
    return layers


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
    base: str,
    labels: Sequence[str],
    dropout: float = 0.1,
    *,
    pooling: str = DEFAULT_POOLING,
    task: str = MULTI_LABEL,
    encoder_dropout: float | None = None,
    attention: str = "sdpa",
) -> tuple[MeanPoolingClassifier, Tokenizer]:
    """A classifier with a fresh head on a base encoder (hub name or directory), and its tokenizer.

    dropout: before the head. encoder_dropout: inside the encoder, of states and attention; None: as the base
    has it. attention: transformers' implementation, ``sdpa`` or ``eager``.
    Raises ModelNotFound when the base can be had from nowhere.
    """
    where = base_directory(base)
    try:
        config = _with_encoder_dropout(AutoConfig.from_pretrained(where), encoder_dropout)
        encoder = AutoModel.from_pretrained(
            where,
            config=config,
            dtype=torch.float32,
            attn_implementation=_attention(config, attention),
            **_pooling_layer(config, pooling),
        )
        tokenizer = AutoTokenizer.from_pretrained(where, use_fast=True).backend_tokenizer
    except (OSError, ValueError) as error:
        hint = f" or install {BASE_WHEELS[base][0].replace('_', '-')}" if base in BASE_WHEELS else ""
        raise ModelNotFound(
            f"The base encoder {base} is no directory, and the hub does not give it; name a directory{hint}."
        ) from error
    model = MeanPoolingClassifier(encoder, len(labels), dropout, pooling)
    encoder.config.update(label_config(labels, dropout, pooling, task))
    return model, unbounded(tokenizer)


def unbounded(tokenizer: Tokenizer) -> Tokenizer:
    """The same tokenizer without truncation and padding: windows are cut by the classifier, not by it."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def save_model(
    model: MeanPoolingClassifier,
    tokenizer: Tokenizer,
    directory: Path,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write config.json, model.safetensors (in that type) and tokenizer.json."""
    directory.mkdir(parents=True, exist_ok=True)
    config: dict[str, Any] = model.encoder.config.to_dict()  # type: ignore[union-attr, operator]
    config.pop("_name_or_path", None)  # where the base lay on the machine that trained
    config.pop("auto_map", None)  # names code in a checkpoint's own files, which is never run
    (directory / "config.json").write_text(
        json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )
    state = {
        name: tensor.detach().to(dtype).clone().contiguous() for name, tensor in model.state_dict().items()
    }
    save_file(state, directory / "model.safetensors", metadata={"format": "pt"})
    tokenizer.save(str(directory / "tokenizer.json"))


def load_model(
    directory: str | Path, attention: str = "sdpa", *, encoder_dropout: float | None = None
) -> MeanPoolingClassifier:
    """Read what ``save_model`` wrote, as float32 in evaluation mode.

    attention: transformers' attention implementation, ``sdpa`` or ``eager``. encoder_dropout: as in
    ``new_model``. Raises ModelNotFound or ModelDamaged, naming the file.
    """
    directory = Path(directory)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        if not (directory / name).is_file():
            raise ModelNotFound(f"{directory / name} is missing.")
    try:
        config = _with_encoder_dropout(AutoConfig.from_pretrained(directory), encoder_dropout)
    except (OSError, ValueError, KeyError) as error:
        raise ModelDamaged(f"{directory / 'config.json'} is not a model configuration.") from error
    pooling = getattr(config, "classifier_pooling", DEFAULT_POOLING)
    encoder = AutoModel.from_config(  # type: ignore[no-untyped-call]
        config, attn_implementation=_attention(config, attention), **_pooling_layer(config, pooling)
    )
    dropout = getattr(config, "classifier_dropout", None)
    classes = getattr(config, "classifier_classes", None)
    try:
        model = MeanPoolingClassifier(
            encoder,
            len(config.id2label) if classes is None else classes,
            0.1 if dropout is None else dropout,
            pooling,
            kept=getattr(config, "classifier_kept", None),
        )
    except ValueError as error:
        raise ModelDamaged(f"{directory / 'config.json'} names a pooling that is not known.") from error
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


def saved_task(directory: str | Path) -> str:
    """``multi_label`` or ``single_label``, as a saved model was trained."""
    config = json.loads((Path(directory) / "config.json").read_text(encoding="utf-8"))
    return str(config.get("problem_type") or "multi_label_classification").removesuffix("_classification")


def saved_symbols_in_words(directory: str | Path) -> bool:
    """True where a saved model was trained on texts whose unknown symbols were put into words."""
    config = json.loads((Path(directory) / "config.json").read_text(encoding="utf-8"))
    return bool(config.get("symbols_in_words", False))


def _attention(config: Any, wanted: str) -> str:
    """The implementation of attention that is wanted, or eager for encoders that have no other: MPNet."""
    encoder: Any = AutoModel._model_mapping[type(config)]
    return wanted if encoder._supports_sdpa else "eager"


def _pooling_layer(config: Any, pooling: str) -> dict[str, bool]:
    """Whether the encoder is made with a pooler, for those that can have one: DistilBERT and ELECTRA
    can't."""
    encoder: Any = AutoModel._model_mapping[type(config)]
    if "add_pooling_layer" not in inspect.signature(encoder.__init__).parameters:
        return {}
    return {"add_pooling_layer": pooling == "pooler"}


def _with_encoder_dropout(config: Any, share: float | None) -> Any:
    """The configuration with this dropout of states and attention; DistilBERT has other names for them."""
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout"):
        if share is not None and hasattr(config, name):
            setattr(config, name, share)
    return config


def label_config(labels: Sequence[str], dropout: float, pooling: str, task: str) -> dict[str, Any]:
    """What config.json says of the head, beside what the encoder says."""
    return {
        "id2label": dict(enumerate(labels)),
        "label2id": {label: index for index, label in enumerate(labels)},
        "problem_type": f"{task}_classification",
        "classifier_dropout": dropout,
        "classifier_pooling": pooling,
        "architectures": ["MeanPoolingClassifier"],
    }
