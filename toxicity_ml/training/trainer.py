"""``transformers.Trainer`` with our losses, a learning rate for each depth, mixup, and averaged weights."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import ProgressCallback, Trainer, TrainerCallback, TrainerControl, TrainerState
from transformers import TrainingArguments as Arguments

from toxicity_ml.augmentation.mixup import mixed, proportion
from toxicity_ml.network import MeanPoolingClassifier
from toxicity_ml.training.losses import Loss
from toxicity_ml.training.options import TrainingOptions

AVERAGE_FILE = "average.safetensors"
SNAPSHOTS = 20
"""Times in an epoch that the weights enter their average."""

Collator = Callable[[Sequence[Mapping[str, Any]]], dict[str, Tensor]]

logger = logging.getLogger(__name__)


class ClassifierTrainer(Trainer):
    """Trainer with one of our losses, a learning rate for each depth, and mixup."""

    def __init__(
        self, *args: Any, loss: Loss, options: TrainingOptions, plain: Collator, **kwargs: Any
    ) -> None:
        """plain: the collator of evaluation batches, which leaves texts as they are."""
        super().__init__(*args, **kwargs)
        self.loss = loss
        self.options = options
        self.plain = plain

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        training, self.data_collator = self.data_collator, self.plain
        try:
            return super().get_eval_dataloader(eval_dataset)
        finally:
            self.data_collator = training

    def compute_loss(  # type: ignore[override]
        self, model: nn.Module, inputs: dict[str, Tensor], return_outputs: bool = False, **_: Any
    ) -> Tensor | tuple[Tensor, dict[str, Tensor]]:
        targets = inputs["labels"]
        if self.options.mixup and model.training:
            logits, targets = _mixed_up(
                self.model,  # type: ignore[arg-type]
                inputs,
                proportion(self.options.mixup),
                self.options.mixup_level,
            )
        else:
            logits = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"])
        logits = logits.float()
        loss = self.loss(logits, targets, inputs["weight"])
        return (loss, {"loss": loss, "logits": logits}) if return_outputs else loss

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        if self.optimizer is None:
            groups = parameter_groups(self.model, self.options)  # type: ignore[arg-type]
            self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8, fused=True)
        return self.optimizer


def parameter_groups(model: MeanPoolingClassifier, options: TrainingOptions) -> list[dict[str, Any]]:
    """AdamW groups: layer-wise decayed learning rates (Howard & Ruder 2018), no decay on biases and norms."""
    depth = int(model.encoder.config.num_hidden_layers)  # type: ignore[union-attr, arg-type]
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if name.startswith("head."):
            rate = options.head_lr
        else:
            parts = name.split(".")
            above = depth - 1 if "pooler" in parts else -1
            layer = int(parts[parts.index("layer") + 1]) if "layer" in parts else above
            rate = options.body_lr * options.layer_decay ** (depth - 1 - layer)
        decay = 0.0 if name.endswith("bias") or "LayerNorm" in name else options.weight_decay
        groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": found, "lr": rate, "weight_decay": decay} for (rate, decay), found in groups.items()]


def _mixed_up(
    model: MeanPoolingClassifier, inputs: dict[str, Tensor], share: float, level: str
) -> tuple[Tensor, Tensor]:
    order = torch.randperm(len(inputs["labels"]), device=inputs["labels"].device)
    targets = mixed(inputs["labels"], order, share)
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    if level == "texts":
        seen = mixed(model.pooled(ids, mask), order, share)
        return model.head(model.dropout(seen)), targets
    embeddings = model.encoder.get_input_embeddings()(ids)  # type: ignore[operator]
    logits: Tensor = model(
        inputs_embeds=mixed(embeddings, order, share), attention_mask=torch.maximum(mask, mask[order])
    )
    return logits, targets


class WeightAverage(TrainerCallback):
    """The uniform average of the weights from one step on (Izmailov et al. 2018, "stochastic weight
    averaging"), kept beside the checkpoints, so that an interrupted training goes on averaging."""

    def __init__(self, place: Path, first_step: int, every: int) -> None:
        self.path = place / AVERAGE_FILE
        self.first_step, self.every = first_step, max(1, every)
        self.count = 0
        self.weights: dict[str, Tensor] = {}

    def on_train_begin(self, args: Arguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if state.global_step > 0 and self.path.is_file():
            saved = load_file(self.path)
            self.count = int(saved.pop("count").item())
            self.weights = saved
        else:
            self.path.unlink(missing_ok=True)

    def on_step_end(
        self, args: Arguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        if state.global_step < self.first_step or (state.global_step - self.first_step) % self.every:
            return
        self.count += 1
        for name, value in model.state_dict().items():
            value = value.detach().float().cpu()
            kept = self.weights.get(name)
            self.weights[name] = value.clone() if kept is None else kept + (value - kept) / self.count

    def on_save(self, args: Arguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self.count:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            content = {**self.weights, "count": torch.tensor([self.count])}
            save_file({name: value.contiguous() for name, value in content.items()}, self.path)


class History(TrainerCallback):
    """Logs losses and metrics."""

    def on_log(
        self,
        args: Arguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Any = None,
        **_: Any,
    ) -> None:
        figures = " ".join(f"{name}={float(value):.4g}" for name, value in (logs or {}).items())
        logger.info("step %d of %d: %s", state.global_step, state.max_steps, figures)


class QuietProgress(ProgressCallback):
    """Shows the bar alone, on stderr."""

    def on_log(self, *_: Any, **__: Any) -> None:
        pass


class EvaluateAtTheEnd(TrainerCallback):
    """Evaluates after the last step too, so that it competes for the best checkpoint."""

    def on_step_end(
        self, args: Arguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        if state.global_step >= state.max_steps:
            control.should_evaluate = control.should_save = True
        return control
