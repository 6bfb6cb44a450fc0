"""What a comment said never gets into the log, whatever went wrong with it."""

import logging
import sys

import pytest
from django.db import DataError, connection

from mysite.logs import TextFreeFormatter

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
