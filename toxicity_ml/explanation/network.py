"""Reads integrated gradients and attention weights off the network itself, in torch."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from toxicity_ml.classifier import Classifier
from toxicity_ml.errors import DataError
from toxicity_ml.explanation.attribution import (
    Attribution,
    as_words,
    checked_label,
    deciding_label,
    log_odds,
)
from toxicity_ml.explanation.words import Window, read, word_of_token
from toxicity_ml.labels import SINGLE_LABEL
from toxicity_ml.manifest import Manifest
from toxicity_ml.network import MeanPoolingClassifier, load_model, load_tokenizer
from toxicity_ml.scorer import Scorer
from toxicity_ml.text.repair import Span

BASELINES = ("[MASK]", "[PAD]")
_OTHER_NAMES = {"[MASK]": "<mask>", "[PAD]": "<pad>"}
"""As RoBERTa's tokenizers and their kin have them."""
_BATCH = 16
"""Steps that go through the network at once."""
_PATIENCE = 16
"""How many times as many steps as asked for are taken at most."""


@dataclass(frozen=True)
class Attention:
    """Where every head of every layer looks, for one window of a text."""

    version: str
    tokens: tuple[str, ...]
    """As in the vocabulary, [CLS] and [SEP] included."""
    spans: tuple[Span, ...]
    """(start, end) of each token in the original text in code points; empty for [CLS] and [SEP]."""
    weights: np.ndarray
    """float32 (layers, heads, n_tokens, n_tokens): how much each token (row) takes from each (column).
    Rows sum to 1."""
    windows: int
    """In how many windows the model reads the text. This is the one that is highest for ``label``."""
    label: str | None
    """None where none was asked for and there is only one window."""

    def head(self, layer: int, head: int) -> np.ndarray:
        """Weights of one head, (n_tokens, n_tokens). Counted from 0. Raises DataError for one that isn't
        there."""
        layers, heads = self.weights.shape[:2]
        if not (0 <= layer < layers and 0 <= head < heads):
            raise DataError(
                f"There is no layer {layer} with a head {head}: layers are 0 to {layers - 1}, "
                f"heads 0 to {heads - 1}."
            )
        weights: np.ndarray = self.weights[layer, head]
        return weights


def read_attention(directory: Path, text: str, label: str | None) -> Attention:
    """Attention in the window that is highest for the label (None: for ``deciding_label``). Raises as
    ``toxicity_ml.explanation.attention``."""
    manifest = Manifest.load(directory)
    if label is not None:
        checked_label(manifest.labels, label)
    reading = read(directory, text)
    windows = reading.windows
    if not windows:
        raise DataError("The text has no token that the model reads, so there is no attention to show.")
    model = load_model(directory, attention="eager")
    window = windows[0]
    if len(windows) > 1:
        logits = np.stack([_logits(model, window) for window in windows])
        label = label or deciding_label(Classifier.load(directory), text)
        column = manifest.labels.index(label)
        window = windows[int(np.argmax(log_odds(logits, column, manifest.task)))]
    ids = torch.from_numpy(window.ids).unsqueeze(0)
    with torch.inference_mode():
        outputs = model.encoder(
            input_ids=ids, attention_mask=torch.ones_like(ids), output_attentions=True
        ).attentions
    tokenizer = load_tokenizer(directory)
    return Attention(
        version=f"{manifest.name}@{manifest.version}",
        tokens=tuple(str(tokenizer.id_to_token(int(token))) for token in window.ids),
        spans=window.spans,
        weights=torch.cat(outputs).numpy(),
        windows=reading.count,
        label=label,
    )


