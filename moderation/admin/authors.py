"""The page of one author in the admin: what became of their texts, and the latest of these.

Its address names one of the author's items, so that no name of a person stands in an address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from moderation.admin.presenting import Item, items
from moderation.admin.safe_text import Notes, shortened, visible
from moderation.models import Screening
from moderation.review import rights
from moderation.review.author_history import Author, History, history_of
from moderation.versions.active import find_active

if TYPE_CHECKING:
    from moderation.admin.queue import ScreeningAdmin

NAME_CHARACTERS = 100
TEXT_CHARACTERS = 240
TEXT_LINES = 4


def urls(model_admin: ScreeningAdmin) -> list[URLPattern]:
    """Return the address of the page."""

    @require_safe
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        return _author(model_admin, request, pk)

    wrapped = model_admin.admin_site.admin_view(view)
    return [path("<int:pk>/author/", wrapped, name="moderation_screening_author")]


def name_of(author: Author) -> SafeString:
    """The author's name as it can be shown, or the account's key where no name is known."""
    name = author.name or _("account %(key)s") % {"key": author.key}
    return visible(name if len(name) <= NAME_CHARACTERS else name[: NAME_CHARACTERS - 1] + "\u2026")


def screening_of(model_admin: ScreeningAdmin, request: HttpRequest, pk: int) -> Screening:
    """The item that an author's address names. Raises Http404 for none to be seen, or of nobody known."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    rows = rights.visible(request.user, Screening.objects.filter(pk=pk)).select_related("content_type")
    screening = rows.first()
    if screening is None or not Author.of(screening).is_known:
        raise Http404
    return screening


def _author(model_admin: ScreeningAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    screening = screening_of(model_admin, request, pk)
    author = Author.of(screening)
    history = history_of(author, rights.visible(request.user, Screening.objects.all()))
    rows = {row.pk: row for row in model_admin.get_queryset(request).filter(pk__in=_keys(history.latest))}
    latest = items([rows[key] for key in _keys(history.latest) if key in rows], find_active(), {})
    notes = Notes.of_a_page()
    queue = reverse(f"{model_admin.admin_site.name}:moderation_screening_changelist")
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Author"),
        "opts": model_admin.opts,
        "media": model_admin.media,
        "author": author,
        "name": name_of(_named(author, history)),
        "screening": screening,
        "history": history,
        "latest": [(item, _beginning(item, notes)) for item in latest],
        "all_url": f"{queue}?{urlencode({'state': 'all', 'q': author.key})}" if author.key else "",
    }
    return TemplateResponse(request, "admin/moderation/screening/author.html", context)


def _named(author: Author, history: History) -> Author:
    """The author with a name of the latest texts, where that of this one was blanked."""
    names = (row.author_name for row in history.latest if row.author_name)
    return author if author.name else Author(author.key, next(names, ""))


def _keys(screenings: list[Screening]) -> list[int]:
    return [row.pk for row in screenings]


def _beginning(item: Item, notes: Notes) -> SafeString:
    cut, is_shortened = shortened(item.screening.text, TEXT_CHARACTERS, TEXT_LINES)
    return visible(cut + (" \u2026" if is_shortened else ""), notes.for_a_text())
