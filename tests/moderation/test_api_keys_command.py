"""`manage.py api_keys`: create, list, revoke."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from django.utils import timezone

from moderation.api_keys.authentication import authenticate
from moderation.api_keys.refusals import KeyRefused
from moderation.models import ApiKey, AuditEntry
from tests.moderation.conftest import run_command

pytestmark = pytest.mark.django_db


def create(*arguments: str) -> str:
    """The last line of what `create` prints."""
    return run_command("api_keys", "create", *arguments).splitlines()[-1]


def test_the_key_stands_alone_on_the_last_line_and_works() -> None:
    raw = create("the blog", "--scopes", "suggest,analyze")
    key = authenticate(raw, "analyze", None)
    assert (key.name, key.scopes, key.quota, key.origins, key.expires) == (
        "the blog",
        ["analyze", "suggest"],
        60,
        [],
        None,
    )
    assert key.created_by_name.endswith("(system)")
    assert AuditEntry.objects.get().username == key.created_by_name


def test_quota_origins_and_expiry_are_those_that_are_given(settings: Any) -> None:
    create("a", "--scopes=read", "--quota=7", "--origins=https://A.example/,http://b.example", "--expires=30")
    key = ApiKey.objects.get()
    assert (key.quota, key.origins) == (7, ["https://a.example", "http://b.example"])
    assert key.expires is not None
    assert timedelta(days=29) < key.expires - timezone.now() <= timedelta(days=30)
    create("b", "--scopes=read", "--quota=none", "--expires=2999-01-31")
    newest = ApiKey.objects.latest("id")
    assert newest.quota is None and newest.expires is not None and newest.expires.year == 2999
    settings.MODERATION = {**settings.MODERATION, "API_KEY_QUOTA": None}
    create("c", "--scopes=read")
    assert ApiKey.objects.latest("id").quota is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a"], "--scopes"),
        (["a", "--scopes="], "needs a scope"),
        (["a", "--scopes=read,write"], "no such scope: write"),
        (["a", "--scopes=read", "--quota=0"], "number from 1"),
        (["a", "--scopes=read", "--origins=a.example"], "no origin"),
        (["a", "--scopes=read", "--expires=2001-01-01"], "over already"),
        (["a", "--scopes=read", "--expires=99999999999999"], "too many days"),
        (["a", "--scopes=read", "--expires=soon"], "must be a date"),
        ([" ", "--scopes=read"], "must have 1 to 100"),
        (["x" * 101, "--scopes=read"], "must have 1 to 100"),
    ],
)
def test_a_wrong_argument_makes_no_key(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        run_command("api_keys", "create", *arguments)
    assert not ApiKey.objects.exists()


def test_the_list_names_all_keys_and_shows_none() -> None:
    first, second = create("first", "--scopes=read"), create("second", "--scopes=classify", "--quota=none")
    run_command("api_keys", "revoke", "first")
    table = run_command("api_keys", "list")
    lines = table.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [[second[:12], "second"], [first[:12], "first"]]
    assert lines[1].endswith("valid") and lines[2].endswith("revoked")
    facts = json.loads(run_command("api_keys", "list", "--json"))
    assert [(key["name"], key["state"], key["quota"]) for key in facts] == [
        ("second", "valid", None),
        ("first", "revoked", 60),
    ]
    for raw in (first, second):
        assert raw not in table + json.dumps(facts)
    assert not any(key.sha256 in table + json.dumps(facts) for key in ApiKey.objects.all())


def test_a_key_is_revoked_by_its_prefix_or_by_a_name_that_means_one() -> None:
    keys = [create("twin", "--scopes=read") for _ in range(2)]
    with pytest.raises(CommandError, match="Several keys"):
        run_command("api_keys", "revoke", "twin")
    run_command("api_keys", "revoke", keys[0][:12])
    assert authenticate(keys[1], "read", None)
    run_command("api_keys", "revoke", "twin")  # the other one no longer works, so this one is meant
    for raw in keys:
        with pytest.raises(KeyRefused):
            authenticate(raw, "read", None)
    with pytest.raises(CommandError, match="revoked before"):
        run_command("api_keys", "revoke", keys[0][:12])
    with pytest.raises(CommandError, match="No key"):
        run_command("api_keys", "revoke", "nobody")
    assert AuditEntry.objects.filter(action="key.revoked").count() == 2
