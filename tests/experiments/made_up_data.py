"""A folder of made-up rows in the shape that experiments/README.md asks for."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Sequence
from pathlib import Path

from experiments.rows import LABELS

SOURCES = (
    *("civil_comments", "toxic_spans", "edos", "hatemoji", "implicit_hate", "gab_hate_corpus", "davidson"),
    *("toxichat_reddit", "misogyny_reddit", "paradetox", "bold"),
)

TOXIC: tuple[tuple[str, dict[str, float]], ...] = (
    ("you are a idiot", {"insult": 1.0}),
    ("you stupid moron", {"insult": 1.0, "identity_hate": 1.0}),
    ("read this crap", {"obscene": 1.0}),
    ("damn you i kill the idiot", {"obscene": 1.0, "threat": 1.0, "insult": 1.0, "severe_toxic": 1.0}),
)
CLEAN = ("this is a nice day", "thank you friend", "we like the article", "you are kind")


def write(folder: Path) -> Path:
    """Write the files and return the folder."""
    jigsaw, wider = folder / "jigsaw", folder / "wider"
    jigsaw.mkdir(parents=True)
    wider.mkdir()
    for name, count in (("train", 120), ("valid", 60), ("valid_enriched", 40)):
        rows = [[f"{name}{number}", text, *labels, "natural"] for number, text, labels in _rows(name, count)]
        _write(jigsaw / f"{name}.csv.gz", ["id", "comment_text", *LABELS, "sample"], rows)
    patterns = sorted({tuple(map(int, labels)) for _, _, labels in _rows("", 8)})
    with (jigsaw / "label_patterns.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[*LABELS, "rows"], *([*pattern, 100] for pattern in patterns)])
    for name, count in (("en", 60), ("en_valid", 30)):
        found = [
            [f"{source}{name}{number}", source, text, *_as_known(source, labels)]
            for source in SOURCES
            for number, text, labels in _rows(f"{source} {name}", count)
        ]
        _write(wider / f"{name}.csv.gz", ["id", "source", "text", *LABELS], found)
    return folder


def _rows(name: str, count: int) -> Iterable[tuple[int, str, list[float]]]:
    """Yield rows, every other one toxic. Each differs from the others in its letters."""
    for number in range(count):
        letters = "".join(chr(ord("a") + int(digit)) for digit in str(number))
        if number % 2:
            text, known = TOXIC[number // 2 % len(TOXIC)]
            yield number, f"{text} {name} {letters}", _labels({"toxic": 1.0, **known})
        else:
            yield number, f"{CLEAN[number // 2 % len(CLEAN)]} {name} {letters}", _labels({})


def _labels(known: dict[str, float]) -> list[float]:
    return [known.get(label, 0.0) for label in LABELS]


def _as_known(source: str, labels: Sequence[float]) -> list[float | str]:
    """One-sided sources know of their clean rows only that they attack no group."""
    if source == "implicit_hate" and not labels[0]:
        return ["", "", "", "", "", 0.0]
    return list(labels)


def _write(path: Path, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with gzip.open(path, "wt", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([heads, *rows])
