"""Checks a key: whose it is, and whether it opens what is asked for."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import DatabaseError, router
from django.db.models import Q
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from moderation.api_keys.refusals import KeyRefused, Reason
from moderation.conf import conf
from moderation.db.locking import update_if_free
from moderation.db.sqlite import without_waiting
from moderation.models import ApiKey
from moderation.models.keys import TEST_KEY, sha256_of

NOTE_EVERY = timedelta(minutes=1)
"""How often at most the time of a key's last use is written."""

TEST_SCOPES = (ApiKey.Scope.ANALYZE, ApiKey.Scope.SUGGEST, ApiKey.Scope.CLASSIFY)
"""Of the test key, which everybody knows: it must never read what people wrote, nor decide about it."""

logger = logging.getLogger("moderation.api")


@sensitive_variables("raw")
def authenticate(raw: str | None, scope: str | None, origin: str | None) -> ApiKey:
    """Return the row of a key that opens `scope` for a page of `origin`, and note its use.

    raw: as the request brought it. scope: an `ApiKey.Scope`; None: any, for a caller that asks
    `require_scope` later. origin: as `requests.origin_of` finds it. One query, and nothing is kept between
    requests: a key that is revoked opens nothing from the next request on.
    Raises KeyRefused with the reason.
    """
    key = identify(raw)
    require_origin(key, origin)
    if scope is not None:
        require_scope(key, scope)
    note_use(key)
    return key


@sensitive_variables("raw")
def identify(raw: str | None) -> ApiKey:
    """Return the row of a key that is neither revoked nor expired. Raises KeyRefused with the reason.

    It is looked up by its hash, so the time that a comparison takes says nothing about the key.
    """
    if not raw:
        raise KeyRefused(Reason.MISSING)
    if raw == TEST_KEY:
        return _test_key()
    key: ApiKey | None = ApiKey.objects.filter(sha256=sha256_of(raw)).first()
    if key is None:
        raise KeyRefused(Reason.UNKNOWN)
    if key.revoked is not None:
        raise KeyRefused(Reason.REVOKED)
    if key.is_expired:
        raise KeyRefused(Reason.EXPIRED)
    return key


def require_scope(key: ApiKey, scope: str) -> None:
    """Raise KeyRefused where the key is not for `scope`."""
    if scope not in key.scopes:
        raise KeyRefused(Reason.SCOPE)


def require_origin(key: ApiKey, origin: str | None) -> None:
    """Raise KeyRefused where the key is for pages of other origins; a request that names none is refused."""
    if key.origins and origin not in key.origins:
        raise KeyRefused(Reason.ORIGIN)


def note_use(key: ApiKey) -> None:
    """Write when the key was last used, at most once a minute. Never fails, never waits for a lock."""
    now = timezone.now()
    if key.is_test or (key.last_used is not None and key.last_used > now - NOTE_EVERY):
        return
    is_due = Q(last_used=None) | Q(last_used__lte=now - NOTE_EVERY)
    rows = ApiKey.objects.filter(is_due, pk=key.pk)
    try:
        with without_waiting(router.db_for_write(ApiKey)):
            update_if_free(rows, last_used=now)
    except DatabaseError as error:
        logger.info("The last use of an API key was not noted (%s).", type(error).__name__)


def _test_key() -> ApiKey:
    if not conf.API_TEST_KEY:
        raise KeyRefused(Reason.UNKNOWN)
    return ApiKey(
        name="test key",
        prefix=TEST_KEY[: len("mod_test")],
        sha256=sha256_of(TEST_KEY),
        scopes=list(TEST_SCOPES),
    )
