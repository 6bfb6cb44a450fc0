"""Makes a student from the data to a published version, measured against the one it starts from: one command.

    python experiments/run.py --data DIR --runs DIR --version 5 [--recipe held|distilled] [--encoder DIR]

*held* trains students on mixtures whose logits are held where the starting version knows; *distilled* first
trains two teachers, larger encoders that each see half of the texts, and takes their scores as targets. The
mean of the students' weights is judged and published. On a GPU, where there is one, the same command runs
faster. Killed and started again it goes on; README.md beside this says what each step does.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from experiments import blend_weights, distil, finish, fit, halves, hold, judge, mixture, score_rows
from experiments.places import DATA_VARIABLE, RUNS_VARIABLE, data
from experiments.settle import NAME
from experiments.steps import Step, same_options, take
from toxicity_ml.classifier import PRETRAINED

TEACHERS = 2
FIRST_SEED = 301
"""Of the mixtures; the students' own are --seeds."""
NETWORK = "model.safetensors"


def main(arguments: Sequence[str] | None = None) -> None:
    """Take every step that is not done."""
    options = parser().parse_args(arguments)
    if options.recipe == "distilled" and not options.encoder:
        raise SystemExit("--recipe distilled needs --encoder: the encoder that the teachers start from.")
    if options.data:
        os.environ[DATA_VARIABLE] = str(options.data)
    os.environ[RUNS_VARIABLE] = str(options.runs)
    data()
    options.runs.mkdir(parents=True, exist_ok=True)
    same_options(options.runs / "run.json", {k: v for k, v in vars(options).items() if k != "data"})
    take(steps(options))


def steps(options: argparse.Namespace) -> Iterator[Step]:
    """Yield the steps of a recipe in their order."""
    runs: Path = options.runs
    judged = runs / "judge_start.json"
    yield Step("judge the start", judge.main, ["--out", judged, f"start={options.start}"], judged)
    if options.recipe == "held":
        yield from _held(options, judged)
    else:
        yield from _distilled(options)
    students = [runs / f"student-{seed}" for seed in options.seeds]
    mean = runs / "student"
    yield Step(
        "average the students",
        blend_weights.main,
        ["--out", mean, *(f"{student}=1" for student in students)],
        mean / NETWORK,
    )
    judged = runs / "judge.json"
    names = [f"start={options.start}", *(f"{folder.name}={folder}" for folder in [*students, mean])]
    yield Step("judge the students", judge.main, ["--out", judged, *names], judged)
    yield Step("compare the halves", halves.main, ["--judged", judged, f"student={mean}"])
    given = ["--checkpoint", mean, "--version", options.version, "--name", options.name]
    yield Step(
        "publish and measure",
        finish.main,
        [*given, "--start", options.start, "--rows", options.rows],
        runs / f"finished_{options.name}@{options.version}_test.md",
    )


def _held(options: argparse.Namespace, judged: Path) -> Iterator[Step]:
    """Yield the steps to students whose logits are held at the starting version's."""
    mixtures = []
    for number in range(options.epochs):
        rows = options.runs / f"mixture-{number}.npz"
        given = ["--plan", "fair", "--rehearse", 0, "--seed", FIRST_SEED + number]
        yield Step(f"mixture {number}", mixture.main, [*given, *_size(options), "--out", rows], rows)
        yield Step(f"hold {number}", hold.main, ["--start", options.start, rows])
        mixtures.append(rows)
    learned = ["--learn", "toxic", "threat", "--thresholds", f"{judged}:start"]
    held = ["--hold", 0.2, "--hold-unknown", 0.05, "--confirmed", 0.03, "--confirmed-labels", 1.0]
    rates = ["--lr", 5e-5, "--head-lr", 5e-4, "--max-length", 96]
    yield from _students(options, mixtures, [*rates, *held, *learned])


def _distilled(options: argparse.Namespace) -> Iterator[Step]:
    """Yield the steps to students that learn from teachers of the other half of the texts."""
    scores = [options.runs / f"scores-{fold}.npz" for fold in range(TEACHERS)]
    mixtures = [options.runs / f"mixture-{number}.npz" for number in range(options.epochs)]
    for number, rows in enumerate(mixtures):
        yield _frugal(options, f"mixture {number}", rows, FIRST_SEED + number)
    for fold in range(TEACHERS):
        part, teacher = f"{fold}/{TEACHERS}", options.runs / f"teacher-{fold}"
        own = [options.runs / f"teacher-{fold}-{number}.npz" for number in range(options.epochs)]
        for number, rows in enumerate(own):
            seed = FIRST_SEED + 100 * (fold + 1) + number
            yield _frugal(options, f"mixture {number} of teacher {fold}", rows, seed, part)
        rates = ["--lr", 3e-5, "--head-lr", 5e-4, "--layer-decay", 0.9, "--max-length", 96]
        given = ["--rows", *own, "--base", options.encoder, "--seed", 30 + fold, "--out", teacher]
        yield Step(f"teacher {fold}", fit.main, [*given, *rates], teacher / NETWORK)
        given = ["--model", teacher, "--not-fold", part, "--out", scores[fold]]
        yield Step(f"scores of teacher {fold}", score_rows.main, [*given, *mixtures])
    taught = [options.runs / f"taught-{number}.npz" for number in range(options.epochs)]
    for rows, out in zip(mixtures, taught, strict=True):
        yield Step(f"teach {rows.stem}", distil.main, ["--rows", rows, "--out", out, *scores], out)
    yield from _students(options, taught, ["--lr", 5e-5, "--head-lr", 5e-4, "--max-length", 128])


def _frugal(options: argparse.Namespace, name: str, rows: Path, seed: int, fold: str = "") -> Step:
    given = ["--rehearse", 2, "--start", options.start, "--seed", seed, "--fold", fold]
    return Step(name, mixture.main, [*given, *_size(options), "--out", rows], rows)


def _students(
    options: argparse.Namespace, mixtures: Sequence[Path], given: Sequence[object]
) -> Iterator[Step]:
    for seed in options.seeds:
        out = options.runs / f"student-{seed}"
        arguments = ["--rows", *mixtures, "--base", options.start, "--seed", seed, "--out", out, *given]
        yield Step(f"student {seed}", fit.main, arguments, out / NETWORK)


def _size(options: argparse.Namespace) -> list[object]:
    return ["--scale", options.scale, "--draws", options.draws, "--own", "kinds"]


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, help=f"folder of the data; default: ${DATA_VARIABLE}")
    made.add_argument("--runs", type=Path, default=Path("runs"), help="folder for what the steps make")
    made.add_argument("--recipe", default="held", choices=("held", "distilled"))
    made.add_argument("--start", type=Path, default=PRETRAINED, help="the version to begin with")
    made.add_argument("--encoder", default="", help="encoder of the teachers, a directory")
    made.add_argument("--scale", type=float, default=0.25, help="share of the plan's rows in an epoch")
    made.add_argument("--draws", type=int, default=3, help="texts of each template of a kind in an epoch")
    made.add_argument("--epochs", type=int, default=2, help="mixtures, each drawn anew")
    made.add_argument("--seeds", type=int, nargs="+", default=[20, 21], help="one student each")
    made.add_argument("--name", default=NAME)
    made.add_argument("--version", required=True)
    made.add_argument("--rows", type=int, default=0, help="measure on no more rows than this, for a try")
    return made


if __name__ == "__main__":
    main()
