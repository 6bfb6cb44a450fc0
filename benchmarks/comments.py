"""Comments to benchmark with: yours from a file, or made-up ones of realistic lengths."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import IO, Any

import numpy as np

MEDIAN_CHARACTERS, SPREAD = 198, 1.08
"""Lengths of made-up comments: log-normal with this median and this standard deviation of the logarithm, from
5 to 5,000 characters, as 1,922 consecutive Wikipedia talk-page comments have. A site whose comments are
shorter or longer will see other figures."""


def some(count: int, data: Path | None = None, seed: int = 0) -> list[str]:
    """Up to `count` comments in random order, from `data` or made up; the same for the same arguments."""
    rng = np.random.default_rng(seed)
    texts = read(data) if data else made_up(count, rng)
    return [texts[int(index)] for index in rng.permutation(len(texts))[:count]]


def made_up(count: int, rng: np.random.Generator) -> list[str]:
    """Comments of realistic lengths from the sentences of the project's own documents and docstrings."""
    root = Path(__file__).resolve().parent.parent
    files = sorted([*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("toxicity_ml/*.py")])
    words = " ".join(file.read_text(encoding="utf-8") for file in files).split()
    words = [word for word in words if word.isascii() and word.strip(".,;:!?'\"()").isalpha()]
    texts = []
    for wanted in np.clip(rng.lognormal(np.log(MEDIAN_CHARACTERS), SPREAD, count), 5, 5000).astype(int):
        start = int(rng.integers(0, len(words)))
        chosen = [words[(start + offset) % len(words)] for offset in range(int(wanted) // 2 + 1)]
        texts.append(" ".join(chosen)[:wanted])
    return texts


def read(path: Path) -> list[str]:
    """Comments of a .jsonl or .csv file, also .gz, with a "text" or "comment_text" key or column."""
    csv.field_size_limit(2**30)
    with _opened(path) as file:
        is_csv = ".csv" in path.suffixes
        rows: list[dict[str, Any]] = (
            list(csv.DictReader(file)) if is_csv else [json.loads(line) for line in file]
        )
    return [row["text"] if "text" in row else row["comment_text"] for row in rows]


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")
