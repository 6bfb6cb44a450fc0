"""Texts whose scores a training is to keep: their targets are the logits of the network that it starts from.

Rehearsal against forgetting (Robins 1995) by distillation from the start weights (Li & Hoiem 2018, "Learning
without forgetting"), on logits (Ba & Caruana 2014), as probabilities near 0 and 1 say nothing of the ranking.
"""

from collections.abc import Sequence

import numpy as np
import torch
from datasets import Dataset, concatenate_datasets
from tokenizers import Tokenizer
from torch import Tensor

from toxicity_ml.activations import sigmoid
from toxicity_ml.labels import SINGLE_LABEL
from toxicity_ml.manifest import Manifest
from toxicity_ml.network import MeanPoolingClassifier
from toxicity_ml.training.batches import BatchMaker, tokenized
from toxicity_ml.training.losses import Loss
from toxicity_ml.training.options import TrainingOptions

KEPT = "kept"
"""Column of the logits to keep; NaN in rows that have labels."""
BATCH = 64


def with_rehearsal(
    rows: Dataset,
    texts: Sequence[str],
    model: MeanPoolingClassifier,
    tokenizer: Tokenizer,
    options: TrainingOptions,
) -> Dataset:
    """Rows of ``tokenized``, with the texts to rehearse among them, in the order of their lengths.

    Each text weighs as a labelled row does on average, and ``rehearsal_weight`` times that in the loss.
    """
    n_labels = len(options.labels)
    unknown = [float("nan")] * n_labels
    weight = float(np.mean(rows["weight"]))
    plain = Dataset.from_dict(
        {"text": list(texts), "labels": [unknown] * len(texts), "weight": [weight] * len(texts)}
    )
    in_words = bool(getattr(model.encoder.config, "symbols_in_words", False))
    rehearsed = tokenized(plain, tokenizer, options.max_length, puts_symbols_in_words=in_words)
    logits = start_logits(model, BatchMaker.plain(tokenizer, options), rehearsed)
    kept = rehearsed.add_column(KEPT, logits.astype(np.float64).tolist())
    own = rows if KEPT in rows.column_names else rows.add_column(KEPT, [unknown] * len(rows))
    return concatenate_datasets([own, kept.cast(own.features)]).sort("length")


def start_logits(model: MeanPoolingClassifier, collate: BatchMaker, rows: Dataset) -> np.ndarray:
    """Logits of rows of ``tokenized``, float32 (n, n_labels), without dropout; the model's mode stays."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    was_training = model.training
    model.to(device).eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(rows), BATCH):
            tensors = collate(rows.select(range(start, min(start + BATCH, len(rows)))).to_list())
            logits = model(tensors["input_ids"].to(device), tensors["attention_mask"].to(device))
            found.append(logits.float().cpu().numpy())
    model.train(was_training)
    return np.concatenate(found)


def keeping_confirmed(
    rows: Dataset,
    model: MeanPoolingClassifier,
    tokenizer: Tokenizer,
    manifest: Manifest,
    options: TrainingOptions,
) -> Dataset:
    """Rows of ``tokenized`` in which each label that confirms the start network is masked and its logit kept.

    A label confirms it where both are on the same side: true and at or over the version's threshold, or false
    and below; one of several classes where it is the likeliest. So what is learned is what contradicts, and a
    plain *no* to a faint score does not press it down: ranking among what both call clean, or toxic, is
    knowledge that a 0 or 1 would wipe out.
    """
    logits = start_logits(model, BatchMaker.plain(tokenizer, options), rows).astype(np.float64)
    slopes = np.array([manifest.calibration[label]["slope"] for label in options.labels])
    intercepts = np.array([manifest.calibration[label]["intercept"] for label in options.labels])
    thresholds = np.array([manifest.thresholds[label] for label in options.labels])
    targets = np.asarray(rows["labels"], dtype=np.float64)
    if options.task == SINGLE_LABEL:
        is_likeliest = logits.argmax(axis=1) == np.nan_to_num(targets).argmax(axis=1)
        confirmed = ~np.isnan(targets) & is_likeliest[:, np.newaxis]
    else:
        is_over = sigmoid(slopes * logits + intercepts) >= thresholds
        confirmed = ~np.isnan(targets) & (is_over == (targets >= 0.5))
    labels = np.where(confirmed, np.nan, targets)
    features = rows.features
    rows = (
        rows.remove_columns("labels")
        .add_column("labels", labels.tolist())
        .cast_column("labels", features["labels"])
    )
    return rows.add_column(KEPT, np.where(confirmed, logits, np.nan).tolist())


def kept_loss(logits: Tensor, kept: Tensor, row_weight: Tensor) -> Tensor:
    """Squared distance of logits from the kept ones, both float (n, n_labels), NaN where none is kept: the
    mean over the others, weighted by row, a scalar."""
    known = ~torch.isnan(kept)
    squared = torch.where(known, logits - torch.nan_to_num(kept), 0.0) ** 2
    weight = known * row_weight.unsqueeze(1)
    return (squared * weight).sum() / weight.sum().clamp_min(torch.finfo(squared.dtype).tiny)


def combined_loss(
    logits: Tensor, targets: Tensor, kept: Tensor, row_weight: Tensor, loss: Loss, held_weight: float
) -> Tensor:
    """The loss of the labels and ``held_weight`` times that of the kept logits, each by its share of the
    cells of the batch, weighted by row."""
    learned = ((~torch.isnan(targets)).sum(dim=1) * row_weight).sum()
    held = ((~torch.isnan(kept)).sum(dim=1) * row_weight).sum()
    total = loss(logits, targets, row_weight) * learned
    total = total + held_weight * kept_loss(logits, kept, row_weight) * held
    return total / (learned + held).clamp_min(torch.finfo(total.dtype).tiny)
