"""Who reaches which address, and what changes: every view of the admin and the API, for each kind of person.

An address without a row in the tables here fails the first test: somebody has to say who may see it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from moderation import audit, migrations
from moderation.api import urls as api_urls
from moderation.models import (
    ApiKey,
    AuditEntry,
    Contradiction,
    ModelVersion,
    Policy,
    Review,
    Screening,
    ScreeningRun,
    ShadowTrial,
    TrainingRun,
    Webhook,
    WebhookDelivery,
)
from moderation.review import bulk
from moderation.review import decisions as reviewing
from moderation.versions import store
from tests.moderation.test_queue import queued
from tests.moderation.version_files import write_version

pytestmark = pytest.mark.django_db

ANYBODY, NOBODY, VIEWER, MODERATOR, LEAD, SUPERUSER = (
    "anonymous",
    "nobody",
    "viewer",
    "moderator",
    "lead",
    "boss",
)
ROLES = (ANYBODY, NOBODY, VIEWER, MODERATOR, LEAD, SUPERUSER)
NONE: frozenset[str] = frozenset()
BOSS = frozenset([SUPERUSER])
LEADS = BOSS | {LEAD}
DECIDE = LEADS | {MODERATOR}
QUEUE = DECIDE | {VIEWER}
RECORDS = LEADS | {VIEWER}
"""Who reads what was recorded, beside the queue."""
_file = next(path.stem for path in Path(migrations.__path__[0]).glob("*_groups.py"))
GROUPS = import_module(f"moderation.migrations.{_file}").GROUPS
RIGHTS = {
    VIEWER: GROUPS["Moderation auditors"],
    MODERATOR: GROUPS["Moderators"],
    LEAD: GROUPS["Moderation leads"],
    NOBODY: (),
}


@dataclass
class World:
    """One of everything."""

    clients: dict[str, Client] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    rows: dict[str, Any] = field(default_factory=dict)

    def key(self, name: str) -> int:
        return int(self.rows[name].pk)

    def strict(self, role: str) -> Client:
        """A client of that person's whose requests need a CSRF token."""
        client = Client(enforce_csrf_checks=True)
        if role != ANYBODY:
            client.force_login(self.users[role])
        return client


@pytest.fixture
def world(version: ModelVersion, settings: Any, tmp_path: Path) -> World:
    settings.MODERATION = {**settings.MODERATION, "BLIND_SHARE": 0}
    made = World(clients={ANYBODY: Client()})
    for role in ROLES[1:]:
        user = User.objects.create_user(role, is_staff=True, is_superuser=role == SUPERUSER)
        user.user_permissions.set(Permission.objects.filter(codename__in=RIGHTS.get(role, ())))
        made.users[role] = User.objects.get(pk=user.pk)
        made.clients[role] = Client()
        made.clients[role].force_login(made.users[role])
    moderator = made.users[MODERATOR]
    item, decided, other = (
        queued(text, author_name="Ann", text_key=text) for text in ("open", "over", "third")
    )
    review = reviewing.decide(decided.pk, reviewer=moderator, kind="uphold")
    job = bulk.start(
        moderator, Screening.objects.filter(pk=other.pk), chosen="selected", decision="false_positive"
    )
    webhook = Webhook.objects.create(name="w", url="https://example.org/", events=["screening.held"])
    settings.MODERATION = {**settings.MODERATION, "MODEL_DIRECTORY": str(tmp_path / "published")}
    candidate, earlier, _ = (
        _published(tmp_path, number, version) for number in ("candidate", "earlier", "newest")
    )
    for activated in (earlier, version):
        audit.record(audit.Action.MODEL_ACTIVATED, audit.MACHINE, activated, {}, {})
    made.rows = {
        "candidate": candidate,
        "item": item,
        "decided": decided,
        "review": review,
        "job": job,
        "version": version,
        "policy": Policy.objects.create(thresholds={"toxic": {"flag": 0.6}}),
        "key": ApiKey.objects.create(name="k", prefix="mod_k", sha256="k" * 64, scopes=["read"]),
        "webhook": webhook,
        "delivery": WebhookDelivery.objects.create(webhook=webhook, event="screening.held", payload={}),
        "run": TrainingRun.objects.create(status=TrainingRun.Status.DONE),
        "trial": ShadowTrial.objects.create(candidate=candidate, beside=version),
        "contradiction": Contradiction.objects.create(kind="reviewer", key="reviewer:ann:1"),
        "screening_run": ScreeningRun.objects.create(kind="rescreen", model_version=version),
        "entry": AuditEntry.objects.order_by("id").last(),
    }
    return made


