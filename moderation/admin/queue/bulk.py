"""Decisions about many items: the preview of one, its start, how far it has come, and its undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from moderation.admin import preferences
from moderation.admin.item.presenting import Item, items
from moderation.admin.posting import posted
from moderation.db.transactions import without_transaction
from moderation.models import BulkDecision, BulkItem, Review, Screening
from moderation.review import bulk, rights, second_opinions
from moderation.review import decisions as reviewing
from moderation.review.reasons import label_of, reasons
from moderation.versions.active import find_active

if TYPE_CHECKING:
    from moderation.admin.queue.screening_admin import ScreeningAdmin

SHOWN = 20
"""Items of a preview, and items left alone in a report, that are shown one by one."""
LISTED = 50
"""Jobs in the list of them."""
NOTE_CHARACTERS = 5000
SECONDS_OF_A_REQUEST = 3.0
PICKED, LIKE_TEXT, LIKE_AUTHOR, WHOLE_LIST = "picked", "like_text", "like_author", "whole_list"
"""What the queue's form sends: ids, or an item whose like are meant, or that all of the list are."""
NEWEST = "newest"
"""Of a previewed form: the highest id there was; what came later was not previewed."""
TITLES = {
    BulkDecision.Chosen.SELECTED: gettext_lazy("the items that you selected"),
    BulkDecision.Chosen.TEXT: gettext_lazy("everything open with the same text"),
    BulkDecision.Chosen.AUTHOR: gettext_lazy("everything open by the same author"),
    BulkDecision.Chosen.FILTER: gettext_lazy("everything open in the list"),
}
JobView = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Choice:
    """What a form asks to decide about."""

    chosen: BulkDecision.Chosen
    rows: QuerySet[Screening]
    fields: list[tuple[str, str]]
    """(name, value) of the hidden fields that choose the same again."""


def urls(model_admin: ScreeningAdmin) -> list[URLPattern]:
    """Return the addresses of these pages, below the queue's."""

    def page(address: str, name: str, view: JobView) -> URLPattern:
        def of_viewers(request: HttpRequest, **kwargs: Any) -> HttpResponse:
            if not model_admin.has_view_permission(request):
                raise PermissionDenied
            return view(model_admin, request, **kwargs)

        wrapped = model_admin.admin_site.admin_view(without_transaction(of_viewers))
        return path(f"bulk/{address}", wrapped, name=f"moderation_screening_bulk{name}")

    return [
        page("", "", read(_list)),
        page("preview/", "_preview", posted(_preview)),
        page("start/", "_start", posted(_start)),
        page("<int:job>/", "_job", read(_report)),
        page("<int:job>/undo/", "_undo", posted(_undo)),
        page("<int:job>/carry-on/", "_carry_on", posted(_carry_on)),
    ]


