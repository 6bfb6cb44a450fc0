"""The queue's views around a decision: deal items, leave one to others, take one over, tell their states."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import escape, format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from moderation.admin.display.ago import time_since
from moderation.admin.item.presenting import Item
from moderation.admin.posting import posted
from moderation.admin.queue import answering, haste, keyset, second_opinions, tabs
from moderation.admin.queue.filters import StatusFilter
from moderation.models import ItemClaim, Review, Screening
from moderation.review import claims, rights
from moderation.review import decisions as reviewing

if TYPE_CHECKING:
    from moderation.admin.queue.screening_admin import ScreeningAdmin

HAND = 4
"""Items that a script has in hand: the one that is read, and those that follow."""
HAND_OF_A_LIST = 10
"""Items that *Take the next items* puts into the list of one's own."""
STATES_OF_ITEMS = 200
"""Items that one page may ask the states of."""
OPEN, HELD, DECIDED, GONE = "open", "held", "decided", "gone"
"""States of an item that a page shows."""


def urls(model_admin: ScreeningAdmin) -> list[URLPattern]:
    """Return the addresses of these views."""
    view = model_admin.admin_site.admin_view
    name = "moderation_screening"
    return [
        path("deal/", view(model_admin.deal_view), name=f"{name}_deal"),
        path("states/", view(model_admin.states_view), name=f"{name}_states"),
        path("<int:pk>/skip/", view(model_admin.skip_view), name=f"{name}_skip"),
        path("<int:pk>/unskip/", view(model_admin.unskip_view), name=f"{name}_unskip"),
        path("<int:pk>/take-over/", view(model_admin.take_over_view), name=f"{name}_take_over"),
    ]


class WithoutSkipped(ChangeList):
    """Stands before a changelist class, so that open items which the reader left to others are not listed.

    Who searches finds them all the same.
    """

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        rows = super().get_queryset(request, exclude_parameters)
        if self.query or not StatusFilter.is_open(request):
            return rows
        return claims.unskipped(request.user, rows)


class RowsOnly(ChangeList):
    """Stands before a changelist class, so that it selects and orders rows, and fetches and counts none."""

    def get_results(self, request: HttpRequest) -> None:
        self.result_list, self.result_count, self.full_result_count = [], 0, 0
        self.can_show_all = self.multi_page = False


class DealingViews:
    """Mixin of the queue's ModelAdmin. Every view answers a script in JSON, and a form with a redirect."""

    @posted
    def deal_view(self: Any, request: HttpRequest) -> HttpResponse:
        """Put the next items of the filtered queue into the user's hands.

        To a script: those that it holds, in their order, each with its HTML where the page has it not yet.
        """
        _check_may_review(request)
        rows, beside = self.rows_of(request)
        if not answering.wants_json(request):
            dealt = claims.deal(_user(request), HAND_OF_A_LIST, rows, beside)
            count = len(dealt)
            word = ngettext("%(count)d item is yours now.", "%(count)d items are yours now.", count)
            messages.info(request, word % {"count": count} if count else _("Nothing is free at the moment."))
            return HttpResponseRedirect(_mine(request) if count else answering.back(request))
        dealt = claims.deal(_user(request), HAND, rows, beside)
        missing = set(dealt) - set(_ids(request, "on_page"))
        pages = self.rendered(request, missing)
        return JsonResponse({"items": [{"id": pk, "html": pages.get(pk, "")} for pk in dealt]})

    @posted
    def states_view(self: Any, request: HttpRequest) -> HttpResponse:
        """Tell a script what became of its page's items, and how many each list has.

        With `renew` the user keeps those of them that the user holds.
        """
        _check_may_review(request)
        ids = _ids(request, "id")
        if request.POST.get("renew"):
            claims.renew(_user(request), ids)
        shown = rights.visible(request.user, Screening.objects.filter(pk__in=ids))
        counts = {name: tabs.in_words(count) for name, count in tabs.counts(request).items()}
        return JsonResponse({"items": states(request, shown, ids), "counts": counts})

    @posted
    def skip_view(self: Any, request: HttpRequest, pk: int) -> HttpResponse:
        """Leave an item to others."""
        _check_may_review(request)
        screening = seen(request, pk)
        if haste.is_hasty(request):
            return answering.refused(request, too_soon(), "again")
        claims.skip(_user(request), screening.pk)
        unskip = reverse("admin:moderation_screening_unskip", args=(pk,))
        return answering.done(request, _("Left to others."), undo=unskip)

    @posted
    def unskip_view(self: Any, request: HttpRequest, pk: int) -> HttpResponse:
        """Take back an item that the user left to others."""
        _check_may_review(request)
        claims.take_back_skip(_user(request), seen(request, pk).pk)
        claims.hold(_user(request), pk, dealt=second_opinions.dealt_to(request))
        return answering.done(request, _("It is back in your queue."), **self.item_for_script(request, pk))

    @posted
    def take_over_view(self: Any, request: HttpRequest, pk: int) -> HttpResponse:
        """Give the user an item that a colleague looks at; on record."""
        _check_may_review(request)
        holder = claims.holders(request.user, [seen(request, pk).pk])
        if holder and not rights.may_lead(request.user):
            raise PermissionDenied
        try:
            name = claims.take_over(_user(request), pk, dealt=second_opinions.dealt_to(request))
        except claims.NotOpen:
            return answering.refused(request, _("It waits for no decision any more."), GONE)
        word = _("You took it over from %(name)s.") % {"name": name} if name else _("It is yours now.")
        return answering.done(request, escape(word), **self.item_for_script(request, pk))

    # --- what these need ------------------------------------------------------------------------

    def rows_of(self: Any, request: HttpRequest) -> tuple[Any, claims.Beside]:
        """Return the screenings of the address's list, search and filters, in their order, and those beside.

        Raises Http404 where the address has filters that there are not.
        """
        try:
            cl = self.changelist_of_rows(request)
        except IncorrectLookupParameters as error:
            raise Http404 from error
        return cl.queryset, second_opinions.beside(request, cl)

    def changelist_of_rows(self: Any, request: HttpRequest) -> Any:
        """Make the changelist of the address, without fetching or counting its rows."""
        kind = type("Rows", (RowsOnly, self.get_changelist(request)), {})
        return kind(
            request,
            self.model,
            self.list_display,
            self.list_display_links,
            self.get_list_filter(request),
            self.date_hierarchy,
            self.get_search_fields(request),
            self.list_select_related,
            self.list_per_page,
            self.list_max_show_all,
            (),
            self,
            self.sortable_by,
            self.search_help_text,
        )

    def rendered(self: Any, request: HttpRequest, ids: Iterable[int]) -> dict[int, str]:
        """Return {id: HTML} of these items, as the list shows them."""
        wanted = list(ids)
        if not wanted:
            return {}
        rows = list(self.get_queryset(request).filter(pk__in=wanted))
        context = {**self.list_context(request), "linked": True}
        template = "admin/moderation/screening/_item.html"
        return {
            item.screening.pk: render_to_string(template, {**context, "item": item}, request)
            for item in self.items_of(request, rows)
        }

    def item_for_script(self: Any, request: HttpRequest, pk: int) -> dict[str, str]:
        """Return what an answer tells a script of an item as it is now: `item`, its HTML."""
        if not answering.wants_json(request):
            return {}
        return {"item": self.rendered(request, [pk]).get(pk, "")}


