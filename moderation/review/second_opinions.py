"""Draws decided items for a second opinion, and says to whom they are dealt; nothing they say has an effect.

How far moderators agree is known only from items that two judged apart. So SECOND_OPINION_SHARE of the
decided ones stand once more before another moderator, without scores and looking like any open item that is
judged without scores. Which these are, a keyed hash of the decision says, which nobody can know beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Exists, OuterRef, QuerySet

from moderation.clock import Now
from moderation.conf import conf
from moderation.db.read_once import remembered
from moderation.models import Review, Screening, SecondOpinionDue
from moderation.models.conditions import DRAWN_BY_CHANCE
from moderation.review import blind, rights
from moderation.review.rights import AnyModel
from moderation.texts import exact_digest

__all__ = [
    "about_undealt",
    "as_seen_by",
    "ask_again",
    "dealt_to",
    "draw",
    "forget_old",
    "is_as_open",
    "is_due",
    "note_answer",
    "withdraw",
    "without_dealt",
]

DEALT = 3
"""As many of them are dealt to one moderator at a time: among the items of a queue they stay rare."""
WAITS = timedelta(days=30)
"""Age at which one that nobody answered is given up, as on a site with one moderator."""
KINDS = (Screening.QueuedFor.FLAGGED, Screening.QueuedFor.HELD, *DRAWN_BY_CHANCE)
"""Items of other reasons say why they are there, and so can't be shown as if they were open and blind."""
_KEYS = 16**8


def draw(review: Review, screening: Screening) -> bool:
    """Have the item dealt to another moderator, if the decision is one of those; True where it is.

    Call it in the decision's transaction.
    """
    share = conf.SECOND_OPINION_SHARE
    if review.kind != Review.Kind.DECISION or screening.queued_for not in KINDS or not screening.text.strip():
        return False
    digest = exact_digest("second opinion", conf.TEXT_KEY_SECRET, review.pk)
    if int(digest[:8], 16) >= share * _KEYS:
        return False
    columns = {"reviewer_id": review.reviewer_id, "probability": share, "answered": None}
    SecondOpinionDue.objects.update_or_create(
        screening=screening, defaults={**columns, "severity": _place_of(screening)}
    )
    return True


def _place_of(screening: Screening) -> float:
    """Return the severity by which it stands in the queue again; a held one takes a flagged one's place."""
    if screening.verdict != Screening.Verdict.HELD:
        return screening.severity
    ((severity, _),) = blind.places(1)
    return severity


def withdraw(screening: Screening) -> None:
    """Deal it no more, as its decision was taken back. Call it in the transaction of the undo."""
    SecondOpinionDue.objects.filter(screening=screening, answered=None).delete()


def _due_to(user: AbstractBaseUser) -> Mapping[int, float]:
    """{id: place} of what is dealt to this moderator: the oldest that others decided, DEALT at most.

    Also what the user has left to others, and may get again.
    """
    return remembered(("second opinions", user.pk), lambda: _read_due_to(user))


def _read_due_to(user: AbstractBaseUser) -> dict[int, float]:
    own = Review.objects.filter(screening=OuterRef("screening"), reviewer=user.pk)
    due = (
        rights.about_visible(user, SecondOpinionDue.objects.all())
        .filter(
            ~Exists(own),
            answered=None,
            screening__is_current=True,
            screening__blanked=None,
            screening__second_look=None,  # who gives a second look is to know what was decided
            screening__open_reports=0,  # and so is who looks at what readers brought back
            screening__queued_for__in=KINDS,
        )
        .exclude(screening__outcome="")
        .exclude(reviewer=user.pk)
    )
    columns = ("screening_id", "severity", "screening__severity", "screening__verdict")
    return {
        key: own_place if place is None and verdict != Screening.Verdict.HELD else place or 0.0
        for key, place, own_place, verdict in due.order_by("id").values_list(*columns)[:DEALT]
    }


def is_due(screening_id: int, user: AbstractBaseUser) -> bool:
    """True where the item is dealt to this moderator for a second opinion."""
    return screening_id in _due_to(user)


def as_seen_by(user: AbstractBaseUser | None, rows: Iterable[Screening]) -> list[Screening]:
    """Return the rows, those that are dealt to this moderator for a second opinion as they were before.

    Such a row becomes in memory an open item that is judged blind, with no reviews; it must not be saved. One
    who may not review is dealt nothing.
    """
    screenings = list(rows)
    if any(row.outcome for row in screenings):
        dealt = _dealt(user)
        for row in screenings:
            if row.pk in dealt:
                _open(row, dealt[row.pk])
    return screenings


def is_as_open(row: Screening) -> bool:
    """True of a row that `as_seen_by` made an open item of."""
    return getattr(row, "is_dealt_again", False)


def dealt_to(user: AbstractBaseUser | None) -> set[int]:
    """Return the ids of what is dealt to this user.

    None where the user may not review, and sees decisions; user: None for a program of the site's own.
    """
    return set(_dealt(user))


def _dealt(user: AbstractBaseUser | None) -> Mapping[int, float]:
    return _due_to(user) if user is not None and rights.may_review(user) else {}


def without_dealt(user: AbstractBaseUser | None, rows: QuerySet[Screening]) -> QuerySet[Screening]:
    """Leave out what is dealt to this moderator: lists of decided items would tell the decision."""
    keys = dealt_to(user)
    return rows.exclude(pk__in=keys) if keys else rows


def about_undealt(user: AbstractBaseUser | None, rows: QuerySet[AnyModel]) -> QuerySet[AnyModel]:
    """Leave out of reviews and the like those about what is dealt to this user: they tell the decision."""
    keys = dealt_to(user)
    return rows.exclude(screening__in=keys) if keys else rows


def _open(row: Screening, severity: float) -> None:
    """Take out of a row in memory what a decision, a hiding or a release has put there.

    Reports go, too: that they were answered tells of the decision, and so does an author who asked about it.
    """
    row.outcome, row.reviewed, row.released, row.severity = "", None, None, severity
    row.queued_for, row.verdict = Screening.QueuedFor.AUDIT, Screening.Verdict.CLEAR
    row.hidden_by_us, row.hidden_by, row.action_pending = False, "", False
    row.held_by_reports, row.open_reports, row.second_look = False, 0, None
    row.newest_reports = row.newest_second_looks = []  # type: ignore[attr-defined]
    row.all_reviews = []  # type: ignore[attr-defined]
    row.is_dealt_again = True  # type: ignore[attr-defined]


def note_answer(screening: Screening) -> None:
    """Note that a second opinion was given, so that it is dealt no more. Call it in its transaction."""
    SecondOpinionDue.objects.filter(screening=screening, answered=None).update(answered=Now())


def ask_again(screening: Screening) -> None:
    """Deal it to another moderator, as the second opinion was taken back, unless there is one more.

    Call it in the transaction of the undo. Who took theirs back knows the decision, and is not asked again.
    """
    undone = Review.objects.filter(screening=screening, kind=Review.Kind.UNDO).values("undoes")
    opinions = Review.objects.filter(screening=screening, kind=Review.Kind.SECOND_OPINION)
    if not opinions.exclude(pk__in=undone).exists():
        SecondOpinionDue.objects.filter(screening=screening).update(answered=None)


def forget_old() -> int:
    """Give up those that nobody answered in WAITS; returns how many."""
    return SecondOpinionDue.objects.filter(answered=None, created__lt=Now() - WAITS).delete()[0]
