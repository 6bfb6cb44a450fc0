"""From rows to batches: tokens once, changed copies of texts anew in every batch, padding as little as can
be."""

import itertools
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from tokenizers import Tokenizer
from torch import Tensor
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices

from toxicity_ml.augmentation.eda import EDA
from toxicity_ml.augmentation.joining import join
from toxicity_ml.augmentation.noise import add_noise
from toxicity_ml.augmentation.stripping import strip_punctuation
from toxicity_ml.text.repair import repair_encoding
from toxicity_ml.text.symbols import symbols_in_words
from toxicity_ml.training.options import TrainingOptions

COMPANION_TOKENS = 64
"""A text that another is joined to is no longer than this."""


def tokenized(
    rows: Dataset, tokenizer: Tokenizer, max_length: int, *, puts_symbols_in_words: bool = False
) -> Dataset:
    """Rows of text (repaired), input_ids (at most max_length, special tokens kept), labels, weight, length,
    sorted by length so that evaluation pads little; training draws its own order."""
    repaired = [repair_encoding(text) for text in rows["text"]]
    if puts_symbols_in_words:
        repaired = [symbols_in_words(text, _is_piece_of(tokenizer)) for text in repaired]
    texts = [text.text for text in repaired]
    ids: list[list[int]] = []
    for start in range(0, len(texts), 1000):
        encodings = tokenizer.encode_batch(texts[start : start + 1000])
        ids.extend(cut(encoding.ids, max_length) for encoding in encodings)
    made = Dataset.from_dict(
        {
            "text": texts,
            "input_ids": ids,
            "labels": list(rows["labels"]),
            "weight": list(rows["weight"]),
            "length": [len(found) for found in ids],
        }
    )
    return made.sort("length")


def _is_piece_of(tokenizer: Tokenizer) -> Callable[[str], bool]:
    return lambda character: tokenizer.token_to_id(character) is not None


def cut(ids: list[int], max_length: int) -> list[int]:
    """The first max_length tokens, the last of them the special one that ends the text."""
    return ids if len(ids) <= max_length else [*ids[: max_length - 1], ids[-1]]


def oversampled(rows: Dataset, threshold: float) -> Dataset:
    """Rows repeated by sqrt(threshold / share of the rarest label they have), where that is over 1: repeat
    factor sampling (Gupta et al. 2019, "LVIS", section 4). A fractional factor repeats
    evenly spaced rows once more.
    """
    targets = np.asarray(rows["labels"], dtype=np.float64)
    positive = np.nan_to_num(targets) >= 0.5
    share = np.maximum(positive.mean(axis=0), 1 / len(rows))
    factor = np.maximum(1.0, np.sqrt(threshold / share))
    repeats = np.where(positive, factor[None, :], 1.0).max(axis=1)
    owed = np.cumsum(repeats - 1)
    extra = np.floor(owed).astype(int) - np.floor(np.concatenate([[0.0], owed[:-1]])).astype(int)
    return rows.select(np.repeat(np.arange(len(rows)), 1 + extra).tolist())


@dataclass(frozen=True)
class BatchMaker:
    """A collator: rows of ``tokenized`` in, tensors out, texts changed on the way as the options say.

    The changes of a batch follow from the seed and the batch's number, so that a training that goes on from a
    checkpoint makes the same ones.
    """

    words: Tokenizer
    """Not called tokenizer: the trainer would save one of that name as its own kind."""
    options: TrainingOptions
    companions: Sequence[str] = ()
    """Short texts without any label, for joining."""
    eda: EDA | None = field(default=None)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    """Of the batches to come."""

    @classmethod
    def plain(cls, tokenizer: Tokenizer, options: TrainingOptions) -> "BatchMaker":
        """The collator of evaluation batches: texts as they are."""
        return cls(tokenizer, replace(options, stripped=0.0, noise=0.0, joined=0.0, eda=0.0))

    @classmethod
    def training(
        cls, tokenizer: Tokenizer, options: TrainingOptions, rows: Dataset, first: int = 0
    ) -> "BatchMaker":
        """The collator of training batches. first: the number of the first batch, over 0 in a training that
        goes on."""
        companions: list[str] = []
        if options.joined:
            targets = np.asarray(rows["labels"], dtype=np.float64)
            clear = (targets < 0.5).all(axis=1) & (np.asarray(rows["length"]) <= COMPANION_TOKENS)
            companions = [
                text for text in rows.select(np.flatnonzero(clear).tolist())["text"] if text.strip()
            ]
        eda = EDA.for_rows(len(rows), seed=options.seed) if options.eda else None
        return cls(tokenizer, options, companions, eda, itertools.count(first))

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """input_ids, attention_mask int64 (n, length); labels float (n, n_labels); weight float (n,); and
        where the rows have them, kept logits float (n, n_labels)."""
        ids = self._changed(rows) if self._changes else [list(row["input_ids"]) for row in rows]
        longest = max(map(len, ids))
        padded = torch.zeros((len(rows), longest), dtype=torch.long)
        mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for index, found in enumerate(ids):
            padded[index, : len(found)] = torch.tensor(found)
            mask[index, : len(found)] = 1
        targets = ("labels", "weight", "kept") if "kept" in rows[0] else ("labels", "weight")
        return {
            "input_ids": padded,
            "attention_mask": mask,
            **{name: torch.tensor([row[name] for row in rows], dtype=torch.float32) for name in targets},
        }

    @property
    def _changes(self) -> bool:
        return bool(self.options.stripped or self.options.noise or self.companions or self.eda)

    def _changed(self, rows: Sequence[Mapping[str, Any]]) -> list[list[int]]:
        generator = np.random.default_rng((self.options.seed, next(self.numbers)))
        ids = []
        for row in rows:
            # What is kept is the score of the text as it is.
            is_kept = all(math.isnan(label) for label in row["labels"])
            text = row["text"] if is_kept else self._change(row["text"], row["length"], generator)
            if text is row["text"]:
                ids.append(list(row["input_ids"]))
            else:
                ids.append(cut(self.words.encode(text).ids, self.options.max_length))
        return ids

    def _change(self, text: str, length: int, generator: np.random.Generator) -> str:
        """A joined text keeps its labels, as its companion has none."""
        chance = generator.random(4)
        if self.eda is not None and chance[0] < self.options.eda:
            copies = self.eda.augment(text, 1, random.Random(int(generator.integers(2**31))))  # noqa: S311
            text = copies[0] if copies else text
        if chance[1] < self.options.noise:
            text = add_noise(text, generator)
        if self.companions and chance[2] < self.options.joined:
            companion = self.companions[int(generator.integers(len(self.companions)))]
            if length + COMPANION_TOKENS <= self.options.max_length:
                text = join(text, companion, generator)
        if chance[3] < self.options.stripped:
            text = strip_punctuation(text)
        return text


class EpochOrder(Sampler[int]):
    """The order of the rows in an epoch, texts of about one length in a batch; the same whenever that epoch
    is begun, also after an interruption."""

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int, epoch: Callable[[], int]) -> None:
        """epoch: tells which one begins when the rows are asked for."""
        self.lengths, self.batch_size, self.seed, self.epoch = list(lengths), batch_size, seed, epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + self.epoch())
        order: list[int] = get_length_grouped_indices(  # type: ignore[no-untyped-call]
            self.lengths, self.batch_size, generator=generator
        )
        return iter(order)


def steps_per_epoch(rows: int, batch_size: int) -> int:
    """Batches in which every row is seen once."""
    return max(1, math.ceil(rows / batch_size))
