"""Answers what was done with an item: to a script in JSON, to a form with a message on the queue's page."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.html import strip_tags

NEXT_FIELD = "next"
"""The anchor to go to after a form: the item after the one that was judged."""
_ANCHOR = re.compile(r"moderation-item-\d{1,19}")


def wants_json(request: HttpRequest) -> bool:
    """True where a script asks, which shows the answer in the page that it has."""
    return request.headers.get("Accept", "") == "application/json"


def done(request: HttpRequest, message: str, **more: Any) -> HttpResponse:
    """Say what was done. message: safe HTML. more: what a script needs besides."""
    if wants_json(request):
        return JsonResponse({"message": message, "text": strip_tags(message), **more})
    messages.success(request, message)
    return HttpResponseRedirect(back(request))


def refused(request: HttpRequest, message: str, state: str, **more: Any) -> HttpResponse:
    """Say that nothing was done, and why: 409 to a script.

    message: safe HTML. state: of the item, as `states` has them, or "again": it can be judged once more.
    """
    if wants_json(request):
        answer = {"message": message, "text": strip_tags(message), "state": state, **more}
        return JsonResponse(answer, status=HTTPStatus.CONFLICT)
    level = messages.ERROR if state == "again" else messages.WARNING
    messages.add_message(request, level, message)
    return HttpResponseRedirect(back(request))


def back(request: HttpRequest) -> str:
    """Return the address of the queue as it was filtered, at the item that comes next.

    The fragment moves the keyboard's focus there; to the queue, so that the next item is one Tab away, where
    the form names none.
    """
    queue, filters = reverse("admin:moderation_screening_changelist"), request.GET.urlencode()
    anchor = request.POST.get(NEXT_FIELD, "")
    anchor = anchor if _ANCHOR.fullmatch(anchor) else "queue"
    return f"{queue}?{filters}#{anchor}" if filters else f"{queue}#{anchor}"
