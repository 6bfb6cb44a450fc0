"""Scores texts with a checkpoint, in batches and without windows or int8: for comparing recipes, not for
serving."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset

from toxicity_ml.network import load_model, load_tokenizer, saved_symbols_in_words
from toxicity_ml.training.batches import BatchMaker, tokenized
from toxicity_ml.training.fine_tune import bf16_is_native
from toxicity_ml.training.options import TrainingOptions


def checkpoint_logits(
    checkpoint: Path, texts: Sequence[str], max_length: int = 192, batch_size: int = 64
) -> np.ndarray:
    """Logits of each text's first max_length tokens, float32 (n, n_labels), in the order of the texts."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = load_model(checkpoint, "sdpa" if device.type == "cuda" else "eager").to(device)
    tokenizer = load_tokenizer(checkpoint)
    n_labels = model.n_labels
    rows = Dataset.from_dict(
        {
            "text": list(texts),
            "labels": [[float(index)] * n_labels for index in range(len(texts))],  # where each row came from
            "weight": [1.0] * len(texts),
        }
    )
    in_words = saved_symbols_in_words(checkpoint)
    rows = tokenized(rows, tokenizer, max_length, puts_symbols_in_words=in_words)
    collate = BatchMaker.plain(tokenizer, TrainingOptions())
    all_logits = np.zeros((len(texts), n_labels), dtype=np.float32)
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bf16_is_native()):
        for start in range(0, len(rows), batch_size):
            batch = rows.select(range(start, min(start + batch_size, len(rows)))).to_list()
            tensors = collate(batch)
            logits = model(tensors["input_ids"].to(device), tensors["attention_mask"].to(device))
            places = tensors["labels"][:, 0].long().numpy()
            all_logits[places] = logits.float().cpu().numpy()
    return all_logits