def _published(tmp_path: Path, number: str, like: ModelVersion) -> ModelVersion:
    columns = {"labels": like.labels, "thresholds": like.thresholds}
    return store.publish(write_version(tmp_path / number, number, **columns))


@dataclass(frozen=True)
class Page:
    """One address: who reads it, who changes something by it."""

    args: Callable[[World], list[Any]] = lambda world: []
    readers: frozenset[str] = NONE
    """Whose GET is answered with a page, or with a redirect where it has none."""
    writers: frozenset[str] = NONE
    """Whose POST changes something."""
    body: Callable[[World], dict[str, Any]] = lambda world: {}
    """Such a POST."""
    is_posted: bool = False
    """A GET leads elsewhere, with a word that nothing was recorded."""
    query: str = ""
    needs_more: bool = False
    """It is for everybody, and says nothing without a link or a key of a text."""
    absent_for: frozenset[str] = NONE
    """Who is told that there is no such thing."""


def of(name: str) -> Callable[[World], list[Any]]:
    return lambda world: [world.key(name)]


def fields(**values: Any) -> Callable[[World], dict[str, Any]]:
    return lambda world: values


def seen(world: World) -> dict[str, Any]:
    return {"seen": world.key("version")}


READ_ONLY = {
    "auditentry": ("entry", RECORDS),
    "modelversion": ("version", RECORDS),
    "review": ("review", RECORDS),
    "screeningrun": ("screening_run", RECORDS),
    "trainingrun": ("run", RECORDS),
    "shadowtrial": ("trial", BOSS),
    "contradiction": ("contradiction", LEADS),
    "policy": ("policy", RECORDS),
    "apikey": ("key", BOSS),
    "webhook": ("webhook", BOSS),
    "webhookdelivery": ("delivery", BOSS),
    "screening": ("item", QUEUE),
}
"""{model: (a row, who sees it)}; what else a model has is below."""


def standard() -> Iterator[tuple[str, Page]]:
    for model, (row, readers) in READ_ONLY.items():
        yield f"moderation_{model}_changelist", Page(readers=readers)
        yield f"moderation_{model}_change", Page(of(row), readers)
        yield f"moderation_{model}_history", Page(of(row), readers)
        yield f"moderation_{model}_add", Page()
        yield f"moderation_{model}_delete", Page(of(row))


