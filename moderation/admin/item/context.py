"""Finds what stands around a text: who wrote it, on which page, what it answers, what came before.

A page of items costs a few queries, however many items it has, and those of the site's own code. What that
raises costs its own line. Nothing here goes by what a model said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, OuterRef, Q, QuerySet, Subquery, prefetch_related_objects
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from moderation import registry
from moderation.admin.display.safe_text import Notes, shortened, visible
from moderation.admin.item.presenting import Item
from moderation.authors import trust
from moderation.authors.identity import Author
from moderation.authors.notes import newest_of
from moderation.models import Screening
from moderation.models.content_types import content_type_of
from moderation.objects.references import NOT_AT_HAND, Reference, key_of, name_of
from moderation.registry import Registered
from moderation.review import rights, second_opinions
from moderation.review.author_history import History, history_of
from moderation.row_errors import contained
from moderation.screening.disguises import swear_words_in
from moderation.visibility import means

NEIGHBOURS = 2
"""Comments shown that came before on the same page."""
NAME_CHARACTERS = 100
TITLE_CHARACTERS = 160
QUOTE_CHARACTERS = 240
QUOTE_LINES = 4
LINKED = ("/", "http://", "https://")
"""How an address begins that a page may link to: a site's code may return anything."""


@dataclass(frozen=True)
class Page:
    """The object that a text stands under."""

    title: SafeString
    url: str = ""
    is_gone: bool = False


@dataclass(frozen=True)
class Quote:
    """Another text, shortened: the one that is answered, or one that came before."""

    author: SafeString
    text: SafeString
    is_shortened: bool = False
    is_public: bool = True
    is_gone: bool = False
    screening_id: int | None = None
    """Of the item that it has in the queue's pages; None where it was never screened."""


@dataclass
class Context:
    """What stands around one text."""

    author: SafeString
    """Empty where nobody is known."""
    has_account: bool = False
    has_history: bool = False
    """True where the author's other texts can be told."""
    stance: str = ""
    """What becomes of the author's texts, where that is not as usual."""
    author_note: SafeString | str = ""
    """The newest note on the author, shortened."""
    history: History | None = None
    """On an item's own page: what became of the author's texts."""
    page: Page | None = None
    parent: Quote | None = None
    before: list[Quote] = field(default_factory=list)
    """The oldest first, as they are read on the site."""

    def __bool__(self) -> bool:
        return bool(self.author or self.page or self.parent or self.before)


def with_contexts(items: list[Item], user: Any) -> list[Item]:
    """Give each item its context, and return them. Texts that the user may not see are left out."""
    objects: dict[int, Model] = {}
    by_label: dict[str, tuple[Registered, list[Screening]]] = {}
    for item in items:
        entry = means.registration(item.screening)
        if entry is not None:
            by_label.setdefault(entry.label, (entry, []))[1].append(item.screening)
    for entry, rows in by_label.values():
        instances = _instances(entry, [row.object_id for row in rows])
        lacks_names = any(not row.author_name for row in rows)
        for reference in (entry.author_name if lacks_names else None, entry.page, entry.parent):
            _prefetch(entry, reference, list(instances.values()))
        objects.update({row.pk: instances[row.object_id] for row in rows if row.object_id in instances})
    notes = Notes.of_a_page()
    titles: dict[str, Page] = {}
    masks = any(item.care is not None and item.care.masks_profanity for item in items)
    before = _before([item.screening for item in items], user, notes, masks)
    parents = _parents(items, objects, user, notes, masks)
    stances = trust.stances_of(item.screening for item in items)
    author_notes = newest_of(item.screening for item in items)
    for item in items:
        row, entry = item.screening, means.registration(item.screening)
        instance = objects.get(row.pk)
        item.context = Context(
            author=_author(entry, instance, row, notes),
            has_account=bool(row.author_key),
            has_history=Author.of(row).is_known,
            stance=stances.get(row.pk, ""),
            author_note=_short(author_notes[row.pk].text, QUOTE_CHARACTERS, notes)
            if row.pk in author_notes
            else "",
            page=_page(entry, instance, row, titles, notes),
            parent=parents.get(row.pk),
            before=before.get(row.pk, []),
        )
    return items


def with_history(item: Item, user: Any) -> Item:
    """Add to the item's context what became of its author's texts, as far as the user may see them."""
    author = Author.of(item.screening)
    if item.context is not None and author.is_known:
        seen = rights.visible(user, Screening.objects.all())
        item.context.history = history_of(author, seen, second_opinions.dealt_to(user))
    return item


def _instances(entry: Registered, keys: Iterable[str]) -> dict[str, Model]:
    """{key as text: instance} of the live objects; none where the site's rows can't be read."""

    def read() -> dict[str, Model]:
        return {entry.key_of(instance): instance for instance in entry.objects().filter(pk__in=list(keys))}

    return contained(read, {}, entry.database)


