"""Start-up checks of what surrounds the app: the database's abilities, and a package of the same name."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.db import connections, router
from django.urls import get_resolver

NAMESAKE = "django-moderation"
HIDE_API_KEYS = "moderation.api.middleware.HideApiKeys"
API_NAMESPACES = {"moderation", "moderation_perspective"}
"""Of addresses that take API keys."""


def check_backend(**_: Any) -> list[CheckMessage]:
    """The app's database must be able to keep one current screening an object, by a conditional constraint.

    Asks the backend alone, and no server.
    """
    from moderation.models import Screening

    connection = connections[router.db_for_write(Screening)]
    if connection.features.supports_partial_indexes:
        return []
    return [
        Error(
            f"{connection.display_name} has no conditional unique constraints, which keep two screenings of "
            "one text apart.",
            hint="Put the tables of moderation into PostgreSQL 14 or later, or SQLite 3.31 or later; a "
            "database router may send them there, whatever the comments lie in.",
            id="moderation.E032",
        )
    ]


def check_namesake(**_: Any) -> list[CheckMessage]:
    """Another package installs a top-level package `moderation`, too: each overwrites the other's files."""
    try:
        metadata.distribution(NAMESAKE)
    except metadata.PackageNotFoundError:
        return []
    return [
        Error(
            f"{NAMESAKE} is installed as well, and its files lie in this package's folder.",
            hint=f"pip uninstall {NAMESAKE}, then pip install --force-reinstall --no-deps this package. The "
            "two can't be used in one environment.",
            id="moderation.E033",
        )
    ]


def check_middleware(**_: Any) -> list[CheckMessage]:
    """Where the site has addresses that take API keys, `key=` must be hidden before anything logs it."""
    if not getattr(settings, "ROOT_URLCONF", None) or not API_NAMESPACES & set(get_resolver().app_dict):
        return []
    if next(iter(settings.MIDDLEWARE), None) == HIDE_API_KEYS:
        return []
    return [
        Warning(
            f"MIDDLEWARE does not begin with {HIDE_API_KEYS}: API keys sent as ?key= can get into "
            "logs and error mails.",
            hint=f'Make "{HIDE_API_KEYS}" the first entry of MIDDLEWARE.',
            id="moderation.W006",
        )
    ]
