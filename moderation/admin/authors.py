"""The page of one author in the admin: what became of their texts, and what becomes of those to come.

Its address names one of the author's items, so that no name of a person stands in an address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from moderation.admin.display.safe_text import Notes, shortened, visible
from moderation.admin.item.presenting import Item, items
from moderation.admin.queue.second_opinions import as_seen
from moderation.authors import notes, trust
from moderation.authors.identity import Author
from moderation.models import AuthorTrust, Screening
from moderation.review import rights, second_opinions
from moderation.review.author_history import History, history_of
from moderation.versions.active import find_active

if TYPE_CHECKING:
    from moderation.admin.queue.screening_admin import ScreeningAdmin

NAME_CHARACTERS = 100
TEXT_CHARACTERS = 240
TEXT_LINES = 4
SHOWN = 10
"""Decisions about an author that their page lists."""


def urls(model_admin: ScreeningAdmin) -> list[URLPattern]:
    """Return the address of the page."""

    @require_safe
    def show(request: HttpRequest, pk: int) -> HttpResponse:
        return _author(model_admin, request, pk)

    def decide(request: HttpRequest, pk: int) -> HttpResponse:
        return _decide(model_admin, request, pk)

    def note(request: HttpRequest, pk: int) -> HttpResponse:
        return _note(model_admin, request, pk)

    wrap = model_admin.admin_site.admin_view
    return [
        path("<int:pk>/author/", wrap(show), name="moderation_screening_author"),
        path("<int:pk>/author/trust/", wrap(decide), name="moderation_screening_author_trust"),
        path("<int:pk>/author/note/", wrap(note), name="moderation_screening_author_note"),
    ]


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
    user: Any = request.user
    seen = rights.visible(user, Screening.objects.all())
    history = history_of(author, seen, second_opinions.dealt_to(user))
    fetched = model_admin.get_queryset(request).filter(pk__in=_keys(history.latest))
    rows = {row.pk: row for row in as_seen(request, list(fetched))}
    latest = items([rows[key] for key in _keys(history.latest) if key in rows], find_active(), {})
    page_notes = Notes.of_a_page()
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
        "decisions": trust.decisions_about(author)[:SHOWN],
        "stance": trust.stance_of(author),
        "stances": AuthorTrust.Stance.choices,
        "decided_stance": trust.decided_stance(author),
        "author_notes": [
            (note, visible(note.text, page_notes.for_a_text())) for note in notes.notes_on(author)[:SHOWN]
        ],
        "note_characters": notes.MOST_CHARACTERS,
        "can_review": rights.may_review(request.user),
        "can_lead": rights.may_lead(request.user),
        "latest": [(item, _beginning(item, page_notes)) for item in latest],
        "all_url": f"{queue}?{urlencode({'state': 'all', 'author': author.key or author.name})}",
        "open_url": f"{queue}?{urlencode({'author': author.key or author.name})}",
    }
    return TemplateResponse(request, "admin/moderation/screening/author.html", context)


def _decide(model_admin: ScreeningAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Record what becomes of the author's texts. A GET, as after a login, leads to the page alone."""
    screening = screening_of(model_admin, request, pk)
    author = Author.of(screening)
    page = reverse(f"{model_admin.admin_site.name}:moderation_screening_author", args=(pk,))
    if request.method != "POST":
        messages.warning(request, _("Nothing was recorded. Please choose once more."))
        return HttpResponseRedirect(page)
    if not rights.may_lead(request.user):
        raise PermissionDenied
    stance = request.POST.get("stance", "")
    if stance not in AuthorTrust.Stance:
        messages.error(request, _("Nothing was recorded: choose what becomes of the texts."))
        return HttpResponseRedirect(page)
    if trust.decide(author, stance, request.user) is None:  # type: ignore[arg-type]  # never anonymous
        messages.warning(request, _("Nothing was recorded: that was so already."))
    else:
        message = _("From now on the texts of this author are: %(stance)s.")
        messages.success(request, message % {"stance": AuthorTrust.Stance(stance).label})
    return HttpResponseRedirect(page)


def _note(model_admin: ScreeningAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Store a note on the author. A GET, as after a login, leads to the page alone."""
    author = Author.of(screening_of(model_admin, request, pk))
    page = reverse(f"{model_admin.admin_site.name}:moderation_screening_author", args=(pk,))
    if request.method == "POST" and not rights.may_review(request.user):
        raise PermissionDenied
    text = request.POST.get("note", "")
    if notes.add(author, text, request.user) is None:  # type: ignore[arg-type]  # never anonymous
        messages.warning(request, _("Nothing was recorded: there is no note."))
    else:
        messages.success(request, _("The note is stored."))
    return HttpResponseRedirect(page)


def _named(author: Author, history: History) -> Author:
    """The author with a name of the latest texts, where that of this one was blanked."""
    names = (row.author_name for row in history.latest if row.author_name)
    return author if author.name else Author(author.key, next(names, ""))


def _keys(screenings: list[Screening]) -> list[int]:
    return [row.pk for row in screenings]


def _beginning(item: Item, page_notes: Notes) -> SafeString:
    cut, is_shortened = shortened(item.screening.text, TEXT_CHARACTERS, TEXT_LINES)
    return visible(cut + (" \u2026" if is_shortened else ""), page_notes.for_a_text())
