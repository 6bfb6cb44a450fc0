"""The page on which a moderator chooses how to work, and the quiet word about a break."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import AdminRadioSelect
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from moderation.models import ModeratorPreferences
from moderation.review import preferences as preferring

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

CARE = ("covers_texts", "masks_profanity", "break_minutes", "break_items")
WORK = ("order", "single_keys")


class PreferencesForm(forms.ModelForm):
    """Takes one moderator's choices."""

    class Meta:
        model = ModeratorPreferences
        fields = (*CARE, *WORK)
        widgets = {"order": AdminRadioSelect}

    @property
    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return (heading, fields) of each part of the page."""
        return [(_("Care"), [self[name] for name in CARE]), (_("Work"), [self[name] for name in WORK])]


def of_request(request: HttpRequest) -> ModeratorPreferences:
    """Read once in a request what its user chose."""
    chosen: ModeratorPreferences | None = getattr(request, "moderation_preferences", None)
    if chosen is None:
        chosen = preferring.preferences_of(request.user)
        request.moderation_preferences = chosen  # type: ignore[attr-defined]
    return chosen


def context(request: HttpRequest) -> dict[str, Any]:
    """What every page of the queue knows of its reader: `preferences`, and `break_due` or None."""
    chosen = of_request(request)
    return {"preferences": chosen, "break_due": preferring.break_due(request.user, chosen)}


def urls(model_admin: ModelAdmin) -> list[URLPattern]:
    """Return the addresses of the page and of the word about a break."""

    def view(name: str, function: Any) -> URLPattern:
        @require_http_methods(["GET", "HEAD", "POST"])
        def of_viewers(request: HttpRequest) -> HttpResponse:
            if not model_admin.has_view_permission(request):
                raise PermissionDenied
            answer: HttpResponse = function(model_admin, request)
            return answer

        wrapped = model_admin.admin_site.admin_view(of_viewers)
        return path(f"{name}/", wrapped, name=f"moderation_screening_{name}")

    return [view("preferences", _preferences), view("break", _break)]


def _preferences(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Show the page; on POST store the choices and go to the queue."""
    form = PreferencesForm(request.POST or None, instance=preferring.preferences_of(request.user))
    if request.method == "POST" and form.is_valid():
        preferring.choose(request.user, **form.cleaned_data)
        messages.success(request, _("Your preferences are saved."))
        return HttpResponseRedirect(_queue(model_admin))
    page = {
        **model_admin.admin_site.each_context(request),
        "title": _("Preferences"),
        "opts": model_admin.opts,
        "media": model_admin.media,
        "form": form,
    }
    return TemplateResponse(request, "admin/moderation/screening/preferences.html", page)


def _break(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Answer with the word about a break, empty where none is due; on POST put it off."""
    if request.method == "POST":
        preferring.put_break_off(request.user)
        if request.headers.get("X-Requested-With") != "fetch":
            return HttpResponseRedirect(_queue(model_admin))
    return TemplateResponse(request, "admin/moderation/screening/_break.html", context(request))


def _queue(model_admin: ModelAdmin) -> str:
    return reverse(f"{model_admin.admin_site.name}:moderation_screening_changelist")
