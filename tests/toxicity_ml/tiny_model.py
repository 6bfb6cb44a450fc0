"""A real but tiny model that builds in seconds: a random BERT of two layers whose head is fitted so that the
words below carry their labels. For tests that need a checkpoint or a model version, not a good judge."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

from toxicity_ml.classifier import Classifier
from toxicity_ml.labels import JIGSAW_LABELS
from toxicity_ml.manifest import VERSION_FILES, Manifest, file_sha256
from toxicity_ml.network import MeanPoolingClassifier, save_model
from toxicity_ml.publishing.export import export_onnx

FRIENDLY = [
    *("you", "are", "a", "the", "wonderful", "kind", "friend", "thank", "this", "is", "good"),
    *("article", "nice", "day", "i", "like", "we", "read", "it"),
]
TOXIC = {
    "idiot": ("toxic", "insult"),
    "stupid": ("toxic", "insult"),
    "moron": ("toxic", "insult"),
    "crap": ("toxic", "obscene"),
    "damn": ("toxic", "obscene"),
    "kill": ("toxic", "threat"),
}
CANNED = ("you are a wonderful friend", "you are an idiot", "damn this crap", "i kill you", "")


def build_checkpoint(directory: Path, width: int = 64) -> Path:
    """What training writes: config.json, model.safetensors, tokenizer.json. The same files every time."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        config = BertConfig(
            vocab_size=len(_vocabulary()),
            hidden_size=width,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=2 * width,
            max_position_embeddings=192,
            id2label=dict(enumerate(JIGSAW_LABELS)),
            label2id={label: index for index, label in enumerate(JIGSAW_LABELS)},
            classifier_pooling="mean",
        )
        encoder = BertModel(config, add_pooling_layer=False)
        torch.nn.init.normal_(encoder.embeddings.word_embeddings.weight, std=1.0)
        network = MeanPoolingClassifier(encoder, len(JIGSAW_LABELS)).eval()
    tokenizer = _tokenizer()
    _fit_head(network, tokenizer)
    save_model(network, tokenizer, directory)
    return directory


def build_version(directory: Path, *, version: str = "1", name: str = "tiny", width: int = 64) -> Manifest:
    """A complete model version directory, through the real export. The wider, the better int8 follows it."""
    directory.mkdir(parents=True, exist_ok=True)
    checkpoint = build_checkpoint(directory / "checkpoint", width)
    export_onnx(checkpoint, directory, [text for text, _ in _sentences(200)])
    for file in ("config.json", "model.safetensors", "tokenizer.json"):
        shutil.copyfile(checkpoint / file, directory / file)
    shutil.rmtree(checkpoint)

    def manifest(canned: list[dict[str, object]]) -> Manifest:
        return Manifest(
            name=name,
            version=version,
            base_model="random",
            labels=JIGSAW_LABELS,
            max_length=192,
            stride=128,
            thresholds=dict.fromkeys(JIGSAW_LABELS, 0.5),
            calibration={label: {"slope": 1.0, "intercept": 0.0} for label in JIGSAW_LABELS},
            canned=canned,
            files={file: file_sha256(directory / file) for file in VERSION_FILES},
        )

    manifest([]).save(directory)
    classifier = Classifier.load(directory, threads=1)
    final = manifest([{"text": text, "scores": classifier.predict(text)} for text in CANNED])
    final.save(directory)
    return final


def _sentences(count: int) -> Iterable[tuple[str, list[float]]]:
    """Texts of a few words, half of them with one of the toxic words, and their labels."""
    rng = np.random.default_rng(3)
    for number in range(count):
        words = [str(word) for word in rng.choice(FRIENDLY, size=int(rng.integers(2, 8)))]
        bad = str(rng.choice(sorted(TOXIC))) if number % 2 else ""
        if bad:
            words.insert(int(rng.integers(0, len(words) + 1)), bad)
        yield " ".join(words), [float(label in TOXIC.get(bad, ())) for label in JIGSAW_LABELS]


def _fit_head(network: MeanPoolingClassifier, tokenizer: Tokenizer) -> None:
    """Ridge regression from the mean of the token states to logits of -6 and 6."""
    states, targets = [], []
    head, network.head = network.head, torch.nn.Identity()  # type: ignore[assignment]
    with torch.inference_mode():
        for text, labels in _sentences(600):
            ids = torch.tensor([tokenizer.encode(text).ids])
            states.append(network(ids, torch.ones_like(ids))[0].numpy())
            targets.append([12 * label - 6 for label in labels])
    network.head = head
    x = np.column_stack([np.array(states), np.ones(len(states))])
    solution = np.linalg.solve(x.T @ x + 0.5 * np.eye(x.shape[1]), x.T @ np.array(targets))
    with torch.no_grad():
        head.weight.copy_(torch.tensor(solution[:-1].T))
        head.bias.copy_(torch.tensor(solution[-1]))


def _vocabulary() -> dict[str, int]:
    symbols = "abcdefghijklmnopqrstuvwxyz0123456789"
    tokens = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *FRIENDLY,
        *sorted(TOXIC),
        *symbols,
        *".,!?'<>/&;:-",
    ]
    tokens += [f"##{symbol}" for symbol in symbols]
    return {token: index for index, token in enumerate(dict.fromkeys(tokens))}


def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(_vocabulary(), unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    first, last = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", first), ("[SEP]", last)]
    )
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    return tokenizer
