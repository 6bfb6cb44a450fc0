"""Show what a score rests on: each word's part in it, or with --layer and --head, or --all-heads, where the
model looks.

Words are coloured on a terminal, red where they speak for the label and blue where against. --out writes a
page (.html) or, for attention, an image too (.png). A long text is explained by its highest window.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toxicity_ml.cli import FAILED
from toxicity_ml.cli.arguments import add_model
from toxicity_ml.cli.terminal import console

if TYPE_CHECKING:
    from toxicity_ml.explanation import Attribution

MAX_BYTES = 16 * 2**20
"""Bytes read from standard input; only the two ends of a long text are read anyway."""
_SHOWN = 12
"""Words listed on a terminal."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="TEXT", help="the text; - reads standard input")
    add_model(parser)
    parser.add_argument(
        "--label", metavar="L", help="label to explain (default: the one furthest over its threshold)"
    )
    parser.add_argument(
        "--method",
        choices=("occlusion", "integrated_gradients", "leave_one_out"),
        default="occlusion",
        help="how words are weighed (default: occlusion); integrated_gradients needs torch",
    )
    parser.add_argument("--layer", type=int, metavar="N", help="attention of this layer, from 0")
    parser.add_argument("--head", type=int, metavar="N", help="attention of this head, from 0")
    parser.add_argument("--all-heads", action="store_true", help="attention of all heads at a glance")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write a page (.html) or an image (.png)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Returns 0. Raises DataError for what can't be shown, ModelNotFound or ModelDamaged for the version."""
    if complaint := _complaint(args):
        sys.stderr.write(f"error: {complaint}\n")
        return FAILED
    text = args.text
    if text == "-":
        # surrogateescape would hide what isn't UTF-8 in the halves of surrogate pairs, so it's replaced
        text = sys.stdin.buffer.read(MAX_BYTES).decode("utf-8", errors="replace").removesuffix("\n")
    if args.all_heads or args.layer is not None:
        return _attention(args, text)
    return _attribution(args, text)


def _complaint(args: argparse.Namespace) -> str | None:
    """What is wrong with the options together, if anything."""
    suffix = args.out.suffix.lower() if args.out else None
    if (args.layer is None) != (args.head is None):
        return "--layer and --head go together."
    if args.all_heads and args.layer is not None:
        return "Ask for one --layer and --head, or for --all-heads."
    shows_attention = args.all_heads or args.layer is not None
    if suffix is not None and suffix not in ((".html", ".png") if shows_attention else (".html",)):
        return "--out takes FILE.html or FILE.png for attention, and FILE.html for words."
    if shows_attention and args.out is None and not args.json:
        return "Attention needs --out FILE.html or FILE.png, or --json."
    return None


def _attention(args: argparse.Namespace, text: str) -> int:
    from toxicity_ml import explanation

    attention = explanation.attention(args.model, text, args.label)
    if args.layer is not None:
        attention.head(args.layer, args.head)  # an error before anything is written
    if args.out:
        if args.out.suffix.lower() == ".png":
            _write(args.out, explanation.attention_png(attention, args.layer, args.head))
        else:
            _write(args.out, explanation.attention_html(attention, args.layer, args.head).encode())
    if args.json:
        weights = attention.weights if args.layer is None else attention.head(args.layer, args.head)
        answer: dict[str, Any] = {
            "model": attention.version,
            "windows": attention.windows,
            "label": attention.label,
        }
        answer |= {"tokens": attention.tokens, "spans": attention.spans}
        if args.layer is not None:
            answer |= {"layer": args.layer, "head": args.head}
        print(json.dumps({**answer, "weights": weights.round(6).tolist()}))
    return 0


def _attribution(args: argparse.Namespace, text: str) -> int:
    from toxicity_ml import explanation

    attribution = explanation.attribute(
        args.model, text, args.label, args.method, progress=sys.stderr.isatty() and not args.json
    )
    if args.out:
        _write(args.out, explanation.attribution_html(attribution).encode())
    if args.json:
        print(json.dumps(_as_json(attribution), allow_nan=False))
    else:
        _print(attribution)
    return 0


def _as_json(found: "Attribution") -> dict[str, Any]:
    return {
        "model": found.version,
        "label": found.label,
        "method": found.method,
        "score": round(found.score, 6),
        "windows": found.windows,
        "logit": round(found.logit, 6),
        "baseline": round(found.baseline, 6),
        "total": round(found.total, 6),
        "error": round(found.error, 6),
        "is_complete": found.is_complete,
        "words": [{**word._asdict(), "value": round(word.value, 6)} for word in found.words],
    }


def _print(found: "Attribution") -> None:
    from rich.table import Table
    from rich.text import Text

    from toxicity_ml.explanation import attribution_text, sum_line
    from toxicity_ml.explanation.pages import harmless

    output = console(width_in_pipe=110, highlight=False)
    output.print(Text(f"{found.label} {found.score:.3f}  ({found.version}, {found.method})", "bold"))
    output.print(attribution_text(found))
    table = Table("word", "log-odds", "place", box=None, pad_edge=False)
    for word in sorted(found.words, key=lambda word: -abs(word.value))[:_SHOWN]:
        table.add_row(Text(harmless(word.text)), f"{word.value:+.2f}", f"{word.start}-{word.end}")
    if found.words:
        output.print(table)
    output.print(Text(sum_line(found)))


def _write(path: Path, content: bytes) -> None:
    from toxicity_ml.errors import DataError

    try:
        path.write_bytes(content)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}.") from error
