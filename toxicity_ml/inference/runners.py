"""Runs the windows of many texts: each by itself on threads, or together in batches on a device."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

from toxicity_ml.errors import BackendUnavailable
from toxicity_ml.inference.backends import Backend, BatchBackend

logger = logging.getLogger(__name__)


class Runner(Protocol):
    """Runs windows through a backend for a classifier. Safe to call from many threads at once."""

    @property
    def name(self) -> str:
        """The backend and its device, for a log."""
        ...

    @property
    def threads(self) -> int:
        """Windows that are run at once, for all callers together."""
        ...

    @property
    def is_batched(self) -> bool:
        """True where many texts at a time run faster than one by one."""
        ...

    @property
    def backend(self) -> Backend:
        """The network."""
        ...

    def run_all(self, windows: Sequence[np.ndarray]) -> Iterable[np.ndarray]:
        """windows: n times int64 (length,). Returns n times logits, float32 (n_labels,), in their order."""
        ...


class ThreadedRunner:
    """Runs each window by itself, on a thread of its own, so that a score depends on no neighbour."""

    is_batched = False

    def __init__(self, backend: Backend, threads: int, name: str) -> None:
        self.backend = backend
        self.threads = threads
        self.name = name
        # callers on several threads share the cores instead of each taking all of them
        self._free = threading.BoundedSemaphore(threads)

    def run_all(self, windows: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
        """Logits of each window, in their order."""
        if len(windows) < 2 or self.threads == 1:
            yield from map(self._run, windows)
            return
        # a pool for each call costs less than a run, and leaves no threads behind for a fork to lose
        with ThreadPoolExecutor(min(self.threads, len(windows)), "toxicity") as pool:
            yield from pool.map(self._run, windows)

    def _run(self, ids: np.ndarray) -> np.ndarray:
        with self._free:
            return self.backend.run(ids)


class BatchedRunner:
    """Runs all windows together on a device, and each by itself on the CPU once the device has failed."""

    def __init__(self, backend: BatchBackend, name: str, instead: Callable[[], ThreadedRunner]) -> None:
        """instead: loads the runner that takes over once the device fails."""
        self._runs_on: BatchBackend | ThreadedRunner = backend
        self._name = name
        self._load_instead = instead
        self._one_at_a_time = threading.Lock()

    @property
    def name(self) -> str:
        return self._runs_on.name if isinstance(self._runs_on, ThreadedRunner) else self._name

    @property
    def threads(self) -> int:
        return self._runs_on.threads if isinstance(self._runs_on, ThreadedRunner) else 1

    @property
    def is_batched(self) -> bool:
        return not isinstance(self._runs_on, ThreadedRunner)

    @property
    def backend(self) -> Backend:
        return self._runs_on.backend if isinstance(self._runs_on, ThreadedRunner) else self._runs_on

    def run_all(self, windows: Sequence[np.ndarray]) -> Iterable[np.ndarray]:
        """Logits of each window, in their order."""
        with self._one_at_a_time:
            runs_on = self._runs_on
            if not isinstance(runs_on, ThreadedRunner):
                try:
                    return list(runs_on.run_batch(windows))
                except BackendUnavailable as error:
                    logger.error("%s Scoring goes on on the CPU.", error)
                    runs_on = self._runs_on = self._load_instead()
        return runs_on.run_all(windows)