def read(view: JobView) -> JobView:
    """Wrap `view(model_admin, request, ...)`, which is for GET alone."""

    @wraps(view)
    def answer(model_admin: ScreeningAdmin, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return view(model_admin, request, **kwargs)

    return answer


def context(request: HttpRequest) -> dict[str, Any]:
    """What the queue's page knows of decisions about many: who may choose what."""
    may_choose_all = bulk.may_choose(request.user, BulkDecision.Chosen.FILTER)
    return {"can_choose_all": may_choose_all, "can_choose": rights.may_review(request.user)}


# --- before ----------------------------------------------------------------------------------------


def _preview(model_admin: ScreeningAdmin, request: HttpRequest) -> HttpResponse:
    """Show what a decision about the chosen items would change, and ask for the decision."""
    choice = _choice(model_admin, request)
    ahead = bulk.outlook(request.user, choice.rows)
    if not ahead.total:
        messages.warning(request, _("None of these can be decided together with others."))
        return HttpResponseRedirect(_queue(model_admin, request))
    first = list(ahead.keys[:SHOWN])
    return _page(
        model_admin,
        request,
        "bulk_preview",
        _("Decide about many"),
        choice=choice,
        fields=[*choice.fields, (NEWEST, str(ahead.keys[-1]))],
        what=TITLES[choice.chosen],
        ahead=ahead,
        at_once=bulk.AT_ONCE,
        items=_items(model_admin, request, first),
        more=ahead.total - len(first),
        reasons=list(reasons().items()),
        filters=request.GET.urlencode(),
    )


def _start(model_admin: ScreeningAdmin, request: HttpRequest) -> HttpResponse:
    """Begin what was previewed: small jobs are done with the answer, others are carried on by a worker."""
    choice = _choice(model_admin, request)
    newest = request.POST.get(NEWEST, "")
    if not _is_id(newest):
        raise Http404
    rows = choice.rows.filter(pk__lte=int(newest))
    if not bulk.outlook(request.user, rows).total:
        messages.warning(request, _("None of these can be decided together with others."))
        return HttpResponseRedirect(_queue(model_admin, request))
    decision = request.POST.get("decision", "")
    try:
        job = bulk.start(
            request.user,  # type: ignore[arg-type]  # has_perm: never anonymous
            rows,
            chosen=choice.chosen,
            decision=decision,
            reason=request.POST.get("reason", "") if decision == Review.Decision.OTHER_REASON else "",
            note=request.POST.get("note", "").strip()[:NOTE_CHARACTERS],
        )
    except reviewing.InvalidDecision as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(_queue(model_admin, request))
    bulk.carry_on(job.pk, items=bulk.AT_ONCE, seconds=SECONDS_OF_A_REQUEST)
    return HttpResponseRedirect(_address(model_admin, "_job", job))


def _choice(model_admin: ScreeningAdmin, request: HttpRequest) -> Choice:
    """Read what the form chooses. Raises PermissionDenied if the user may not, Http404 for a forged one."""
    posted_fields, rows = request.POST, bulk.decidable(request.user)
    if _is_id(text := posted_fields.get(LIKE_TEXT, "")):
        same = bulk.same_text(_like(request, int(text)))
        choice = Choice(BulkDecision.Chosen.TEXT, rows.filter(same), [(LIKE_TEXT, text)])
    elif _is_id(author := posted_fields.get(LIKE_AUTHOR, "")):
        by_author = bulk.same_author(_like(request, int(author)))
        if by_author is None:
            raise Http404
        choice = Choice(BulkDecision.Chosen.AUTHOR, rows.filter(by_author), [(LIKE_AUTHOR, author)])
    elif posted_fields.get(WHOLE_LIST):
        listed = model_admin.listed(request)
        choice = Choice(BulkDecision.Chosen.FILTER, rows.filter(pk__in=listed), [(WHOLE_LIST, "1")])
    else:
        picked = [key for key in posted_fields.getlist(PICKED) if _is_id(key)][
            : model_admin.list_max_show_all
        ]
        chosen = rows.filter(pk__in=[int(key) for key in picked])
        choice = Choice(BulkDecision.Chosen.SELECTED, chosen, [(PICKED, key) for key in picked])
    if not bulk.may_choose(request.user, choice.chosen):
        raise PermissionDenied
    return choice


def _like(request: HttpRequest, pk: int) -> Screening:
    """Return the item whose like are meant. Raises Http404 for one that can't be decided with others."""
    rows = bulk.decidable(request.user).filter(pk=pk)
    if not bulk.outlook(request.user, rows).total:
        raise Http404
    return rows.defer("text").get()


# --- afterwards ------------------------------------------------------------------------------------


def _list(model_admin: ScreeningAdmin, request: HttpRequest) -> HttpResponse:
    """List the latest jobs: one's own, and for leads and those who only look on everybody's."""
    jobs = [(job, bulk.progress(job)) for job in _jobs(request)[:LISTED]]
    return _page(model_admin, request, "bulk_list", _("Decisions about many"), jobs=jobs)


def _report(model_admin: ScreeningAdmin, request: HttpRequest, job: int) -> HttpResponse:
    """Show how far a job is: how many were decided, how many left alone and why."""
    row = _job(request, job)
    left = BulkItem.objects.filter(bulk=row, state__in=[BulkItem.State.LEFT, BulkItem.State.KEPT])
    left = second_opinions.about_undealt(
        request.user,  # type: ignore[arg-type]  # never anonymous
        rights.about_visible(request.user, left).order_by("id"),
    )
    why = dict(left.values_list("screening_id", "why")[:SHOWN])
    shown = _items(model_admin, request, list(why))
    return _page(
        model_admin,
        request,
        "bulk_job",
        _("Decision about many"),
        job=row,
        progress=bulk.progress(row),
        reason=label_of(row.reason) if row.reason else "",
        left=[(item, BulkItem.Why(why[item.screening.pk]).label) for item in shown],
        can_undo=bulk.may_undo(request.user, row),
    )


def _undo(model_admin: ScreeningAdmin, request: HttpRequest, job: int) -> HttpResponse:
    """Take a whole job back."""
    row = _job(request, job)
    if not bulk.may_undo(request.user, row):
        raise PermissionDenied
    if not bulk.ask_to_undo(request.user, row):  # type: ignore[arg-type]  # never anonymous
        messages.warning(request, _("It has been taken back already."))
    bulk.carry_on(row.pk, items=bulk.AT_ONCE, seconds=SECONDS_OF_A_REQUEST)
    return HttpResponseRedirect(_address(model_admin, "_job", row))


def _carry_on(model_admin: ScreeningAdmin, request: HttpRequest, job: int) -> HttpResponse:
    """Carry on with a job in this request, for a site whose worker is away."""
    row = _job(request, job)
    if not bulk.may_undo(request.user, row):
        raise PermissionDenied
    if row.ready is not None and row.is_running:
        bulk.carry_on(row.pk, seconds=SECONDS_OF_A_REQUEST)
    return HttpResponseRedirect(_address(model_admin, "_job", row))


def _jobs(request: HttpRequest) -> QuerySet[BulkDecision]:
    jobs = BulkDecision.objects.filter(ready__isnull=False).order_by("-id")
    if rights.may_lead(request.user) or not rights.may_review(request.user):
        return jobs
    return jobs.filter(created_by=request.user.pk)


def _job(request: HttpRequest, pk: int) -> BulkDecision:
    job = _jobs(request).filter(pk=pk).first()
    if job is None:
        raise Http404
    return job


# --- what the pages share --------------------------------------------------------------------------


def _items(model_admin: ScreeningAdmin, request: HttpRequest, keys: list[int]) -> list[Item]:
    """Make the items of these screenings, in this order."""
    rows = {row.pk: row for row in model_admin.get_queryset(request).filter(pk__in=keys)}
    care = preferences.of_request(request)
    return items(
        [rows[key] for key in keys if key in rows], find_active(), {}, care, model_admin.admin_site.name
    )


def _page(
    model_admin: ScreeningAdmin, request: HttpRequest, template: str, title: str, **context: Any
) -> HttpResponse:
    page = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "opts": model_admin.opts,
        "media": model_admin.media,
        **context,
    }
    return TemplateResponse(request, f"admin/moderation/screening/{template}.html", page)


def _queue(model_admin: ScreeningAdmin, request: HttpRequest) -> str:
    queue, filters = _address(model_admin), request.GET.urlencode()
    return f"{queue}?{filters}" if filters else queue


def _address(model_admin: ScreeningAdmin, name: str = "", job: BulkDecision | None = None) -> str:
    site = model_admin.admin_site.name
    if job is None:
        return reverse(f"{site}:moderation_screening_changelist")
    return reverse(f"{site}:moderation_screening_bulk{name}", args=(job.pk,))


def _is_id(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) < 19
