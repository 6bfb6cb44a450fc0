"""Cuts a multilingual encoder's vocabulary to the pieces that some languages need.

    python experiments/cut_vocabulary.py --base DIR --out DIR --languages en de nl [--least 2] [TEXTS.txt ...]

Kept are the special tokens, every piece that occurs --least times in the given texts and in the wider rows of
these languages, every piece of one character that these languages write with, and ASCII. The tokenizer stays
Unigram with the scores of its pieces: a text is cut as before wherever its pieces are kept, and into shorter
ones elsewhere.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from experiments.places import data

EVERY_LANGUAGE = ("LATIN", "DIGIT")
SCRIPTS = {"ar": ("ARABIC",), "hi": ("DEVANAGARI",), "zh": ("CJK", "FULLWIDTH")}
"""How Unicode's names of a language's letters begin, beside those of every language."""
EMBEDDINGS = "embeddings.word_embeddings.weight"
WORD_START = "\u2581"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the encoder with fewer pieces, and print how many of the texts' pieces are kept."""
    options = _parser().parse_args(arguments)
    base, out = Path(options.base), Path(options.out)
    content = json.loads((base / "tokenizer.json").read_text(encoding="utf-8"))
    counts = _counted(base, _texts(options.languages, options.texts))
    kept = kept_pieces(content, counts, options.languages, options.least)
    whole = len(content["model"]["vocab"])
    place = {old: new for new, old in enumerate(kept)}
    out.mkdir(parents=True, exist_ok=True)
    renumbered = json.dumps(_renumbered(content, kept, place), ensure_ascii=False)
    (out / "tokenizer.json").write_text(renumbered, encoding="utf-8")
    _write_network(base, out, kept, place)
    share = sum(counts[number] for number in kept) / max(1, counts.total())
    print(f"{len(kept)} of {whole} pieces; they are {share:.5f} of the texts' pieces")


def kept_pieces(
    content: Mapping[str, Any], counts: Mapping[int, int], languages: Sequence[str], least: int
) -> list[int]:
    """Return the numbers of the pieces to keep, in order. content: of tokenizer.json, a Unigram model."""
    special = {entry["id"] for entry in content["added_tokens"]}
    return [
        number
        for number, (piece, _) in enumerate(content["model"]["vocab"])
        if number in special or counts.get(number, 0) >= least or is_needed_sign(piece, languages)
    ]


def is_needed_sign(piece: str, languages: Sequence[str]) -> bool:
    """True for a piece of one character that a text of these languages may hold, or that begins a word."""
    bare = piece.lstrip(WORD_START)
    if len(bare) != 1:
        return not bare
    if bare.isascii():
        return True
    scripts = EVERY_LANGUAGE + tuple(name for language in languages for name in SCRIPTS.get(language, ()))
    return unicodedata.name(bare, "").startswith(scripts) or unicodedata.category(bare)[0] in "PS"


def _counted(base: Path, texts: Iterator[str]) -> Counter[int]:
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return Counter(number for text in texts for number in tokenizer.encode(text).ids)


def _texts(languages: Sequence[str], files: Sequence[str]) -> Iterator[str]:
    """Yield the languages' wider rows, and the lines of the files, plain or .gz."""
    for language in languages:
        file = data() / "wider" / f"{language}.csv.gz"
        if file.exists():
            yield from pd.read_csv(file, usecols=["text"]).text.astype(str)
    for name in files:
        opened = gzip.open if name.endswith(".gz") else open
        with opened(name, "rt", encoding="utf-8") as lines:
            yield from lines


def _renumbered(content: dict[str, Any], kept: Sequence[int], place: Mapping[int, int]) -> dict[str, Any]:
    content["model"]["vocab"] = [content["model"]["vocab"][number] for number in kept]
    content["model"]["unk_id"] = place[content["model"]["unk_id"]]
    for entry in content["added_tokens"]:
        entry["id"] = place[entry["id"]]
    _renumber(content.get("post_processor"), place)
    return content


def _renumber(part: Any, place: Mapping[int, int]) -> None:
    """Put the new numbers of the special tokens into a post-processor, in either way to write them."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("sep", "cls") and isinstance(value, list) and len(value) == 2:
                value[1] = place[value[1]]
            elif key == "ids" and isinstance(value, list):
                part[key] = [place[number] for number in value]
            else:
                _renumber(value, place)
    elif isinstance(part, list):
        for value in part:
            _renumber(value, place)


def _write_network(base: Path, out: Path, kept: Sequence[int], place: Mapping[int, int]) -> None:
    state = load_file(base / "model.safetensors")
    name = next(key for key in state if key.endswith(EMBEDDINGS))
    state[name] = state[name][list(kept)].contiguous()
    save_file(state, out / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    config["vocab_size"] = len(kept)
    if config.get("pad_token_id") is not None:
        config["pad_token_id"] = place[config["pad_token_id"]]
    (out / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    for file in ("tokenizer_config.json", "special_tokens_map.json"):
        if (base / file).exists():
            shutil.copyfile(base / file, out / file)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("texts", nargs="*", help="further texts, one a line, plain or .gz")
    parser.add_argument("--base", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--languages", nargs="+", required=True)
    parser.add_argument("--least", type=int, default=2)
    return parser


if __name__ == "__main__":
    main()
