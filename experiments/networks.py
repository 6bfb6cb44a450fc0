"""Reads texts as a saved network does, and scores them in batches, on a GPU where there is one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from experiments.places import wait_while_held
from toxicity_ml.network import MeanPoolingClassifier, load_model, load_tokenizer, saved_symbols_in_words
from toxicity_ml.text.repair import repair_encoding
from toxicity_ml.text.symbols import symbols_in_words

BATCH_TOKENS = 6000
MAX_BATCH = 256
TOLD_EVERY_SECONDS = 60


def device() -> str:
    """Return `cuda` where torch finds a GPU, else `cpu`."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def readable(text: str, tokenizer: Tokenizer, *, in_words: bool) -> str:
    """Return the text repaired. in_words: True puts symbols that the tokenizer lacks into words."""
    repaired = repair_encoding(text)
    if in_words:
        repaired = symbols_in_words(repaired, lambda sign: tokenizer.token_to_id(sign) is not None)
    return repaired.text


def encode(texts: Sequence[str], tokenizer: Tokenizer, max_length: int, *, in_words: bool) -> list[list[int]]:
    """Return the ids of each text's first window, at most max_length of them, special tokens kept."""
    ids: list[list[int]] = []
    for start in range(0, len(texts), 1000):
        chunk = [readable(text, tokenizer, in_words=in_words) for text in texts[start : start + 1000]]
        for encoding in tokenizer.encode_batch(chunk):
            found = encoding.ids
            ids.append(found if len(found) <= max_length else [*found[: max_length - 1], found[-1]])
    return ids


def padded(ids: Sequence[Sequence[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the ids as one tensor (n, longest), and which of them are no padding."""
    longest = max(map(len, ids))
    tokens = torch.full((len(ids), longest), pad, dtype=torch.long)
    mask = torch.zeros((len(ids), longest), dtype=torch.long)
    for row, found in enumerate(ids):
        tokens[row, : len(found)] = torch.tensor(found)
        mask[row, : len(found)] = 1
    return tokens, mask


def pad_of(tokenizer: Tokenizer) -> int:
    """Return the id of the tokenizer's padding, 0 where it has none of the usual names."""
    for name in ("<pad>", "[PAD]"):
        found = tokenizer.token_to_id(name)
        if found is not None:
            return int(found)
    return 0


@torch.inference_mode()
def logits_of(
    directory: str | Path,
    texts: Sequence[str],
    *,
    max_length: int = 192,
    model: MeanPoolingClassifier | None = None,
) -> np.ndarray:
    """Return raw logits, float (n, n_labels), of a saved network: first window alone, bfloat16.

    Symbols are read as the network was trained. model: that network, where it is loaded already.
    """
    directory, where = Path(directory), device()
    model = (model or load_model(directory)).to(where).eval()
    tokenizer = load_tokenizer(directory)
    pad = pad_of(tokenizer)
    ids = encode(list(texts), tokenizer, max_length, in_words=saved_symbols_in_words(directory))
    order = np.argsort([len(found) for found in ids], kind="stable")
    result = np.zeros((len(ids), model.head.out_features), dtype=np.float32)
    at, started, told = 0, time.time(), time.time()
    while at < len(order):
        count = max(1, min(MAX_BATCH, BATCH_TOKENS // max(len(ids[order[at]]), 8)))
        chosen = order[at : at + count]
        tokens, mask = padded([ids[place] for place in chosen], pad)
        with torch.autocast(where, dtype=torch.bfloat16):
            found = model(input_ids=tokens.to(where), attention_mask=mask.to(where))
        result[chosen] = found.float().cpu().numpy()
        at += len(chosen)
        if time.time() - told > TOLD_EVERY_SECONDS:
            told = time.time()
            print(f"  scored {at} of {len(order)} in {told - started:.0f} s", flush=True)
            wait_while_held()
    return result
