"""Writes what people decided as a folder that the package `datasets` reads: JSON Lines, and a card.

Ground truth alone: no second opinion, no suggestion that nobody confirmed, nothing that was taken back, and
nothing that was imported. Names of nobody: not of authors, not of moderators.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from moderation import audit
from moderation.audit import Action, Actor
from moderation.models import ModelVersion, Review, Screening
from moderation.models.content_types import content_type_of, model_label
from moderation.registry import Registered
from moderation.retraining.label_files.card import card
from moderation.retraining.label_files.columns import column_of
from moderation.review.response import NOT_DRAWN, Response, response
from moderation.review.standing import standing_decisions

DATA = "decisions.jsonl"
RANDOM, POINTED_AT, BY_A_PERSON = "random", "pointed_at", "by_a_person"


class CannotExport(Exception):
    """Nothing was written; the message says why."""


@dataclass(frozen=True)
class Selection:
    """Which decisions are written."""

    since: datetime | None = None
    """Only those of that time and later."""
    model: Registered | None = None
    """Only those on texts of this registered model."""
    blind_only: bool = False
    """True: only those before which the person saw no scores."""

    def described(self) -> dict[str, Any]:
        """Return what was chosen, for the card and the audit trail."""
        return {
            "since": self.since.isoformat() if self.since else None,
            "model": self.model.label if self.model else None,
            "blind_only": self.blind_only,
        }


@dataclass
class Counts:
    """What was written."""

    labels: tuple[str, ...]
    rows: int = 0
    by_label: dict[str, Counter[str]] = field(default_factory=dict)
    """{label: {"true" | "false" | "null": rows}}."""
    drawn: Counter[str] = field(default_factory=Counter)
    blind: int = 0

    @property
    def columns(self) -> dict[str, str]:
        """Return {label: its column}."""
        return {label: column_of(label, self.labels) for label in self.labels}


def export_labels(out: Path, selection: Selection, version: ModelVersion, actor: Actor) -> Counts:
    """Write the folder `out`, whole or not at all, and note in the audit trail who took how much along.

    version: the active one, whose labels come first. Raises CannotExport where `out` exists or there is
    nothing to write, OSError or DatabaseError.
    """
    if out.exists() or out.is_symlink():
        raise CannotExport(f"{out} exists, and nothing is written over. Name another folder.")
    decisions = _decisions(selection)
    counts = Counts(_labels(decisions, version))
    if not counts.labels or not decisions.exists():
        raise CannotExport("There is no decision to export.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as place:
        folder = Path(place) / out.name
        folder.mkdir(mode=0o700)
        with (folder / DATA).open("w", encoding="utf-8") as file:
            for row in _rows(decisions, counts):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        (folder / "README.md").write_text(
            card(counts, selection.described(), timezone.now()), encoding="utf-8"
        )
        audit.record(
            Action.LABELS_EXPORTED, actor, version, {}, {**selection.described(), "rows": counts.rows}
        )
        folder.rename(out)
    return counts


def _decisions(selection: Selection) -> QuerySet[Review]:
    rows = standing_decisions().filter(screening__blanked=None).exclude(screening__text="")
    if selection.since is not None:
        rows = rows.filter(created__gte=selection.since)
    if selection.model is not None:
        rows = rows.filter(screening__content_type=content_type_of(selection.model.model))
    if selection.blind_only:
        rows = rows.filter(model_version=None)
    return rows.select_related("screening").order_by("id")


def _labels(decisions: QuerySet[Review], version: ModelVersion) -> tuple[str, ...]:
    """The labels of the active version, and those that only earlier decisions know."""
    labels = dict.fromkeys(version.labels)
    for of_one in decisions.values_list("labels", flat=True).iterator():
        labels.update(dict.fromkeys(of_one))
    return tuple(labels)


def _rows(decisions: QuerySet[Review], counts: Counts) -> Iterator[dict[str, Any]]:
    shares = response()
    names = {row.pk: str(row) for row in ModelVersion.objects.only("name", "version")}
    counts.by_label = {label: Counter() for label in counts.labels}
    columns = counts.columns
    for review in decisions.iterator(chunk_size=1000):
        row = _row(review, columns, shares, names)
        counts.rows += 1
        counts.drawn[row["drawn"]] += 1
        counts.blind += row["blind"]
        for label, column in columns.items():
            counts.by_label[label][json.dumps(row[column])] += 1
        yield row


def _row(
    review: Review, columns: Mapping[str, str], shares: Response, names: dict[int, str]
) -> dict[str, Any]:
    screening = review.screening
    content_type = screening.content_type_id
    drawn, probability = _drawn(screening, shares)
    return {
        "id": screening.pk,
        "text": screening.text,
        **{column: review.labels.get(label) for label, column in columns.items()},
        "outcome": review.outcome,
        "decided": review.created.isoformat(),
        "model": model_label(content_type) if content_type is not None else None,
        "language": screening.language or None,
        "drawn": drawn,
        "probability": probability,
        "blind": review.model_version_id is None,
        "version": names.get(review.model_version_id or 0),
    }


def _drawn(screening: Screening, shares: Response) -> tuple[str, float | None]:
    """How a text came to be judged, and with which probability; None where it stands for no others."""
    if screening.source != Screening.Source.SUGGESTION and screening.queued_for not in NOT_DRAWN:
        is_random = screening.queued_for == Screening.QueuedFor.AUDIT
        probability = (screening.sampling_probability or 1.0) * shares.share(screening)
        return RANDOM if is_random else POINTED_AT, round(probability, 6)
    return BY_A_PERSON, None
