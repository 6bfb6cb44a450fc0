"""Lets a view of the queue change something by POST alone, and leads who comes by GET back to the item.

That is where a login ends after a session was lost: Django's login page leads to the address that was posted
to, by GET, without what was posted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

View = Callable[..., HttpResponse]


def posted(view: View) -> View:
    """Wrap `view(model_admin, request, ...)`; `pk` among its arguments names the item that one comes back to.

    Without `pk` one comes back to the queue.
    """

    @wraps(view)
    def answer(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST":
            return view(self, request, *args, **kwargs)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        messages.warning(
            request,
            _("Nothing was recorded: your session had ended. Please do it once more, if it still holds."),
        )
        return HttpResponseRedirect(_where_to(self, request, kwargs.get("pk")))

    return answer


def _where_to(model_admin: ModelAdmin[Any], request: HttpRequest, pk: int | None) -> str:
    """Return the item's address, or the queue's where no such item is left, with the queue's filters."""
    opts, filters = model_admin.opts, request.GET.urlencode()
    name = f"{model_admin.admin_site.name}:{opts.app_label}_{opts.model_name}"
    if pk is not None and model_admin.get_queryset(request).filter(pk=pk).exists():
        item = reverse(f"{name}_change", args=(pk,))
        return f"{item}?{urlencode({'_changelist_filters': filters})}" if filters else item
    queue = reverse(f"{name}_changelist")
    return f"{queue}?{filters}" if filters else queue
