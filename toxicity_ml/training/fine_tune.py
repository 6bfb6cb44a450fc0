"""Fine-tunes with ``transformers.Trainer``: rows in, a checkpoint out, for either task."""

import json
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from tokenizers import Tokenizer
from transformers import EarlyStoppingCallback, PrinterCallback, ProgressCallback, TrainingArguments, set_seed

from toxicity_ml.errors import DataError
from toxicity_ml.labels import SINGLE_LABEL
from toxicity_ml.manifest import MANIFEST_NAME, Manifest
from toxicity_ml.network import (
    MeanPoolingClassifier,
    load_model,
    load_tokenizer,
    new_model,
    save_model,
    saved_labels,
    saved_task,
)
from toxicity_ml.training.batches import BatchMaker, oversampled, steps_per_epoch, tokenized
from toxicity_ml.training.checkpoints import (
    RECORD,
    SavingOften,
    Sealing,
    fingerprint,
    last_whole,
    make_room,
    step_of,
)
from toxicity_ml.training.class_weights import class_weights, positive_class_weights, prevalence
from toxicity_ml.training.distillation import out_of_fold, softened
from toxicity_ml.training.losses import make_loss
from toxicity_ml.training.options import TrainingOptions
from toxicity_ml.training.rehearsal import keeping_confirmed, with_rehearsal
from toxicity_ml.training.selection import METRIC, by_accuracy, by_average_precision
from toxicity_ml.training.trainer import (
    SNAPSHOTS,
    ClassifierTrainer,
    EvaluateAtTheEnd,
    History,
    QuietProgress,
    Reporting,
    WeightAverage,
)
from toxicity_ml.training.tunable import Anchor, interpolate, merge, restrict

logger = logging.getLogger(__name__)