ADMIN: dict[str, Page] = {
    **dict(standard()),
    "moderation_apikey_add": Page(readers=BOSS, writers=BOSS, body=fields(name="new", scopes=["read"])),
    "moderation_apikey_revoke": Page(
        readers=BOSS, writers=BOSS, body=lambda world: {"ids": str(world.key("key"))}
    ),
    "moderation_webhook_add": Page(
        readers=BOSS,
        writers=BOSS,
        body=fields(name="new", url="https://example.org/new", events=["screening.held"]),
    ),
    "moderation_webhook_change": Page(
        of("webhook"),
        BOSS,
        BOSS,
        fields(name="renamed", url="https://example.org/", events=["screening.held"]),
    ),
    "moderation_modelversion_compare": Page(readers=RECORDS),
    "moderation_modelversion_activate": Page(of("candidate"), BOSS, BOSS, seen),
    "moderation_modelversion_rollback": Page(readers=BOSS, writers=BOSS, body=seen),
    "moderation_modelversion_prune": Page(readers=BOSS, writers=BOSS, body=fields(keep="1")),
    "moderation_modelversion_export": Page(of("candidate"), BOSS),
    # refused while the world's trial is running: tests/moderation/test_shadow_admin.py starts one
    "moderation_trainingrun_report": Page(of("run"), RECORDS),
    "moderation_trainingrun_ask": Page(readers=RECORDS, writers=BOSS, is_posted=True),
    "moderation_shadowtrial_start": Page(readers=BOSS, is_posted=True),
    "moderation_shadowtrial_stop": Page(of("trial"), BOSS, BOSS, is_posted=True),
    "moderation_shadowtrial_promote": Page(of("trial"), BOSS, BOSS, is_posted=True),
    "moderation_shadowtrial_drop": Page(of("trial"), BOSS, BOSS, is_posted=True),
    "moderation_policy_add": Page(readers=LEADS),
    "moderation_policy_withdraw": Page(readers=RECORDS, writers=LEADS, body=fields(model=""), is_posted=True),
    "moderation_policy_apply": Page(readers=LEADS, writers=LEADS),
    "moderation_screening_decide": Page(
        of("item"), QUEUE, DECIDE, fields(kind="false_positive"), is_posted=True
    ),
    "moderation_screening_undo": Page(
        lambda world: [world.key("decided"), world.key("review")], QUEUE, DECIDE, is_posted=True
    ),
    "moderation_screening_text": Page(of("item"), QUEUE),
    "moderation_screening_author": Page(of("item"), QUEUE),
    "moderation_screening_deal": Page(readers=QUEUE, writers=DECIDE, is_posted=True),
    "moderation_screening_states": Page(readers=QUEUE, is_posted=True),
    "moderation_screening_skip": Page(of("item"), QUEUE, DECIDE, is_posted=True),
    "moderation_screening_unskip": Page(of("item"), QUEUE, DECIDE, is_posted=True),
    "moderation_screening_take_over": Page(of("item"), QUEUE, DECIDE, is_posted=True),
    "moderation_screening_author_trust": Page(
        of("item"), QUEUE, LEADS, fields(stance="hold"), is_posted=True
    ),
    "moderation_screening_author_note": Page(
        of("item"), QUEUE, DECIDE, fields(note="knows better"), is_posted=True
    ),
    "moderation_screening_preferences": Page(
        readers=QUEUE, writers=QUEUE, body=fields(order="oldest", break_minutes="45")
    ),
    "moderation_screening_break": Page(readers=QUEUE, writers=QUEUE),
    "moderation_screening_bulk": Page(readers=QUEUE),
    "moderation_screening_bulk_preview": Page(readers=QUEUE, is_posted=True),
    "moderation_screening_bulk_start": Page(
        readers=QUEUE,
        writers=DECIDE,
        body=lambda world: {
            "picked": world.key("item"),
            "newest": world.key("item"),
            "decision": "false_positive",
        },
        is_posted=True,
    ),
    "moderation_screening_bulk_job": Page(of("job"), QUEUE),
    "moderation_screening_bulk_undo": Page(of("job"), QUEUE, DECIDE, is_posted=True),
    "moderation_screening_bulk_carry_on": Page(of("job"), QUEUE, DECIDE, is_posted=True),
    "moderation_storedfigures_changelist": Page(readers=QUEUE),
    "moderation_storedfigures_change": Page(lambda world: [1], absent_for=frozenset(ROLES)),
    "moderation_storedfigures_history": Page(lambda world: [1], absent_for=frozenset(ROLES)),
    "moderation_storedfigures_add": Page(),
    "moderation_storedfigures_delete": Page(lambda world: [1], absent_for=frozenset(ROLES)),
}
"""{name of an address in the admin: who may}."""