def with_holders(items: list[Item], user: Any) -> list[Item]:
    """Note at each open item which colleague looks at it, and which item comes after it; one query."""
    ids = [item.screening.pk for item in items if item.screening.is_open]
    holders = claims.holders(user, ids) if ids else {}
    for place, item in enumerate(items):
        item.holder = holders.get(item.screening.pk)
        item.next_id = items[place + 1].screening.pk if 0 < place < len(items) - 1 else None
    return items


def states(request: HttpRequest, shown: Any, ids: list[int]) -> dict[int, dict[str, str]]:
    """Return {id: state, and what to say of it}, for what of `ids` is among the screenings `shown`.

    An item that is not among them is gone.
    """
    holders = claims.holders(request.user, ids)
    seen = second_opinions.as_seen(request, list(shown.only("pk", "is_current", "outcome", "blanked")))
    rows = {row.pk: row for row in seen}
    decided = [pk for pk, row in rows.items() if row.outcome]
    reviews = reviewing.standing_decisions().filter(screening__in=decided) if decided else []
    by_item = {review.screening_id: review for review in reviews}
    return {pk: _state(request, rows.get(pk), holders.get(pk), by_item.get(pk)) for pk in ids}


def held_by(claim: ItemClaim) -> str:
    """Say who looks at an item, and since when."""
    return format_html(
        _("{name} looks at this, for {ago} now."), name=claim.username, ago=time_since(claim.since)
    )


def too_soon() -> str:
    """Say that a decision came before the item could be read."""
    return _("Nothing was recorded: the item had been on the page for less than half a second.")


def _state(
    request: HttpRequest, row: Screening | None, claim: ItemClaim | None, review: Review | None
) -> dict[str, str]:
    if row is None or not row.is_current or row.blanked:
        return {"state": GONE, "text": _("It was edited or deleted.")}
    if row.outcome:
        who = review.reviewer_name if review is not None else ""
        what = review.get_decision_display() if review is not None else row.get_outcome_display()
        return {"state": DECIDED, "text": _("%(who)s: %(what)s") % {"who": who or "-", "what": what}}
    if claim is not None:
        context = {"holder": claim, "may_take_over": rights.may_lead(request.user), "pk": row.pk}
        html = render_to_string("admin/moderation/screening/_held.html", context, request)
        return {"state": HELD, "text": held_by(claim), "html": html}
    return {"state": OPEN, "text": ""}


def _mine(request: HttpRequest) -> str:
    """Return the address of the user's own items, narrowed as the list that they were dealt from.

    What was narrowed to an author or a topic stays so: a decision there is about an item that was picked.
    """
    query = request.GET.copy()
    for name in (keyset.AFTER, keyset.BEFORE, tabs.ORDER_PARAMETER):
        query.pop(name, None)
    query[tabs.PARAMETER] = "mine"
    return f"{reverse('admin:moderation_screening_changelist')}?{query.urlencode()}#queue"


def _ids(request: HttpRequest, field: str) -> list[int]:
    posted_ids = request.POST.getlist(field)[:STATES_OF_ITEMS]
    return [int(value) for value in posted_ids if value.isascii() and value.isdecimal() and len(value) < 19]


def seen(request: HttpRequest, pk: int) -> Screening:
    """Return a screening that the user may see. Raises Http404."""
    row = rights.visible(request.user, Screening.objects.filter(pk=pk)).only("pk").first()
    if row is None:
        raise Http404
    return row


def _check_may_review(request: HttpRequest) -> None:
    if not rights.may_review(request.user):
        raise PermissionDenied


def _user(request: HttpRequest) -> Any:
    return request.user