def train(
    training: Dataset,
    validation: Dataset,
    out: Path,
    options: TrainingOptions,
    *,
    rehearsed: Sequence[str] = (),
    report: Callable[[str, int, int], None] | None = None,
) -> Path:
    """Fine-tune and write the best checkpoint, by ``validation``, to ``out``.

    training, validation: columns ``text`` str, ``labels`` (n_labels floats, NaN = masked), ``weight`` float.
    rehearsed: texts whose scores are to stay as the model version has them that the training starts from.
    report: is told stage, step and steps.
    The best is the one of greatest mean average precision, or accuracy for one of several classes.
    ``out`` gets config.json, model.safetensors, tokenizer.json and training.json (options and history), and
    while training goes on ``checkpoints/``. Killed at any moment and called again with the same arguments, it
    goes on from the last whole checkpoint and ends with the same weights. Returns ``out``.
    Raises DataError for rows that do not fit the labels and for rehearsal from a bare encoder, ValueError for
    a loss that does not fit the task and for more layers than there are.
    """
    _check(training, validation, rehearsed, options)
    make_room(out, fingerprint(training, validation, rehearsed, options), resume=options.resume)
    if (out / RECORD).is_file():
        logger.info("%s is trained already.", out)
        return out
    set_seed(options.seed)
    model, tokenizer = _starting_point(options)
    in_words = bool(getattr(model.encoder.config, "symbols_in_words", options.symbols_in_words))
    model.encoder.config.symbols_in_words = in_words  # type: ignore[union-attr]
    targets = np.asarray(training["labels"], dtype=np.float64)
    row_weight = np.asarray(training["weight"], dtype=np.float64)
    if not _is_version(options.base_model):
        _start_at_prevalence(model, prevalence(targets, row_weight), options)
    loss = make_loss(
        options.task,
        options.loss,
        class_weight=_class_weight(targets, row_weight, options),
        gamma=options.gamma,
        alpha=options.alpha,
        label_smoothing=options.label_smoothing,
    )
    if options.distill:
        training = _taught(training, targets, options)
    rows = tokenized(training, tokenizer, options.max_length, puts_symbols_in_words=in_words)
    if options.keep_confirmed:
        parent = Manifest.load(Path(options.base_model))
        rows = keeping_confirmed(rows, model, tokenizer, parent, options)
    if rehearsed:
        rows = with_rehearsal(rows, rehearsed, model, tokenizer, options)
    checkpoints = out / "checkpoints"
    last = last_whole(checkpoints)
    collator = BatchMaker.training(tokenizer, options, rows, first=step_of(last))
    if options.oversample:
        rows = oversampled(rows, options.oversample)
    restrict(model, options.trainable)
    epoch = steps_per_epoch(len(rows), options.batch_size)
    average = WeightAverage(max(1, round(options.average_from * epoch)), epoch // SNAPSHOTS, last)
    trainer = ClassifierTrainer(
        model=model,
        args=_arguments(checkpoints, epoch, options),
        train_dataset=rows,
        eval_dataset=tokenized(validation, tokenizer, options.max_length, puts_symbols_in_words=in_words),
        data_collator=collator,
        compute_metrics=lambda prediction: (
            by_accuracy(prediction)
            if options.task == SINGLE_LABEL
            else by_average_precision(prediction, options.labels)
        ),
        callbacks=[
            History(),
            *([Reporting(report)] if report else []),
            *([Anchor(model, options.anchor)] if options.anchor else []),
            *([EvaluateAtTheEnd()] if options.evaluations else []),
            *([average] if options.average_from else []),
            *([EarlyStoppingCallback(options.patience)] if options.patience and options.evaluations else []),
            *([SavingOften(options.checkpoint_every)] if options.checkpoint_every else []),
            Sealing(),
        ],
        loss=loss,
        options=options,
        plain=BatchMaker.plain(tokenizer, options),
        epoch=epoch,
    )
    # transformers prints its log to stdout, which belongs to the command's result
    trainer.remove_callback(PrinterCallback)
    if trainer.pop_callback(ProgressCallback) is not None:
        trainer.add_callback(QuietProgress())
    if last:
        logger.info("Resuming from %s.", last)
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    averaged = _averaged_if_better(trainer, average)
    merge(model, options.trainable)
    if options.interpolation < 1:
        interpolate(model, load_model(options.base_model).state_dict(), options.interpolation)
    save_model(model, tokenizer, out)
    record = {
        "options": asdict(options),
        "rows": len(training),
        "rehearsed": len(rehearsed),
        "averaged": averaged,
        "history": trainer.state.log_history,
    }
    written = out / f"{RECORD}.new"
    written.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    os.replace(written, out / RECORD)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return out


def _check(
    training: Dataset, validation: Dataset, rehearsed: Sequence[str], options: TrainingOptions
) -> None:
    for name, rows in (("training", training), ("validation", validation)):
        if len(rows) == 0:
            raise DataError(f"The {name} data has no rows.")
        if len(rows[0]["labels"]) != len(options.labels):
            raise DataError(
                f"The {name} data has {len(rows[0]['labels'])} labels a row, not {len(options.labels)}."
            )
    if rehearsed and not _is_version(options.base_model):
        raise DataError("Only a model version has scores to rehearse; name one as the base model.")
    if options.keep_confirmed and not (Path(options.base_model) / MANIFEST_NAME).is_file():
        raise DataError("Only a published version has thresholds that a label could confirm.")
    if options.interpolation < 1 and not _is_version(options.base_model):
        raise DataError("Only a model version has weights to interpolate with; name one as the base model.")
    if (rehearsed or options.keep_confirmed) and options.mixup:
        raise DataError("A mixture of a rehearsed and a labelled text has no target: leave mixup out.")


def bf16_is_native() -> bool:
    """True where bfloat16 multiplies in hardware: on other processors autocast is slower than float32."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


def _starting_point(options: TrainingOptions) -> tuple[MeanPoolingClassifier, Tokenizer]:
    # On a CPU, torch's fused attention has a backward pass more than twice as slow as the plain products.
    attention = "sdpa" if torch.cuda.is_available() else "eager"
    if not _is_version(options.base_model):
        return new_model(
            options.base_model,
            options.labels,
            options.dropout,
            pooling=options.pooling,
            task=options.task,
            encoder_dropout=options.encoder_dropout,
            attention=attention,
        )
    labels, task = saved_labels(options.base_model), saved_task(options.base_model)
    if labels != tuple(options.labels):
        raise DataError(f"{options.base_model} has the labels {', '.join(labels)}; the options name others.")
    if task != options.task:
        raise DataError(f"{options.base_model} was trained as {task}; the options say {options.task}.")
    model = load_model(options.base_model, attention, encoder_dropout=options.encoder_dropout)
    return model.train(), load_tokenizer(options.base_model)


def _is_version(base_model: str) -> bool:
    config = Path(base_model) / "config.json"
    return config.is_file() and "classifier_pooling" in json.loads(config.read_text(encoding="utf-8"))


def _start_at_prevalence(model: MeanPoolingClassifier, share: np.ndarray, options: TrainingOptions) -> None:
    """Start a fresh head at the prevalence of each label or class (Lin et al. 2017, section 3.3)."""
    bias = np.log(share) if options.task == SINGLE_LABEL else np.log(share / (1 - share))
    with torch.no_grad():
        model.head.bias.copy_(torch.tensor(bias, dtype=torch.float32))


def _taught(training: Dataset, targets: np.ndarray, options: TrainingOptions) -> Dataset:
    """Soften the rows' targets by what the teachers say."""
    from toxicity_ml.classifier import Classifier

    texts = list(training["text"])
    taught = [out_of_fold(texts, targets, seed=options.seed)]
    for directory in options.teachers:
        teacher = Classifier.load(directory)
        if set(teacher.labels) != set(options.labels):
            raise DataError(f"The teacher {directory} has other labels: {', '.join(teacher.labels)}.")
        order = [teacher.labels.index(label) for label in options.labels]
        taught.append(teacher.predict_array(texts)[:, order])
    soft = softened(targets, taught, options.distill)
    features = training.features
    return training.remove_columns("labels").add_column("labels", soft.tolist()).cast(features)


def _class_weight(
    targets: np.ndarray, row_weight: np.ndarray, options: TrainingOptions
) -> torch.Tensor | None:
    if options.class_weights == "none":
        return None
    if options.task == SINGLE_LABEL:
        weights = class_weights(options.class_weights, targets, row_weight)
    else:
        weights = positive_class_weights(
            options.class_weights, targets, row_weight, cap=options.pos_weight_cap
        )
    return torch.tensor(weights, dtype=torch.float32)


def _averaged_if_better(trainer: ClassifierTrainer, average: WeightAverage) -> bool:
    """Keep the averaged weights where they do better on the validation rows than the best checkpoint."""
    if not average.count:
        return False
    best = {name: value.detach().clone() for name, value in trainer.model.state_dict().items()}  # type: ignore[union-attr]
    best_checkpoint = trainer.evaluate()[f"eval_{METRIC}"]
    trainer.model.load_state_dict(average.weights)  # type: ignore[union-attr]
    together = trainer.evaluate()[f"eval_{METRIC}"]
    logger.info("Best checkpoint %.4f, average of %d %.4f.", best_checkpoint, average.count, together)
    if together <= best_checkpoint:
        trainer.model.load_state_dict(best)  # type: ignore[union-attr]
    return bool(together > best_checkpoint)


def _arguments(checkpoints: Path, steps: int, options: TrainingOptions) -> TrainingArguments:
    """steps: of one epoch."""
    total = max(1, round(steps * options.epochs))
    every = max(1, steps // max(1, options.evaluations))
    when = "steps" if options.evaluations else "no"
    cuda = torch.cuda.is_available()
    settings: dict[str, Any] = {
        "output_dir": str(checkpoints),
        "max_steps": total,
        "per_device_train_batch_size": options.batch_size,
        "per_device_eval_batch_size": options.batch_size * 2,
        "warmup_steps": round(total * options.warmup),
        "lr_scheduler_type": "linear",
        "bf16": bf16_is_native() if options.bf16 is None else options.bf16,
        "use_cpu": not cuda,
        "label_names": ["labels", "weight"],
        "remove_unused_columns": False,
        "eval_strategy": when,
        "eval_steps": every,
        "save_strategy": when,
        "save_steps": every,
        "save_total_limit": 2,
        "restore_callback_states_from_checkpoint": True,  # how long nothing has become better
        "load_best_model_at_end": bool(options.evaluations),
        "metric_for_best_model": METRIC,
        "greater_is_better": True,
        "logging_steps": min(50, every),
        "seed": options.seed,
        "data_seed": options.seed,
        "disable_tqdm": not options.progress,
        "report_to": [],
        "dataloader_pin_memory": cuda,
    }
    return TrainingArguments(**settings)
