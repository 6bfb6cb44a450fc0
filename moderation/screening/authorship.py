"""Notes who wrote a text and on which page it stands, in its screening.

A save notes what the instance at hand says without a query; a worker adds the rest when it scores the text,
and the daily compare what was screened before a site named its authors. What a site's code raises costs that
one name or page, and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence

from django.db import router, transaction
from django.db.models import CharField, Model

from moderation import row_errors
from moderation.db.keyed_values import ByKey
from moderation.models import Screening
from moderation.models.content_types import content_type_of
from moderation.objects.references import NOT_AT_HAND, Reference, key_of, name_of
from moderation.registry import Registered
from moderation.visibility import means

logger = logging.getLogger("moderation.screening")


def at_hand(entry: Registered, instance: Model) -> tuple[str, str]:
    """(author's name, page's key) as far as the instance says them without a query, else empty.

    Raises nothing but what ends the process.
    """
    return (
        row_errors.contained(lambda: _name_at_hand(entry.author_name, instance), ""),
        row_errors.contained(lambda: _page_at_hand(entry.page, instance), ""),
    )


def complete(screenings: Sequence[Screening]) -> list[Screening]:
    """Set what the saves could not say on these instances, unsaved; returns those that have changed.

    Costs one query for each model that has such rows, and those of the site's own code.
    """
    changed = []
    for entry, rows in _by_entry(screenings):
        wanted = [row for row in rows if row.blanked is None and _lacks(entry, row)]
        for row, name, page in _live(entry, wanted):
            if (name and not row.author_name) or (page and not row.page_key):
                row.author_name, row.page_key = row.author_name or name or "", row.page_key or page or ""
                changed.append(row)
    return changed


def save(screenings: Sequence[Screening]) -> None:
    """Write names and pages of these instances, by one UPDATE. Raises DatabaseError."""
    if screenings:
        Screening.objects.filter(pk__in=[row.pk for row in screenings]).update(
            author_name=ByKey({row.pk: row.author_name for row in screenings}, CharField()),
            page_key=ByKey({row.pk: row.page_key for row in screenings}, CharField()),
        )


def compare(entry: Registered, screenings: Sequence[Screening]) -> int:
    """Add what is lacking in current screenings, and blank names that the site has no more; how many changed.

    A site has no name any more where the author's account was deleted, and the comment stays without it.
    Names as they were when the text was screened stay, though the account has another one since. Doing it
    twice changes nothing. Raises DatabaseError.
    """
    if entry.author_name is None and entry.page is None:
        return 0
    changed, nameless = [], []
    for row, name, page in _live(entry, [row for row in screenings if row.blanked is None]):
        if row.author_name and name == "" and entry.author_name is not None:
            nameless.append(row.object_id)
        elif (name and not row.author_name) or (page and not row.page_key):
            row.author_name, row.page_key = row.author_name or name or "", row.page_key or page or ""
            changed.append(row)
    with transaction.atomic(using=router.db_for_write(Screening)):
        save(changed)
        if nameless:
            forget_names(entry, nameless)
    return len(changed) + len(nameless)


def forget_names(entry: Registered, keys: Collection[str]) -> None:
    """Blank the author's name in every screening of these objects. Raises DatabaseError."""
    rows = Screening.objects.filter(content_type=content_type_of(entry.model), object_id__in=keys)
    rows.exclude(author_name="").update(author_name="")


def _name_at_hand(reference: Reference | None, instance: Model) -> str:
    value = None if reference is None else reference.at_hand(instance)
    return "" if value is NOT_AT_HAND else name_of(value)


def _page_at_hand(reference: Reference | None, instance: Model) -> str:
    key = "" if reference is None else reference.key_at_hand(instance)
    return key if isinstance(key, str) else ""


def _lacks(entry: Registered, row: Screening) -> bool:
    """True where a worker may find out what the save could not say."""
    lacks_name = not row.author_name and _is_left_to_worker(entry, entry.author_name)
    if lacks_name and entry.author_name == Reference(path=(entry.author,)):
        lacks_name = bool(row.author_key)  # nobody wrote it
    return lacks_name or (not row.page_key and _is_left_to_worker(entry, entry.page, is_page=True))


def _is_left_to_worker(entry: Registered, reference: Reference | None, *, is_page: bool = False) -> bool:
    """True where a save need not have it at hand: of a page its key is enough, of an author it is not."""
    if reference is None or (is_page and reference.is_column(entry.model)):
        return False
    return bool(reference.foreign_keys(entry.model)) or not reference.is_column(entry.model)


def _by_entry(screenings: Sequence[Screening]) -> list[tuple[Registered, list[Screening]]]:
    by_label: dict[str, tuple[Registered, list[Screening]]] = {}
    for row in screenings:
        entry = means.registration(row)
        if entry is not None:
            by_label.setdefault(entry.label, (entry, []))[1].append(row)
    return list(by_label.values())


def _live(entry: Registered, rows: Sequence[Screening]) -> list[tuple[Screening, str | None, str | None]]:
    """(screening, author's name, page's key) of each whose object is there; None for what raised."""
    if not rows:
        return []
    objects = entry.objects().filter(pk__in=[row.object_id for row in rows])
    references = [of for of in (entry.author_name, entry.page) if of is not None]
    related = ["__".join(steps) for of in references if (steps := of.foreign_keys(entry.model))]
    if related:
        objects = objects.select_related(*related)
    by_key = {entry.key_of(instance): instance for instance in objects}
    return [
        (row, _name_of(entry, instance), _page_of(entry, instance))
        for row in rows
        if (instance := by_key.get(row.object_id)) is not None
    ]


def _name_of(entry: Registered, instance: Model) -> str | None:
    reference = entry.author_name
    if reference is None:
        return ""
    return _contained(entry, instance, reference, lambda: name_of(reference.of(instance)))


def _page_of(entry: Registered, instance: Model) -> str | None:
    reference = entry.page
    if reference is None:
        return ""

    def key() -> str:
        at_hand = reference.key_at_hand(instance)
        return at_hand if isinstance(at_hand, str) else key_of(reference.of(instance))

    return _contained(entry, instance, reference, key)


def _contained(
    entry: Registered, instance: Model, reference: Reference, ask: Callable[[], str]
) -> str | None:
    """What `ask` returns, or None where it raises."""
    using = entry.database if reference.runs_code(entry.model) else None
    answer = row_errors.contained(ask, None, using)
    if answer is None:
        what = "author_name" if reference is entry.author_name else "page"
        logger.warning("The %s of %s %s can't be read.", what, entry.label, instance.pk)
    return answer
