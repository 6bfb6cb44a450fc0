"""Chooses which weights a training moves: all, the last layers', the head's, or low-rank additions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState
from transformers import TrainingArguments as Arguments

from toxicity_ml.network import MeanPoolingClassifier
from toxicity_ml.training.options import LAST, LORA, WHOLE, TrainingOptions, trainable_part

if TYPE_CHECKING:
    from peft import LoraConfig

LORA_SCALE = 2
"""LoRA's alpha over its rank: what the low-rank product is multiplied by (Hu et al. 2022, section 4.1)."""


def restrict(model: MeanPoolingClassifier, trainable: str) -> None:
    """Let the training move only what ``trainable`` names, in place.

    ``whole``: everything. ``last:N``: the N last layers of the encoder and the head. ``head``: the head.
    ``lora:RANK``: the head, and beside each dense layer of the encoder a product of two matrices of that
    rank, which :func:`merge` adds to the layer afterwards. Raises ValueError for more layers than there are.
    """
    part, number = trainable_part(trainable)
    if part == WHOLE:
        return
    for parameter in model.encoder.parameters():
        parameter.requires_grad_(False)
    if part == LAST:
        depth = int(model.encoder.config.num_hidden_layers)  # type: ignore[union-attr, arg-type]
        if number > depth:
            raise ValueError(f"The encoder has {depth} layers; {trainable} asks for {number}.")
        for name, parameter in model.encoder.named_parameters():
            parts = name.split(".")
            is_last = "layer" in parts and int(parts[parts.index("layer") + 1]) >= depth - number
            parameter.requires_grad_(is_last or "pooler" in parts)
    elif part == LORA:
        from peft import get_peft_model

        model.encoder = get_peft_model(model.encoder, _lora(number))


def merge(model: MeanPoolingClassifier, trainable: str) -> None:
    """Add what LoRA learned to the encoder's own weights, in place, so that it is saved and exported as any
    other."""
    if trainable_part(trainable)[0] == LORA:
        model.encoder = model.encoder.merge_and_unload()  # type: ignore[operator]
    for parameter in model.parameters():
        parameter.requires_grad_(True)


def interpolate(model: MeanPoolingClassifier, start: Mapping[str, Tensor], share: float) -> None:
    """Put the model's weights at ``share`` of the way from ``start`` to where they are, in place (WiSE-FT,
    Wortsman et al. 2022).

    start: the weights by name, as ``state_dict`` has them. share: 0, the start, to 1, which changes nothing.
    """
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.lerp(start[name].to(value), value, share))


def _lora(rank: int) -> "LoraConfig":
    from peft import LoraConfig

    return LoraConfig(r=rank, lora_alpha=LORA_SCALE * rank, target_modules="all-linear", bias="none")


def parameter_groups(model: MeanPoolingClassifier, options: TrainingOptions) -> list[dict[str, object]]:
    """AdamW groups of what is trained: layer-wise decayed learning rates (Howard & Ruder 2018), no decay on
    biases and norms."""
    depth = int(model.encoder.config.num_hidden_layers)  # type: ignore[union-attr, arg-type]
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        if name.startswith("head."):
            rate = options.head_lr
        else:
            parts = name.split(".")
            above = depth - 1 if "pooler" in parts or "projection" in parts else -1
            layer = int(parts[parts.index("layer") + 1]) if "layer" in parts else above
            rate = options.body_lr * options.layer_decay ** (depth - 1 - layer)
        decay = 0.0 if name.endswith("bias") or "LayerNorm" in name else options.weight_decay
        groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": found, "lr": rate, "weight_decay": decay} for (rate, decay), found in groups.items()]


class Anchor(TrainerCallback):
    """Draws each trained weight towards where it started: the gradient of strength / 2 times the squared
    distance (L2-SP, Li et al. 2018). Must be made before a checkpoint is loaded."""

    def __init__(self, model: nn.Module, strength: float) -> None:
        self.strength = strength
        self.pairs: list[tuple[nn.Parameter, Tensor]] = [
            (parameter, parameter.detach().clone())
            for parameter in model.parameters()
            if parameter.requires_grad
        ]

    def on_pre_optimizer_step(
        self, args: Arguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        with torch.no_grad():
            for parameter, start in self.pairs:
                if parameter.grad is not None:
                    parameter.grad.add_(parameter - start.to(parameter.device), alpha=self.strength)
