"""Log lines without what people wrote: a traceback keeps its frames and types, not its messages."""

import logging
import traceback
from types import TracebackType

from django.db import Error as DatabaseError

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class TextFreeFormatter(logging.Formatter):
    """Formats a database error, and all that led to it, by type alone: its message quotes the row."""

    def formatException(self, ei: ExcInfo) -> str:
        error = ei[1]
        if error is None or not any(isinstance(cause, DatabaseError) for cause in _chain(error)):
            return super().formatException(ei)
        return "\nwhich led to\n".join(_without_message(cause) for cause in reversed(_chain(error)))


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
