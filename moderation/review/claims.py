"""Deals open items to people, each to one person at a time, for a few minutes that activity renews.

A claim keeps two people from reading the same item. It is no lock: whose decision counts is settled by
`moderation.review.decisions`, which knows of no claims. All times are the database's.

What is dealt to somebody for a second opinion is decided, and open to that person alone: `dealt`, its ids,
says of it in these functions that it is held as any open item is. Otherwise what is held would tell the two
apart.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connections, router, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from moderation import audit
from moderation.audit import Action, Actor
from moderation.clock import Now
from moderation.conf import conf
from moderation.db.locking import locked_if_free
from moderation.db.read_once import remembered
from moderation.models import ItemClaim, ItemSkip, Screening
from moderation.models.conditions import OPEN

__all__ = [
    "NOTHING_BESIDE",
    "Beside",
    "NotOpen",
    "claimed_by",
    "deal",
    "end",
    "held_among",
    "hold",
    "holder_of",
    "holders",
    "note_decided",
    "release",
    "renew",
    "renew_all",
    "skip",
    "take_back_skip",
    "take_over",
    "unskipped",
]

MOST = 50
"""Items that one deal leaves in one person's hands at most."""
ROUNDS = 5
"""Looks for free items in one deal: each fails only where somebody else was dealt to in the same moment."""
SKIP_HOURS = 4
"""A skipped item is not dealt again to the person who skipped it for this long."""
CLEANED = 500
"""Claims and skips whose time is over that one deal removes."""


class NotOpen(Exception):
    """The item waits for nobody any more: it was decided, edited or deleted."""


@dataclass(frozen=True)
class Beside:
    """Items that are dealt to the user for a second opinion, and where they stand in the queue."""

    dealt: tuple[int, ...]
    """Their ids."""
    placed: Callable[[list[int]], list[int]]
    """Puts ids of open items and of these into the order in which the user sees them."""


NOTHING_BESIDE = Beside((), lambda keys: keys)


def deal(
    user: AbstractBaseUser, count: int, queue: QuerySet[Screening], beside: Beside = NOTHING_BESIDE
) -> list[int]:
    """Put items of the queue into the user's hands until they are `count`, and renew those already there.

    queue: screenings in the order in which they are to be judged; only open ones are dealt, and those
    `beside`. What others hold, and what the user has skipped, stays where it is. Returns the ids of the
    queue's items that the user holds now, in the queue's order: fewer than `count` where no more are free.
    """
    count = min(count, MOST)
    rows = _bare(queue).using(router.db_for_write(Screening)).filter(OPEN)
    _clean_up()
    for _ in range(ROUNDS):
        missing = count - len(_in_hands(user, rows, count, beside))
        if missing <= 0 or not _take(user, rows, missing, beside):
            break
    dealt = _in_hands(user, rows, count, beside)
    renew(user, dealt)
    return dealt


def renew(user: AbstractBaseUser, screenings: Iterable[int]) -> int:
    """Let the user keep those of the screenings that the user still holds; return how many."""
    mine = ItemClaim.objects.filter(user_key=_key(user), screening__in=list(screenings), until__gte=Now())
    with transaction.atomic(using=mine.db):
        free = [claim.pk for claim in locked_if_free(mine.order_by("pk"))]
        return mine.filter(pk__in=free).update(until=_until()) if free else 0


def renew_all(user: Any) -> int:
    """Let the user keep all that the user holds; return how much that is."""
    mine = ItemClaim.objects.filter(user_key=_key(user), until__gte=Now())
    return renew(user, list(mine.values_list("pk", flat=True)[:MOST]))


def hold(user: AbstractBaseUser, screening_id: int, *, dealt: Collection[int] = ()) -> bool:
    """Put one open item into the user's hands where nobody else holds it; True where the user has it then."""
    with transaction.atomic(using=router.db_for_write(Screening)):
        is_open = _locked_if_open(screening_id, dealt)
        if not is_open or holders(user, [screening_id]):
            return False
        _store(user, [screening_id])
        return True


