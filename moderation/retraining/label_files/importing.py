"""Stores what a file says of texts: screenings of the source *import*, with reviews of the kind *import*.

Such a text is not scored, stands in no queue and in no figure of the site: nobody drew it there. It is
learned from, with a weight of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from django.db import router, transaction

from moderation import audit
from moderation.audit import Action, Actor
from moderation.conf import conf
from moderation.coordination import leases
from moderation.models import ModelVersion, Review, Screening
from moderation.models.conditions import IMPORTED
from moderation.retraining.label_files.formats import Bad, Labelled, Labels, Reading, Undecided, read
from moderation.texts import text_key

CHUNK = 500
"""Rows that are stored in one transaction, so that a file of any length takes no more memory."""
TOLD = 20
"""Bad rows that are named; more are counted."""
LEASE = "label-import"
LEASE_SECONDS = 120.0


class Busy(Exception):
    """Another process is importing."""


@dataclass
class Summary:
    """What became of a file's rows."""

    imported: int = 0
    already: int = 0
    """Texts that an earlier import said the same of, or an earlier row."""
    undecided: int = 0
    """Rows that say nothing of any label of the active version."""
    bad: int = 0
    first_bad: list[Bad] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows that were read."""
        return self.imported + self.already + self.undecided + self.bad


def import_labels(
    path: Path, reading: Reading, version: ModelVersion, actor: Actor, told: Callable[[int], object]
) -> Summary:
    """Store each row of a file once, in transactions of CHUNK rows, each with an audit entry.

    A file that was imported is skipped row by row, so an interrupted import is started again. told: is called
    with the number of rows that were read so far. version: the active one. Raises Busy, UnusableFile, OSError
    or DatabaseError, with the chunks until then stored.
    """
    token = leases.take(LEASE, LEASE_SECONDS)
    if token is None:
        raise Busy(f"Another import is under way in {leases.holder(LEASE)}.")
    summary = Summary()
    try:
        with leases.kept(LEASE, token, LEASE_SECONDS, renewals=None):
            for chunk in _chunks(_usable(path, reading, summary)):
                imported = _store(chunk, reading.form, version, actor)
                summary.imported += imported
                summary.already += len(chunk) - imported
                told(summary.rows)
    finally:
        leases.give_back(LEASE, token)
    return summary


def _usable(path: Path, reading: Reading, summary: Summary) -> Iterator[Labelled]:
    for row in read(path, reading):
        match row:
            case Labelled():
                yield row
            case Undecided():
                summary.undecided += 1
            case Bad():
                summary.bad += 1
                if len(summary.first_bad) < TOLD:
                    summary.first_bad.append(row)


def _chunks(rows: Iterator[Labelled]) -> Iterator[list[Labelled]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _store(chunk: list[Labelled], form: str, version: ModelVersion, actor: Actor) -> int:
    """Store what is new of a chunk; returns of how many rows."""
    keys = {row.text: text_key(row.text, conf.TEXT_KEY_SECRET) for row in chunk}
    with transaction.atomic(using=router.db_for_write(Screening)):
        known = _known(keys)
        fresh = _what_is_new(chunk, known)
        if not fresh:
            return 0
        screenings = Screening.objects.bulk_create(
            Screening(
                source=Screening.Source.IMPORT,
                is_current=False,
                status=Screening.Status.SUPERSEDED,
                text=text,
                text_key=keys[text],
                priority=Screening.Priority.LOW,
            )
            for text in fresh
            if text not in known
        )
        places = {text: (key, number) for text, (key, number, _) in known.items()}
        places |= {screening.text: (screening.pk, 0) for screening in screenings}
        reviews = Review.objects.bulk_create(
            Review(
                screening_id=places[text][0],
                number=places[text][1] + 1,
                kind=Review.Kind.IMPORT,
                outcome=Screening.Outcome.HIDE if any(labels.values()) else Screening.Outcome.SHOW,
                labels=labels,
                reviewer=actor.user,
                reviewer_name=actor.name,
            )
            for text, labels in fresh.items()
        )
        after = {"format": form, "reviews": len(reviews)}
        audit.record(Action.LABELS_IMPORTED, actor, version, before={}, after=after)
    return len(fresh)


Known = Mapping[str, tuple[int, int, Labels]]
"""{text: (its screening, the number of its last review, what that says)} of what was imported before."""


def _known(keys: Mapping[str, str]) -> Known:
    """What was imported before of these texts, to the letter."""
    rows = Screening.objects.filter(IMPORTED, blanked=None, text_key__in=set(keys.values()))
    texts = {pk: text for pk, text in rows.values_list("pk", "text") if text in keys}
    reviews = Review.objects.filter(screening_id__in=texts, kind=Review.Kind.IMPORT).order_by("number")
    return {
        texts[screening]: (screening, number, labels)
        for screening, number, labels in reviews.values_list("screening_id", "number", "labels")
    }


def _what_is_new(chunk: Iterable[Labelled], known: Known) -> dict[str, Labels]:
    """{text: labels} of texts of which nothing, or something else, was said so far; the last row counts."""
    said = {text: labels for text, (_, _, labels) in known.items()}
    fresh: dict[str, Labels] = {}
    for row in chunk:
        if said.get(row.text) != row.labels:
            said[row.text] = fresh[row.text] = row.labels
    return {text: labels for text, labels in fresh.items() if text not in known or known[text][2] != labels}
