"""Small sequence-classification checkpoints as transformers alone makes and saves them, one of each family.

Random weights, and a tokenizer of the family's own kind that was trained on a few sentences.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast
from transformers.models.bert import BertConfig
from transformers.models.distilbert import DistilBertConfig
from transformers.models.electra import ElectraConfig
from transformers.models.mpnet import MPNetConfig
from transformers.models.roberta import RobertaConfig
from transformers.models.xlm_roberta import XLMRobertaConfig

CONFIGS: dict[str, Any] = {
    "bert": BertConfig,
    "roberta": RobertaConfig,
    "distilbert": DistilBertConfig,
    "xlm-roberta": XLMRobertaConfig,
    "electra": ElectraConfig,
    "mpnet": MPNetConfig,
}
SENTENCES = [
    "thank you for this kind and helpful answer",
    "you are an idiot and a moron, shut up",
    "the council meets on Tuesday in the old town hall",
    "I will find you and I will hurt you",
    "Das war ein kluger Beitrag, vielen Dank dafür",
    "Merci pour cette réponse, elle m'a beaucoup aidé",
    "what a stupid, worthless pile of crap",
    "we planted three apple trees in the garden last week!",
]
LABELS = ("toxicity", "obscene", "insult", "spam")


def build(
    directory: Path,
    family: str,
    names: Sequence[str] = LABELS,
    problem_type: str | None = "multi_label_classification",
    *,
    spread: float = 0.5,
    **config: Any,
) -> Path:
    """Write a checkpoint with these outputs. spread: of the head's weights, so that scores differ."""
    tokenizer = _tokenizer(family)
    with torch.random.fork_rng():
        torch.manual_seed(11)
        made = CONFIGS[family](
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=130,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            id2label=dict(enumerate(names)),
            label2id={name: index for index, name in enumerate(names)},
            problem_type=problem_type,
            **{"initializer_range": 0.3, **config},
        )
        model = AutoModelForSequenceClassification.from_config(made)
        with torch.no_grad():
            for weight in _head(model):
                torch.nn.init.normal_(weight, std=spread)
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory


def _head(model: torch.nn.Module) -> Iterator[torch.Tensor]:
    for name, weight in model.named_parameters():
        if name.startswith(("classifier", "pre_classifier")):
            yield weight


def _tokenizer(family: str) -> PreTrainedTokenizerFast:
    if family in ("roberta", "xlm-roberta"):
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        tokenizer = _bytes(special) if family == "roberta" else _sentence_pieces(special)
    else:
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        if family == "mpnet":
            special = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]
        tokenizer = _word_pieces(special)
    first, last, unknown = ("[CLS]", "[SEP]", "[UNK]") if "[CLS]" in special else ("<s>", "</s>", special[3])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in (first, last)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=128,
        bos_token=first,
        eos_token=last,
        cls_token=first,
        sep_token=last,
        unk_token=unknown,
        pad_token="<pad>" if first == "<s>" else "[PAD]",
        mask_token="<mask>" if first == "<s>" else "[MASK]",
    )


def _word_pieces(special: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(
        SENTENCES, trainers.WordPieceTrainer(vocab_size=300, special_tokens=special)
    )
    return tokenizer


def _bytes(special: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        SENTENCES, trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    )
    return tokenizer


def _sentence_pieces(special: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.train_from_iterator(
        SENTENCES, trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="<unk>")
    )
    return tokenizer
