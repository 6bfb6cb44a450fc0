"""How well a comment's language is told, by its length: who would go unjudged, and who be judged blindly.

Reads comments whose language is known from a CSV (also .gz) with the columns `text` and `language`, cuts them
at a word's end to 20, 50 and 100 characters, and asks `toxicity_ml.language.identify`. Addresses and names
that a comment begins with are taken out before the cut, so that a length counts words.

    python benchmarks/language_identification.py --data FILE [--own en] [--limit 400] [--json]
"""

from __future__ import annotations

import argparse
import csv
import gzip
import re
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import command_line
from benchmarks.command_line import positive
from toxicity_ml.language import identify
from toxicity_ml.language_tags import language_of

LENGTHS = (20, 50, 100, None)
"""Characters; None: the comment as it is."""
_NO_WORDS = re.compile(r"https?://\S+|www\.\S+|[@#]\w+")


def main() -> int:
    """Print a table, or JSON with --json."""
    args = _arguments()
    comments = _read(args.data)
    began = time.perf_counter()
    identify("A sentence that has the library's model loaded.", own=[args.own])
    report = {
        "own": args.own,
        "data": args.data.name,
        "library": f"py3langid {metadata.version('py3langid')}",
        "megabytes": _installed_bytes("py3langid") / 1e6,
        "load_seconds": time.perf_counter() - began,
        "lengths": {
            str(length or "whole"): _measured(comments, length, args.own, args.limit) for length in LENGTHS
        },
        "machine": command_line.machine(),
    }
    if args.json:
        command_line.print_json(report)
    else:
        _print(report)
    return 0


def _measured(
    comments: Mapping[str, Sequence[str]], length: int | None, own: str, limit: int
) -> dict[str, Any]:
    """By language how many comments of this length were taken for another language than the site's, and for
    the right one; and the milliseconds of one."""
    languages: dict[str, dict[str, int]] = {}
    seconds, count = 0.0, 0
    for language, texts in comments.items():
        cuts = [cut for text in texts if (cut := _cut(text, length))][:limit]
        began = time.perf_counter()
        identified = [identify(cut, own=[own]) for cut in cuts]
        seconds, count = seconds + time.perf_counter() - began, count + len(cuts)
        languages[language] = {
            "comments": len(cuts),
            "foreign": sum(not each.is_own for each in identified),
            "right": sum(language_of(each.language) == language for each in identified),
        }
    return {"languages": languages, "milliseconds": 1000 * seconds / count if count else 0.0}


def _cut(text: str, length: int | None) -> str:
    """The first characters up to a word's end; empty where the comment is shorter."""
    words = " ".join(_NO_WORDS.sub(" ", text).split())
    if length is None or len(words) < length:
        return words if length is None else ""
    cut = words[:length]
    return cut.rpartition(" ")[0] or cut if words[length : length + 1].strip() else cut


def _read(path: Path) -> dict[str, list[str]]:
    """The comments of each language, in the file's order."""
    csv.field_size_limit(2**30)
    opened = gzip.open if path.suffix == ".gz" else open
    comments: dict[str, list[str]] = {}
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            comments.setdefault(language_of(row["language"]), []).append(row["text"])
    return comments


def _installed_bytes(package: str) -> int:
    files = metadata.files(package) or ()
    return sum(
        Path(str(file.locate())).stat().st_size for file in files if Path(str(file.locate())).is_file()
    )


def _print(report: dict[str, Any]) -> None:
    own = language_of(report["own"])
    columns = [name if name == "whole" else f"{name} characters" for name in report["lengths"]]
    rows = []
    for language in next(iter(report["lengths"].values()))["languages"]:
        cells = []
        for length in report["lengths"].values():
            counts = length["languages"][language]
            told = counts["foreign"]
            cells.append(f"{told} of {counts['comments']}" if counts["comments"] else "-")
        rows.append([f"{language} (the site's)" if language == own else language, *cells])
    rows.append(["ms a comment", *(f"{length['milliseconds']:.2f}" for length in report["lengths"].values())])
    command_line.print_table("Taken for another language than the site's", ["language", *columns], rows)
    sys.stdout.write(
        f"{report['library']}, {report['megabytes']:.0f} MB installed, loaded in "
        f"{report['load_seconds']:.1f} s.\n"
    )
    command_line.print_machine(report["machine"])


def _arguments() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="CSV: text, language")
    parser.add_argument("--own", default="en", metavar="TAG", help="the site's language (default: en)")
    parser.add_argument("--limit", type=positive, default=400, help="comments of each language and length")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
