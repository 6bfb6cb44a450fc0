"""A random BERT encoder of a few thousand parameters, on disk as the hub would give it, and rows to learn."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from datasets import Dataset
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from toxicity_ml import corpora
from toxicity_ml.labels import JIGSAW_LABELS
from toxicity_ml.publishing import export

FRIENDLY = [
    "thanks",
    "that",
    "was",
    "a",
    "good",
    "and",
    "kind",
    "answer",
    "to",
    "my",
    "question",
    "about",
    "the",
    "garden",
]
RUDE = {"toxic": "fool", "insult": "idiot", "obscene": "crap", "threat": "hurt"}
WORDS = [*FRIENDLY, *RUDE.values(), "you", "are", "will", "##s", ".", ",", "!"]


def build_base(directory: Path) -> Path:
    """Write config.json, model.safetensors and the tokenizer's files."""
    vocabulary = {word: index for index, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    # as the real base's file does, which ours must not inherit
    tokenizer.enable_truncation(128)
    tokenizer.enable_padding(length=128)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )
    fast.save_pretrained(directory)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=256,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(directory)
    return directory


@contextmanager
def lenient_export() -> Iterator[None]:
    """Ten times what int8 may differ by: a network of so few numbers is near that limit, and on which side it
    falls is a matter of the processor. test_export.py proves the limits themselves."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (
            "MAX_MEAN_DIFFERENCE",
            "MAX_MEAN_DIFFERENCE_UNSURE",
            "MAX_CLASS_DIFFERENCE",
            "MAX_CLASS_DIFFERENCE_UNSURE",
        ):
            patch.setattr(export, name, 10 * getattr(export, name))
        yield


def rows(count: int, seed: int = 0) -> Dataset:
    """Comments in which a label is true when its word occurs; threat is looked at in every other row only."""
    generator = random.Random(seed)
    made = []
    for index in range(count):
        words = generator.choices(FRIENDLY, k=generator.randint(3, 9))
        found = [label for label in RUDE if generator.random() < 0.25]
        for label in found:
            words.insert(generator.randint(0, len(words)), RUDE[label])
        labels = [float(label in found) for label in JIGSAW_LABELS]
        if index % 2:
            labels[JIGSAW_LABELS.index("threat")] = float("nan")
        made.append({"text": " ".join(words), "labels": labels})
    return corpora.from_rows(made)


def write_csv(path: Path, data: Dataset) -> Path:
    """The rows as a Jigsaw-shaped CSV, masked labels left empty."""
    lines = [",".join(["comment_text", *JIGSAW_LABELS])]
    for row in data:
        cells = ["" if value != value else f"{value:g}" for value in row["labels"]]
        lines.append(",".join([row["text"], *cells]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
