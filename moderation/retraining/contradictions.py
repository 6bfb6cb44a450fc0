"""Finds decisions that contradict each other or that the others make unlikely, and notes them for a lead.

The model runs in a process of its own. What is stored are ids, labels and figures.
"""

from __future__ import annotations

import csv
import json
import math
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moderation.models import Contradiction, ModelVersion
from moderation.retraining import near_copies, training_data
from moderation.retraining.training_data import Row
from moderation.retraining.training_process import run_classifier
from moderation.versions import artifacts, store, training_folders

MOST_OF_A_GROUP = 3
"""Pairs that are noted of texts that read nearly the same: who settles these settles the others."""
MOST_UNLIKELY = 50
"""Unlikely decisions that are noted at a time, the least likely first."""


@dataclass(frozen=True)
class Found:
    """What a search found."""

    pairs: int
    unlikely: int
    reviewers: tuple[str, ...]
    """Whose decisions stand out."""
    disputes: tuple[tuple[str, str], ...]
    """Pairs of which one stands out because of the other's decisions alone; either may be right."""
    wrong: float | None
    """Estimated share of decisions that are wrong; None: too few to say."""
    waiting: int
    """Of all that was found so far, what a lead has still to settle."""

    def lines(self) -> list[str]:
        """Say it in words, for the command line."""
        said = [
            f"Contradictions: {self.pairs} pairs of texts that read the same or nearly the same, "
            f"{self.unlikely} unlikely decisions; {self.waiting} wait for a lead."
        ]
        if self.wrong is not None:
            said.append(f"About {self.wrong:.0%} of the decisions are wrong, by what the others say.")
        said += [f"The decisions of {name} stand out." for name in self.reviewers]
        said += [
            f"{one} and {other} decide comments of a kind differently; either may be right. Look at both."
            for one, other in self.disputes
        ]
        return said


def find(version: ModelVersion, labels: Sequence[str] | None = None) -> Found:
    """Search all decisions that stand, note what is new, and say what was found.

    version: the active one; the features are those of the version at the beginning of its line, which has
    learned none of these decisions, where its files are there. Raises RetrainingFailed, ModelUnavailable.
    """
    names = list(labels or version.labels)
    rows = training_data.reviewed(names)
    groups = near_copies.groups([row.text for row in rows], [row.text_key for row in rows])
    noted = list(_pairs(rows, groups))
    doubts = _doubts(version, names, rows, groups) if len(rows) >= 2 * MOST_UNLIKELY else {}
    unlikely = [_unlikely(rows[issue["row"]], issue) for issue in doubts.get("issues", [])[:MOST_UNLIKELY]]
    outstanding = [one for one in doubts.get("reviewers", []) if one["stands_out"]]
    disputed = [one for one in doubts.get("reviewers", []) if one["only_against"]]
    noted += unlikely + [_of_reviewer(one) for one in (*outstanding, *disputed)]
    Contradiction.objects.bulk_create(noted, ignore_conflicts=True)
    return Found(
        pairs=len(noted) - len(unlikely) - len(outstanding) - len(disputed),
        unlikely=len(unlikely),
        reviewers=tuple(one["reviewer"] for one in outstanding),
        disputes=tuple((one["reviewer"], one["only_against"]) for one in disputed),
        wrong=doubts.get("wrong"),
        waiting=Contradiction.objects.waiting().count(),
    )


def waiting_line() -> str:
    """Say how many contradictions wait for a lead, as far as they were looked for."""
    waiting = Contradiction.objects.waiting().count()
    if not Contradiction.objects.exists():
        return "No contradictions between decisions are known; `find_contradictions` looks for some."
    return (
        f"{waiting} contradictions between decisions wait for a lead; `find_contradictions` looks for more."
    )


def _pairs(rows: Sequence[Row], groups: Sequence[int]) -> Iterator[Contradiction]:
    """Give the pairs of a group whose labels differ, each with its latest decision."""
    by_group: dict[int, list[Row]] = defaultdict(list)
    for group, row in zip(groups, rows, strict=True):
        by_group[group].append(row)
    for group_rows in by_group.values():
        latest = max(group_rows, key=lambda row: row.review or 0)
        others = [row for row in group_rows if _differ(row.labels, latest.labels)]
        for other in others[-MOST_OF_A_GROUP:]:
            is_same = other.text_key == latest.text_key
            kind = Contradiction.Kind.SAME if is_same else Contradiction.Kind.NEAR
            key = f"{kind}:{other.review}:{latest.review}"
            yield Contradiction(kind=kind, key=key, review_id=other.review, other_id=latest.review)


def _differ(one: Sequence[float], other: Sequence[float]) -> bool:
    pairs = zip(one, other, strict=True)
    return any((a >= 0.5) != (b >= 0.5) for a, b in pairs if not (math.isnan(a) or math.isnan(b)))


def _doubts(
    version: ModelVersion, labels: Sequence[str], rows: Sequence[Row], groups: Sequence[int]
) -> dict[str, Any]:
    home = training_folders.root()  # where what a killed search leaves is found, and removed
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=training_folders.SEARCH, dir=home) as place:
        work = Path(place)
        with (work / "rows.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "sample", "source", *labels])
            for row, group in zip(rows, groups, strict=True):
                cells = ["" if math.isnan(value) else f"{value:g}" for value in row.labels]
                writer.writerow([row.text, row.reviewer, f"group {group}", *cells])
        directory = _before_decisions(version)
        run_classifier("doubts", "--model", directory, "--data", work / "rows.csv", output=work / "out.json")
        found: dict[str, Any] = json.loads((work / "out.json").read_text(encoding="utf-8"))
        return found


def _before_decisions(version: ModelVersion) -> Path:
    first = version
    while first.parent is not None and first.parent.labels == version.labels:
        first = first.parent
    try:
        return store.local_directory(first)
    except artifacts.ModelUnavailable:
        return store.local_directory(version)


def _unlikely(row: Row, issue: dict[str, Any]) -> Contradiction:
    return Contradiction(
        kind=Contradiction.Kind.UNLIKELY,
        key=f"unlikely:{row.review}:{issue['label']}",
        review_id=row.review,
        label=issue["label"],
        probability=issue["probability"],
    )


def _of_reviewer(one: dict[str, Any]) -> Contradiction:
    figures = {name: value for name, value in one.items() if name not in ("reviewer", "stands_out")}
    return Contradiction(
        kind=Contradiction.Kind.REVIEWER,
        # asked anew with every further hundred decisions
        key=f"reviewer:{one['reviewer'][:200]}:{one['decisions'] // 100}",
        reviewer_name=one["reviewer"],
        figures=figures,
    )