def integrate(
    directory: Path, scorer: Scorer, text: str, label: str, *, steps: int, baseline: str
) -> Attribution:
    """Integrated gradients of a label's log-odds along the straight line from the embeddings of ``baseline``
    tokens to those of the text's (Sundararajan et al. 2017, equation 2; positions, [CLS] and [SEP] are the
    same at both ends), by Gauss-Legendre quadrature. Raises as ``toxicity_ml.explanation.attribute``."""
    from captum.attr import LayerIntegratedGradients

    manifest = Manifest.load(directory)
    column = checked_label(manifest.labels, label)
    if scorer.version != (version := f"{manifest.name}@{manifest.version}"):
        raise DataError(
            f"Integrated gradients explain one network, {version}, and the classifier is {scorer.version}; "
            "use occlusion."
        )
    token = _baseline(load_tokenizer(directory), baseline) if baseline in BASELINES else None
    if token is None:
        raise DataError(f"There is no baseline token {baseline!r}; take one of {', '.join(BASELINES)}.")
    reading = read(directory, text)
    score = float(scorer.predict_array([text])[0, scorer.labels.index(label)])
    if not reading.windows:
        nothing = float(log_odds(scorer.logits([text]), scorer.labels.index(label), manifest.task)[0])
        return Attribution(
            text, label, "integrated_gradients", version, score, (), 0, nothing, nothing, 0.0, 0.0, 0.0
        )
    model = load_model(directory).requires_grad_(False)
    logits = np.stack([_logits(model, window) for window in reading.windows])
    window = reading.windows[int(np.argmax(log_odds(logits, column, manifest.task)))]

    def output(ids: Tensor) -> Tensor:
        return _log_odds(model(ids, torch.ones_like(ids)), column, manifest.task)

    ids = torch.from_numpy(window.ids).unsqueeze(0)
    start = ids.clone()
    start[0, 1:-1] = token
    with torch.inference_mode():
        logit, origin = (float(output(tokens)[0]) for tokens in (ids, start))
    tolerance = max(0.05, 0.02 * abs(logit - origin))
    method = LayerIntegratedGradients(output, model.encoder.embeddings.word_embeddings)  # type: ignore[union-attr]
    taken = steps
    while True:
        parts = method.attribute(ids, baselines=start, n_steps=taken, internal_batch_size=_BATCH)
        values = parts[0].sum(dim=-1).detach().double().numpy()
        error = math.fsum(values) - (logit - origin)
        if abs(error) <= tolerance or taken >= _PATIENCE * steps:
            break
        taken *= 2
    spans = reading.words
    owners = word_of_token(spans, window.spans)
    sums = np.zeros(len(spans))
    np.add.at(sums, owners[owners >= 0], values[owners >= 0])
    touched = np.unique(owners[owners >= 0])
    total = math.fsum(sums[touched])
    return Attribution(
        text=text,
        label=label,
        method="integrated_gradients",
        version=version,
        score=score,
        words=as_words(text, [spans[index] for index in touched], sums[touched]),
        windows=reading.count,
        logit=logit,
        baseline=origin,
        total=total,
        error=total - (logit - origin),
        tolerance=tolerance,
    )


def _baseline(tokenizer: Tokenizer, name: str) -> int | None:
    """The token that stands for nothing, or None where the vocabulary has none."""
    token: int | None = tokenizer.token_to_id(name)
    return tokenizer.token_to_id(_OTHER_NAMES[name]) if token is None else token


def _logits(model: MeanPoolingClassifier, window: Window) -> np.ndarray:
    """float32 (n_labels,) of one window."""
    ids = torch.from_numpy(window.ids).unsqueeze(0)
    with torch.inference_mode():
        logits: np.ndarray = model(ids, torch.ones_like(ids))[0].numpy()
    return logits


def _log_odds(logits: Tensor, column: int, task: str) -> Tensor:
    """As ``attribution.log_odds``, in torch, so that a gradient goes through it."""
    if task != SINGLE_LABEL:
        return logits[:, column]
    others = torch.cat([logits[:, :column], logits[:, column + 1 :]], dim=1)
    return logits[:, column] - others.logsumexp(dim=1)
