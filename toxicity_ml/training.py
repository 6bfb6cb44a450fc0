"""Multi-label fine-tuning with ``transformers.Trainer``: from rows to a checkpoint."""

import json
import logging
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_utils import get_last_checkpoint

from toxicity_ml.errors import DataError
from toxicity_ml.evaluation import MIN_POSITIVES, weighted_average_precision
from toxicity_ml.labels import JIGSAW_LABELS
from toxicity_ml.losses import masked_bce, positive_weights, prevalence
from toxicity_ml.modeling import (
    DEFAULT_BASE,
    MeanPoolingClassifier,
    load_model,
    load_tokenizer,
    new_model,
    save_model,
    saved_labels,
)
from toxicity_ml.text import repair

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingOptions:
    """How to fine-tune. The defaults are the recipe of the shipped model."""

    base_model: str = DEFAULT_BASE
    """Encoder by hub name or directory, or a model version directory to go on from, its head included."""
    labels: tuple[str, ...] = JIGSAW_LABELS
    max_length: int = 192
    """Tokens of a training text, special tokens included; the rest is cut."""
    epochs: float = 2.0
    batch_size: int = 32
    body_lr: float = 5e-5
    """Learning rate of the encoder's last layer."""
    layer_decay: float = 0.85
    """Factor from each layer to the one below it, the embeddings last."""
    head_lr: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.06
    """Share of the steps during which the learning rate rises."""
    dropout: float = 0.1
    pos_weight_cap: float = 5.0
    """Positive labels weigh min(cap, sqrt(negatives / positives)); 1 is plain BCE."""
    bf16: bool | None = None
    """Autocast to bfloat16; None: where the processor computes in it."""
    stripped: float = 0.25
    """Share of training texts that lose their punctuation, so that its absence tells nothing of the label."""
    seed: int = 20
    evaluations: int = 2
    """Evaluations per epoch; a checkpoint is kept at each."""
    patience: int = 3
    """Stop after so many evaluations without a better one; 0 never stops early."""
    resume: bool = True
    """Go on from the last checkpoint under ``out`` where there is one."""
    progress: bool = True


def train(training: Dataset, validation: Dataset, out: Path, options: TrainingOptions) -> Path:
    """Fine-tune and write the best checkpoint (by mean average precision on ``validation``) to ``out``.

    training, validation: columns ``text`` str, ``labels`` (n_labels floats, NaN = masked), ``weight`` float.
    ``out`` gets config.json, model.safetensors, tokenizer.json and training.json (options and history), and
    while training goes on ``checkpoints/``. Returns ``out``.
    Raises DataError for rows that do not fit the labels.
    """
    for name, rows in (("training", training), ("validation", validation)):
        if len(rows) == 0:
            raise DataError(f"The {name} data has no rows.")
        if len(rows[0]["labels"]) != len(options.labels):
            raise DataError(
                f"The {name} data has {len(rows[0]['labels'])} labels a row, not {len(options.labels)}."
            )
    set_seed(options.seed)
    model, tokenizer = _starting_point(options)
    share = prevalence(np.asarray(training["labels"], dtype=np.float64), np.asarray(training["weight"]))
    if not _is_version(options.base_model):
        with torch.no_grad():
            model.head.bias.copy_(torch.tensor(np.log(share / (1 - share)), dtype=torch.float32))
    out.mkdir(parents=True, exist_ok=True)
    checkpoints = out / "checkpoints"
    weights = torch.tensor(positive_weights(share, options.pos_weight_cap), dtype=torch.float32)
    trainer = _MultiLabelTrainer(
        model=model,
        args=_arguments(checkpoints, len(training), options),
        train_dataset=_tokenized(training, tokenizer, options, stripped=options.stripped),
        eval_dataset=_tokenized(validation, tokenizer, options),
        data_collator=_pad,
        compute_metrics=lambda prediction: _selection_metrics(prediction, options.labels),
        callbacks=[
            _EvaluateAtTheEnd(),
            *([EarlyStoppingCallback(options.patience)] if options.patience else []),
        ],
        pos_weight=weights,
        options=options,
    )
    # transformers prints its log to stdout, which belongs to the command's result
    trainer.remove_callback(PrinterCallback)
    if trainer.pop_callback(ProgressCallback) is not None:
        trainer.add_callback(_QuietProgress())
    last: str | None = None
    if options.resume and checkpoints.is_dir():
        last = get_last_checkpoint(str(checkpoints))  # type: ignore[no-untyped-call]
    if last:
        logger.info("Resuming from %s.", last)
    trainer.train(resume_from_checkpoint=last)
    save_model(model, tokenizer, out)
    record = {"options": asdict(options), "rows": len(training), "history": trainer.state.log_history}
    (out / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    shutil.rmtree(checkpoints, ignore_errors=True)
    return out


class _History(TrainerCallback):
    """Losses and metrics go to the log."""

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Any = None,
        **_: Any,
    ) -> None:
        figures = " ".join(f"{name}={float(value):.4g}" for name, value in (logs or {}).items())
        logger.info("step %d of %d: %s", state.global_step, state.max_steps, figures)


class _QuietProgress(ProgressCallback):
    """The bar alone, on stderr."""

    def on_log(self, *_: Any, **__: Any) -> None:
        pass


class _EvaluateAtTheEnd(TrainerCallback):
    """The last step competes for the best checkpoint too, also when epochs end between evaluations."""

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        if state.global_step >= state.max_steps:
            control.should_evaluate = control.should_save = True
        return control