API: dict[str, Page] = {
    "classify": Page(),
    "screenings": Page(readers=QUEUE),
    "screening": Page(of("item"), QUEUE),
    "reviews": Page(
        readers=QUEUE,
        writers=DECIDE,
        body=lambda world: {"screening": world.key("item"), "decision": "false_positive"},
    ),
    "undo-review": Page(of("review"), NONE, DECIDE),
    "reports": Page(),
    "notices": Page(needs_more=True),
    "second-looks": Page(needs_more=True),
    "policies": Page(readers=RECORDS, writers=LEADS, body=fields(thresholds={"toxic": {"flag": 0.7}})),
    "model-versions": Page(readers=RECORDS),
    "active-model-version": Page(readers=RECORDS),
    "model-version": Page(of("version"), RECORDS),
    "stats": Page(readers=QUEUE),
    "schema": Page(readers=frozenset(ROLES) - {ANYBODY}),
    "docs": Page(readers=frozenset(ROLES) - {ANYBODY}),
}
"""{name of an address of the API: who may}."""


def address(name: str, world: World) -> str:
    page = ADMIN.get(name) or API[name]
    prefix = "admin" if name in ADMIN else "moderation"
    return reverse(f"{prefix}:{name}", args=page.args(world))


def snapshot() -> dict[str, list[Any]]:
    """Every row that the app stores."""
    models = apps.get_app_config("moderation").get_models()
    return {model.__name__: list(model._base_manager.order_by("pk").values()) for model in models}


def names_in_the_admin() -> set[str]:
    admins = [one for model, one in admin.site._registry.items() if model._meta.app_label == "moderation"]
    return {pattern.name for one in admins for pattern in one.urls if getattr(pattern, "name", None)}


def test_every_address_stands_in_the_tables() -> None:
    assert names_in_the_admin() == set(ADMIN)
    assert {pattern.name for pattern in api_urls.urlpatterns} == set(API)


@pytest.mark.parametrize("name", ADMIN)
def test_a_page_is_shown_to_whom_it_is_for_and_a_get_changes_nothing(world: World, name: str) -> None:
    page, before = ADMIN[name], snapshot()
    told = {}
    for role in ROLES:
        client = world.clients[role]
        answer = client.get(address(name, world) + page.query)
        told[role] = answer.status_code
        if role == ANYBODY:
            assert answer["Location"].startswith("/admin/login/")
    shown = {role for role in ROLES if told[role] == 200 or (role != ANYBODY and told[role] == 302)}
    assert shown == page.readers, told
    refused = set(ROLES) - shown - {ANYBODY}
    expected = {403, 404} if refused & page.absent_for else {403}
    assert {told[role] for role in refused} <= expected, told
    assert {told[role] == 302 for role in page.readers} <= {page.is_posted or _leads_elsewhere(name)}, told
    assert snapshot() == before


def _leads_elsewhere(name: str) -> bool:
    """True of pages that have nothing to show by themselves: they lead to their list."""
    return name == "moderation_apikey_revoke"


@pytest.mark.parametrize("name", ADMIN)
def test_a_post_changes_something_for_whom_it_is_for_alone(world: World, name: str) -> None:
    page, before = ADMIN[name], snapshot()
    body = page.body(world)
    for role in ROLES:
        if role in page.writers:
            without_token = world.strict(role).post(address(name, world), body)
            assert without_token.status_code == 403, role
        else:
            answer = world.clients[role].post(address(name, world), body)
            may_look = page.readers - page.writers
            if role == ANYBODY:
                assert answer["Location"].startswith("/admin/login/")
            elif role not in may_look:
                assert answer.status_code in {403, 405} | ({404} if role in page.absent_for else set()), role
            else:
                assert answer.status_code in (200, 302, 403, 405), role
        assert snapshot() == before, role
    if page.writers:
        writer = MODERATOR if MODERATOR in page.writers else sorted(page.writers)[0]
        answer = world.clients[writer].post(address(name, world), body)
        assert answer.status_code in (200, 302)
        assert snapshot() != before


@pytest.mark.parametrize("name", API)
def test_a_call_is_answered_to_whom_it_is_for_and_a_get_changes_nothing(world: World, name: str) -> None:
    page, before = API[name], snapshot()
    has_get = "GET" in _view(name).access
    for role in ROLES:
        status = world.clients[role].get(address(name, world)).status_code
        if not has_get:
            assert status in (401, 403, 405), role
        elif page.needs_more:
            assert status in (400, 404), role
        elif role in page.readers:
            assert status == 200, role
        else:
            assert status in (401, 403), role
    assert snapshot() == before


