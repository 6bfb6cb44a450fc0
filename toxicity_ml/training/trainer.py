"""``transformers.Trainer`` with our losses, a learning rate for each depth, mixup, rehearsal, and averaged
weights."""

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
from toxicity_ml.training.batches import EpochOrder
from toxicity_ml.training.losses import Loss
from toxicity_ml.training.options import TrainingOptions
from toxicity_ml.training.rehearsal import KEPT, combined_loss
from toxicity_ml.training.tunable import parameter_groups

AVERAGE_FILE = "average.safetensors"
SNAPSHOTS = 20
"""Times in an epoch that the weights enter their average."""

Collator = Callable[[Sequence[Mapping[str, Any]]], dict[str, Tensor]]

logger = logging.getLogger(__name__)


class ClassifierTrainer(Trainer):
    """Trainer with one of our losses, a learning rate for each depth, mixup and rehearsal."""

    def __init__(
        self, *args: Any, loss: Loss, options: TrainingOptions, plain: Collator, epoch: int, **kwargs: Any
    ) -> None:
        """plain: the collator of evaluation batches, which leaves texts as they are. epoch: its steps."""
        super().__init__(*args, **kwargs)
        self.loss = loss
        self.options = options
        self.plain = plain
        self.steps_in_epoch = epoch

    def _get_train_sampler(self, train_dataset: Any = None) -> EpochOrder:
        rows = self.train_dataset if train_dataset is None else train_dataset
        return EpochOrder(
            rows["length"],  # type: ignore[index]
            self.options.batch_size,
            self.options.seed,
            lambda: self.state.global_step // self.steps_in_epoch,
        )

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
        if KEPT in inputs:
            loss = combined_loss(
                logits, targets, inputs[KEPT], inputs["weight"], self.loss, self.options.rehearsal_weight
            )
        else:
            loss = self.loss(logits, targets, inputs["weight"])
        return (loss, {"loss": loss, "logits": logits}) if return_outputs else loss

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        if self.optimizer is None:
            groups = parameter_groups(self.model, self.options)  # type: ignore[arg-type]
            self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8, fused=True)
        return self.optimizer


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
    averaging"), kept in the checkpoints, so that an interrupted training goes on averaging."""

    def __init__(self, first_step: int, every: int, checkpoint: Path | None) -> None:
        """checkpoint: to go on from."""
        self.first_step, self.every = first_step, max(1, every)
        self.count = 0
        self.weights: dict[str, Tensor] = {}
        if checkpoint is not None and (checkpoint / AVERAGE_FILE).is_file():
            saved = load_file(checkpoint / AVERAGE_FILE)
            self.count = int(saved.pop("count").item())
            self.weights = saved

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
            content = {**self.weights, "count": torch.tensor([self.count])}
            place = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}" / AVERAGE_FILE
            save_file({name: value.contiguous() for name, value in content.items()}, place)


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


class Reporting(TrainerCallback):
    """Tells how many steps are done."""

    def __init__(self, report: Callable[[str, int, int], None]) -> None:
        """report: takes stage, step and steps."""
        self.report = report

    def on_train_begin(self, args: Arguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.report("training", state.global_step, state.max_steps)

    def on_step_end(self, args: Arguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.report("training", state.global_step, state.max_steps)


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
