"""Mistakes in the setting are found at start-up, each with an id and, where it can, the right word."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import OperationalError, connection, connections
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLite
from django.utils.translation import gettext_lazy

from moderation import registry
from moderation.checks.configuration import (
    check_database,
    check_metrics_port,
    check_models,
    check_secret,
    check_setting,
    check_transactions,
    check_webhooks,
)
from moderation.db import sqlite
from moderation.worker.sweep import warn_of_database
from mysite.settings import BASE_DIR
from tests.forum.models import Note, Post

GOOD = {"text": "text", "hide": {"field": "state", "hidden": "withheld", "visible": "published"}}


def found(settings: Any, **given: Any) -> list[tuple[str, str]]:
    settings.MODERATION = given
    return [(str(message.id), str(message.msg)) for message in [*check_setting(), *check_models()]]


def found_in_model(settings: Any, **given: Any) -> list[str]:
    return [name for name, _ in found(settings, MODELS={"forum.Note": {**GOOD, **given}})]


def test_the_tests_own_setting_is_in_order() -> None:
    assert [message for message in run_checks() if str(message.id).startswith("moderation.")] == []


def test_no_setting_at_all_is_in_order(settings: Any) -> None:
    del settings.MODERATION
    assert [*check_setting(), *check_models()] == []


def test_a_setting_that_is_no_dict(settings: Any) -> None:
    settings.MODERATION = ["MODELS"]
    assert [message.id for message in check_setting()] == ["moderation.E001"]


def test_an_unknown_key_is_named_with_the_right_one(settings: Any) -> None:
    ((name, message),) = found(settings, AUDIT_RAT=0.1)
    assert name == "moderation.E002"
    assert 'Did you mean "AUDIT_RATE"?' in message


@pytest.mark.parametrize(
    "given",
    [{"AUDIT_RATE": 2}, {"BATCH_SIZE": 0}, {"HOLD_AT": "high"}, {"LEASE_SECONDS": None}, {"THREADS": True}],
)
def test_numbers_are_in_their_range(settings: Any, given: dict[str, Any]) -> None:
    assert [name for name, _ in found(settings, **given)] == ["moderation.E003"]


@pytest.mark.parametrize("key", ["API_TEST_KEY", "PERSPECTIVE_KEY_REQUIRED", "PERSPECTIVE_SCALE"])
def test_a_switch_is_true_or_false(settings: Any, key: str) -> None:
    assert found(settings, **{key: False}) == found(settings, **{key: True}) == []
    assert [name for name, _ in found(settings, **{key: "no"})] == ["moderation.E036"]


@pytest.mark.parametrize(
    ("key", "value", "misspelt"),
    [
        ("PERSPECTIVE_UNKNOWN_ATTRIBUTES", "drop", "dropp"),
        ("PERSPECTIVE_OTHER_LANGUAGES", "score", "scor"),
        ("PERSPECTIVE_HTML", "strip", "stripp"),
    ],
)
def test_what_perspective_does_otherwise_has_its_values(
    settings: Any, key: str, value: str, misspelt: str
) -> None:
    assert found(settings, **{key: value}) == found(settings, **{key: "refuse"}) == []
    ((name, message),) = found(settings, **{key: misspelt})
    assert name == "moderation.E037"
    assert f'Did you mean "{value}"?' in message
    assert [name for name, _ in found(settings, **{key: None})] == ["moderation.E037"]


def test_longest_comment_of_perspective_is_in_its_range(settings: Any) -> None:
    assert found(settings, PERSPECTIVE_MAX_BYTES=50_000) == []
    assert [name for name, _ in found(settings, PERSPECTIVE_MAX_BYTES=0)] == ["moderation.E003"]


@pytest.mark.parametrize(
    ("given", "is_right"),
    [
        (None, True),
        ({}, True),
        ({"advert": "Advertising", "spam": gettext_lazy("rubbish"), "illegal": None}, True),
        (["advert"], False),
        ({"Advert": "Advertising"}, False),
        ({"a" * 33: "Advertising"}, False),
        ({"": "Advertising"}, False),
        ({5: "Advertising"}, False),
        ({"advert": ""}, False),
        ({"advert": 5}, False),
    ],
)
def test_reasons_are_codes_with_labels(settings: Any, given: Any, is_right: bool) -> None:
    names = [name for name, _ in found(settings, HIDE_REASONS=given)]
    assert names == ([] if is_right else ["moderation.E038"])


@pytest.mark.regression("L9")
def test_broker_is_true_or_false(settings: Any) -> None:
    assert found(settings, BROKER=False) == []
    assert [name for name, _ in found(settings, BROKER="redis://")] == ["moderation.E025"]


def test_models_that_are_no_dict(settings: Any) -> None:
    assert [name for name, _ in found(settings, MODELS=["forum.Note"])] == ["moderation.E004"]


@pytest.mark.parametrize("label", ["forum.Notes", "forums.Note", "Note", "forum.note.text"])
def test_a_model_that_does_not_exist(settings: Any, label: str) -> None:
    assert [name for name, _ in found(settings, MODELS={label: GOOD})] == ["moderation.E005"]


def test_a_model_that_does_not_exist_is_named_with_the_right_one(settings: Any) -> None:
    ((_, message),) = found(settings, MODELS={"forum.Notes": GOOD})
    assert 'Did you mean "forum.Note"?' in message


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"txt": "text"}, "moderation.E006"),
        ({"text": "body"}, "moderation.E008"),
        ({"text": None}, "moderation.E008"),
        ({"author": "writer"}, "moderation.E009"),
        ({"hide": {"field": "state"}}, "moderation.E010"),
        ({"hide": "state"}, "moderation.E010"),
        ({"hide": {"hide": "tests.forum.rules.withdraw"}}, "moderation.E010"),
        ({"hide": {"field": "is_public", "hidden": False}}, "moderation.E011"),
        ({"hide": {"field": "state", "hidden": "withheld"}}, "moderation.E012"),
        ({"hide": {"field": "state", "hidden": "a", "visible": "a"}}, "moderation.E012"),
        ({"while_pending": "hidden"}, "moderation.E013"),
        ({"while_pending": "hide", "hide": None}, "moderation.E013"),
        (
            {
                "while_pending": "hide",
                "hide": {"hide": "tests.forum.rules.withdraw", "show": "tests.forum.rules.publish"},
            },
            "moderation.E013",
        ),
        ({"thresholds": {"toxic": 0.5}}, "moderation.E014"),
        ({"thresholds": {"toxic": {"flag": 1.5}}}, "moderation.E014"),
        ({"thresholds": {"toxic": {"flags": 0.5}}}, "moderation.E014"),
        ({"thresholds": ["toxic"]}, "moderation.E014"),
        ({"exempt": "tests.forum.rules.is_trustworthy"}, "moderation.E015"),
        ({"exempt": "nowhere.at_all"}, "moderation.E015"),
        ({"exempt": "tests.forum.rules.__doc__"}, "moderation.E015"),
        ({"hide": {"field": "is_visible", "hidden": False, "also_hidden": {"gone": 1}}}, "moderation.E011"),
        ({"hide": {"field": "is_visible", "hidden": False, "also_hidden": ["body"]}}, "moderation.E010"),
        ({"other_languages": "hide"}, "moderation.E037"),
        ({"other_languages": None}, "moderation.E037"),
    ],
)
def test_a_registration_with_a_mistake(settings: Any, given: dict[str, Any], name: str) -> None:
    assert name in found_in_model(settings, **given)


@pytest.mark.django_db
def test_a_registration_with_a_mistake_does_not_break_a_save(settings: Any) -> None:
    for mistake in ({"text": "nothing"}, {"hide": "state"}, {"while_pending": "?"}, "text", None):
        settings.MODERATION = {"MODELS": {"forum.Note": mistake}}
        Note.objects.create(text="hello").delete()


def test_thresholds_in_order(settings: Any) -> None:
    assert found_in_model(settings, thresholds={"toxic": {"flag": 0.5, "hold": None}}) == []


def test_the_key_of_the_text_keys_is_asked_for_before_a_deployment(settings: Any) -> None:
    settings.MODERATION = {}
    assert [message.id for message in check_secret()] == ["moderation.W002"]
    settings.MODERATION = {"TEXT_KEY_SECRET": "something random"}
    assert check_secret() == []


@pytest.mark.django_db
def test_sqlite_needs_wal_and_immediate_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_database(databases=["default"]) == []
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {})
    expected = ["moderation.W001"] if connection.vendor == "sqlite" else []
    told = [*check_transactions(), *check_database(databases=["default"])]
    assert [message.id for message in told] == expected


@pytest.mark.regression("D5")
@pytest.mark.parametrize("name", ["W001 without a database asked", "W001 once with one"])
def test_sqlite_as_startproject_makes_it_is_told_by_every_check(
    name: str, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {})
    databases = ["default"] if "once" in name else None
    found = [message for message in run_checks(databases=databases) if message.id == "moderation.W001"]
    assert len(found) == (1 if connection.vendor == "sqlite" else 0)
    assert all("transaction_mode" in str(message.hint) for message in found)


@pytest.mark.regression("D5")
def test_a_worker_and_the_loop_say_at_their_start_what_sqlite_lacks(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_database()
    assert caplog.text == ""
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {})
    warn_of_database()
    assert ("PRAGMA journal_mode=WAL" in caplog.text) == (connection.vendor == "sqlite")


@pytest.mark.regression("D5")
def test_what_fails_at_a_locked_sqlite_says_what_to_do(tmp_path: Path, db: None) -> None:
    settings = {**connections["default"].settings_dict, "NAME": str(tmp_path / "site.sqlite3")}
    settings["OPTIONS"] = {"timeout": 0}
    first, second = SQLite(settings, "first"), SQLite(settings, "second")
    try:
        with first.cursor() as writes, second.cursor() as waits:
            writes.execute("CREATE TABLE text (body text)")
            writes.execute("BEGIN IMMEDIATE")
            with pytest.raises(OperationalError) as raised:
                waits.execute("BEGIN IMMEDIATE")
        assert "check --database default" in sqlite.advice(raised.value)
    finally:
        first.close()
        second.close()
    assert sqlite.advice(OperationalError("of another kind")) == sqlite.advice(ValueError()) == ""


@pytest.mark.regression("L1")
@pytest.mark.parametrize(("secret", "reminds"), [("", True), ("something random", False)])
def test_the_site_that_is_shipped_is_reminded_of_its_secret(secret: str, reminds: bool) -> None:
    done = subprocess.run(
        [sys.executable, str(BASE_DIR / "manage.py"), "check", "--deploy"],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "mysite.settings",
            "SECRET_KEY": "x" * 60,
            "TEXT_KEY_SECRET": secret,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("moderation.W002" in done.stderr) is reminds


def test_the_setting_goes_before_the_decorator(settings: Any) -> None:
    settings.MODERATION = {"MODELS": {"forum.Post": {"text": "body"}}}
    entry = registry.get("forum.Post")
    assert entry is not None and entry.hide is None
    settings.MODERATION = {}
    entry = registry.for_model(Post)
    assert entry is not None and entry.hide is not None


def test_a_storage_and_a_permission_that_do_not_exist_are_named(settings: Any) -> None:
    given = {"MODEL_STORAGE": "nope", "CLASSIFY_PERMISSION": "no.such", "CLASSIFY_MAX_TEXTS": "many"}
    names = [name for name, _ in found(settings, **given)]
    assert sorted(names) == ["moderation.E003", "moderation.E015", "moderation.E016"]
    assert (
        found(settings, MODEL_STORAGE="default", CLASSIFY_PERMISSION="rest_framework.permissions.AllowAny")
        == []
    )


EVERYWHERE = "0.0.0.0"  # noqa: S104 - as the worker's image has it


@pytest.mark.parametrize(
    ("setting", "ids"),
    [
        ({}, []),
        ({"METRICS_PORT": 9101}, []),
        ({"METRICS_PORT": 9101, "METRICS_ADDRESS": "::1"}, []),
        ({"METRICS_PORT": 9101, "METRICS_ADDRESS": "localhost"}, []),
        ({"METRICS_ADDRESS": EVERYWHERE}, []),
        ({"METRICS_PORT": 9101, "METRICS_ADDRESS": EVERYWHERE}, ["moderation.W003"]),
        ({"METRICS_PORT": 9101, "METRICS_ADDRESS": "::"}, ["moderation.W003"]),
        ({"METRICS_PORT": 9101, "METRICS_ADDRESS": "10.1.2.3"}, ["moderation.W003"]),
        ({"METRICS_PORT": 9101, "METRICS_ADDRESS": "worker.example"}, ["moderation.W003"]),
        ({"METRICS_PORT": 9101, "METRICS_ADDRESS": EVERYWHERE, "METRICS_TOKEN": "x"}, []),
    ],
)
def test_metrics_that_a_network_may_read_without_a_token_are_warned_of(
    settings: Any, setting: dict[str, Any], ids: list[str]
) -> None:
    settings.MODERATION = setting
    assert [message.id for message in check_metrics_port()] == ids


@pytest.mark.parametrize(("setting", "ids"), [({}, []), ({"WEBHOOK_LOCALHOST": True}, ["moderation.W007"])])
def test_webhooks_to_the_own_machine_are_warned_of_in_a_deployment(
    settings: Any, setting: dict[str, Any], ids: list[str]
) -> None:
    settings.MODERATION = setting
    assert [message.id for message in check_webhooks()] == ids
