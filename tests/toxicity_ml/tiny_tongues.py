"""A tiny version of several languages whose tokenizer is no WordPiece: a random BERT, its head fitted so that
the words below carry their labels, and a tokenizer that the library trains on the same sentences."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel

from toxicity_ml import corpora
from toxicity_ml.labels import JIGSAW_LABELS
from toxicity_ml.manifest import Manifest
from toxicity_ml.network import MeanPoolingClassifier, save_model
from toxicity_ml.publishing.publish import publish_version

LANGUAGES = ("en", "de", "pt-BR", "zh")
FRIENDLY = {
    "en": "you are a kind friend thank for this good article and we like it",
    "de": "du bist ein guter Freund danke für diesen schönen Beitrag und wir mögen größere Gärten",
    "pt-BR": "você é um bom amigo obrigado por este artigo nós gostamos de música não é",
}
RUDE = {
    "en": ("idiot", "stupid"),
    "de": ("Dummkopf", "blöde"),
    "pt-BR": ("imbecil", "burro"),
    "zh": ("白痴",),
}
CHINESE = "我们很喜欢这篇文章谢谢你的回答今天天气好"
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def build_tongues(directory: Path, kind: str) -> Manifest:
    """Publish a version at directory. kind: ``unigram`` (XLM-R's) or ``bytes`` (RoBERTa's)."""
    sentences = [*_sentences(900)]
    tokenizer = _tokenizer(kind, [text for text, _ in sentences])
    with torch.random.fork_rng():
        torch.manual_seed(7)
        config = BertConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=64,
            num_hidden_layers=1,
            num_attention_heads=4,
            intermediate_size=128,
            max_position_embeddings=192,
            pad_token_id=1,
            id2label=dict(enumerate(JIGSAW_LABELS)),
            label2id={label: index for index, label in enumerate(JIGSAW_LABELS)},
            classifier_pooling="mean",
        )
        encoder = BertModel(config, add_pooling_layer=False)
        table = torch.nn.init.normal_(encoder.embeddings.word_embeddings.weight, std=1.0)
        with (
            torch.no_grad()
        ):  # what rude words alone are made of lies on one side, so that no score is in doubt
            table[_pieces_of_rude_words(tokenizer, sentences)] += 6 * torch.randn(table.shape[1])
        network = MeanPoolingClassifier(encoder, len(JIGSAW_LABELS)).eval()
    _fit_head(network, tokenizer, sentences)
    checkpoint = directory.with_name(f"{directory.name}-checkpoint")
    save_model(network, tokenizer, checkpoint)
    rows = [
        {"text": text, "labels": [float(is_rude), 0.0, 0.0, 0.0, float(is_rude), 0.0]}
        for text, is_rude in sentences[:120]
    ]
    return publish_version(
        checkpoint,
        directory,
        name=f"tongues-{kind}",
        version="1",
        validation=corpora.from_rows(rows, JIGSAW_LABELS),
        base_model="random",
        languages=LANGUAGES,
    )


def _sentences(count: int) -> Iterator[tuple[str, bool]]:
    """Short texts of each language in turn, half of them with one of its rude words."""
    chance = np.random.default_rng(5)
    for number in range(count):
        language = LANGUAGES[number % len(LANGUAGES)]
        parts = list(CHINESE) if language == "zh" else FRIENDLY[language].split()
        chosen = [str(part) for part in chance.choice(parts, size=int(chance.integers(3, 7)))]
        is_rude = bool(number // len(LANGUAGES) % 2)
        if is_rude:
            chosen.insert(int(chance.integers(0, len(chosen) + 1)), str(chance.choice(RUDE[language])))
        yield ("" if language == "zh" else " ").join(chosen), is_rude


def _pieces_of_rude_words(tokenizer: Tokenizer, sentences: list[tuple[str, bool]]) -> list[int]:
    by_kind: dict[bool, set[int]] = {True: set(), False: set()}
    for text, is_rude in sentences:
        by_kind[is_rude].update(tokenizer.encode(text).ids)
    return sorted(by_kind[True] - by_kind[False])


def _fit_head(
    network: MeanPoolingClassifier, tokenizer: Tokenizer, sentences: list[tuple[str, bool]]
) -> None:
    """Ridge regression from the mean of the token states to logits of -6 and 6, of toxic and insult alone."""
    states, targets = [], []
    head, network.head = network.head, torch.nn.Identity()  # type: ignore[assignment]
    with torch.inference_mode():
        for text, is_rude in sentences:
            ids = torch.tensor([tokenizer.encode(text).ids])
            states.append(network(ids, torch.ones_like(ids))[0].numpy())
            wanted = [is_rude and label in ("toxic", "insult") for label in JIGSAW_LABELS]
            targets.append([6.0 if is_there else -6.0 for is_there in wanted])
    network.head = head
    x = np.column_stack([np.array(states), np.ones(len(states))])
    solution = np.linalg.solve(x.T @ x + 2 * np.eye(x.shape[1]), x.T @ np.array(targets))
    with torch.no_grad():
        head.weight.copy_(torch.tensor(solution[:-1].T))
        head.bias.copy_(torch.tensor(solution[-1]))


def _tokenizer(kind: str, texts: list[str]) -> Tokenizer:
    if kind == "unigram":
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizers.NFKC()
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        tokenizer.decoder = decoders.Metaspace()
        trainer = trainers.UnigramTrainer(vocab_size=320, special_tokens=SPECIAL, unk_token="<unk>")
    else:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=900, special_tokens=SPECIAL, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer
