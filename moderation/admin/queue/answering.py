"""Answers what was done with an item: to a script in JSON, to a form with a message on the queue's page."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.html import format_html, strip_tags
from django.utils.translation import gettext as _

NEXT_FIELD = "next"
"""The anchor to go to after a form: the item after the one that was judged."""
_ANCHOR = re.compile(r"moderation-item-\d{1,19}")


def wants_json(request: HttpRequest) -> bool:
    """True where a script asks, which shows the answer in the page that it has."""
    return request.headers.get("Accept", "") == "application/json"


def done(request: HttpRequest, message: str, *, undo: str = "", **more: Any) -> HttpResponse:
    """Say what was done. message: safe HTML. undo: address that takes it back. more: what a script needs."""
    if wants_json(request):
        return JsonResponse({"message": message, "text": strip_tags(message), "undo": undo, **more})
    messages.success(request, format_html("{} {}", message, _undo_button(request, undo)) if undo else message)
    return HttpResponseRedirect(back(request))


def _undo_button(request: HttpRequest, address: str) -> str:
    """Return a button of the page's form for this: a message holds no form's token."""
    filters = request.GET.urlencode()
    address = f"{address}?{filters}" if filters else address
    button = '<button class="moderation-link" form="moderation-undo" formaction="{}">{}</button>'
    return format_html(button, address, _("Undo"))


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