class _MultiLabelTrainer(Trainer):
    """Trainer with the masked loss and a learning rate for each depth."""

    def __init__(self, *args: Any, pos_weight: Tensor, options: TrainingOptions, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pos_weight = pos_weight
        self.options = options

    def compute_loss(  # type: ignore[override]
        self, model: nn.Module, inputs: dict[str, Tensor], return_outputs: bool = False, **_: Any
    ) -> Tensor | tuple[Tensor, dict[str, Tensor]]:
        logits = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).float()
        loss = masked_bce(
            logits,
            inputs["labels"],
            pos_weight=self.pos_weight.to(logits.device),
            row_weight=inputs["weight"],
        )
        return (loss, {"loss": loss, "logits": logits}) if return_outputs else loss

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        if self.optimizer is None:
            groups = parameter_groups(self.model, self.options)  # type: ignore[arg-type]
            self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8)
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
            layer = int(parts[parts.index("layer") + 1]) if "layer" in parts else -1
            rate = options.body_lr * options.layer_decay ** (depth - 1 - layer)
        decay = 0.0 if name.endswith("bias") or "LayerNorm" in name else options.weight_decay
        groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": found, "lr": rate, "weight_decay": decay} for (rate, decay), found in groups.items()]


def strip_punctuation(text: str) -> str:
    """The text without punctuation: apostrophes vanish, other marks become one space."""
    return re.sub(r"[^\w\s]+", " ", re.sub(r"['\u2019]", "", text))


def bf16_is_native() -> bool:
    """True where bfloat16 multiplies in hardware: on other processors autocast is slower than float32."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


def _starting_point(options: TrainingOptions) -> tuple[MeanPoolingClassifier, Tokenizer]:
    if not _is_version(options.base_model):
        return new_model(options.base_model, options.labels, options.dropout)
    labels = saved_labels(options.base_model)
    if labels != tuple(options.labels):
        raise DataError(f"{options.base_model} has the labels {', '.join(labels)}; the options name others.")
    return load_model(options.base_model).train(), load_tokenizer(options.base_model)


def _is_version(base_model: str) -> bool:
    config = Path(base_model) / "config.json"
    return config.is_file() and "classifier_pooling" in json.loads(config.read_text(encoding="utf-8"))


def _arguments(checkpoints: Path, rows: int, options: TrainingOptions) -> TrainingArguments:
    steps_per_epoch = max(1, -(-rows // options.batch_size))
    total = max(1, round(steps_per_epoch * options.epochs))
    every = max(1, steps_per_epoch // options.evaluations)
    cuda = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(checkpoints),
        max_steps=total,
        per_device_train_batch_size=options.batch_size,
        per_device_eval_batch_size=options.batch_size * 2,
        warmup_steps=round(total * options.warmup),
        lr_scheduler_type="linear",
        bf16=bf16_is_native() if options.bf16 is None else options.bf16,
        use_cpu=not cuda,
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        label_names=["labels", "weight"],
        remove_unused_columns=False,
        eval_strategy="steps",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="mean_average_precision",
        greater_is_better=True,
        logging_steps=min(50, every),
        seed=options.seed,
        data_seed=options.seed,
        disable_tqdm=not options.progress,
        report_to=[],
        dataloader_pin_memory=cuda,
    )


def _tokenized(
    rows: Dataset, tokenizer: Tokenizer, options: TrainingOptions, stripped: float = 0.0
) -> Dataset:
    """Rows of input_ids (at most max_length, special tokens kept), labels, weight, length."""
    chance = np.random.default_rng(options.seed).random(len(rows))
    texts = [
        strip_punctuation(repair(text).text) if draw < stripped else repair(text).text
        for text, draw in zip(rows["text"], chance, strict=True)
    ]
    ids: list[list[int]] = []
    for start in range(0, len(texts), 1000):
        for encoding in tokenizer.encode_batch(texts[start : start + 1000]):
            found = encoding.ids
            ids.append(
                found if len(found) <= options.max_length else [*found[: options.max_length - 1], found[-1]]
            )
    tokenized = Dataset.from_dict(
        {
            "input_ids": ids,
            "labels": list(rows["labels"]),
            "weight": list(rows["weight"]),
            "length": [len(found) for found in ids],
        }
    )
    return tokenized.sort("length")  # evaluation pads little; training draws its own order


def _pad(rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
    longest = max(len(row["input_ids"]) for row in rows)
    ids = torch.zeros((len(rows), longest), dtype=torch.long)
    mask = torch.zeros((len(rows), longest), dtype=torch.long)
    for index, row in enumerate(rows):
        length = len(row["input_ids"])
        ids[index, :length] = torch.tensor(row["input_ids"])
        mask[index, :length] = 1
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "labels": torch.tensor([row["labels"] for row in rows], dtype=torch.float32),
        "weight": torch.tensor([row["weight"] for row in rows], dtype=torch.float32),
    }


def _selection_metrics(prediction: Any, labels: Sequence[str]) -> dict[str, float]:
    """Average precision per label, and its mean over the labels with enough positives to choose by."""
    logits = prediction.predictions
    targets, weights = prediction.label_ids
    metrics: dict[str, float] = {}
    chosen: list[float] = []
    for index, label in enumerate(labels):
        known = ~np.isnan(targets[:, index])
        truth = targets[known, index] >= 0.5
        if truth.any() and not truth.all():
            value = weighted_average_precision(truth, logits[known, index], weights[known])
            metrics[f"average_precision_{label}"] = value
            if truth.sum() >= MIN_POSITIVES:
                chosen.append(value)
    chosen = chosen or list(metrics.values())
    # with no positive at all, as in a first retraining of a quiet site, only the loss can choose
    metrics["mean_average_precision"] = (
        float(np.mean(chosen)) if chosen else -_mean_loss(logits, targets, weights)
    )
    return metrics


def _mean_loss(logits: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
    return float(masked_bce(torch.tensor(logits), torch.tensor(targets), row_weight=torch.tensor(weights)))
