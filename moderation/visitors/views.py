"""The two pages. They work without script, change something by POST alone, and show no text of anybody's."""

from __future__ import annotations

import math
from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from moderation import row_errors
from moderation.models import Report
from moderation.review.notices import notice_for
from moderation.review.second_looks import CannotAsk, ask_for_second_look
from moderation.screening import reports
from moderation.throttling import CallerThrottle, caller_of, seconds_to_wait
from moderation.visitors import links
from moderation.visitors.forms import ReportForm, SecondLookForm
from moderation.visitors.throttling import ReportThrottle, SecondLookThrottle

SENT = "sent"
"""In the query after a form was taken, so that a reload sends nothing again."""


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, token: str) -> HttpResponse:
    """Show the form with which a reader reports a text, and take it.

    404: a forged address, or a text that the site does not show. 429: too many reports.
    """
    found = links.reported(token)
    if SENT in request.GET and request.method != "POST":
        return _page(request, "report", found, {"is_sent": True})
    if found is None or not links.is_public(*found):
        return _page(request, "report", None, {"is_gone": True}, status=404)
    form = ReportForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return _page(request, "report", found, {"form": form}, status=400 if form.is_bound else 200)
    if too_many := _too_many(request, ReportThrottle()):
        return too_many
    try:
        reports.report(
            found[1],
            reason=form.cleaned_data["reason"],
            reporter=caller_of(request),
            note=form.cleaned_data["note"],
            source=Report.Source.PAGE,
        )
    except reports.NotReportable:
        return _page(request, "report", None, {"is_gone": True}, status=404)
    return _sent("report", token)


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def second_look(request: HttpRequest, token: str) -> HttpResponse:
    """Show an author what became of a text, and take the request for a second look.

    404: a forged or an old address, or a text that is gone. 409: nothing to look at again. 429: too often.
    """
    found = links.of_author(token)
    if found is None:
        return _page(request, "second_look", None, {"is_gone": True}, status=404)
    notice = notice_for(found[1])
    form = SecondLookForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"notice": notice, "form": form if notice and notice.may_ask else None}
    if request.method != "POST":
        return _page(request, "second_look", found, {**context, "is_sent": SENT in request.GET})
    if too_many := _too_many(request, SecondLookThrottle()):
        return too_many
    if not form.is_valid():
        return _page(request, "second_look", found, context, status=400)
    try:
        if notice is None:
            raise CannotAsk(_("There is nothing to look at again."))
        ask_for_second_look(notice.screening_id, form.cleaned_data["words"])
    except CannotAsk as error:
        context = {"notice": notice, "refusal": str(error)}
        return _page(request, "second_look", found, context, status=409)
    return _sent("second-look", token)


def _too_many(request: HttpRequest, throttle: CallerThrottle) -> HttpResponse | None:
    seconds = seconds_to_wait(request, throttle)
    if seconds is None:
        return None
    minutes = math.ceil(seconds / 60)
    response = render(request, "moderation/visitors/too_many.html", {"minutes": minutes}, status=429)
    response.headers["Retry-After"] = str(math.ceil(seconds))
    return response


def _sent(name: str, token: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse(f'{links.NAMESPACE}:{name}', args=(token,))}?{SENT}")


def _page(
    request: HttpRequest, name: str, found: links.Found | None, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    back = _address(found[1]) if found is not None else ""
    return render(request, f"moderation/visitors/{name}.html", {"back": back, **context}, status=status)


def _address(instance: Model) -> str:
    """Return where the site shows the object, or nothing where it has no page or its code raises."""
    try:
        return str(instance.get_absolute_url())  # type: ignore[attr-defined]
    except BaseException as error:  # the site's own code: whatever it does, the page opens without the link
        if row_errors.ends_the_process(error):
            raise
        return ""
