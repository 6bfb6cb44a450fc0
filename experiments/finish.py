"""Makes a finished student a version, and says which aims it meets as served, beside the one it starts from.

    python experiments/finish.py --checkpoint DIR --version 5 [--parts valid test]

Writes versions/NAME@VERSION (settle.py) in the folder of the runs, and finished_NAME@VERSION_PART.json and
.md beside it. Killed and started again it goes on; a version that exists is measured as it is.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from experiments import aims
from experiments.places import runs
from experiments.served import measured, some_rows
from experiments.settle import NAME, settled
from toxicity_ml.classifier import PRETRAINED


def main(arguments: Sequence[str] | None = None) -> None:
    """Publish what is not published, measure it, and print the aims."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", required=True, type=Path)
    parser.add_argument("--name", default=NAME)
    parser.add_argument("--version", required=True)
    parser.add_argument("--start", default=PRETRAINED, type=Path, help="the version it was trained from")
    parser.add_argument("--parts", nargs="+", default=["valid", "test"], choices=("valid", "test"))
    parser.add_argument("--rows", type=int, default=0, help="no more rows than this of each, for a try")
    options = parser.parse_args(arguments)
    called = f"{options.name}@{options.version}"
    out = runs() / "versions" / called
    if not out.exists():
        out.parent.mkdir(exist_ok=True)
        manifest = settled(
            options.checkpoint, out, options.name, options.version, options.start, options.rows
        )
        print(json.dumps(manifest.threshold_sets, indent=1), flush=True)
    for part in options.parts:
        results = measured(some_rows(part, options.rows), {"shipped": str(options.start), called: str(out)})
        table, report = aims.table(results), runs() / f"finished_{called}_{part}"
        Path(f"{report}.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
        Path(f"{report}.md").write_text(table + "\n", encoding="utf-8")
        print(part, table, sep="\n", flush=True)


if __name__ == "__main__":
    main()
