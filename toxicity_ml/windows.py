"""From a text to the model's windows of token ids: repair, tokenizer, windows, with bounded work per text."""

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from toxicity_ml.errors import ModelDamaged, ModelNotFound
from toxicity_ml.text import repair

MAX_LENGTH = 192
"""Tokens of a window, [CLS] and [SEP] included."""
STRIDE = 128
"""A longer text's windows start every STRIDE tokens, so neighbours share MAX_LENGTH - 2 - STRIDE of them."""
MAX_WINDOWS = 64
"""A text with more windows is read at both ends, half of this at each: about 33,000 characters of prose."""


class WindowEncoder:
    """The tokenizer of a model version, giving windows instead of a truncated text."""

    def __init__(self, directory: str | Path, max_length: int = MAX_LENGTH, stride: int = STRIDE) -> None:
        """Raises ModelNotFound or ModelDamaged, naming tokenizer.json."""
        path = Path(directory) / "tokenizer.json"
        if not path.is_file():
            raise ModelNotFound(f"{path} is missing. Give a model version's directory, or publish one there.")
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the Rust side raises bare Exception
            raise ModelDamaged(
                f"{path} is not a tokenizer file. Fetch or publish this version again."
            ) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True  # "[SEP]" in a comment is text
        first, last = self._tokenizer.token_to_id("[CLS]"), self._tokenizer.token_to_id("[SEP]")
        if first is None or last is None:
            raise ModelDamaged(f"{path} has no [CLS] and [SEP] tokens; only BERT-like tokenizers are served.")
        self._first, self._last = first, last
        self._length, self._stride = max_length - 2, stride

    def windows(self, text: str) -> list[np.ndarray]:
        """Token ids of each window, int64 (length,), special tokens included; none for a text without
        tokens."""
        ids = self._tokenizer.encode(repair(text).text, add_special_tokens=False).ids
        if not ids:
            return []
        starts = [0, *range(self._stride, len(ids) - self._length + self._stride, self._stride)]
        if len(starts) > MAX_WINDOWS:
            starts = starts[: MAX_WINDOWS // 2] + starts[-MAX_WINDOWS // 2 :]
        return [
            np.array([self._first, *ids[start : start + self._length], self._last], dtype=np.int64)
            for start in starts
        ]
