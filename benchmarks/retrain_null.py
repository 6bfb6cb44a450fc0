"""Whether candidates that are no better pass the gate, and what bad decisions do: chance, noise, an attacker.

Takes a site that `benchmarks/retrain_story.py --keep DIR` has left. Each candidate is made by the real
`manage.py retrain` on a copy of that site, in a process of its own, with whatever options come after `--`
(fewer epochs and fewer soft targets make cheap candidates), and is never activated. Its truth is measured on
comments of the forum that nobody reviewed.

    python benchmarks/retrain_null.py KIND --site DIR [--candidates N] [--cheap | --light | --doubts]
        [--results FILE] [--json] [-- OPTIONS OF retrain]

KIND: `null`, other seeds and no new labels, from the version that had learned all there is, one after the
other on one site, so that the gate's level shrinks as it would; `shuffled`, all decisions exchanged at
random among the items; `random`, 30 % of the decisions made at random; `flipper`, one moderator who says the
opposite in a fifth of all decisions; `freeing`, 50 decisions of an attacker who calls plain abuse harmless;
`clearing`, 50 of one who calls the forum's coded slur harmless; `framing`, 50 of one who calls harmless
comments of gulls hateful; `as_is`, the decisions as they are, to compare with. --results FILE: a line of JSON
for each candidate; those already in it are not made again.

--cheap makes no candidates but changes scores (benchmarks/community/cheap_candidates.py). --light fine-tunes
with few texts in this process (benchmarks/community/trained_candidates.py; --results is a folder then).
--doubts trains nothing: the search for contradictions looks at the spoilt decisions, N times.
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
from benchmarks.community.generator import Comment, Kind, comments
from benchmarks.retrain_story import FRESH_SEED, retrain, scratch_site

if TYPE_CHECKING:
    from moderation.models import Review

KINDS = ("null", "shuffled", "random", "flipper", "freeing", "clearing", "framing", "as_is")
ATTACKS = ("freeing", "clearing", "framing")
CHEAP = ("null", "shuffled", "as_is")
PROBED = (*ATTACKS, "as_is")
"""Kinds of which `--light` measures guards of fixed texts; of the others they could only refuse more."""
AT_RANDOM = 0.3
"""Share of the decisions that `random` makes at random."""
FLIPPED = 0.2
"""Share of the decisions that `flipper` turns round."""
ATTACK = 50
"""Decisions of an attacker."""
ROUND_SEED = 1000
"""Of the comments of the story's first round."""
Report = tuple[dict[str, Any], list[dict[str, Any]]]
"""What is printed, and a line for each candidate."""


def main() -> int:
    """Make the candidates that are missing, and print what became of all of them."""
    args = _arguments()
    if args.one is not None:
        return _one(args)
    if args.cheap or args.light or args.doubts:
        return _in_this_process(args)
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


def _in_this_process(args: argparse.Namespace) -> int:
    """Make what costs seconds or less on a copy of the site, and print what became of it."""
    os.environ["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", "1")
    fresh = comments(args.fresh, seed=FRESH_SEED + args.seed)
    with tempfile.TemporaryDirectory(prefix="null-") as place:
        copy = Path(place) / "site"
        shutil.copytree(args.site, copy)
        with scratch_site("sqlite", copy):
            if args.cheap:
                report, lines = _cheap(args, fresh)
            elif args.light:
                report, lines = _light(args, fresh, args.results or Path(place) / "candidates")
            else:
                report, lines = _doubts(args)
    if args.json:
        command_line.print_json({**report, "candidates": lines})
    else:
        for name, value in report.items():
            print(f"{name}: {value}")
    return 0


def _cheap(args: argparse.Namespace, fresh: Sequence[Comment]) -> Report:
    from benchmarks.community import cheap_candidates

    lines = cheap_candidates.candidates(args.kind, args.candidates, fresh)
    return {"kind": args.kind, "cheap": True, **cheap_candidates.summary(lines)}, lines


