"""Reads API keys from a file, one a line, and takes changes of the file up while the server runs."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
import time
from pathlib import Path

from toxicity_ml.errors import DataError

logger = logging.getLogger(__name__)

HASHED = "sha256:"
"""Begins a line that holds a key's SHA-256 in hexadecimal digits instead of the key."""
SECONDS_BETWEEN_LOOKS = 2.0
"""A key that was taken out of the file is refused after this time at the latest."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_State = tuple[int, int, int]


class KeyFile:
    """The keys of a file. Safe to use from many threads at once.

    Blank lines and lines that begin with `#` are passed over. Raises DataError where the file can't be read,
    holds no key, or has a line that is neither a key nor a digest.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._state, self._digests = _read(path)
        if not self._digests:
            raise DataError(f"{path} holds no key: write one a line, plain or as {HASHED}DIGEST.")
        self._looked = time.monotonic()

    def __len__(self) -> int:
        return len(self._digests)

    def admits(self, key: str) -> bool:
        """True where the key stands in the file, plain or by its digest."""
        self._look_again()
        # the digest of a guess tells nothing about how much of the guess is right, so a set will do
        return digest(key) in self._digests

    def _look_again(self) -> None:
        """Read the file anew where it has changed; keep the old keys where it can't be read.

        A file that was emptied opens to nobody: that is how all keys are withdrawn.
        """
        with self._lock:
            if time.monotonic() - self._looked < SECONDS_BETWEEN_LOOKS:
                return
            self._looked = time.monotonic()
            try:
                if _state(self._path) != self._state:
                    self._state, self._digests = _read(self._path)
                    logger.info("Read %d key(s) from %s anew.", len(self._digests), self._path)
                    if not self._digests:
                        logger.error("%s holds no key any more: the server opens to nobody.", self._path)
            except (DataError, OSError) as error:
                logger.error("The old keys stay in force: %s", error)


def digest(key: str) -> str:
    """The SHA-256 of a key in hexadecimal digits; any str has one, also with half a surrogate pair."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _state(path: Path) -> _State:
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> tuple[_State, frozenset[str]]:
    try:
        state = _state(path)
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or type(error).__name__}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text.") from error
    digests = {
        _digest_of(line.strip(), number, path)
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.lstrip().startswith("#")
    }
    return state, frozenset(digests)


def _digest_of(line: str, number: int, path: Path) -> str:
    if line.startswith(HASHED):
        if not _DIGEST.fullmatch(hexadecimal := line.removeprefix(HASHED).strip().lower()):
            raise DataError(f"{path}, line {number}: after {HASHED} 64 hexadecimal digits are wanted.")
        return hexadecimal
    if any(character.isspace() for character in line):
        raise DataError(f"{path}, line {number}: a key has no white space.")
    return digest(line)
