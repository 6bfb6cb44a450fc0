"""Times backends in turns: one text again and again, or many at once, each backend in every round."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, groupby, islice
from typing import TYPE_CHECKING, cast

import numpy as np

from toxicity_ml.inference.backends import Backend
from toxicity_ml.inference.windows import WindowEncoder

if TYPE_CHECKING:
    from toxicity_ml.inference.backends.torch import TorchBackend

_SETTLE = 0.02
"""Seconds between two backends: threads of the one before wait in a busy loop for more work."""


@dataclass(frozen=True)
class Cell:
    """One thing to time."""

    backend: str
    tokens: int
    threads: int
    batch: int = 1


Measure = Callable[[Cell, bool], np.ndarray]
"""Times a cell, shorter where the flag says that it is only to warm up. Returns seconds of a text, (n,)."""


def in_rounds(
    cells: Sequence[Cell], measure: Measure, rounds: int, done: Callable[[], None]
) -> dict[Cell, list[np.ndarray]]:
    """Measure each cell once in every round, after a round to warm up; done is called after each.

    Cells of the same length and threads, which stand together, follow each other at once, and another one
    begins in each round: what else the machine does then meets them all alike.
    """
    groups = [list(group) for _, group in groupby(cells, key=lambda cell: (cell.threads, cell.tokens))]
    by_cell: dict[Cell, list[np.ndarray]] = {cell: [] for cell in cells}
    for number in range(-1, rounds):
        for group in groups:
            first = max(number, 0) % len(group)
            for cell in group[first:] + group[:first]:
                time.sleep(_SETTLE)
                seconds = measure(cell, number < 0)
                if number >= 0:
                    by_cell[cell].append(seconds)
                done()
    return by_cell


class Stopwatch:
    """Times cells on the same texts. Tokenizing is part of what is timed."""

    def __init__(
        self,
        opened: Mapping[str, Mapping[int, Backend]],
        encoder: WindowEncoder,
        texts: Mapping[int, Sequence[str]],
        *,
        calls: int,
        seconds: float,
    ) -> None:
        """opened: backend by name and by cores of one run, 1 always among them. texts: by their length in
        tokens. calls: of one measurement of ``one_text``. seconds: aimed at by one of ``many_texts``."""
        self._opened, self._encoder, self._texts = opened, encoder, texts
        self._calls, self._seconds = calls, seconds
        self._counts: dict[Cell, int] = {}

    def one_text(self, cell: Cell, is_warm_up: bool) -> np.ndarray:
        """Seconds of each call with one text, which uses the cell's threads itself."""
        _use_torch_threads(cell.threads)
        backend, texts = self._opened[cell.backend][cell.threads], cycle(self._texts[cell.tokens])
        seconds = []
        for _ in range(3 if is_warm_up else self._calls + 1):
            text = next(texts)
            start = time.perf_counter()
            (ids,) = self._encoder.windows(text)
            backend.run(ids)
            seconds.append(time.perf_counter() - start)
        return np.array(seconds[1:])  # the first only finds the caches as another backend left them

    def many_texts(self, cell: Cell, is_warm_up: bool) -> np.ndarray:
        """Seconds of one text among many, (1,): by batches, or where the batch is 1 as many texts at once as
        the cell has threads."""
        _use_torch_threads(1 if cell.batch == 1 else cell.threads)
        least = max(cell.batch, cell.threads)
        once = self._time_many(cell, least)
        if is_warm_up:
            once = self._time_many(cell, least)
            self._counts[cell] = least * max(1, round(self._seconds / once))
        count = self._counts[cell]
        return np.array([self._time_many(cell, count) / count])

    def _time_many(self, cell: Cell, count: int) -> float:
        texts = list(islice(cycle(self._texts[cell.tokens]), count))
        backend = self._opened[cell.backend][1]
        start = time.perf_counter()
        windows = [ids for text in texts for ids in self._encoder.windows(text)]
        if cell.batch > 1:
            batched = cast("TorchBackend", backend)
            for first in range(0, count, cell.batch):
                part = windows[first : first + cell.batch]
                batched.run_batch(part, tokens=cell.batch * cell.tokens)
        elif cell.threads == 1:
            for ids in windows:
                backend.run(ids)
        else:
            with ThreadPoolExecutor(cell.threads) as pool:  # as Classifier does
                list(pool.map(backend.run, windows))
        return time.perf_counter() - start


@contextmanager
def torch_threads_kept() -> Iterator[None]:
    """Put torch's number of threads back afterwards, where torch is loaded."""
    before = sys.modules["torch"].get_num_threads() if "torch" in sys.modules else None
    try:
        yield
    finally:
        if before is not None:
            _use_torch_threads(before)


def _use_torch_threads(count: int) -> None:
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)