def take_over(user: AbstractBaseUser, screening_id: int, *, dealt: Collection[int] = ()) -> str:
    """Give the user an item that somebody else may hold; return that person's name, or nothing.

    Raises Screening.DoesNotExist, and NotOpen where nobody is to judge it any more.
    """
    with transaction.atomic(using=router.db_for_write(Screening)):
        if not _locked_if_open(screening_id, dealt):
            Screening.objects.only("pk").get(pk=screening_id)
            raise NotOpen(screening_id)
        holder = holders(user, [screening_id]).get(screening_id)
        ItemClaim.objects.filter(pk=screening_id).exclude(user_key=_key(user), until__gte=Now()).delete()
        _store(user, [screening_id])
        if holder is None:
            return ""
        audit.record(
            Action.ITEM_TAKEN_OVER,
            Actor.of(user),
            Screening(pk=screening_id),
            before={"held_by": holder.username},
            after={"held_by": user.get_username()},
        )
        return holder.username


def release(user: AbstractBaseUser, screenings: Iterable[int]) -> None:
    """Give back to the queue those of the screenings that the user holds."""
    ItemClaim.objects.filter(user_key=_key(user), screening__in=list(screenings)).delete()


def skip(user: AbstractBaseUser, screening_id: int) -> None:
    """Leave an item to others: the user gives it back, and is not dealt it again for SKIP_HOURS.

    Raises Screening.DoesNotExist.
    """
    screening = Screening.objects.only("pk").get(pk=screening_id)
    until = Now() + timedelta(hours=SKIP_HOURS)
    ItemSkip.objects.update_or_create(screening=screening, user_key=_key(user), defaults={"until": until})
    release(user, [screening_id])


def take_back_skip(user: AbstractBaseUser, screening_id: int) -> None:
    """Let the user be dealt an item again that the user skipped."""
    ItemSkip.objects.filter(user_key=_key(user), screening=screening_id).delete()


def end(screening_id: int) -> None:
    """Remove the claim on an item that needs no decision any more."""
    ItemClaim.objects.filter(pk=screening_id).delete()


def holders(user: Any, screenings: Iterable[int]) -> dict[int, ItemClaim]:
    """Return {screening id: claim} of those of the screenings that somebody else holds; one query."""
    others = ItemClaim.objects.filter(screening__in=list(screenings), until__gte=Now())
    return {claim.screening_id: claim for claim in others.exclude(user_key=_key(user))}


def held_among(user: Any, screenings: Iterable[int]) -> set[int]:
    """Return those of the screenings that the user holds."""
    mine = ItemClaim.objects.filter(user_key=_key(user), screening__in=list(screenings), until__gte=Now())
    return set(mine.values_list("pk", flat=True))


def holder_of(user: Any, screening_id: int, *, dealt: Collection[int] = ()) -> ItemClaim | None:
    """Return the claim by which somebody else holds an open item, or None.

    What comes by a person's hand, from a page or over the API, is not decided against it.
    """
    if screening_id not in dealt and not Screening.objects.filter(OPEN, pk=screening_id).exists():
        return None
    return holders(user, [screening_id]).get(screening_id)


def note_decided(user: Any, screening_id: int) -> None:
    """End the claim on an item that the user has decided, and let the user keep all others."""
    end(screening_id)
    renew_all(user)


def claimed_by(user: Any) -> QuerySet[Screening]:
    """Select the open items that the user holds."""
    held = ItemClaim.objects.filter(user_key=_key(user), until__gte=Now())
    # from the few claims to their items: SQLite would look for a claim of every open item
    return Screening.objects.filter(OPEN, pk__in=held.values("screening"))


def unskipped(user: Any, queue: QuerySet[Screening]) -> QuerySet[Screening]:
    """Select of a queue what the user has not skipped lately."""
    skipped = ItemSkip.objects.filter(user_key=_key(user), until__gte=Now())
    has_skipped = remembered(("skipped", _key(user)), skipped.exists)
    return queue.exclude(pk__in=skipped.values("screening")) if has_skipped else queue