def _prefetch(entry: Registered, reference: Reference | None, instances: list[Model]) -> None:
    """Fetch for all at once what a path leads to; where that fails, each is asked for by itself."""
    steps = reference.relations(entry.model) if reference is not None else ()
    if steps and instances:
        lookup = "__".join(steps)
        contained(lambda: prefetch_related_objects(instances, lookup), None, entry.database)


def _database(entry: Registered, reference: Reference) -> str | None:
    """Where the site's code may query that the reference leads to; None where it leads to fetched rows."""
    return entry.database if reference.runs_code(entry.model) else None


def _author(entry: Registered | None, instance: Model | None, row: Screening, notes: Notes) -> SafeString:
    """The author's name as it can be shown; of an account without one its key; else empty."""
    name = _author_name(entry, instance, row)
    if not name and row.author_key:
        name = _("account %(key)s") % {"key": row.author_key}
    return _short(name, NAME_CHARACTERS, notes)


def _author_name(entry: Registered | None, instance: Model | None, row: Screening) -> str:
    reference = entry.author_name if entry is not None else None
    if row.author_name or entry is None or reference is None or instance is None:
        return row.author_name
    return contained(lambda: name_of(reference.of(instance)), "", _database(entry, reference))


def _page(
    entry: Registered | None,
    instance: Model | None,
    row: Screening,
    titles: dict[str, Page],
    notes: Notes,
) -> Page | None:
    reference = entry.page if entry is not None else None
    page, key = None, row.page_key
    if entry is not None and reference is not None and instance is not None:
        page = contained(lambda: reference.of(instance), None, _database(entry, reference))
        at_hand = contained(lambda: _key_at_hand(reference, instance), None)
        key = key_of(page) or key if at_hand is None else at_hand
    if not key:
        return None
    if key not in titles:
        titles[key] = (
            _titled(page, entry, notes) if isinstance(page, Model) and entry else _gone_page(key, instance)
        )
    return titles[key]


def _titled(page: Model, entry: Registered, notes: Notes) -> Page:
    database = page._state.db or entry.database
    title = contained(lambda: str(page), "", database) or f"{page._meta.verbose_name} {page.pk}"
    return Page(title=_short(title, TITLE_CHARACTERS, notes), url=_address(page, database))


def _gone_page(key: str, instance: Model | None) -> Page:
    """A page that can't be read: gone, where its comment is there to say so."""
    label = key.partition(":")[0].partition(".")[2]
    return Page(title=visible(f"{label} {key.partition(':')[2]}"), is_gone=instance is not None)


def _address(of: Model, database: str) -> str:
    ask: Callable[[], Any] = getattr(of, "get_absolute_url", str)
    url = contained(lambda: str(ask()), "", database)
    return url if url.startswith(LINKED) else ""


def _parents(
    items: Sequence[Item], objects: dict[int, Model], user: Any, notes: Notes, masks: bool
) -> dict[int, Quote]:
    """{screening id: what it answers}; one query for the answered texts' own screenings."""
    parents: dict[int, Model] = {}
    quotes: dict[int, Quote] = {}
    for item in items:
        entry, instance = means.registration(item.screening), objects.get(item.screening.pk)
        if entry is None or instance is None or entry.parent is None:
            continue
        parent, is_gone = _parent(entry, entry.parent, instance)
        if parent is not None:
            parents[item.screening.pk] = parent
        elif is_gone:
            quotes[item.screening.pk] = Quote(visible(""), visible(""), is_gone=True)
    rows = _screenings_of(parents.values(), user)
    visible_rows = rights.visible(user, Screening.objects.filter(pk__in=[row.pk for row in rows.values()]))
    seen = set(visible_rows.values_list("pk", flat=True)) if rows else set()
    for key, parent in parents.items():
        row = rows.get((type(parent), str(parent.pk)))
        if row is None or row.pk in seen:
            quotes[key] = _quote(parent, row, notes, masks)
    return quotes


def _parent(entry: Registered, reference: Reference, instance: Model) -> tuple[Model | None, bool]:
    """What an object answers, and whether that is gone: a key is left that leads nowhere."""
    parent = contained(lambda: reference.of(instance), None, _database(entry, reference))
    if isinstance(parent, Model):
        return parent, False
    return None, bool(contained(lambda: _key_at_hand(reference, instance), None))


def _key_at_hand(reference: Reference, instance: Model) -> str | None:
    key = reference.key_at_hand(instance)
    return key if isinstance(key, str) else None


def _screenings_of(objects: Iterable[Model], user: Any) -> dict[tuple[type[Model], str], Screening]:
    by_entry: dict[str, tuple[Registered, dict[str, type[Model]]]] = {}
    for instance in objects:
        entry = registry.for_model(type(instance))
        if entry is not None:
            by_entry.setdefault(entry.label, (entry, {}))[1][entry.key_of(instance)] = type(instance)
    rows = {}
    for entry, models in by_entry.values():
        screened = Screening.objects.filter(
            content_type=content_type_of(entry.model),
            object_id__in=list(models),
            field=entry.text.name,
            is_current=True,
        )
        for row in second_opinions.as_seen_by(user, screened.defer("text")):
            rows[models[row.object_id], row.object_id] = row
    return rows


def _before(screenings: Sequence[Screening], user: Any, notes: Notes, masks: bool) -> dict[int, list[Quote]]:
    """{screening id: what was screened before it on the same page, the oldest first}; three queries or more.

    More than three only where other models' texts stand there, too: their objects are read model by model.
    """
    standing = [row.pk for row in screenings if row.page_key]
    if not standing:
        return {}
    numbered = {f"before_{number}": _earlier(number) for number in range(NEIGHBOURS)}
    rows = Screening.objects.filter(pk__in=standing).annotate(**numbered).values_list("pk", *numbered)
    keys = {pk: [key for key in reversed(before) if key is not None] for pk, *before in rows}
    wanted = Screening.objects.filter(pk__in={key for before in keys.values() for key in before})
    by_label: dict[str, tuple[Registered, list[Screening]]] = {}
    for row in second_opinions.as_seen_by(user, rights.visible(user, wanted).defer("text")):
        entry = means.registration(row)
        if entry is not None:
            by_label.setdefault(entry.label, (entry, []))[1].append(row)
    quotes: dict[int, Quote] = {}
    for entry, of_entry in by_label.values():
        instances = _instances(entry, [row.object_id for row in of_entry])
        for row in of_entry:
            if row.object_id in instances:
                quotes[row.pk] = _quote(instances[row.object_id], row, notes, masks)
    return {pk: [quotes[key] for key in before if key in quotes] for pk, before in keys.items()}


def _earlier(number: int) -> Subquery:
    """The id of the screening that came `number` + 1 before on the same page.

    That the page is known is said again of what came before: no index of pages serves without it.
    """
    same_page: QuerySet[Screening] = Screening.objects.filter(
        ~Q(page_key=""), page_key=OuterRef("page_key"), pk__lt=OuterRef("pk"), is_current=True
    ).exclude(content_type=OuterRef("content_type"), object_id=OuterRef("object_id"))
    return Subquery(same_page.order_by("-pk").values("pk")[number : number + 1])


def _quote(instance: Model, row: Screening | None, notes: Notes, masks: bool) -> Quote:
    """Quote a live object: one that is registered by its text, another by what it says of itself.

    masks: True where swear words are to be asterisks.
    """
    entry = registry.for_model(type(instance))
    if entry is None:
        database = instance._state.db or "default"
        text = contained(lambda: str(instance), "", database)
        name = ""
    else:
        using = None if entry.text.columns else entry.database
        text = contained(lambda: entry.text_of(instance), "", using)
        name = row.author_name if row is not None else ""
        if not name and entry.author_name is not None:
            name = _name_at_hand(entry.author_name, instance)
    cut, is_shortened = shortened(text, QUOTE_CHARACTERS, QUOTE_LINES)
    return Quote(
        author=_short(name, NAME_CHARACTERS, notes),
        text=visible(cut, notes.for_a_text(), masked=swear_words_in(cut) if masks else ()),
        is_shortened=is_shortened,
        is_public=_is_public(entry, instance, row),
        screening_id=row.pk if row is not None else None,
    )


def _name_at_hand(reference: Reference, instance: Model) -> str:
    value = contained(lambda: reference.at_hand(instance), NOT_AT_HAND)
    return "" if value is NOT_AT_HAND else contained(lambda: name_of(value), "")


def _is_public(entry: Registered | None, instance: Model, row: Screening | None) -> bool:
    """True where the site shows it now, as far as the column says by which it is hidden.

    True, too, of what is dealt to the reader for a second opinion, as of any open item that is judged blind.
    """
    if row is not None and second_opinions.is_as_open(row):
        return True
    if getattr(instance, "is_removed", False) is True:  # django-contrib-comments shows no such comment
        return False
    if entry is not None and entry.hide is not None and entry.hide.by_field:
        return bool(getattr(instance, entry.hide.attname, None) == entry.hide.visible)
    return row is None or not row.hidden_by_us


def _short(text: str, limit: int, notes: Notes) -> SafeString:
    cut = text if len(text) <= limit else text[: limit - 1].rstrip() + "\u2026"
    return visible(cut, notes.for_a_text())
