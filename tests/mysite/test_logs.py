"""What a comment said never gets into the log, whatever went wrong with it."""

import json
import logging
import sys
from typing import Any

import pytest
from django.db import DataError, connection

from mysite.logs import TextFreeFormatter, TextFreeJsonFormatter

SECRET = "what somebody wrote"


def formatted(error_type: type[Exception], cause: Exception | None = None) -> str:
    """A log line with a traceback of that error, which quotes SECRET."""
    try:
        try:
            if cause is not None:
                raise cause
        finally:
            raise error_type(SECRET)
    except error_type:
        record = logging.LogRecord("n", logging.ERROR, __file__, 1, "It failed", None, sys.exc_info())
    return TextFreeFormatter("{levelname} {message}", style="{").format(record)


def test_a_database_error_is_logged_by_type_and_place_alone() -> None:
    line = formatted(DataError)
    assert "django.db.utils.DataError" in line
    assert "test_logs.py" in line
    assert SECRET not in line.replace("raise error_type(SECRET)", "")


def test_an_error_that_came_of_a_database_error_is_treated_the_same() -> None:
    line = formatted(RuntimeError, DataError(SECRET))
    assert "builtins.RuntimeError" in line
    assert SECRET not in line


def test_other_errors_keep_their_message() -> None:
    assert SECRET in formatted(KeyError)


@pytest.mark.django_db
def test_a_real_refused_row_is_not_quoted() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM nothing WHERE x = %s", [SECRET])
    except Exception:
        record = logging.LogRecord("n", logging.ERROR, __file__, 1, "It failed", None, sys.exc_info())
    assert SECRET not in TextFreeFormatter().format(record)


def as_json(message: object, *arguments: object, error: bool = False, **extra: object) -> dict[str, Any]:
    """The object that is written for one log call."""
    exception = sys.exc_info() if error else None
    record = logging.getLogger("n").makeRecord(
        "n", logging.WARNING, __file__, 1, message, arguments, exception, extra=extra
    )
    line = TextFreeJsonFormatter().format(record)
    assert "\n" not in line
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def test_a_json_line_has_time_level_logger_message_and_our_own_fields() -> None:
    line = as_json("Screened %d.", 3, count=3, code="scoring-error:ValueError", version="test@1", screening=7)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "WARNING",
        "logger": "n",
        "message": "Screened 3.",
        "count": 3,
        "code": "scoring-error:ValueError",
        "version": "test@1",
        "screening": 7,
    }


def test_what_others_add_to_a_line_is_left_out() -> None:
    line = as_json("Bad request", request={"comment": SECRET}, data=SECRET, status_code=400)
    assert set(line) == {"time", "level", "logger", "message"}
    assert SECRET not in json.dumps(as_json({"comment": SECRET}))


@pytest.mark.django_db
def test_a_refused_row_is_not_quoted_as_json_either() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM nothing WHERE x = %s", [SECRET])
    except Exception:
        line = as_json("It failed", error=True)
    assert "Error (no message: it can quote a row)" in line["exception"]
    assert "test_logs.py" in line["exception"]
    assert SECRET not in json.dumps(line)


def test_the_kind_and_frames_of_another_error_are_kept_as_json() -> None:
    try:
        raise KeyError("a name")
    except KeyError:
        line = as_json("It failed", error=True)
    assert "KeyError: 'a name'" in line["exception"]
    assert "test_logs.py" in line["exception"]
