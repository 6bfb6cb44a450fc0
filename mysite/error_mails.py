"""Error mails without what people wrote: what happened, and where."""

import logging
import traceback

from django.utils.log import AdminEmailHandler


class TextFreeAdminEmailHandler(AdminEmailHandler):
    """Mails ADMINS the log line, and of an exception its type and place, and those of all that led to it.

    Django's own handler mails what was posted, the messages of exceptions, and with `include_html` the values
    of local variables: for a comment that could not be saved, its text three times over.
    """

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{record.levelname} {record.name}: {record.getMessage()}"
        parts = [line]
        error = record.exc_info[1] if record.exc_info else None
        seen: list[BaseException] = []
        while error is not None and error not in seen:
            seen.append(error)
            frames = "".join(traceback.format_tb(error.__traceback__))
            parts.append(f"{type(error).__module__}.{type(error).__qualname__}\n{frames}")
            error = error.__cause__ or error.__context__
        self.send_mail(self.format_subject(line), "\n\n".join(parts))  # its connection fails silently
