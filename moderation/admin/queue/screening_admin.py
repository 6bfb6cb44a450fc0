"""The moderation queue: Django's changelist of screenings, with text, scores and the three decisions."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import escape, format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from moderation.admin import authors, preferences
from moderation.admin.dashboard.dashboard_admin import is_shown_to
from moderation.admin.item import reports
from moderation.admin.item.context import with_contexts, with_history
from moderation.admin.item.live import changed_by_staff, with_live_states
from moderation.admin.item.presenting import SUGGESTIONS_SHOWN, Item, items
from moderation.admin.posting import posted
from moderation.admin.queue import (
    answering,
    asking,
    bulk,
    dealing,
    haste,
    second_opinions,
    tabs,
)
from moderation.admin.queue.changelist import Queue
from moderation.admin.queue.decision_form import (
    kind_of,
    picked_label,
    seen_number,
    shown_scoring,
    ticked_labels,
    touched_labels,
)
from moderation.admin.queue.filters import LabelFilter, StatusFilter, VerdictFilter
from moderation.admin.queue.item_records import (
    audit_trail,
    live_url,
    named_labels,
    scorings_of,
    texts_of_the_same_object,
    with_versions,
)
from moderation.admin.queue.narrowing import FILTERS, PARAMETERS, is_picked
from moderation.admin.queue.search import found
from moderation.admin.queue.what_was_done import result_of, undoing, words_of_conflict, words_of_undo
from moderation.admin.read_only import ReadOnlyAdmin
from moderation.db.read_once import remembering
from moderation.models import Review, Scoring, Screening, Suggestion
from moderation.monitoring import pipeline_trouble
from moderation.review import claims, rights
from moderation.review import decisions as reviewing
from moderation.review.reasons import label_of
from moderation.review.same_text import decisions_on_same_texts
from moderation.review.standing import standing_opinion
from moderation.versions.active import find_active

NOTE_CHARACTERS = 5000
LOOKUPS = frozenset(
    [tabs.PARAMETER, LabelFilter.parameter_name, VerdictFilter.parameter_name, *PARAMETERS]
    + [f"created__{comparison}" for comparison in ("gt", "gte", "lt", "lte", "date", "isnull")]
)
"""By what an address may narrow the list."""


class ReadersQueue(dealing.WithoutSkipped, Queue):
    """The queue as one person sees it."""


@admin.register(Screening)
class ScreeningAdmin(dealing.DealingViews, ReadOnlyAdmin):
    """Shows screenings read-only and takes decisions, which go through `reviewing.decide`."""

    list_display = ("__str__",)
    list_display_links = None
    list_filter = (StatusFilter, LabelFilter, VerdictFilter, *FILTERS)
    list_per_page = 20
    sortable_by = ()
    search_fields = ("text",)
    show_facets = admin.ShowFacets.NEVER
    takes_null_characters = True
    change_list_template = "admin/moderation/screening/change_list.html"

    class Media:
        css = {
            "all": (
                "moderation/queue.css",
                "moderation/list.css",
                "moderation/bulk.css",
                "moderation/console.css",
            )
        }
        js = ("moderation/why.js", forms.Script("moderation/console.js", defer=True))

    # --- who may what ---------------------------------------------------------------------------

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or rights.may_look_on(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or rights.may_look_on(request.user)

    def has_review_permission(self, request: HttpRequest) -> bool:
        """True where this user may decide; others who may view see the queue without buttons."""
        return rights.may_review(request.user)

    # --- the list -------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(self.decide_view)
        text = self.admin_site.admin_view(require_safe(self.text_view))
        undo = self.admin_site.admin_view(self.undo_view)
        return [
            path("<int:pk>/decide/", decide, name="moderation_screening_decide"),
            path("<int:pk>/undo/<int:review>/", undo, name="moderation_screening_undo"),
            path("<int:pk>/text/", text, name="moderation_screening_text"),
            *authors.urls(self),
            *dealing.urls(self),
            *preferences.urls(self),
            *bulk.urls(self),
            *super().get_urls(),
        ]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ReadersQueue

    def get_queryset(self, request: HttpRequest) -> QuerySet[Screening]:
        rows: QuerySet[Screening] = (
            rights.visible(request.user, super().get_queryset(request))
            .select_related("content_type")
            .annotate(was_edited=_has_an_earlier_text())
            .prefetch_related(
                Prefetch(
                    "scorings",
                    queryset=with_versions(Scoring.objects.filter(is_basis=True)),
                    to_attr="basis_scorings",
                ),
                Prefetch(
                    "suggestions",
                    queryset=Suggestion.objects.order_by("-id")[:SUGGESTIONS_SHOWN],
                    to_attr="newest_suggestions",
                ),
                Prefetch("reviews", queryset=Review.objects.order_by("number"), to_attr="all_reviews"),
                *reports.prefetches(),
            )
        )
        return rows

    def listed(self, request: HttpRequest) -> QuerySet[Any]:
        """Select the ids of everything in the list that the request's address shows, on all of its pages.

        Raises Http404 where the address has filters that there are not.
        """
        try:
            rows: QuerySet[Any] = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters as error:
            raise Http404 from error
        return rows.order_by().values("pk")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """True for what the filters offer, and for ranges of time: a column of its own, such as the reason to
        stand in the queue, would pick the audit items out."""
        return lookup in LOOKUPS

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Screening], search_term: str
    ) -> tuple[QuerySet[Screening], bool]:
        return found(queryset, search_term), False

    @remembering()
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        page = {"title": _("Moderation queue"), "is_nav_sidebar_enabled": False, **(extra_context or {})}
        response = super().changelist_view(request, page)
        if isinstance(response, TemplateResponse) and response.context_data and "cl" in response.context_data:
            cl = response.context_data["cl"]
            response.context_data.update(
                items=self.items_of(request, cl.page.rows),
                tab_links=list(cl.tab_links()),
                trouble=pipeline_trouble.words(),
                shows_dashboard=is_shown_to(request.user),
                **self.list_context(request),
            )
        return response

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the templates of a list and of each of its items need besides the items."""
        return {
            "opts": self.opts,
            "can_review": self.has_review_permission(request),
            "may_take_over": rights.may_lead(request.user),
            "filters": request.GET.urlencode(),
            "rendered": haste.mark(),
            **bulk.context(request),
            **preferences.context(request),
        }

    def items_of(self, request: HttpRequest, rows: list[Screening]) -> list[Item]:
        """Make a list's items from its rows, for the user who asks."""
        rows = second_opinions.as_seen(request, rows)
        chosen = preferences.of_request(request)
        made = items(rows, find_active(), earlier_decisions(rows), chosen, self.admin_site.name)
        shown = with_contexts(made, request.user)
        shown = with_live_states(_with_what_was_decided(shown, request.user))
        for item in _mark_correctable(shown, request):
            item.is_editable = may_edit(request.user, item.screening)
        return dealing.with_holders(shown, request.user)

    # --- one item -------------------------------------------------------------------------------

    @remembering()
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        screening = self.get_object(request, object_id)
        if not self.has_view_permission(request, screening):
            raise PermissionDenied
        if screening is None:
            raise Http404
        (item,) = self.items_of(request, [screening])
        with_history(item, request.user)
        asking.answer(request, item, is_page=True)
        context = {
            **self.admin_site.each_context(request),
            "title": item.title,
            "opts": self.opts,
            "media": self.media,
            "item": item,
            "screening": screening,
            "scorings": scorings_of(screening, item),
            "reviews": [
                (review, named_labels(item, review), label_of(review.reason))
                for review in reversed(item.reviews)
            ],
            "audit_entries": audit_trail(screening, item),
            "live_url": live_url(screening) if item.is_public else "",
            "changed_by": changed_by_staff(item),
            "versions": texts_of_the_same_object(request, screening),
            **self.list_context(request),
            "filters": _list_filters(request),
            "is_nav_sidebar_enabled": False,
        }
        return TemplateResponse(request, "admin/moderation/screening/detail.html", context)

    def text_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer with an item's text alone, as it was asked for, for the script of the pages."""
        screening = self.get_object(request, str(pk))
        if not self.has_view_permission(request, screening):
            raise PermissionDenied
        if screening is None:
            raise Http404
        second_opinions.as_seen(request, [screening])
        care = preferences.of_request(request)
        (item,) = items([screening], find_active(), {}, care, self.admin_site.name)
        asking.answer(request, item, is_page=asking.PART in request.GET)
        context = {"item": item, "opts": self.opts, "filters": _list_filters(request)}
        return TemplateResponse(request, "admin/moderation/screening/_text.html", context)

    @posted
    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make one decision; go back to the queue as it was filtered, or answer a script."""
        if not self.has_review_permission(request):
            raise PermissionDenied
        if haste.is_hasty(request):
            return answering.refused(request, dealing.too_soon(), "again")
        if holder := claims.holder_of(request.user, pk, dealt=second_opinions.dealt_to(request)):
            dealing.seen(request, pk)
            held = format_html("{} {}", _("Not recorded:"), dealing.held_by(holder))
            return answering.refused(request, held, dealing.HELD)
        kind = kind_of(request)
        try:
            said: dict[str, Any] = {
                "reviewer": request.user,
                "kind": kind,
                "labels": ticked_labels(request) if kind == Review.Decision.RELABEL else None,
                "touched": touched_labels(request) if kind == Review.Decision.RELABEL else None,
                "label": picked_label(request) if kind == Review.Decision.UPHOLD else "",
                "reason": request.POST.get("reason", "") if kind == Review.Decision.OTHER_REASON else "",
                "note": request.POST.get("note", "").strip()[:NOTE_CHARACTERS],
            }
            said |= {"shown": shown_scoring(request), "seen_number": seen_number(request)}
            if second_opinions.is_given(request, pk):
                review, message = second_opinions.give(pk, **said)
                claims.note_decided(request.user, pk)
                return answering.done(request, message, **undoing(review))
            review = reviewing.decide(pk, **said, by_hand=True, is_picked=is_picked(request))
        except Screening.DoesNotExist as error:
            raise Http404 from error
        except reviewing.AlreadyDecided as already:
            return answering.refused(request, words_of_conflict(already), dealing.DECIDED)
        except reviewing.NoLongerCurrent as error:
            return answering.refused(request, escape(str(error)), dealing.GONE)
        except reviewing.CannotDecide as error:
            item = self.item_for_script(request, pk)
            return answering.refused(request, escape(str(error)), "again", **item)
        claims.note_decided(request.user, pk)
        return answering.done(request, result_of(review), **undoing(review))

    @posted
    def undo_view(self, request: HttpRequest, pk: int, review: int) -> HttpResponse:
        """Take a decision or second opinion back; go back to the queue as filtered, or answer a script."""
        if not (self.has_review_permission(request) or rights.may_lead(request.user)):
            raise PermissionDenied
        if not Review.objects.filter(pk=review, screening=pk).exists():
            raise Http404
        if second_opinions.is_given(request, pk):  # looks open: nobody has decided, as far as is told
            raise Http404
        note = request.POST.get("note", "").strip()[:NOTE_CHARACTERS]
        try:
            undone = reviewing.undo(review, reviewer=request.user, note=note)  # type: ignore[arg-type]
        except Review.DoesNotExist as error:
            raise Http404 from error
        except reviewing.CannotDecide as error:
            return answering.refused(
                request, escape(str(error)), "again", **self.item_for_script(request, pk)
            )
        claims.hold(request.user, pk)  # type: ignore[arg-type]  # has_perm: never anonymous
        return answering.done(request, words_of_undo(undone), **self.item_for_script(request, pk))


def earlier_decisions(screenings: list[Screening]) -> dict[int, Review]:
    """{screening id: the last decision on an earlier text of the same object}, for edited ones; one query."""
    edited = [row for row in screenings if row.queued_for == Screening.QueuedFor.EDITED]
    if not edited:
        return {}
    same_object = Q()
    for row in edited:
        same_object |= Q(
            screening__content_type=row.content_type_id,
            screening__object_id=row.object_id,
            screening__field=row.field,
        )
    earlier: dict[int, Review] = {}
    by_object = {(row.content_type_id, row.object_id, row.field): row for row in edited}
    decisions = reviewing.standing_decisions().filter(same_object).select_related("screening").order_by("id")
    for review in decisions.defer("screening__text"):
        of = review.screening
        current = by_object[(of.content_type_id, of.object_id, of.field)]
        if of.pk < current.pk:
            earlier[current.pk] = review
    return earlier


def _with_what_was_decided(shown: list[Item], user: Any) -> list[Item]:
    """Give each item what was decided on other copies of its text, and return them."""
    earlier = decisions_on_same_texts([item.screening for item in shown], user)
    for item in shown:
        item.earlier_on_same = earlier.get(item.screening.pk)
    return shown


def _has_an_earlier_text() -> Exists:
    """Match screenings whose object had another text before, which staff may have edited, too."""
    earlier = Screening.objects.filter(
        content_type=OuterRef("content_type"),
        object_id=OuterRef("object_id"),
        field=OuterRef("field"),
        pk__lt=OuterRef("pk"),
        source=Screening.Source.OBJECT,
    )
    return Exists(earlier)


def may_edit(user: Any, screening: Screening) -> bool:
    """True where the user may change the object that the text belongs to, in the admin."""
    content_type = screening.content_type
    if content_type is None or content_type.model_class() is None:
        return False
    name = f"{content_type.app_label}.change_{content_type.model}"
    return bool(user.has_perm(name))


def _mark_correctable(page: list[Item], request: HttpRequest) -> list[Item]:
    """Say of each decided item whether this user may correct the decision or take it back."""
    for item in page:
        is_there = item.screening.is_current and item.screening.blanked is None
        decision = item.decision
        item.can_be_undone = decision is not None and is_there and reviewing.may_undo(request.user, decision)
        own = standing_opinion(item.reviews, request.user)
        item.own_opinion = own if is_there else None
        item.is_own_decision = decision is not None and decision.reviewer_id == request.user.pk
    return page


def _list_filters(request: HttpRequest) -> str:
    """Return the queue's filters, as the link from the list carried them."""
    return QueryDict(request.GET.get("_changelist_filters", "")).urlencode()
