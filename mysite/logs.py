"""Log lines without what people wrote, and without API keys.

A traceback keeps its frames and types, not its messages.
"""

import logging
import re
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from django.db import Error as DatabaseError
from pythonjsonlogger.json import JsonFormatter

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

FORMATS = ("plain", "json")
OWN_FIELDS = ("screening", "model", "object", "code", "count", "failed", "version")
"""What moderation adds to its log lines; what other libraries add, a request for example, is left out."""


KEY = re.compile(r"([?&](?:key|access_token|oauth_token)=)[^&\s\"'#]+", re.IGNORECASE)
"""`key` with its value in an address, or one of the names under which a token may stand there."""


class TextFreeFormatter(logging.Formatter):
    """Formats a database error, and all that led to it, by type alone: its message quotes the row.

    An address loses the value of its `key`: runserver, and a server that can't make sense of a request, log
    it as it came.
    """

    def format(self, record: logging.LogRecord) -> str:
        return KEY.sub(r"\1...", super().format(record))

    def formatException(self, ei: ExcInfo) -> str:
        error = ei[1]
        if error is None or not any(isinstance(cause, DatabaseError) for cause in _chain(error)):
            return super().formatException(ei)
        return "\nwhich led to\n".join(_without_message(cause) for cause in reversed(_chain(error)))


class TextFreeJsonFormatter(JsonFormatter):
    """One JSON object a line: time (UTC), level, logger, message, our own fields, and the exception.

    The exception is what TextFreeFormatter makes of it.
    """

    def __init__(self) -> None:
        names = {"asctime": "time", "levelname": "level", "name": "logger", "exc_info": "exception"}
        super().__init__(["asctime", "levelname", "name", "message"], rename_fields=names)
        self._shown = {*names.values(), "message", *OWN_FIELDS}

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")

    def formatException(self, ei: ExcInfo) -> str:
        return _plain.formatException(ei)

    def format(self, record: logging.LogRecord) -> str:
        return KEY.sub(r"\1...", super().format(record))

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in log_data.items() if name in self._shown}


def logging_setting(log_format: str, level: str) -> dict[str, Any]:
    """Django's LOGGING, and what a WSGI server can take for its own: one handler, on standard error.

    log_format: one of FORMATS.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {
                "()": "mysite.logs.TextFreeFormatter",
                "format": "{asctime} {levelname} {name}: {message}",
                "style": "{",
            },
            "json": {"()": "mysite.logs.TextFreeJsonFormatter"},
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": log_format}},
        "root": {"handlers": ["console"], "level": level},
        # Django's own default also mails request data, comment texts included, to ADMINS: not here.
        # And the lines of runserver, which have a handler of Django's own, name addresses as they came.
        "loggers": {name: {"handlers": [], "propagate": True} for name in ("django", "django.server")},
    }


_plain = TextFreeFormatter()


def _chain(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or following.__context__
    return chain


def _without_message(error: BaseException) -> str:
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{frames}{type(error).__module__}.{type(error).__qualname__} (no message: it can quote a row)"