def _in_hands(user: AbstractBaseUser, rows: QuerySet[Screening], count: int, beside: Beside) -> list[int]:
    """Return the ids of the first items of the queue that the user holds, `count` at most."""
    held = list(rows.filter(_held(by=user)).values_list("pk", flat=True)[:count])
    if beside.dealt:
        held += sorted(held_among(user, beside.dealt))
    return beside.placed(held)[:count]


def _take(user: AbstractBaseUser, rows: QuerySet[Screening], missing: int, beside: Beside) -> int:
    """Claim up to `missing` free items for the user; return how many were free a moment before.

    A claim is written under the lock of its screening's row, on SQLite under that of the database.
    PostgreSQL: rows that somebody is dealing are skipped; a row that was dealt between our look and our lock
    shows a claim when it is looked at again under the lock.
    """
    with transaction.atomic(using=rows.db):
        free = _free(user, unskipped(user, rows))
        looked_at = [row.pk for row in _locked(free.only("pk"))[:missing]]
        if beside.dealt:
            of_others = _free(user, Screening.objects.using(rows.db).filter(pk__in=beside.dealt))
            looked_at += [row.pk for row in _locked(of_others.order_by("pk").only("pk"))]
        looked_at = beside.placed(looked_at)[:missing]
        if looked_at:
            _store(user, _free(user, Screening.objects.filter(pk__in=looked_at)).values_list("pk", flat=True))
        return len(looked_at)


def _locked(rows: QuerySet[Screening]) -> QuerySet[Screening]:
    """Lock rows weakly enough for others to add reviews and scorings of them; leave out locked ones."""
    features = connections[rows.db].features
    return rows.select_for_update(
        skip_locked=features.has_select_for_update_skip_locked, no_key=features.has_select_for_no_key_update
    )


def _locked_if_open(screening_id: int, dealt: Collection[int]) -> bool:
    """True where the item is there and open, or dealt; its row is locked then."""
    is_open = OPEN | Q(pk__in=list(dealt)) if dealt else OPEN
    return Screening.objects.select_for_update().filter(is_open, pk=screening_id).exists()


def _store(user: AbstractBaseUser, screenings: Collection[int] | QuerySet[Any, int]) -> None:
    """Write the claims of a user on screenings whose rows are locked and that nobody else holds."""
    claims = [
        ItemClaim(
            screening_id=pk, user_key=_key(user), username=user.get_username(), since=Now(), until=_until()
        )
        for pk in screenings
    ]
    columns = ["user_key", "username", "since", "until"]
    ItemClaim.objects.bulk_create(
        claims, update_conflicts=True, unique_fields=["screening"], update_fields=columns
    )


def _clean_up() -> None:
    """Remove claims and skips whose time is over. Waits for nobody."""
    for model in (ItemClaim, ItemSkip):
        over = model.objects.filter(until__lt=Now())
        with transaction.atomic(using=over.db):
            keys = [row.pk for row in locked_if_free(over.order_by("pk"))[:CLEANED]]
            if keys:
                over.filter(pk__in=keys).delete()


def _bare(queue: QuerySet[Screening]) -> QuerySet[Screening]:
    """Strip a queryset of whatever only a page needs: PostgreSQL locks no row of an outer join."""
    return queue.select_related(None).prefetch_related(None)


def _held(by: Any) -> Exists:
    """Match screenings that this user holds."""
    return Exists(ItemClaim.objects.filter(screening=OuterRef("pk"), user_key=_key(by), until__gte=Now()))


def _free(user: AbstractBaseUser, rows: QuerySet[Screening]) -> QuerySet[Screening]:
    """Select those that nobody holds, the user neither."""
    return rows.filter(~Exists(ItemClaim.objects.filter(screening=OuterRef("pk"), until__gte=Now())))


def _until() -> Any:
    return Now() + timedelta(seconds=conf.CLAIM_SECONDS)


def _key(user: Any) -> str:
    return str(user.pk)
