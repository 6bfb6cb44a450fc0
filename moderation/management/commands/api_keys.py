"""`manage.py api_keys`: make a key to the API, list them, revoke one."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from moderation.api_keys import making
from moderation.api_keys.origins import normalised
from moderation.audit import Actor
from moderation.conf import conf
from moderation.management.arguments import count, moment
from moderation.management.exit_codes import CANNOT
from moderation.management.interruptions import database_failed
from moderation.management.system_user import system_user
from moderation.models import ApiKey

ANY_NUMBER = "none"
COLUMNS = ("prefix", "name", "scopes", "quota", "origins", "created", "expires", "last used", "state")


class Command(BaseCommand):
    """The key itself is printed once, by `create`, alone on the last line."""

    help = "Make an API key, list the keys, or revoke one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        create = commands.add_parser("create", help="make a key and print it, alone on the last line")
        create.add_argument("name", type=_name, help="whose it is, or what for")
        create.add_argument(
            "--scopes",
            type=_scopes,
            required=True,
            help=f"what it may do, separated by commas: {', '.join(ApiKey.Scope.values)}",
        )
        create.add_argument(
            "--quota",
            type=_quota,
            default=...,
            help='requests a minute, or "none" for any number; left out: the setting API_KEY_QUOTA',
        )
        create.add_argument(
            "--origins",
            type=_origins,
            default=[],
            help="only for pages of these, such as https://example.org, separated by commas",
        )
        create.add_argument(
            "--expires", type=_expiry, help="a date, a date and time, or a number of days from now"
        )
        create.add_argument(
            "--user", type=_user, help="user name: whose decisions those made with the key are (scope review)"
        )
        listing = commands.add_parser("list", help="all keys, the newest first")
        listing.add_argument("--json", action="store_true", help="print JSON")
        revoke = commands.add_parser("revoke", help="withdraw a key for good")
        revoke.add_argument("key", help="its prefix, as the list shows it, or its name")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            match options["command"]:
                case "create":
                    self._create(options)
                case "list":
                    self._list(as_json=options["json"])
                case "revoke":
                    self._revoke(options["key"])
        except DatabaseError as error:
            raise database_failed(error) from None

    def _create(self, options: dict[str, Any]) -> None:
        quota = conf.API_KEY_QUOTA if options["quota"] is ... else options["quota"]
        key, raw = making.create(
            options["name"],
            options["scopes"],
            quota=quota,
            origins=options["origins"],
            expires=options["expires"],
            user=options["user"],
            actor=Actor.of(None, system_user()),
        )
        self.stdout.write(
            f"API key {key.pk}, {key.prefix}…: {', '.join(key.scopes)}; "
            f"{'any number of' if quota is None else quota} requests a minute; "
            f"{', '.join(key.origins) or 'any origin'}; "
            + (f"expires {_time(key.expires)}." if key.expires else "does not expire.")
        )
        self.stdout.write("Keep it now, it is not shown again:")
        self.stdout.write(raw)

    def _list(self, *, as_json: bool) -> None:
        keys = list(ApiKey.objects.select_related("user"))
        if as_json:
            self.stdout.write(json.dumps([_facts(key) for key in keys], indent=2, default=str))
            return
        rows = [COLUMNS, *(_row(key) for key in keys)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())

    def _revoke(self, given: str) -> None:
        key = _the_key(given)
        if not making.revoke(key, actor=Actor.of(None, system_user())):
            raise CommandError(f"{key} was revoked before, at {_time(key.revoked)}.", returncode=CANNOT)
        self.stdout.write(f"Revoked: {key}. It opens nothing any more.")


def _the_key(given: str) -> ApiKey:
    """Return the one key of this prefix, or the one that works of this name. Raises CommandError."""
    by_prefix = list(ApiKey.objects.filter(prefix=given.rstrip("….")))
    by_name = list(ApiKey.objects.filter(name=given))
    usable = [key for key in by_name if key.is_usable]
    candidates = by_prefix or usable or by_name
    if not candidates:
        raise CommandError("No key has this prefix or this name: see `api_keys list`.", returncode=CANNOT)
    if len(candidates) > 1:
        prefixes = ", ".join(key.prefix for key in candidates)
        message = f"Several keys are meant; name one by its prefix: {prefixes}."
        raise CommandError(message, returncode=CANNOT)
    return candidates[0]


def _facts(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.pk,
        "prefix": key.prefix,
        "name": key.name,
        "scopes": key.scopes,
        "quota": key.quota,
        "origins": key.origins,
        "created": key.created,
        "created_by": key.created_by_name,
        "user": key.user and key.user.get_username(),
        "expires": key.expires,
        "last_used": key.last_used,
        "revoked": key.revoked,
        "state": key.state,
    }


def _row(key: ApiKey) -> tuple[str, ...]:
    return (
        key.prefix,
        key.name,
        ",".join(key.scopes),
        "-" if key.quota is None else str(key.quota),
        ",".join(key.origins) or "-",
        _time(key.created),
        _time(key.expires),
        _time(key.last_used),
        key.state,
    )


def _user(name: str) -> AbstractBaseUser:
    """Return the active user of this name. Raises ArgumentTypeError."""
    users = get_user_model()._default_manager
    user = users.filter(**{users.model.USERNAME_FIELD: name}).first()
    if user is None or not user.is_active:
        raise ArgumentTypeError("there is no active user of this name")
    return user


def _time(moment: datetime | None) -> str:
    if moment is None:
        return "-"
    local = timezone.localtime(moment) if timezone.is_aware(moment) else moment
    return f"{local:%Y-%m-%d %H:%M}"


def _listed(given: str) -> list[str]:
    return [part.strip() for part in given.split(",") if part.strip()]


def _name(given: str) -> str:
    longest = 100
    if not given.strip() or len(given) > longest or not given.isprintable():
        raise ArgumentTypeError(f"must have 1 to {longest} characters that can be printed")
    return given.strip()


def _scopes(given: str) -> list[str]:
    try:
        return making.in_order(_listed(given))
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _origins(given: str) -> list[str]:
    try:
        return [normalised(origin) for origin in _listed(given)]
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _quota(given: str) -> int | None:
    return None if given.lower() == ANY_NUMBER else count(given)


def _expiry(given: str) -> datetime:
    if given.isdecimal():
        try:
            return timezone.now() + timedelta(days=count(given))
        except OverflowError:
            raise ArgumentTypeError("is too many days") from None
    if (end := moment(given)) <= timezone.now():
        raise ArgumentTypeError("is over already")
    return end
