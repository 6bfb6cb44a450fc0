"""Finds screenings by what a moderator types into one box: words of the text, an author, an id, a page.

`author:ann` is the author's name or key, `id:45` the object's, `item:45` the screening's own,
`page:shop.item:3` the page's; quotes hold words together (`author:"Ann B"`). A number alone is an id, of the
object, the author or the item. All the rest are words of the text, all of which have to be in it. On
PostgreSQL they are whole words, looked up in an index (`"in this order"`, `-without`, `this or that`);
elsewhere parts of words, among the items that wait for a decision.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from operator import and_, or_
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import connections, transaction
from django.db.models import BooleanField, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Substr
from django.utils.translation import gettext_lazy as _

from moderation.models import Screening, conditions
from moderation.models.conditions import SEARCHED, SEARCHED_CHARACTERS

HELP = {
    "postgresql": _(
        'Words of the text, the number of a comment, or a name as author:Ann or author:"Old Tom"'
    ),
    "other": _(
        "Words of a text that waits for a decision, the number of a comment, or a name as author:Ann or "
        'author:"Old Tom"'
    ),
}
MOST_CHARACTERS = 200
"""Of what is typed; the rest is not looked for."""
MOST_READ = 10_000
"""Open items, the most severe, whose texts are read where there is no index of words."""
SEARCH_MEMORY = "32MB"
"""Of PostgreSQL, for a search of words: enough for a table of some million rows."""
_NAMED = re.compile(r'(?<!\S)(author|id|item|page):("[^"]*"|\S+)')
_DIGITS = 18


@dataclass
class Asked:
    """What somebody typed, taken apart."""

    named: list[tuple[str, str]] = field(default_factory=list)
    """(author, id, item or page; its value)."""
    words: str = ""


def taken_apart(term: str) -> Asked:
    """Take apart what was typed: what is named is named, and the rest are words, but for a number alone."""
    term = term.replace("\x00", "")[:MOST_CHARACTERS]
    asked = Asked([(name, value.strip('"')) for name, value in _NAMED.findall(term)])
    asked.words = " ".join(_NAMED.sub(" ", term).split())
    if asked.words.isdecimal() and asked.words.isascii():
        asked.named.append(("number", asked.words))
        asked.words = ""
    return asked


def found(rows: QuerySet[Screening], term: str, *, are_few: bool = False) -> QuerySet[Screening]:
    """Return those of the rows that the typed term finds.

    are_few: True where their texts can be read one by one, so decided ones are found everywhere, too.
    """
    asked = taken_apart(term)
    for name, value in asked.named:
        rows = rows.filter(_NAMES[name](value))
    return with_words(rows, asked.words, are_few=are_few) if asked.words else rows


def with_words(rows: QuerySet[Screening], words: str, *, are_few: bool = False) -> QuerySet[Screening]:
    """Return those of the rows whose texts, to SEARCHED_CHARACTERS, have the words. are_few: see `found`."""
    if connections[rows.db].vendor == "postgresql":
        return rows.filter(SEARCHED, _Matches(IndexedWords("text"), _queries(words)))
    has_all = reduce(and_, (_has_part(word) for word in _words_of(words)))
    if not are_few:
        read = Screening.objects.using(rows.db).open().values("pk")[:MOST_READ]
        rows = rows.filter(conditions.OPEN, pk__in=read)
    return rows.alias(beginning=Substr("text", 1, SEARCHED_CHARACTERS)).filter(has_all)


@contextmanager
def with_memory(database: str) -> Iterator[None]:
    """Let PostgreSQL note which rows have a word row by row, also for a word of a million texts.

    With its usual 4 MB it notes pages of the table alone, and takes the words out of every text of such a
    page anew. A site that gives its queries more keeps that.
    """
    connection = connections[database]
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(using=database), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('work_mem')")
        (given,) = cursor.fetchone()
        cursor.execute(
            "SELECT set_config('work_mem', %s, true) WHERE pg_size_bytes(%s) < pg_size_bytes(%s)",
            [SEARCH_MEMORY, given, SEARCH_MEMORY],
        )
        yield
        # also within a transaction of the site's, which would keep it; a rollback takes it back itself
        cursor.execute("SELECT set_config('work_mem', %s, true)", [given])


def by_author(name: str) -> Q:
    """Select screenings of texts by the author of this name, in whatever case, or with this key."""
    by_name = Q(author_name__in=in_cases(name)) & ~Q(author_name="")
    return by_name | _by_author_key(name)


def of_page(key: str) -> Q:
    """Select screenings of texts on the page with this key, `app_label.modelname:key`.

    As in the other conditions, the empty value is ruled out in words: SQLite takes a partial index by its own
    condition alone.
    """
    return Q(page_key=key) & ~Q(page_key="")


def of_object(key: str) -> Q:
    """Select screenings of objects with this key; names all content types, as their index begins with it."""
    return Q(content_type__in=list(ContentType.objects.values_list("pk", flat=True)), object_id=key)


def in_cases(word: str) -> list[str]:
    """Return the word in the cases in which it is likely written, each once: indexes know of no folding."""
    cases = (word, word.lower(), word.capitalize(), word.title(), word.upper())
    return list(dict.fromkeys(cases))


class IndexedWords(Func):
    """The words of a text's beginning, written exactly as the index `moderation_words` has it."""

    template = f"to_tsvector('simple'::regconfig, \"left\"(%(expressions)s, {SEARCHED_CHARACTERS}))"
    output_field = TextField()


class _Matches(Func):
    """True where the words on the left satisfy the query on the right."""

    template = "(%(expressions)s)"
    arg_joiner = " @@ "
    arity = 2
    output_field = BooleanField()


class _Query(Func):
    """A query of the syntax of web searches, of which nothing typed is an error."""

    template = "websearch_to_tsquery('simple'::regconfig, %(expressions)s)"
    output_field = TextField()


class _Either(Func):
    """A query that either of two satisfies."""

    template = "(%(expressions)s)"
    arg_joiner = " || "
    output_field = TextField()


def _queries(words: str) -> Any:
    """Ask for the words as typed and in other cases: a database in the locale C folds ASCII letters alone."""
    cases = [words] if words.isascii() else in_cases(words)
    queries: list[Any] = [_Query(Value(case)) for case in cases]
    return reduce(_Either, queries)


def _has_part(word: str) -> Q:
    return reduce(or_, (Q(beginning__icontains=variant) for variant in in_cases(word)))


def _words_of(words: str) -> list[str]:
    return re.findall(r'"([^"]+)"', words) + re.sub(r'"[^"]*"?', " ", words).split() or [words]


def _item(key: str) -> Q:
    is_key = key.isascii() and key.isdecimal() and len(key) <= _DIGITS
    return Q(pk=int(key)) if is_key else Q(pk__in=[])


def _number(key: str) -> Q:
    return of_object(key) | _by_author_key(key) | _item(key)


def _by_author_key(key: str) -> Q:
    return Q(author_key=key) & ~Q(author_key="")


_NAMES = {"author": by_author, "id": of_object, "item": _item, "page": of_page, "number": _number}
