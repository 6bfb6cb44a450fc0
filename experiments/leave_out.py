"""Tells what each group of sources brings, by students without one of them, of equally many steps.

    python experiments/leave_out.py [--seeds 1 2]
    python experiments/leave_out.py --table judge_leave.json

Killed and started again it goes on. --table prints the figures of a finished run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from experiments import fit, judge, mixture
from experiments.figures import markdown_table
from experiments.places import runs
from experiments.steps import Step, take
from toxicity_ml.classifier import PRETRAINED

EVERYTHING, OWN = "all", "own"
GROUPS: Mapping[str, Sequence[str]] = {
    EVERYTHING: (),
    "news": ("civil_comments", "toxic_spans"),
    "hatemoji": ("hatemoji",),
    "sexism": ("edos", "misogyny_reddit"),
    "tweets": ("hatexplain", "davidson"),
    "implicit": ("implicit_hate", "stormfront"),
    "gab": ("gab_hate_corpus",),
    "bots": ("convabuse",),
    "sbic": ("sbic_dev",),
    "reddit": ("toxichat_reddit", "ruddit"),
    "paradetox": ("paradetox",),
    "clean-groups": ("bold", "holistic_bias", "jigsaw_templates"),
    "wiki": ("wiki_context",),
    OWN: (),
}
STEPS = 640
"""Batches of 32 of every training: leaving a source out must not mean training less."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is not trained, judge all and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", nargs="*", type=int, default=[1])
    parser.add_argument("--table", help="print the table of these figures and train nothing")
    options = parser.parse_args(arguments)
    judged = Path(options.table or runs() / "judge_leave.json")
    if not options.table:
        take(steps(options.seeds, judged))
    print(brought(json.loads(judged.read_text(encoding="utf-8"))))


def steps(seeds: Sequence[int], judged: Path) -> Iterator[Step]:
    """Yield for each seed and group the mixture and the student without it, and then the judging."""
    models: list[str] = []
    for seed in seeds:
        for group, sources in GROUPS.items():
            name = f"leave-{group}-{seed}"
            rows, out = runs() / f"{name}.npz", runs() / name
            size = ["--scale", 0.33, "--draws", 2, "--phrases", 3000, "--seed", seed]
            own = "none" if group == OWN else "kinds"
            given = [*size, "--own", own, "--leave-out", *sources]
            yield Step(f"mixture {name}", mixture.main, [*given, "--out", rows], rows)
            given = ["--rows", rows, rows, "--stop-at", STEPS, "--max-length", 96, "--base", PRETRAINED]
            yield Step(
                name,
                fit.main,
                [*given, "--lr", 4e-5, "--seed", seed, "--out", out],
                out / "model.safetensors",
            )
            models.append(f"{group}-{seed}={out}")
    yield Step("judge", judge.main, ["--out", judged, *models], judged)


def brought(results: Mapping[str, Any]) -> str:
    """Return, for each group left out, each figure without it minus that with everything, in points.

    The mean of the seeds. results: of judge.py, named GROUP-SEED.
    """
    groups = sorted({name.rpartition("-")[0] for name in results} - {EVERYTHING})
    seeds = sorted({name.rpartition("-")[2] for name in results})
    lines: list[list[object]] = []
    for figure in _figures(results[f"{EVERYTHING}-{seeds[0]}"]):
        whole = [_figures(results[f"{EVERYTHING}-{seed}"])[figure] for seed in seeds]
        cells: list[object] = [figure, f"{sum(whole) / len(whole):.3f}"]
        for group in groups:
            without = [_figures(results[f"{group}-{seed}"])[figure] for seed in seeds]
            cells.append(f"{100 * (sum(without) - sum(whole)) / len(seeds):+.1f}")
        lines.append(cells)
    return markdown_table(["measured on", "all", *(f"without {group}" for group in groups)], lines)


def _figures(result: Mapping[str, Any]) -> dict[str, float]:
    found = {source: entry["auc"] for source, entry in result["sources"].items() if "auc" in entry}
    return found | {
        "insult in news": result["sources"]["toxic_spans"]["insult auc"],
        "jigsaw mean AP": result["jigsaw"]["mean ap of five"],
        "kinds right": result["kinds"]["all"]["right"],
    }


if __name__ == "__main__":
    main()
