"""API keys in the admin: each is shown once, nobody changes one, and permissions bind."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.test import Client

from moderation.api_keys import making
from moderation.api_keys.authentication import authenticate
from moderation.api_keys.refusals import KeyRefused
from moderation.audit import Actor
from moderation.models import ApiKey, AuditEntry

pytestmark = pytest.mark.django_db
LIST = "/admin/moderation/apikey/"
FORM = {
    "name": "the blog",
    "scopes": ["suggest", "analyze"],
    "quota": "600",
    "origins": "https://Blog.example/\n\nhttp://localhost:3000\n",
    "expires_0": "2999-01-31",
    "expires_1": "12:00:00",
}


def shown_key(page: str) -> str:
    (raw,) = re.findall(r'<code class="moderation-key"[^>]*>(mod_[\w-]{43})</code>', page)
    return str(raw)


def staff(*permissions: str) -> Client:
    user = User.objects.create_user("-".join(permissions) or "nobody", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def test_a_new_key_is_shown_once_and_works(admin_client: Client) -> None:
    assert 'name="quota" value="60"' in admin_client.get(f"{LIST}add/").text
    response = admin_client.post(f"{LIST}add/", FORM)
    raw = shown_key(response.text)
    assert "no-store" in response["Cache-Control"]
    key = authenticate(raw, "suggest", "https://blog.example")
    assert (key.name, key.scopes, key.quota) == ("the blog", ["analyze", "suggest"], 600)
    assert key.origins == ["https://blog.example", "http://localhost:3000"]
    assert key.expires is not None and key.created_by_name == "admin"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.username, entry.target_id) == ("key.created", "admin", str(key.pk))

    pages = [admin_client.get(address).text for address in (LIST, f"{LIST}{key.pk}/change/", "/admin/")]
    kept = [str(rows) for rows in (Session.objects.values(), LogEntry.objects.values(), response.cookies)]
    for told in (*pages, *kept):
        assert raw not in told and key.sha256 not in told
    assert key.prefix in pages[0] and "the blog" in pages[0] and "valid" in pages[0]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"scopes": []}, "This field is required"),
        ({"scopes": ["everything"]}, "not one of the available choices"),
        ({"origins": "blog.example"}, "One origin a line"),
        ({"expires_0": "2001-01-31"}, "This is over already"),
        ({"quota": "0"}, "greater than or equal to 1"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_a_form_with_a_mistake_makes_no_key(
    admin_client: Client, change: dict[str, Any], sentence: str
) -> None:
    response = admin_client.post(f"{LIST}add/", {**FORM, **change})
    assert response.status_code == 200 and sentence in response.text
    assert not ApiKey.objects.exists()


def test_empty_fields_mean_no_limit(admin_client: Client) -> None:
    admin_client.post(f"{LIST}add/", {"name": "a", "scopes": ["read"]})
    key = ApiKey.objects.get()
    assert (key.quota, key.origins, key.expires) == (None, [], None)
    assert "any number" in admin_client.get(f"{LIST}{key.pk}/change/").text


def make() -> tuple[ApiKey, str]:
    return making.create("a program", ["read"], quota=None, actor=Actor(None, "ann"))


def test_nobody_changes_or_deletes_a_key(admin_client: Client) -> None:
    key, raw = make()
    before = ApiKey.objects.values().get()
    change = f"{LIST}{key.pk}/change/"
    assert 'name="_save"' not in admin_client.get(change).text
    assert admin_client.post(change, {**FORM, "sha256": "0" * 64}).status_code == 403
    assert admin_client.post(f"{LIST}{key.pk}/delete/", {"post": "yes"}).status_code == 403
    assert ApiKey.objects.values().get() == before
    assert authenticate(raw, "read", None)


def test_the_button_asks_and_then_revokes(admin_client: Client) -> None:
    key, raw = make()
    (address,) = re.findall(r'href="([^"]*/revoke/[^"]*)"', admin_client.get(f"{LIST}{key.pk}/change/").text)
    assert key.prefix in admin_client.get(address).text
    assert authenticate(raw, "read", None)
    response = admin_client.post(f"{LIST}revoke/", {"ids": str(key.pk)}, follow=True)
    assert "1 key was revoked." in response.text and "revoked</td>" in response.text
    with pytest.raises(KeyRefused):
        authenticate(raw, "read", None)
    assert AuditEntry.objects.get(action="key.revoked").username == "admin"
    assert "/revoke/" not in admin_client.get(f"{LIST}{key.pk}/change/").text


def test_the_action_asks_and_then_revokes_those_that_are_not_revoked(admin_client: Client) -> None:
    keys = [make()[0] for _ in range(3)]
    making.revoke(keys[0], actor=Actor(None, "ann"))
    data = {"action": "revoke_selected", "_selected_action": [key.pk for key in keys]}
    response = admin_client.post(LIST, data, follow=True)
    assert [key.prefix in response.text for key in keys] == [False, True, True]
    (ids,) = re.findall(r'name="ids" value="([\d,]+)"', response.text)
    assert "2 keys were revoked." in admin_client.post(f"{LIST}revoke/", {"ids": ids}, follow=True).text
    assert not ApiKey.objects.filter(revoked=None).exists()
    assert AuditEntry.objects.filter(action="key.revoked").count() == 3


@pytest.mark.parametrize("ids", ["", "x", "9" * 30, "1,,2", "99999"])
def test_odd_ids_revoke_nothing(admin_client: Client, ids: str) -> None:
    assert admin_client.get(f"{LIST}revoke/", {"ids": ids}).status_code == 302
    assert "0 keys were revoked." in admin_client.post(f"{LIST}revoke/", {"ids": ids}, follow=True).text


def test_each_needs_its_permission() -> None:
    key, _ = make()
    nobody, viewer = staff(), staff("view_apikey")
    adder, revoker = staff("view_apikey", "add_apikey"), staff("view_apikey", "change_apikey")
    revoke = {"ids": str(key.pk)}
    assert [client.get(LIST).status_code for client in (nobody, viewer)] == [403, 200]
    for client in (nobody, viewer, revoker):
        assert client.post(f"{LIST}add/", FORM).status_code == 403
    for client in (nobody, viewer, adder):
        assert client.get(f"{LIST}revoke/", revoke).status_code == 403
        assert client.post(f"{LIST}revoke/", revoke).status_code == 403
        assert "revoke_selected" not in client.get(LIST).text
    assert ApiKey.objects.filter(revoked=None).count() == 1
    assert shown_key(adder.post(f"{LIST}add/", FORM).text)
    assert revoker.post(f"{LIST}revoke/", revoke).status_code == 302
    key.refresh_from_db()
    assert key.revoked is not None
    assert Client().get(f"{LIST}revoke/", revoke).status_code == 302  # to the login
