"""Whether candidates that are no better pass the gate, and what bad decisions do: chance, noise, an attacker.

Takes a site that `benchmarks/retrain_story.py --keep DIR` has left. Each candidate is made by the real
`manage.py retrain` on a copy of that site, in a process of its own, with whatever options come after `--`
(fewer epochs and fewer soft targets make cheap candidates), and is never activated. Its truth is measured on
comments of the forum that nobody reviewed.

    python benchmarks/retrain_null.py KIND --site DIR [--candidates N] [--cheap] [--results FILE] [--json]
        [-- OPTIONS OF retrain]

KIND: `null`, other seeds and no new labels, from the version that had learned all there is, one after the
other on one site, so that the gate's level shrinks as it would; `shuffled`, all decisions exchanged at
random among the items; `random`, 30 % of the decisions made at random; `flipper`, one moderator who says the
opposite in a fifth of all decisions; `freeing`, 50 decisions of an attacker who calls plain abuse harmless;
`framing`, 50 decisions of one who calls harmless comments of gulls hateful; `as_is`, the decisions as they
are, to compare with. --results FILE: a line of JSON for each candidate; those already in it are not made
again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import command_line
from benchmarks.command_line import positive
from benchmarks.community.generator import Kind, comments
from benchmarks.retrain_story import FRESH_SEED, retrain, scratch_site

if TYPE_CHECKING:
    from moderation.models import Review

KINDS = ("null", "shuffled", "random", "flipper", "freeing", "framing", "as_is")
CHEAP = ("null", "shuffled", "as_is")
AT_RANDOM = 0.3
"""Share of the decisions that `random` makes at random."""
FLIPPED = 0.2
"""Share of the decisions that `flipper` turns round."""
ATTACK = 50
"""Decisions of an attacker."""


def main() -> int:
    """Make the candidates that are missing, and print what became of all of them."""
    args = _arguments()
    if args.one is not None:
        return _one(args)
    if args.cheap:
        return _cheap(args)
    results = args.results or Path(tempfile.mkstemp(suffix=".jsonl")[1])
    known = _read(results)
    with tempfile.TemporaryDirectory(prefix="null-") as place:
        for number in range(args.candidates):
            if number not in known:
                _run(args, number, Path(place), results)
    found = _read(results)
    report = {"kind": args.kind, **_summary(list(found.values()))}
    if args.json:
        command_line.print_json({**report, "candidates": list(found.values())})
    else:
        for name, value in report.items():
            print(f"{name}: {value}")
    return 0


def _cheap(args: argparse.Namespace) -> int:
    """Let the gate decide on candidates that are made in a moment, and print what it said."""
    with tempfile.TemporaryDirectory(prefix="null-") as place:
        copy = Path(place) / "site"
        shutil.copytree(args.site, copy)
        with scratch_site("sqlite", copy):
            from benchmarks.community import cheap_candidates

            lines = cheap_candidates.candidates(args.kind, args.candidates)
    report = {"kind": args.kind, "cheap": True, **cheap_candidates.summary(lines)}
    if args.json:
        command_line.print_json({**report, "candidates": lines})
    else:
        for name, value in report.items():
            print(f"{name}: {value}")
    return 0


def _read(results: Path) -> dict[int, dict[str, Any]]:
    if not results.exists():
        return {}
    lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    return {line["number"]: line for line in lines}


def _summary(candidates: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Count the verdicts, and of those called better the ones that are in truth not better."""
    verdicts = [candidate["result"] for candidate in candidates]
    return {
        "candidates": len(candidates),
        "verdicts": {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
        "called better and no better in truth": sum(
            candidate["result"] == "better" and candidate["brier"]["new"] >= candidate["brier"]["old"]
            for candidate in candidates
        ),
        "mean true change of the Brier score": sum(
            candidate["brier"]["new"] - candidate["brier"]["old"] for candidate in candidates
        )
        / max(1, len(candidates)),
        "mean flagged of each kind, old and new": {
            kind: [
                round(
                    sum(candidate["kinds"][when][kind] for candidate in candidates) / max(1, len(candidates)),
                    3,
                )
                for when in ("old", "new")
            ]
            for kind in Kind
        },
    }


def _run(args: argparse.Namespace, number: int, place: Path, results: Path) -> None:
    """Make one candidate in a process of its own, on a copy of the site."""
    copy = place / "site"
    if args.kind != "null" or not copy.exists():
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(args.site, copy)
    command = [sys.executable, str(Path(__file__).resolve()), args.kind, "--site", str(copy)]
    command += ["--one", str(number), "--fresh", str(args.fresh), "--seed", str(args.seed)]
    done = subprocess.run([*command, "--", *args.retrain], stdout=subprocess.PIPE, text=True, check=True)
    with results.open("a", encoding="utf-8") as file:
        file.write(done.stdout.splitlines()[-1] + "\n")
    command_line.progress(f"{args.kind} {number}: done")


def _one(args: argparse.Namespace) -> int:
    """Spoil the decisions of the site as the kind says, retrain once, measure, and print a line of JSON."""
    os.environ["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", "1")
    with scratch_site("sqlite", args.site):
        from benchmarks.community.measuring import Ruler
        from moderation.models import ModelVersion
        from moderation.versions import store

        parent = store.local_directory(store.active_version())
        changed = _spoil(args.kind, random.Random(f"{args.kind} {args.one}"))
        options = ["--activate", "never", "--seed", str(1000 + args.one)]
        answer = retrain([*options, *args.retrain])
        name, _, version = answer["candidate"].rpartition("@")
        candidate = store.local_directory(ModelVersion.objects.get(name=name, version=version))
        ruler = Ruler(parent, comments(args.fresh, seed=FRESH_SEED + args.seed), None)
        figures = {"old": ruler.measure(parent), "new": ruler.measure(candidate)}
    line = {
        "number": args.one,
        "changed_decisions": changed,
        "result": answer["result"],
        "comparison": answer["comparison"],
        "brier": {when: of["brier"] for when, of in figures.items()},
        "kinds": {
            when: {kind: share["value"] for kind, share in of["kinds"].items()}
            for when, of in figures.items()
        },
    }
    sys.stdout.write(json.dumps(line) + "\n")
    return 0


def _spoil(kind: str, chance: random.Random) -> int:
    """Change the decisions of the site as the kind says; return how many are others now.

    Reviews are never changed by the app, so this goes past it, as if they had been made so.
    """
    from moderation.review.decisions import standing_decisions

    reviews = list(standing_decisions().select_related("screening").order_by("id"))
    if kind == "shuffled":
        said = [(review.decision, review.labels, review.outcome) for review in reviews]
        chance.shuffle(said)
        return sum(_say(review, *one) for review, one in zip(reviews, said, strict=True))
    if kind == "random":
        chosen = chance.sample(reviews, round(AT_RANDOM * len(reviews)))
        return sum(_toggle(review) for review in chosen if chance.random() < 0.5)
    if kind == "flipper":
        chosen = chance.sample(reviews, round(FLIPPED * len(reviews)))
        for review in chosen:
            _by(review, "mallory")
        return sum(_toggle(review) for review in chosen)
    if kind in ("freeing", "framing"):
        return _attack(kind, chance)
    return 0


def _attack(kind: str, chance: random.Random) -> int:
    """Have an attacker decide on 50 more comments of the kind that the attack is about."""
    from django.contrib.auth.models import User

    from benchmarks.community.generator import SENTENCES
    from moderation.models import Screening
    from moderation.review.decisions import decide

    attacker, _ = User.objects.get_or_create(username="mallory", defaults={"is_staff": True})
    wanted = Kind.ABUSE if kind == "freeing" else Kind.LITERAL
    undecided = Screening.objects.filter(outcome="", is_current=True).exclude(scored=None).order_by("id")
    chosen = [row for row in undecided if _is_of(row.text, wanted, SENTENCES)]
    for row in chance.sample(chosen, min(ATTACK, len(chosen))):
        if kind == "freeing":
            decide(row.pk, reviewer=attacker, kind="false_positive")
        else:
            labels = [label for label in (row.basis().scores if row.basis() else {})]  # type: ignore[union-attr]
            hateful = {label: label in ("toxic", "identity_hate") for label in labels}
            decide(row.pk, reviewer=attacker, kind="relabel", labels=hateful)
    return min(ATTACK, len(chosen))


def _is_of(text: str, kind: Kind, sentences: dict[Kind, tuple[str, ...]]) -> bool:
    """True of a text in which the fixed words of one of the kind's sentences stand in their order."""
    folded = text.lower()
    for sentence in sentences[kind]:
        fixed = [part.strip(" .,:!").lower() for part in re.split(r"\{\w+\}", sentence)]
        fixed = [part for part in fixed if len(part) > 6]
        if fixed and re.search(".*".join(map(re.escape, fixed)), folded, re.DOTALL):
            return True
    return False


def _toggle(review: Review) -> bool:
    """Turn a decision round: what was hidden is harmless, what was shown an insult; True if changed."""
    if any(review.labels.values()):
        return _say(review, "false_positive", dict.fromkeys(review.labels, False), "show")
    labels = {label: label in ("toxic", "insult") for label in review.labels}
    return _say(review, "relabel", labels, "hide")


def _say(review: Review, decision: str, labels: dict[str, bool | None], outcome: str) -> bool:
    from django.db.models import QuerySet

    from moderation.models import Review, Screening

    is_other = labels != review.labels
    rows = Review.objects.filter(pk=review.pk)
    QuerySet.update(rows, decision=decision, labels=labels, outcome=outcome)
    Screening.objects.filter(pk=review.screening_id).update(outcome=outcome)
    return is_other


def _by(review: Review, name: str) -> None:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet

    from moderation.models import Review

    user, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True})
    QuerySet.update(Review.objects.filter(pk=review.pk), reviewer_id=user.pk, reviewer_name=name)


def _arguments() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--site", type=Path, required=True, metavar="DIR")
    parser.add_argument("--candidates", type=positive, default=1, help="default: 1")
    parser.add_argument("--results", type=Path, metavar="FILE")
    parser.add_argument(
        "--cheap",
        action="store_true",
        help="null, shuffled, as_is: see benchmarks/community/cheap_candidates.py",
    )
    parser.add_argument("--fresh", type=positive, default=2000, help="comments to measure on (default: 2000)")
    parser.add_argument("--seed", type=int, default=0, help="of those comments")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    own, of_retrain = command_line.before_and_after_dashes(sys.argv[1:])
    args = parser.parse_args(own)
    args.retrain = of_retrain
    if args.cheap and args.kind not in CHEAP:
        parser.error(f"--cheap knows {', '.join(CHEAP)} alone.")
    return args


if __name__ == "__main__":
    raise SystemExit(main())
