"""Looking for a text where no text may be: logs, tables, Redis, mails and pages."""

from __future__ import annotations

import base64
import email.policy
import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import redis
from django.core.mail import EmailMessage
from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver

from moderation import registry


class SiteLog(logging.Handler):
    """Everything that the process of the tests logs, with the whole of its tracebacks."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def is_in(canary: str, content: object) -> bool:
    """Whether `content`, a text or bytes, has the canary in it: as it is, or inside of base64.

    Celery's messages are base64; where the canary begins in one is unknown, so all three cases are tried.
    """
    text = content.decode("latin-1") if isinstance(content, bytes | bytearray | memoryview) else str(content)
    return canary.lower() in text.lower() or any(form in text for form in _in_base64(canary))


def in_files(canary: str, paths: Iterable[Path]) -> list[str]:
    """The names of those files that have it, in any bytes."""
    return [path.name for path in paths if is_in(canary, path.read_bytes())]


def in_tables(canary: str) -> list[str]:
    """`table.column` wherever the database has it and should not.

    A text may stand in the site's own column, and in the copy that is scored; nowhere else in any table.
    """
    allowed = {("moderation_screening", "text")}
    for entry in registry.registered():
        for name in entry.text.columns:
            column = entry.model._meta.get_field(name)
            allowed.add((column.model._meta.db_table, str(column.column)))
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            columns = [column[0] for column in cursor.description]
            for row in cursor:
                for column, value in zip(columns, row, strict=True):
                    if (table, column) not in allowed and is_in(canary, value):
                        found.add(f"{table}.{column}")
    return sorted(found)


def in_redis(canary: str, url: str) -> list[str]:
    """The keys that have it, in their name or in what they hold."""
    with redis.Redis.from_url(url) as client:
        return [
            key.decode(errors="replace")
            for key in client.scan_iter(count=1000)
            if is_in(canary, key) or any(is_in(canary, part) for part in _parts(client, key))
        ]


def in_mails(canary: str, mails: Iterable[EmailMessage]) -> list[str]:
    """The subjects of those mails that have it: in the text, in an HTML part, in a header."""
    return [mail.subject[:60] for mail in mails if _is_in_message(canary, mail.message().as_bytes())]


def in_mail_files(canary: str, directory: Path) -> list[str]:
    """The names of those files of Django's file backend that have it; a file may hold more than one mail."""
    return [
        path.name
        for path in directory.glob("*.log")
        if any(_is_in_message(canary, part) for part in path.read_bytes().split(b"-" * 79 + b"\n"))
    ]


def pages_of_figures() -> list[str]:
    """The paths at which this site says how it is: whatever has `metrics` or `health` in it."""
    return sorted(
        path for path in _paths(get_resolver()) if ("metrics" in path or "health" in path) and "<" not in path
    )


def _is_in_message(canary: str, raw: bytes) -> bool:
    """Headers and every part, as its reader sees it: encodings would break the canary up."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    parts = (part.get_payload(decode=True) for part in message.walk() if not part.is_multipart())
    return is_in(canary, message.items()) or any(is_in(canary, part) for part in parts)


def _in_base64(canary: str) -> Iterator[str]:
    for start in range(3):
        encoded = base64.b64encode(b"\0" * start + canary.encode()).decode()
        # The outer characters also carry bits of what stands beside the canary.
        yield encoded[4 if start else 0 : -4]


def _parts(client: redis.Redis, key: bytes) -> Iterator[Any]:
    kind = client.type(key)
    if kind == b"string":
        yield client.get(key)
    elif kind == b"list":
        yield from client.lrange(key, 0, -1)
    elif kind == b"set":
        yield from client.smembers(key)
    elif kind == b"zset":
        yield from client.zrange(key, 0, -1)
    elif kind == b"hash":
        yield json.dumps({str(name): str(value) for name, value in client.hgetall(key).items()})
    else:
        raise AssertionError(f"Unknown kind of key: {kind!r}")


def _paths(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield path
        else:
            yield from _paths(pattern, path)