def _light(args: argparse.Namespace, fresh: Sequence[Comment], results: Path) -> Report:
    """Fine-tune the candidates that are missing; with `null` the active version is one of their kind."""
    from benchmarks.community import trained_candidates

    results.mkdir(parents=True, exist_ok=True)
    is_null = args.kind == "null"
    active = results / ("null-active.npz" if is_null else "active.npz")
    places = [results / f"{args.kind}-{number}.npz" for number in range(args.candidates)]
    for number, place in enumerate([active, *places]):
        if not place.exists():
            is_spoilt, chance = place != active, random.Random(f"{args.kind} {number - 1}")
            trained_candidates.make(
                place,
                number,
                fresh,
                lambda: _spoil(args.kind, chance) if is_spoilt else 0,  # noqa: B023
                is_trained=is_null or is_spoilt,
                is_probed=is_spoilt and args.kind in PROBED,
            )
            command_line.progress(f"{args.kind} {place.stem}: done")
    judged = trained_candidates.judged if is_null else trained_candidates.judged_apart
    lines = judged(active, places, fresh)
    return {"kind": args.kind, "light": True, **_summary(lines), **_guards(lines)}, lines


def _guards(lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return each guard's mean figures, old and new, and how often it failed."""
    names = dict.fromkeys(name for line in lines for name in line["guards"])
    found: dict[str, Any] = {}
    for name in names:
        of_name = [line["guards"][name] for line in lines if name in line["guards"]]
        old, new = (round(sum(one[when] for one in of_name) / len(of_name), 4) for when in ("old", "new"))
        failed = sum(not one["passed"] for one in of_name)
        found[name] = {"old": old, "new": new, "failed": failed, "of": len(of_name)}
    return {"guards": found}


def _doubts(args: argparse.Namespace) -> Report:
    from benchmarks.community.doubtful_decisions import Searcher

    searcher = Searcher.of_the_site(seed=ROUND_SEED + args.seed)
    lines = []
    for number in range(args.candidates):
        chance = random.Random(f"{args.kind} {number}")
        lines.append({"number": number, **searcher.search(lambda: _spoil(args.kind, chance))})  # noqa: B023
    off = [abs(line["estimated"] - line["wrong"]) for line in lines if line["estimated"] is not None]
    report = {
        "kind": args.kind,
        "wrong, truth and estimate": [
            (round(line["wrong"], 3), round(line["estimated"] or 0.0, 3)) for line in lines
        ],
        "furthest off": max(off, default=None),
        "named": [line["named"] for line in lines],
        "disputes": [line["disputes"] for line in lines],
    }
    return report, lines


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
    if kind in ATTACKS:
        return _attack(kind, chance)
    return 0


def _attack(kind: str, chance: random.Random) -> int:
    """Have an attacker decide on 50 more comments of the kind that the attack is about."""
    from django.contrib.auth.models import User

    from benchmarks.community.generator import SENTENCES
    from moderation.models import Screening
    from moderation.review.decisions import decide
    from moderation.versions import store

    attacker, _ = User.objects.get_or_create(username="mallory", defaults={"is_staff": True})
    wanted = {"freeing": Kind.ABUSE, "clearing": Kind.CODED, "framing": Kind.LITERAL}[kind]
    labels = store.active_version().labels
    undecided = Screening.objects.filter(outcome="", is_current=True).exclude(scored=None).order_by("id")
    chosen = [row for row in undecided if _is_of(row.text, wanted, SENTENCES)]
    for row in chance.sample(chosen, min(ATTACK, len(chosen))):
        is_hateful = kind == "framing"
        said = {label: is_hateful and label in ("toxic", "identity_hate") for label in labels}
        decide(row.pk, reviewer=attacker, kind="relabel", labels=said)
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
    parser.add_argument("--light", action="store_true", help="fine-tune with few texts, in this process")
    parser.add_argument("--doubts", action="store_true", help="search for contradictions; nothing is trained")
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
