"""Any sequence-to-sequence model (Marian, T5, BART ...) as a function from texts to texts."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toxicity_ml.errors import DataError, ModelNotFound

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
LONGEST = 512
"""Tokens of the longest text where neither model nor tokenizer knows a limit."""


@dataclass(frozen=True)
class Generation:
    """How texts are generated."""

    beams: int = 4
    """Width of the beam search, widened to the number of outputs that are asked for; not with ``sample``."""
    sample: bool = False
    """Draw words by their probability instead of taking the most probable text."""
    temperature: float = 1.0
    """Flattens (over 1) or sharpens (under 1) the probabilities that are drawn by."""
    top_p: float = 1.0
    """Draw among the most probable words that make up this probability."""
    batch_size: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        if self.beams < 1 or self.batch_size < 1:
            raise DataError("Beams and batch size are whole numbers from 1 on.")
        if not (self.temperature > 0 and 0 < self.top_p <= 1):
            raise DataError("The temperature is over 0, and top_p over 0 and at most 1.")


class Seq2Seq:
    """A loaded model. Use ``load``."""

    def __init__(self, name: str, tokenizer: Any, model: Any) -> None:
        self.name = name
        self._tokenizer = tokenizer
        self._model = model
        known = (
            tokenizer.model_max_length,
            getattr(model.config, "max_position_embeddings", None),
            LONGEST,
        )
        self.max_tokens: int = min(limit for limit in known if limit)

    @classmethod
    def load(cls, name: str | Path, device: str | None = None) -> "Seq2Seq":
        """Load a model and its tokenizer from a directory or, by ``owner/name``, from the hub.

        Only safetensors weights are read and no code of the model's. ``device``: as in torch; default: CUDA
        where there is one. Raises ModelNotFound when it can't be had, saying why.
        """
        import torch
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

        name = str(name)
        _check_directory(name)
        try:
            tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
            model = AutoModelForSeq2SeqLM.from_pretrained(
                name, trust_remote_code=False, use_safetensors=True, dtype=torch.float32
            )
        except Exception as error:  # transformers raises many types: network, absence, format, kind of model
            raise ModelNotFound(
                f"{name} can't be loaded as a sequence-to-sequence model with safetensors weights "
                f"({type(error).__name__}). Name a directory with config.json, model.safetensors and the "
                f"tokenizer's files, or such a model on the hub while the network is there."
            ) from error
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        return cls(name, tokenizer, model.to(device).eval())

    def generate(
        self,
        texts: Sequence[str],
        n: int = 1,
        options: Generation | None = None,
    ) -> list[list[str]]:
        """For each text the ``n`` best (or drawn) outputs, best first and without duplicates, in input order.

        Texts are sorted by length into batches. A text longer than ``max_tokens`` is never cut, as its label
        may rest on its end: it has no output, and neither has an empty one. The same texts, options and seed
        give the same outputs on the same machine.
        """
        import torch

        options = options or Generation()
        outputs: list[list[str]] = [[] for _ in texts]
        lengths = [len(self._tokenizer(text)["input_ids"]) for text in texts]
        usable = [
            index for index, text in enumerate(texts) if text.strip() and lengths[index] <= self.max_tokens
        ]
        usable.sort(key=lambda index: (lengths[index], texts[index]))
        devices = [self._model.device] if self._model.device.type == "cuda" else []
        for start in range(0, len(usable), options.batch_size):
            batch = usable[start : start + options.batch_size]
            with torch.random.fork_rng(devices=devices), torch.inference_mode():
                torch.manual_seed(_seed(options.seed, [texts[index] for index in batch]))
                batch_outputs = self._batch([texts[index] for index in batch], n, options)
            for index, generated in zip(batch, batch_outputs, strict=True):
                outputs[index] = list(dict.fromkeys(text for text in generated if text))
        return outputs

    def _batch(self, texts: list[str], n: int, options: Generation) -> list[list[str]]:
        encoded = self._tokenizer(texts, padding=True, return_tensors="pt").to(self._model.device)
        drawing = {"temperature": float(options.temperature), "top_p": options.top_p, "top_k": 0}
        generated = self._model.generate(
            input_ids=encoded["input_ids"],
            attention_mask=encoded["attention_mask"],
            num_return_sequences=n,
            num_beams=1 if options.sample else max(options.beams, n),
            do_sample=options.sample,
            max_length=None,
            max_new_tokens=min(self.max_tokens - 1, 2 * encoded["input_ids"].shape[1] + 16),
            **(drawing if options.sample else {}),
        )
        decoded = self._tokenizer.batch_decode(generated, skip_special_tokens=True)
        decoded = [text.strip() for text in decoded]
        return [decoded[start : start + n] for start in range(0, len(decoded), n)]


def _check_directory(name: str) -> None:
    path = Path(name)
    if path.is_dir():
        if not any((path / weights).is_file() for weights in WEIGHTS):
            raise ModelNotFound(
                f"{name} has no model.safetensors. Weights in other formats are not read, as they may hold "
                f"code: save the model once with save_pretrained, where you trust it."
            )
    elif path.is_absolute() or name.startswith(".") or name.count("/") > 1:
        raise ModelNotFound(f"{name} does not exist: name a model's directory, or owner/name on the hub.")


def _seed(seed: int, texts: Sequence[str]) -> int:
    """The seed of one batch, so that what is drawn does not depend on the batches before it."""
    digest = hashlib.sha256(f"{seed}:{texts}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:7], "big")
