"""One page of the queue, as the admin's changelist: a list's items, in its order, from a cursor on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.admin.utils import build_q_object_from_lookup_parameters
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.db import connections
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from moderation.admin.display.safe_text import visible
from moderation.admin.paginator import MOST
from moderation.admin.queue import keyset, search, tabs
from moderation.admin.queue.filters import StatusFilter
from moderation.admin.queue.narrowing import (
    PARAMETERS,
    REVIEWER,
    CreatedFilter,
    Field,
    ScoreFilter,
    decided_by,
    fields_of,
    in_words,
    reviewer_of,
)
from moderation.models import Screening
from moderation.review import claims, second_opinions
from moderation.review.blind import is_blind


@dataclass(frozen=True)
class Link:
    """One of several pages to choose from."""

    title: Any
    query: str
    """Its address, from the question mark on."""
    is_current: bool
    count: str = ""
    """How many items it has; empty where that is not told."""
    name: str = ""
    """Of a list, by which a script finds its number."""


class Queue(ChangeList):
    """Shows a page of items by cursors, with the lists and orders that there are beside it.

    Every link keeps the search, the filters and the order, and begins at the first page.
    """

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        self.request = request
        self.tab = tabs.tab_of(request)
        self.order = self.tab.order_of(request)
        self.cursors: dict[str, int | None] = {}
        for name in (keyset.AFTER, keyset.BEFORE):
            self.filter_params.pop(name, None)
            self.cursors[name] = keyset.key_of(self.params.pop(name, ""))
        for name in [name for name, value in self.params.items() if not value.strip()]:  # of a form's fields
            del self.params[name]
            self.filter_params.pop(name, None)
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        user: Any = request.user
        keys = second_opinions.dealt_to(user)
        self.dealt = self._dealt_in_the_list(request, keys) if keys else []
        return rows if self.tab.is_open or not keys else rows.exclude(pk__in=keys)

    def get_filters(self, request: HttpRequest) -> Any:
        """Return what Django makes of the address, and remember the ranges of time in it."""
        made = super().get_filters(request)
        ranges: Any = made[2]
        self.lookups = build_q_object_from_lookup_parameters(ranges)
        return made

    def _dealt_in_the_list(self, request: HttpRequest, keys: Collection[int]) -> list[Screening]:
        """Read what is dealt to the reader for a second opinion and would be in this list if it were open.

        Only then do searches and filters not tell it from the open item that it looks like.
        """
        user: Any = request.user
        rows: QuerySet[Any] = self.root_queryset.filter(pk__in=keys)
        if self.tab.is_open and not self.query:
            rows = claims.unskipped(user, rows)
        for spec in self.filter_specs:
            rows = spec.as_open(request, rows)  # type: ignore[attr-defined]  # each of ours has it
        rows = search.found(rows.filter(self.lookups), self.query, are_few=True)
        return second_opinions.as_seen_by(user, rows.order_by("pk"))

    def _dealt_cursors(self, request: HttpRequest) -> list[Screening]:
        """Read what is dealt to the reader and a cursor names: its place is that of the item as shown."""
        user: Any = request.user
        keys = second_opinions.dealt_to(user) & set(self.cursors.values())
        return second_opinions.as_seen_by(user, Screening.objects.filter(pk__in=keys)) if keys else []

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        is_of_days = any(isinstance(spec, CreatedFilter) and spec.is_in_force for spec in self.filter_specs)
        if is_of_days and self.tab.is_history:
            return list(tabs.BY_CREATED[self.order])
        return list(self.tab.orders[self.order])

    def get_results(self, request: HttpRequest) -> None:
        if self.query.strip():
            with search.with_memory(self.queryset.db):
                self._count_and_read(request)
        else:
            self._count_and_read(request)
        self.result_list = self.page.rows
        self.paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        self.result_count = min(self.counted, MOST)
        self.full_result_count = self.result_count
        self.show_full_result_count = self.show_admin_actions = self.can_show_all = False
        self.multi_page = self.page.has_previous or self.page.has_next

    def _count_and_read(self, request: HttpRequest) -> None:
        """Count the items of the list as it is narrowed, and take the page out of it."""
        order = self.get_ordering(request, self.queryset)
        rows, keeps = self.queryset, self.keeps
        known = None
        if (first := self._first_keys(rows, order, keeps)) is not None:
            self.counted = len(first)
            known = keyset.Known(first, is_all=self.counted <= MOST)
        elif self.is_narrowed:
            keys = list(rows.prefetch_related(None).order_by().values_list("pk", flat=True)[: MOST + 1])
            self.counted = len(keys)
            if len(keys) <= MOST:  # all of them are known: the database need not look for them in order
                rows = rows.filter(pk__in=keys)
            self.counted += len(self.dealt)
        else:
            self.counted = self.counts[self.tab.name]
        self.page = keyset.page_of(
            rows,
            order,
            self.list_per_page,
            **self.cursors,
            keeps=keeps,
            known=known,
            others=self.dealt,
            cursors=self._dealt_cursors(request),
        )

    def _first_keys(
        self, rows: QuerySet[Any], order: list[Any], keeps: keyset.Keeps | None
    ) -> list[int] | None:
        """Read the ids of the first rows, to one beyond `MOST`, where counting them is as dear; else None."""
        if keeps is not None:
            return keyset.keys_of(rows, order, MOST + 1, keeps)
        is_of_one_reviewer = self.get_filters_params().keys() - {tabs.PARAMETER} == {REVIEWER}
        if is_of_one_reviewer and self.tab is tabs.DECIDED and not self.query.strip():
            newest_first = order[0].startswith("-")
            keys = decided_by(reviewer_of(self.request), MOST + 1, newest_first=newest_first)
            known = list(rows.filter(pk__in=keys).order_by(*order).values_list("pk", flat=True))
            # some were left out: reopened or replaced since, or what the site keeps from the reader
            return known if len(known) == len(keys) or len(keys) <= MOST else None
        return None

    @property
    def keeps(self) -> keyset.Keeps | None:
        """Return what leaves out undecided blind items, where a score narrows the list; else None."""
        if any(isinstance(spec, ScoreFilter) and spec.is_in_force for spec in self.filter_specs):
            return lambda row: bool(row.outcome) or not is_blind(row)
        return None

    @cached_property
    def fields(self) -> list[Field]:
        """The fields of the form that narrows the list."""
        specs = [spec for spec in self.filter_specs if not isinstance(spec, StatusFilter)]
        return [field for spec in specs for field in fields_of(spec)]

    @cached_property
    def chips(self) -> list[Link]:
        """Return for each filter in force what it selects, and the address without it."""
        return [
            Link(visible(in_words(field)), self.get_query_string({field.name: None}), is_current=True)
            for field in self.fields
            if field.value
        ]

    @property
    def without_filters(self) -> str:
        """Return the address of the list, in its order, with the search and without any filter."""
        return self.get_query_string(dict.fromkeys([*PARAMETERS, *(field.name for field in self.fields)]))

    @property
    def kept(self) -> list[tuple[str, str]]:
        """Return (name, value) of what the form of the filters keeps beside its own fields."""
        own = {field.name for field in self.fields}
        return [pair for pair in self.params.items() if pair[0] not in own]

    @property
    def without_search(self) -> str:
        """Return the address of the list with its filters and without the search."""
        return self.get_query_string({SEARCH_VAR: None})

    @property
    def search_help(self) -> str:
        """Say what may be typed into the box."""
        vendor = connections[self.queryset.db].vendor
        return str(search.HELP.get(vendor, search.HELP["other"]))

    @property
    def searched(self) -> SafeString:
        """What was searched for, to be shown: a person may have pasted a hostile text."""
        return visible(self.query.strip())

    @property
    def author_search(self) -> str:
        """Return the address that searches for an author of the name that was typed; empty where one was."""
        asked = search.taken_apart(self.query)
        name = asked.words.replace('"', " ").strip()
        is_whole = not asked.named and name
        return self.get_query_string({SEARCH_VAR: f'author:"{name}"'}) if is_whole else ""

    @property
    def is_narrowed(self) -> bool:
        """True where a search or a filter leaves out items of the list."""
        return bool(self.query.strip()) or bool(set(self.get_filters_params()) - {tabs.PARAMETER})

    @cached_property
    def counts(self) -> dict[str, int]:
        """{name of a list: how many items it has, to one beyond `MOST`}, whatever narrows the page."""
        return tabs.counts(self.request)

    @property
    def size(self) -> str:
        """How many items the list has, narrowed as it is."""
        return tabs.in_words(self.counted)

    def tab_links(self) -> Iterator[Link]:
        """Return a link to each list, with how many items it has in all."""
        for tab in tabs.TABS:
            name = None if tab is tabs.OPEN else tab.name
            yield Link(
                tab.title,
                self.get_query_string({tabs.PARAMETER: name}),
                is_current=tab is self.tab,
                count=tabs.in_words(self.counts[tab.name]),
                name=tab.name,
            )

    def order_links(self) -> Iterator[Link]:
        """Return a link to each order of the list."""
        first = self.tab.first_order(self.request)
        for name in self.tab.orders:
            query = self.get_query_string({tabs.ORDER_PARAMETER: None if name == first else name})
            yield Link(tabs.ORDER_TITLES[name], query, is_current=name == self.order)

    @property
    def first_query(self) -> str:
        """Return the address of the first page."""
        return self.get_query_string()

    @property
    def previous_query(self) -> str:
        """Return the address of the page before, or nothing."""
        if not self.page.has_previous or not self.page.rows:
            return ""
        return self.get_query_string({keyset.BEFORE: self.page.rows[0].pk})

    @property
    def next_query(self) -> str:
        """Return the address of the page after, or nothing."""
        return self.get_query_string({keyset.AFTER: self.page.rows[-1].pk}) if self.page.has_next else ""
