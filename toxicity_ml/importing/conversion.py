"""Makes this library's network of a checkpoint's: the same weights under our names, less what is left out."""

from __future__ import annotations

import torch
from torch import Tensor

from toxicity_ml.importing.checkpoint import Checkpoint
from toxicity_ml.importing.label_names import Outputs
from toxicity_ml.labels import MULTI_LABEL, SINGLE_LABEL
from toxicity_ml.network import MeanPoolingClassifier, label_config

POOLING = {
    "bert": "pooler",
    "roberta": "first:tanh",
    "distilbert": "first:relu",
    "xlm-roberta": "first:tanh",
    "electra": "first:gelu",
    "mpnet": "first:tanh",
}
"""What each family's head in transformers does with the encoder's states."""
_PROJECTION = {"distilbert": "pre_classifier"}
_HEAD = {"bert": "classifier", "distilbert": "classifier"}


def converted(checkpoint: Checkpoint, outputs: Outputs, task: str) -> MeanPoolingClassifier:
    """Return the network that gives the outputs that are kept, in evaluation mode.

    The sigmoid of an output is the checkpoint's own score: of several labels that of its logit, of classes of
    one softmax the share of the class.
    """
    state = checkpoint.model.state_dict()
    family = checkpoint.family
    head = _HEAD.get(family, "classifier.out_proj")
    weight, bias = state[f"{head}.weight"], state[f"{head}.bias"]
    places = torch.tensor(outputs.places)
    is_softmax = task == SINGLE_LABEL
    if not is_softmax:
        weight, bias = weight[places], bias[places]
    encoder = checkpoint.model.base_model
    dropout = getattr(checkpoint.model.config, "classifier_dropout", None)
    network = MeanPoolingClassifier(
        encoder,
        len(bias),
        0.1 if dropout is None else dropout,
        POOLING[family],
        kept=outputs.places if is_softmax else None,
    )
    _copy(network.head, weight, bias)
    if network.projection is not None:
        name = _PROJECTION.get(family, "classifier.dense")
        _copy(network.projection, state[f"{name}.weight"], state[f"{name}.bias"])
    encoder.config.update(
        label_config(outputs.labels, network.dropout.p, network.pooling, MULTI_LABEL)
        | ({"classifier_classes": len(bias), "classifier_kept": list(outputs.places)} if is_softmax else {})
    )
    return network.eval()


def _copy(layer: torch.nn.Linear, weight: Tensor, bias: Tensor) -> None:
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
