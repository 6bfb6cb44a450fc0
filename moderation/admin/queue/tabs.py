"""The lists of the queue: which items each has, in which orders it shows them, and how many it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from moderation.admin import preferences
from moderation.admin.paginator import MOST
from moderation.models import Screening, conditions
from moderation.review import claims, rights, second_opinions

QueuedFor = Screening.QueuedFor
Order = tuple[str, ...]
"""Columns as `order_by` takes them; the last is the id, which makes each place one row's."""

PARAMETER = "state"
ORDER_PARAMETER = "o"
WORST, OLDEST, NEWEST = "worst", "oldest", "newest"
ORDER_TITLES = {WORST: _("worst first"), OLDEST: _("oldest first"), NEWEST: _("newest first")}

_OF_A_QUEUE: Mapping[str, Order] = {WORST: ("-severity", "id"), OLDEST: ("id",), NEWEST: ("-id",)}
_OLDEST_FIRST: Mapping[str, Order] = {OLDEST: ("id",), NEWEST: ("-id",)}
_NEWEST_FIRST: Mapping[str, Order] = {NEWEST: ("-id",), OLDEST: ("id",)}


@dataclass(frozen=True)
class Tab:
    """One list."""

    name: str
    """As addresses have it: `?state=held`."""
    title: Any
    condition: Callable[[HttpRequest], Q]
    """Makes the condition of its items for who asks."""
    orders: Mapping[str, Order]
    """{name: columns}, each as an index has them; the first is the one that it begins with."""
    is_open: bool = False
    """True: all its items wait for a decision, so they are narrowed as the queue's."""
    is_history: bool = False
    """True: it has all there is of years, so a range of days is read by an index of its own."""
    counted_in: Order = ()
    """An order of the list's own index to count by, where SQLite takes a wider index without it."""

    def order_of(self, request: HttpRequest) -> str:
        """Return the name of the order that is asked for, or of the one that it begins with."""
        asked = request.GET.get(ORDER_PARAMETER, "")
        return asked if asked in self.orders else self.first_order(request)

    def first_order(self, request: HttpRequest) -> str:
        """Return the order that it begins with: of open items the one that the reader prefers."""
        first = next(iter(self.orders))
        preferred = preferences.of_request(request).order if self.is_open else first
        return preferred if preferred in self.orders else first

    def counted(self, request: HttpRequest) -> QuerySet[Any]:
        """Select those of its items that are counted: what the reader may see, to one beyond `MOST`."""
        rows = rights.visible(request.user, Screening.objects.filter(self.condition(request)))
        return rows.order_by(*self.counted_in).values("pk")[: MOST + 1]


def _always(condition: Q) -> Callable[[HttpRequest], Q]:
    return lambda request: condition


def _open_for(*reasons: str) -> Callable[[HttpRequest], Q]:
    return _always(conditions.OPEN & Q(queued_for__in=reasons))


ALL = "all"
BY_CREATED: Mapping[str, Order] = {NEWEST: ("-created", "-id"), OLDEST: ("created", "id")}
"""The orders of a history within a range of days: by the index that has the range."""
OPEN = Tab("open", _("All open"), _always(conditions.OPEN), _OF_A_QUEUE, is_open=True)
DECIDED = Tab(
    "decided",
    _("Decided"),
    _always(conditions.DECIDED),
    {NEWEST: ("-reviewed", "-id"), OLDEST: ("reviewed", "id")},
    is_history=True,
)
MINE = Tab(
    "mine",
    _("Mine"),
    lambda request: Q(pk__in=claims.claimed_by(request.user).values("pk")),
    _OF_A_QUEUE,
    is_open=True,
)
TABS: tuple[Tab, ...] = (
    OPEN,
    Tab("held", _("Held"), _open_for(QueuedFor.HELD, QueuedFor.AUTHOR), _OF_A_QUEUE, is_open=True),
    # with all that looks like a flagged item: no list may pick the audit items out
    Tab(
        "flagged",
        _("Flagged"),
        _open_for(QueuedFor.FLAGGED, QueuedFor.AUDIT, QueuedFor.DISAGREEMENT, QueuedFor.LANGUAGE),
        _OF_A_QUEUE,
        is_open=True,
    ),
    Tab("edited", _("Edited"), _open_for(QueuedFor.EDITED), _OF_A_QUEUE, is_open=True),
    Tab("failed", _("Failed"), _always(conditions.FAILED & Q(outcome="")), _OLDEST_FIRST),
    Tab(
        "reported",
        _("Reported"),
        _always(conditions.REPORTED),
        _OF_A_QUEUE,
        is_open=True,
        counted_in=_OF_A_QUEUE[WORST],
    ),
    Tab("suggested", _("Suggested"), _always(conditions.WAITING_SUGGESTIONS), _NEWEST_FIRST),
    MINE,
    Tab(
        "second_looks",
        _("Second looks"),
        _always(conditions.ASKED_AGAIN),
        {OLDEST: ("second_look", "id"), NEWEST: ("-second_look", "-id")},
    ),
    DECIDED,
    Tab(ALL, _("Everything"), _always(Q()), _NEWEST_FIRST, is_history=True),
)
WITH_BLIND = (OPEN.name, "flagged")
"""The lists in which an item that is judged blind stands; in `MINE` it does while its reader holds it."""
_BY_NAME = {tab.name: tab for tab in TABS}


def counts(request: HttpRequest) -> dict[str, int]:
    """Return {name of a list: how many items it has for the reader, to one beyond `MOST`}; one query.

    What is dealt to the reader for a second opinion counts as the open item that it looks like: otherwise
    the numbers would tell how many of them stand on the page.
    """
    user: Any = request.user
    numbers = _counts(request)
    if keys := second_opinions.dealt_to(user):
        numbers[DECIDED.name] = max(0, numbers[DECIDED.name] - len(keys))
        for name in WITH_BLIND:
            numbers[name] += len(keys)
        numbers[MINE.name] += len(claims.held_among(user, keys))
    return numbers


def in_words(count: int) -> str:
    """Write a number that was counted to one beyond `MOST`."""
    return f"{MOST}+" if count > MOST else str(count)


def _counts(request: HttpRequest) -> dict[str, int]:
    parts, parameters = [], []
    for tab in TABS:
        rows = tab.counted(request)
        try:
            sql, values = rows.query.get_compiler(using=rows.db).as_sql()
        except EmptyResultSet:
            sql, values = "SELECT 1 WHERE 1 = 0", ()
        parts.append(f"(SELECT COUNT(*) FROM ({sql}) AS counted)")  # noqa: S608 - Django's own SQL
        parameters += values
    with connections[rows.db].cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", parameters)
        (row,) = cursor.fetchall()
    return dict(zip((tab.name for tab in TABS), row, strict=True))


def tab_of(request: HttpRequest) -> Tab:
    """Return the list that a request asks for; all open items where it names none that there is."""
    return _BY_NAME.get(request.GET.get(PARAMETER, ""), OPEN)
