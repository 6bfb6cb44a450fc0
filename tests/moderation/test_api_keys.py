"""Keys to the API: made, withdrawn, checked, counted, found in a request."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import RequestFactory
from django.utils import timezone

from moderation.api_keys import authentication, making, quota
from moderation.api_keys.authentication import authenticate
from moderation.api_keys.fixed_answers import fixed_scores
from moderation.api_keys.origins import normalised
from moderation.api_keys.refusals import KeyRefused, QuotaExceeded, Reason
from moderation.api_keys.requests import (
    PresentedKey,
    find_key,
    hide_key,
    hide_tokens,
    is_ours,
    origin_of,
    take_key,
    without_key,
)
from moderation.audit import Actor
from moderation.models import ApiKey, AuditEntry
from moderation.models.keys import TEST_KEY, sha256_of
from tests.moderation.conftest import locked_by_somebody

pytestmark = pytest.mark.django_db
ANN = Actor(None, "ann")


def make(**options: Any) -> tuple[ApiKey, str]:
    given: dict[str, Any] = {"scopes": ["classify"], "quota": None, "actor": ANN, **options}
    return making.create("a blog", given.pop("scopes"), **given)


def reason(raw: str | None, scope: str | None = "classify", origin: str | None = None) -> Reason:
    with pytest.raises(KeyRefused) as refused:
        authenticate(raw, scope, origin)
    assert not raw or raw not in str(refused.value)
    return refused.value.reason


def test_a_key_has_32_random_bytes_and_is_stored_as_its_hash_alone() -> None:
    key, raw = make()
    assert re.fullmatch(r"mod_[\w-]{43}", raw)
    stored = ApiKey.objects.values().get()
    assert stored["sha256"] == sha256_of(raw)
    assert stored["prefix"] == raw[:12]
    assert not any(raw in str(value) for value in stored.values())
    assert make()[1] != raw
    assert authenticate(raw, "classify", None) == key


def test_making_and_revoking_stand_in_the_audit_trail_without_the_key() -> None:
    key, raw = make()
    assert making.revoke(key, actor=ANN)
    assert not making.revoke(key, actor=ANN)
    entries = AuditEntry.objects.order_by("id")
    assert [(entry.action, entry.username) for entry in entries] == [
        ("key.created", "ann"),
        ("key.revoked", "ann"),
    ]
    told = "".join(f"{entry.before}{entry.after}" for entry in entries)
    assert key.prefix in told and raw not in told and key.sha256 not in told


@pytest.mark.parametrize("scopes", [[], ["everything"], ["classify", "admin"]])
def test_a_key_needs_known_scopes(scopes: list[str]) -> None:
    with pytest.raises(ValueError, match="scope"):
        make(scopes=scopes)
    assert not ApiKey.objects.exists() and not AuditEntry.objects.exists()


def test_each_reason_to_refuse_a_key_is_told() -> None:
    key, raw = make(scopes=["analyze"])
    assert [reason(raw_key) for raw_key in (None, "")] == [Reason.MISSING] * 2
    assert [reason(raw_key) for raw_key in ("x", raw[:-1], key.sha256, "\ud800")] == [Reason.UNKNOWN] * 4
    assert reason(raw, "classify") is Reason.SCOPE
    assert authenticate(raw, "analyze", None) == authenticate(raw, None, None) == key
    ApiKey.objects.update(expires=timezone.now())
    assert reason(raw, "analyze") is Reason.EXPIRED
    making.revoke(key, actor=ANN)
    assert reason(raw, "analyze") is Reason.REVOKED


def test_a_key_of_some_origins_opens_nothing_to_others() -> None:
    _, raw = make(origins=["https://Blog.example/", "http://localhost:3000"])
    assert authenticate(raw, "classify", "https://blog.example")
    assert authenticate(raw, "classify", "http://localhost:3000")
    for origin in (None, "https://other.example", "http://blog.example", "https://blog.example.evil.test"):
        assert reason(raw, origin=origin) is Reason.ORIGIN


def test_origins_have_one_spelling() -> None:
    assert normalised(" HTTPS://Example.ORG:443/ ") == "https://example.org"
    assert normalised("http://[::1]:8000") == "http://[::1]:8000"
    for wrong in ("example.org", "https://example.org/page", "ftp://a.b", "https://", "https://a?b", "*"):
        with pytest.raises(ValueError, match="no origin"):
            normalised(wrong)


def test_the_last_use_is_noted_once_a_minute() -> None:
    key, raw = make()
    authenticate(raw, "classify", None)
    first = ApiKey.objects.get().last_used
    assert first is not None
    authenticate(raw, "classify", None)
    assert ApiKey.objects.get().last_used == first
    ApiKey.objects.update(last_used=first - timedelta(minutes=2))
    authenticate(raw, "classify", None)
    assert ApiKey.objects.get().last_used >= first
    with pytest.raises(KeyRefused):
        authenticate(raw, "read", None)
    assert key.last_used is None


@pytest.mark.django_db(transaction=True)
def test_a_key_works_while_somebody_else_has_its_row_or_the_database_locked() -> None:
    key, raw = make()
    with locked_by_somebody(ApiKey.objects.all()):
        assert authenticate(raw, "classify", None) == key
        assert ApiKey.objects.get().last_used is None
    assert authenticate(raw, "classify", None) == key
    assert ApiKey.objects.get().last_used is not None
    if connection.vendor == "sqlite":  # and who writes next waits as before
        with connection.cursor() as cursor:
            assert cursor.execute("PRAGMA busy_timeout").fetchone()[0] == 20_000


def test_a_use_that_cannot_be_noted_leaves_the_transaction_of_the_request_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key, raw = make()

    def fail(rows: Any, **columns: Any) -> int:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT * FROM no_such_table")
        return 1

    monkeypatch.setattr(authentication, "update_if_free", fail)
    with transaction.atomic():
        assert authenticate(raw, "classify", None) == key
        assert ApiKey.objects.count() == 1


def test_a_quota_is_used_up_by_requests_and_back_in_the_next_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    key, other = make(quota=3)[0], make(quota=1)[0]
    monkeypatch.setattr(quota.time, "time", lambda: 60_000.5)
    quota.charge(key)
    quota.charge(key, requests=2)
    quota.charge(other)
    with pytest.raises(QuotaExceeded) as exceeded:
        quota.charge(key)
    assert (exceeded.value.reason, exceeded.value.quota, exceeded.value.retry_after) == (Reason.QUOTA, 3, 60)
    monkeypatch.setattr(quota.time, "time", lambda: 60_060.0)
    quota.charge(key)


def test_without_a_cache_requests_go_through(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    key = make(quota=1)[0]
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    quota.charge(key, requests=2)
    assert "not counted" in caplog.text


def test_the_test_key_is_off_by_default_and_then_leaves_nothing_behind(settings: Any) -> None:
    assert reason(TEST_KEY) is Reason.UNKNOWN
    settings.MODERATION = {**settings.MODERATION, "API_TEST_KEY": True}
    cache.clear()
    key = authenticate(TEST_KEY, "classify", "https://anywhere.example")
    assert key.is_test
    assert {reason(TEST_KEY, scope) for scope in ("read", "review")} == {Reason.SCOPE}
    for _ in range(1000):
        quota.charge(key)
    assert not ApiKey.objects.exists()
    assert not make()[0].is_test


def test_fixed_answers_depend_on_the_text_alone() -> None:
    assert fixed_scores("How TOXIC!", ["THREAT", "INSULT"]) == {"THREAT": 0.9, "INSULT": 0.9}
    assert fixed_scores("How nice!", ["THREAT"]) == {"THREAT": 0.1}


KEY = "mod_" + "a" * 43


def found(request: Any) -> str | None:
    presented = find_key(request)
    return presented.raw if presented else None


def test_a_key_is_found_in_the_query_then_the_header_then_the_authorization() -> None:
    factory = RequestFactory()
    headers = {"x-goog-api-key": "second", "authorization": "Bearer third"}
    assert found(factory.post("/x?key=first&alt=json", headers=headers)) == "first"
    assert found(factory.post("/x?key=", headers=headers)) == "second"
    assert found(factory.post("/x", headers={"authorization": "Bearer third"})) == "third"
    assert found(factory.post("/x", headers={"authorization": "api-key  third "})) == "third"
    for authorization in ("Basic YTpi", "Bearer", "Bearer ", "", "third"):
        assert found(factory.post("/x", headers={"authorization": authorization})) is None


@pytest.mark.parametrize(
    "query", [f"alt=json&key={KEY}", f"%6bey={KEY}&alt=json", f"key={KEY}&alt=json&key=b"]
)
def test_a_hidden_key_is_nowhere_in_the_request_but_is_still_found(query: str) -> None:
    request = RequestFactory().get(
        f"/x?{query}",
        headers={"x-goog-api-key": KEY, "referer": f"https://site.example/?{query}#top"},
        RAW_URI=f"/x?{query}",
        REQUEST_URI=f"/x?{query}",
    )
    request.GET  # noqa: B018 - as an earlier middleware may have
    hide_key(request)
    assert KEY not in str(request.META) + str(request.GET) + request.get_full_path() + repr(request)
    assert KEY not in repr(vars(request))
    assert request.GET.dict() == {"alt": "json"}
    assert request.META["RAW_URI"] == request.META["REQUEST_URI"] == "/x?alt=json"
    assert request.META["HTTP_REFERER"] == "https://site.example/?alt=json#top"
    assert found(request) == found(request) == KEY


def test_tokens_are_hidden_before_and_after_the_key_is() -> None:
    query = "access_token=ya29&alt=json&%6fauth_token=1%2F0&key=abc"
    for steps in ((hide_tokens, hide_key), (hide_key, hide_tokens)):
        request = RequestFactory().get(f"/x?{query}", RAW_URI=f"/x?{query}")
        request.scope = {"query_string": query.encode()}
        for step in steps:
            step(request)
        assert request.META["QUERY_STRING"] == "alt=json"
        assert request.META["RAW_URI"] == request.get_full_path() == "/x?alt=json"
        assert request.scope == {"query_string": b"alt=json"}
        assert found(request) == "abc"


def test_an_asgi_server_logs_no_key_either() -> None:
    from django.core.handlers.asgi import ASGIRequest

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": [], "query_string": b"key=abc&a=%20b"}
    request = ASGIRequest(scope, None)  # type: ignore[arg-type]
    hide_key(request)
    assert scope["query_string"] == b"a=%20b"
    assert found(request) == "abc" and request.get_full_path() == "/x?a=%20b"


def test_what_is_left_of_a_query_stays_as_it_is() -> None:
    assert take_key("a=%20b&key=x+y&&monkey=1&A=%C3") == ("x y", "a=%20b&&monkey=1&A=%C3")
    assert take_key("") == (None, "")
    assert take_key("a=1&key") == (None, "a=1")
    assert without_key("/p?key=1#f") == "/p#f"
    assert without_key("*") == "*"


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/?key=mod_x", True),
        ("/?key=AIzaX", True),
        ("/?key=confirmation", False),
        ("/?monkey=mod_x", False),
        ("/api/moderation/classify/?key=wrong", True),
        ("/no/such/page?key=wrong", True),
        ("/", False),
    ],
)
def test_a_parameter_of_the_site_s_own_pages_is_left_alone(path: str, ours: bool) -> None:
    assert is_ours(RequestFactory().get(path)) is ours


def test_the_origin_is_that_of_the_page() -> None:
    factory = RequestFactory()
    assert origin_of(factory.get("/", headers={"origin": "https://A.example"})) == "https://a.example"
    assert origin_of(factory.get("/", headers={"referer": "https://a.example:444/p?q"})) == (
        "https://a.example:444"
    )
    for headers in ({}, {"origin": "null"}, {"referer": "about:blank"}, {"origin": "https://a:b"}):
        assert origin_of(factory.get("/", headers=headers)) is None


def test_a_bearer_may_be_somebody_else_s() -> None:
    factory = RequestFactory()
    foreign = find_key(factory.get("/", headers={"authorization": "Bearer eyJ0"}))
    own = find_key(factory.get("/", headers={"authorization": f"Bearer {KEY}"}))
    assert isinstance(foreign, PresentedKey) and foreign.may_be_foreign
    assert isinstance(own, PresentedKey) and not own.may_be_foreign
