"""`classify/` with API keys: which open it, how each other is refused, what the test key gets."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client, RequestFactory
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request

from moderation.api.authentication import HasScope
from moderation.api.views import ClassifyView
from moderation.api_keys import making
from moderation.audit import Actor
from moderation.models import ApiKey, ModelVersion, Screening
from moderation.models.keys import TEST_KEY
from tests.moderation.conftest import by_words, scores_with

pytestmark = pytest.mark.django_db
CLASSIFY = "/api/moderation/classify/"
SCHEMA = "/api/moderation/schema/"
ANN = Actor(None, "ann")


@pytest.fixture(autouse=True)
def model_by_words(version: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    scores_with(monkeypatch, by_words)


def make(scopes: tuple[str, ...] = ("classify",), **options: Any) -> str:
    given: dict[str, Any] = {"quota": None, "actor": ANN, **options}
    return making.create("a program", scopes, **given)[1]


def post(key: str = "", client: Client | None = None, **headers: str) -> Any:
    headers = headers or ({"x-goog-api-key": key} if key else {})
    # A program has no cookies, and so no token against forged requests.
    client = client or Client(enforce_csrf_checks=True)
    return client.post(
        CLASSIFY, json.dumps({"text": "you idiot"}), content_type="application/json", headers=headers
    )


def answer(response: Any) -> tuple[int, str]:
    return response.status_code, response.json().get("detail", "")


def test_a_key_of_the_scope_is_enough_however_it_is_sent() -> None:
    key = make()
    for headers in (
        {"x-goog-api-key": key},
        {"authorization": f"Bearer {key}"},
        {"authorization": f"Api-Key {key}"},
    ):
        response = post(**headers)
        assert response.status_code == 200 and response.json()["label"] == "toxic"
    response = Client().post(f"{CLASSIFY}?key={key}", {"text": "hi"}, content_type="application/json")
    assert response.status_code == 200
    assert response["Referrer-Policy"] == "no-referrer"
    assert ApiKey.objects.get().last_used is not None
    assert Client().get(SCHEMA, headers={"x-goog-api-key": key}).status_code == 200


def test_each_other_key_is_refused_with_its_reason() -> None:
    revoked = make()
    making.revoke(ApiKey.objects.latest("id"), actor=ANN)
    refused = {
        "": (403, "Authentication credentials were not provided."),
        "mod_wrong": (401, "The API key is not valid."),
        TEST_KEY: (401, "The API key is not valid."),
        revoked: (401, "The API key was revoked."),
        make(expires=timezone.now() - timedelta(seconds=1)): (401, "The API key has expired."),
        make(("analyze", "suggest")): (403, "The API key is not for this."),
        make(origins=["https://blog.example"]): (403, "The API key is not for requests from this origin."),
    }
    for key, expected in refused.items():
        response = post(key)
        assert answer(response) == expected
        assert ("WWW-Authenticate" in response) is (expected[0] == 401)
        assert Client().get(SCHEMA, headers={"x-goog-api-key": key}).status_code == expected[0]
    assert not ApiKey.objects.exclude(last_used=None).exists()


def test_a_key_of_an_origin_opens_to_its_pages() -> None:
    key = make(origins=["https://blog.example"])
    assert post(**{"x-goog-api-key": key, "origin": "https://blog.example"}).status_code == 200
    assert post(**{"x-goog-api-key": key, "referer": "https://blog.example/a/page"}).status_code == 200
    assert post(**{"x-goog-api-key": key, "origin": "https://other.example"}).status_code == 403


def test_an_exhausted_key_gets_429_and_others_go_on(settings: Any) -> None:
    key, other = make(quota=2), make(quota=2)
    assert [post(key).status_code for _ in range(3)] == [200, 200, 429]
    response = post(key)
    assert 1 <= int(response["Retry-After"]) <= 60
    assert post(other).status_code == 200


def test_a_key_is_counted_by_its_quota_and_not_by_the_rate_of_visitors(settings: Any) -> None:
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_THROTTLE_RATES": {"moderation_classify": "1/min"},
    }
    key = make(quota=5)
    assert [post(key).status_code for _ in range(6)] == [200] * 5 + [429]


def test_a_key_goes_before_a_session() -> None:
    client = Client()
    client.force_login(User.objects.create_user("sam", is_staff=True))
    assert post(client=client).status_code == 200
    assert post(make(("read",)), client=client).status_code == 403


class TokensOfTheSite(BaseAuthentication):
    """A site's own bearer tokens."""

    def authenticate(self, request: Request) -> Any:
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme == "Bearer" and token != "of-the-site":
            raise AuthenticationFailed("No such token.")
        return (User(is_staff=True), token) if token else None


def test_a_bearer_token_of_the_site_is_left_to_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    key_first = (ClassifyView.authentication_classes[0], TokensOfTheSite)
    monkeypatch.setattr(ClassifyView, "authentication_classes", key_first)
    assert post(authorization="Bearer of-the-site").status_code == 200
    assert answer(post(authorization="Bearer other")) == (403, "No such token.")
    assert post(authorization=f"Bearer {make()}").status_code == 200


@pytest.mark.parametrize("either", [HasScope("read") | IsAdminUser, IsAdminUser | HasScope("read")])
def test_a_scope_can_be_one_way_in_of_two(either: Any) -> None:
    def may(user: Any, key: ApiKey | None) -> bool:
        request = Request(RequestFactory().get("/"))
        request.user, request.auth = user, key  # type: ignore[assignment]
        return bool(either().has_permission(request, None))

    make(("read",))
    assert may(AnonymousUser(), ApiKey.objects.get())
    assert may(User(is_staff=True), None)
    assert not may(AnonymousUser(), None)


def test_the_test_key_gets_fixed_answers_without_a_model(
    settings: Any, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MODERATION = {**settings.MODERATION, "API_TEST_KEY": True, "CLASSIFY_MAX_CHARACTERS": 30}

    def fail(texts: Any) -> Any:
        raise AssertionError("a model was asked")

    scores_with(monkeypatch, fail)

    def ask(data: Any) -> Any:
        return Client().post(
            CLASSIFY, json.dumps(data), content_type="application/json", headers={"x-goog-api-key": TEST_KEY}
        )

    low, high = ask({"texts": ["You idiot", "how TOXIC"]}).json()["results"]
    assert set(low["all_scores"].values()) == {0.1} and low["flagged"] is False
    assert set(high["all_scores"].values()) == {0.9} and high["flagged"] is True
    assert high == ask({"text": "toxic"}).json()
    assert (high["label"], high["confidence"], high["model"]) == ("toxic", 0.9, "test@1")
    assert ask({"text": "x" * 31}).status_code == 413
    assert ask({}).status_code == 400
    assert not ApiKey.objects.exists() and not Screening.objects.exists()


def test_the_schema_names_the_ways_to_send_a_key() -> None:
    response = Client().get(SCHEMA, headers={"x-goog-api-key": make(), "accept": "application/json"})
    schemes = response.data["components"]["securitySchemes"]
    assert {"type": "apiKey", "in": "header", "name": "X-Goog-Api-Key"} in schemes.values()
    assert {"apiKeyHeader": []} in response.data["paths"][CLASSIFY]["post"]["security"]
