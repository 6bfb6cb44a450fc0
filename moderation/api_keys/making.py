"""Makes keys and revokes them; each leaves an audit entry."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction
from django.utils import timezone

from moderation import audit
from moderation.api_keys.origins import normalised
from moderation.audit import Action, Actor
from moderation.models import ApiKey
from moderation.models.keys import sha256_of

START = "mod_"
"""What each key begins with, so that people and scanners of leaked secrets recognise one."""
RANDOM_BYTES = 32
SHOWN_CHARACTERS = len(START) + 8
"""How much of a key is stored in the clear; over 200 random bits are left."""


def create(
    name: str,
    scopes: Collection[str],
    *,
    quota: int | None,
    origins: Iterable[str] = (),
    expires: datetime | None = None,
    user: AbstractBaseUser | None = None,
    actor: Actor,
) -> tuple[ApiKey, str]:
    """Make a key and return its row with the key itself, which nobody can read again.

    quota: requests a minute; None: any number. user: for whom it decides, which takes the scope `review`.
    Raises ValueError for an unknown scope, for none at all, and for an origin that is none.
    """
    key = ApiKey(
        name=name,
        scopes=in_order(scopes),
        quota=quota,
        origins=[normalised(origin) for origin in origins],
        expires=expires,
        user=user,  # type: ignore[misc]  # whichever class AUTH_USER_MODEL is
    )
    return key, issue(key, actor=actor)


def issue(key: ApiKey, *, actor: Actor) -> str:
    """Store a row that says what a new key may do, and return the key itself."""
    raw = START + secrets.token_urlsafe(RANDOM_BYTES)
    key.prefix = raw[:SHOWN_CHARACTERS]
    key.sha256 = sha256_of(raw)
    key.created_by_name = actor.name
    after = {
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "quota": key.quota,
        "origins": key.origins,
        "expires": key.expires and key.expires.isoformat(),
        "user": key.user and key.user.get_username(),
    }
    with transaction.atomic(using=router.db_for_write(ApiKey)):
        key.save(force_insert=True)
        audit.record(Action.KEY_CREATED, actor, key, {}, after)
    return raw


def revoke(key: ApiKey, actor: Actor) -> bool:
    """Revoke a key for good: the next request with it is refused. True where it was not revoked before."""
    with transaction.atomic(using=router.db_for_write(ApiKey)):
        moment = timezone.now()
        is_first = ApiKey.objects.filter(pk=key.pk, revoked=None).update(revoked=moment) == 1
        if is_first:
            about = {"name": key.name, "prefix": key.prefix}
            audit.record(Action.KEY_REVOKED, actor, key, about, {**about, "revoked": moment.isoformat()})
    key.refresh_from_db()
    return is_first


def in_order(scopes: Collection[str]) -> list[str]:
    """Return the scopes without repeats, in the order of `ApiKey.Scope`.

    Raises ValueError for an unknown one, and for none at all.
    """
    if unknown := sorted(set(scopes) - set(ApiKey.Scope.values)):
        raise ValueError(f"no such scope: {', '.join(unknown)}; there are: {', '.join(ApiKey.Scope.values)}")
    if not scopes:
        raise ValueError(f"a key needs a scope; there are: {', '.join(ApiKey.Scope.values)}")
    return [scope for scope in ApiKey.Scope.values if scope in scopes]