@pytest.mark.parametrize("name", API)
def test_a_call_changes_something_for_whom_it_is_for_alone(world: World, name: str) -> None:
    page, before = API[name], snapshot()
    body = json.dumps(page.body(world))
    for role in ROLES:
        may = role in page.writers
        client = world.strict(role) if may else world.clients[role]
        status = client.post(address(name, world), body, content_type="application/json").status_code
        refused = (400, 404, 405) if page.needs_more else (400, 401, 403, 405)
        assert status in ((403,) if may else refused), role
        assert snapshot() == before, role
    if page.writers:
        writer = MODERATOR if MODERATOR in page.writers else sorted(page.writers)[0]
        client = world.clients[writer]
        answer = client.post(address(name, world), body, content_type="application/json")
        assert answer.status_code == 201
        assert snapshot() != before


def _view(name: str) -> Any:
    (pattern,) = [each for each in api_urls.urlpatterns if each.name == name]
    return pattern.callback.view_class  # type: ignore[attr-defined]


# --- an item that is gone, edited, decided ---------------------------------------------------------

DECISIONS = ("uphold", "false_positive", "other_reason")


@pytest.mark.parametrize("kind", DECISIONS)
@pytest.mark.parametrize("state", ["gone", "edited", "decided", "blanked"])
def test_nothing_is_decided_about_an_item_that_can_not_be(world: World, state: str, kind: str) -> None:
    pk = {"gone": 10**9, "decided": world.key("decided")}.get(state, world.key("item"))
    if state == "edited":
        Screening.objects.filter(pk=pk).update(is_current=False)
    elif state == "blanked":
        Screening.objects.filter(pk=pk).update(blanked="2026-01-01T00:00:00Z", text="")
    before = snapshot()
    body = {"kind": kind, "reason": "spam"}
    for role in DECIDE:
        client = world.clients[role]
        answer = client.post(reverse("admin:moderation_screening_decide", args=[pk]), body)
        assert answer.status_code == (404 if state == "gone" else 302), role
        call = {"screening": pk, "decision": kind, **({"reason": "spam"} if kind == "other_reason" else {})}
        told = client.post(reverse("moderation:reviews"), json.dumps(call), content_type="application/json")
        assert told.status_code == (400 if state == "gone" else 409), (role, told.content)
        preview = client.post(reverse("admin:moderation_screening_bulk_preview"), {"picked": pk})
        assert preview.status_code == 302, role
        started = {"picked": pk, "newest": 10**9, "decision": kind, "reason": "spam"}
        client.post(reverse("admin:moderation_screening_bulk_start"), started)
    assert snapshot() == before


@pytest.mark.parametrize("state", ["undone", "gone", "of another item"])
def test_nothing_is_taken_back_that_can_not_be(world: World, state: str) -> None:
    decided, review = world.key("decided"), world.key("review")
    if state == "undone":
        reviewing.undo(review, reviewer=world.users[MODERATOR])
    pk = {"of another item": world.key("item")}.get(state, decided)
    number = 10**9 if state == "gone" else review
    before = Review.objects.count()
    for role in DECIDE:
        answer = world.clients[role].post(reverse("admin:moderation_screening_undo", args=[pk, number]))
        assert answer.status_code == (302 if state == "undone" else 404), role
    assert Review.objects.count() == before


def test_only_who_decided_and_leads_take_a_decision_back(world: World) -> None:
    colleague = User.objects.create_user("bob", is_staff=True)
    colleague.user_permissions.set(Permission.objects.filter(codename="review_screening"))
    client = Client()
    client.force_login(colleague)
    address_of_undo = reverse(
        "admin:moderation_screening_undo", args=[world.key("decided"), world.key("review")]
    )
    assert client.post(address_of_undo).status_code == 302
    assert Review.objects.count() == 1
    assert world.clients[LEAD].post(address_of_undo).status_code == 302
    assert Review.objects.filter(kind="undo").count() == 1
