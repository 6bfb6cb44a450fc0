"""Turns a text into the model's windows of token ids, with bounded work per text."""

from collections.abc import Sequence
from copy import copy
from pathlib import Path

import numpy as np

from toxicity_ml.inference.tokenizer_files import read_tokenizer
from toxicity_ml.manifest import Manifest
from toxicity_ml.text.deobfuscation import Lexicon
from toxicity_ml.text.repair import Repaired, Span, forms, repair_encoding
from toxicity_ml.text.symbols import symbols_in_words

MAX_LENGTH = 192
"""Tokens of a window, [CLS] and [SEP] included, or what the tokenizer has in their place."""
STRIDE = 128
"""A longer text's windows start every STRIDE tokens, so neighbours share MAX_LENGTH - 2 - STRIDE of them."""
MAX_WINDOWS = 64
"""A text with more windows, both its forms together, is read at both ends, half of this at each: about
33,000 characters of prose."""


class WindowEncoder:
    """Cuts a text into windows with a model version's tokenizer, instead of truncating it."""

    def __init__(
        self,
        directory: str | Path,
        max_length: int = MAX_LENGTH,
        stride: int = STRIDE,
        *,
        both_forms: bool = True,
        symbols_in_words: bool = False,
    ) -> None:
        """both_forms: read a text with disguised words undisguised too; off where the windows' scores are
        averaged. symbols_in_words: put symbols that the tokenizer lacks into words. Raises ModelNotFound or
        ModelDamaged, naming tokenizer.json.
        """
        self.both_forms = both_forms
        self.symbols_in_words = symbols_in_words
        self._tokenizer, (self._first, self._last) = read_tokenizer(directory)
        self._length, self._stride = max_length - 2, stride
        self._is_word_piece = type(self._tokenizer.model).__name__ == "WordPiece"
        # Of a vocabulary in other pieces nobody could say which of them are words.
        self._lexicon = Lexicon.of(self._tokenizer.get_vocab() if self._is_word_piece else ())

    @classmethod
    def of(cls, directory: str | Path, manifest: Manifest) -> "WindowEncoder":
        """The encoder of a model version, reading texts as its manifest says."""
        return cls(
            directory,
            manifest.max_length,
            manifest.stride,
            both_forms=manifest.reads_both_forms,
            symbols_in_words=manifest.symbols_in_words,
        )

    def readings(self, text: str) -> list[tuple[list[np.ndarray], int]]:
        """For each way to read the text: its windows, and how many that reading has in all.

        A window is token ids, int64 (length,), special tokens included. The readings are the text repaired in
        its encoding and, where a disguise was undone, the undisguised text, of which only the windows that
        show it are given. At most MAX_WINDOWS together; no reading for a text without tokens.
        """
        forms = self.forms(text)
        further: tuple[list[np.ndarray], int] = [], 0
        if len(forms) == 2:
            further = self._windows(forms[1].text, MAX_WINDOWS // 2, forms[1].changed)
        first = self._windows(forms[0].text, MAX_WINDOWS - len(further[0]))
        return [reading for reading in (first, further) if reading[0]]

    def windows(self, text: str) -> list[np.ndarray]:
        """The windows of all readings, in their order; none for a text without tokens."""
        return [ids for windows, _ in self.readings(text) for ids in windows]

    def forms(self, text: str) -> tuple[Repaired, ...]:
        """The one or two ways in which a text is read (``repair.forms``), with the vocabulary as lexicon."""
        if self.both_forms:
            read = forms(text, self._lexicon)
        else:
            read = (repair_encoding(text, breaks_words=self._is_word_piece),)
        if not self.symbols_in_words:
            return read
        return tuple(symbols_in_words(form, self._has_piece) for form in read)

    def _has_piece(self, character: str) -> bool:
        return self._tokenizer.token_to_id(character) is not None

    def reading_one_form(self) -> "WindowEncoder":
        """The same encoder with ``both_forms`` off."""
        encoder = copy(self)
        encoder.both_forms = False
        return encoder

    def _windows(
        self, text: str, most: int, places: Sequence[Span] | None = None
    ) -> tuple[list[np.ndarray], int]:
        """The windows of a text, with places only those that show one of them; and how many it has in all, of
        those that would be read."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        ids = encoding.ids
        if not ids:
            return [], 0
        starts = [0, *range(self._stride, len(ids) - self._length + self._stride, self._stride)]
        count = min(len(starts), MAX_WINDOWS)
        if places is not None:
            shown = _tokens_at(encoding.offsets, places)
            starts = [start for start in starts if shown[start : start + self._length].any()]
        if len(starts) > most:
            starts = starts[: most // 2] + starts[len(starts) - (most - most // 2) :]
        windows = [
            np.array([self._first, *ids[start : start + self._length], self._last], dtype=np.int64)
            for start in starts
        ]
        return windows, count


def _tokens_at(offsets: Sequence[Span], places: Sequence[Span]) -> np.ndarray:
    """Which tokens lie in one of the places of the text, bool (n_tokens,). Both are in order."""
    starts, ends = np.array(places, dtype=np.int64).T
    tokens = np.array(offsets, dtype=np.int64)
    following = np.searchsorted(ends, tokens[:, 0], side="right")  # the first place that ends after it begins
    reached = np.append(starts, np.iinfo(np.int64).max)[following]
    return np.asarray(tokens[:, 1] > reached)
