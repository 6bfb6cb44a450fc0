"""The OpenAPI description and its page; and the API is as described, for requests that nobody thought of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import positive_data_acceptance

from moderation.api.urls import urlpatterns
from moderation.models import ModelVersion, Screening
from moderation.review.decisions import decide
from tests.forum.models import Post
from tests.moderation.api import ROOT, key, person, problem
from tests.moderation.conftest import by_words, scores_with, screen
from tests.moderation.test_queue import queued

pytestmark = pytest.mark.django_db
ALL = ("review_screening", "view_review", "add_policy", "view_modelversion")
EXAMPLES = 20
OPERATIONS = (
    ("POST", "classify/"),
    ("GET", "screenings/"),
    ("GET", "screenings/{id}/"),
    ("GET", "reviews/"),
    ("POST", "reviews/"),
    ("POST", "reviews/{id}/undo/"),
    ("POST", "reports/"),
    ("GET", "notices/"),
    ("POST", "second-looks/"),
    ("GET", "policies/"),
    ("POST", "policies/"),
    ("GET", "model-versions/"),
    ("GET", "model-versions/active/"),
    ("GET", "model-versions/{id}/"),
    ("GET", "stats/"),
    ("GET", "schema/"),
)
TAKE_NOTHING = (("GET", "model-versions/active/"), ("GET", "stats/"), ("GET", "schema/"))
"""Nothing can be wrong with a request to these; an empty `format` is none."""
TOKEN = "a" * 32
load_all_checks()


@pytest.fixture
def client(version: ModelVersion, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Client:
    """Somebody who may everything, on a site with an item of each kind."""
    rates = dict.fromkeys(("moderation_classify", "moderation_read", "moderation_review"))
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 1.0, "BLIND_SHARE": 0.5}
    scores_with(monkeypatch, by_words)
    client = person("ann", *ALL)
    User.objects.update(is_staff=True)
    for text in ("you idiot", "you idiot too", "I kill you", "a nice remark", "an idiot, judged"):
        Post.objects.create(body=text)
    screen()
    queued("broken", 0.0, status="failed", verdict="", queued_for="failed")
    judged = Screening.objects.get(text="an idiot, judged")
    decide(judged.pk, reviewer=User.objects.get(), kind="false_positive")
    return client


@pytest.fixture
def described(client: Client) -> Iterator[Any]:
    """The description, with the application behind it, which keeps the connection as Django's client does."""
    description = openapi(client)
    for methods in description["paths"].values():
        for operation in methods.values():
            del operation["security"]  # or most requests would come with a made-up key, and get no further
    schema = schemathesis.openapi.from_dict(description)
    schema.app = get_wsgi_application()
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield schema
    for signal in signals:
        signal.connect(close_old_connections)


def openapi(client: Client) -> dict[str, Any]:
    response = client.get(f"{ROOT}schema/", {"format": "json"})
    assert response.status_code == 200
    described: dict[str, Any] = json.loads(response.content)
    return described


def test_every_address_is_described(client: Client) -> None:
    paths = openapi(client)["paths"]
    there = {f"{ROOT}{pattern.pattern}".replace("<str:id>", "{id}") for pattern in urlpatterns}
    assert set(paths) == there - {f"{ROOT}docs/"}
    methods = {(method.upper(), path.removeprefix(ROOT)) for path in paths for method in paths[path]}
    assert methods == set(OPERATIONS)


def test_every_refusal_is_described_as_a_problem(client: Client) -> None:
    for methods in openapi(client)["paths"].values():
        for operation in methods.values():
            refusals = {status for status in operation["responses"] if status >= "400"}
            assert refusals >= {"401", "403", "406", "429"}
            for status in refusals:
                (media_type,) = operation["responses"][status]["content"]
                assert media_type == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        *((*operation, GenerationMode.POSITIVE) for operation in OPERATIONS),
        *((*operation, GenerationMode.NEGATIVE) for operation in OPERATIONS if operation not in TAKE_NOTHING),
    ],
)
def test_whatever_is_sent_is_answered_as_described(
    client: Client, described: Any, method: str, path: str, mode: GenerationMode
) -> None:
    operation = described[ROOT + path][method]
    cookies = {"sessionid": client.cookies["sessionid"].value, "csrftoken": TOKEN}
    headers = {"X-CSRFToken": TOKEN}
    answered: list[int] = []

    @given(case=operation.as_strategy(generation_mode=mode))
    @hypothesis_settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        response = case.call(headers=headers, cookies=cookies)
        answered.append(response.status_code)
        # What a description can't say, such as which labels there are, is refused as well.
        case.validate_response(response, headers=headers, excluded_checks=[positive_data_acceptance])

    ask()
    assert answered and max(answered) < 500


def test_the_description_and_the_page_are_for_those_who_may_call(version: ModelVersion) -> None:
    for path in ("schema/", "docs/"):
        assert problem(Client().get(ROOT + path)) == (403, "not_authenticated")
        assert problem(person(f"otto {path}").get(ROOT + path))[0] == 403
        assert Client().get(ROOT + path, headers=key("analyze")).status_code == 403
        assert Client().get(ROOT + path, headers=key("read")).status_code == 200
        assert person(f"ann {path}", "review_screening").get(ROOT + path).status_code == 200


@pytest.mark.parametrize(
    "query", ["version=%0a", "version=%00", "lang=%00", "lang=xx", "format=json&lang=../../x", "format=yaml"]
)
def test_no_parameter_breaks_the_description(client: Client, query: str) -> None:
    assert client.get(f"{ROOT}schema/?{query}").status_code == 200
    assert problem(client.get(f"{ROOT}schema/?format=xml")) == (404, "not_found")
    assert problem(client.get(f"{ROOT}schema/", headers={"accept": "text/csv"})) == (406, "not_acceptable")


def elements(page: str, pattern: str) -> Iterator[str]:
    return (match[1] for match in re.finditer(pattern, page))


def test_the_page_has_every_address_and_nothing_from_elsewhere(client: Client) -> None:
    response = client.get(f"{ROOT}docs/", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    page = response.content.decode()
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in response["Content-Security-Policy"]
    for method, path in OPERATIONS:
        assert f"<b>{method}</b> <code>{ROOT}{path}</code>" in page
    assert "<script" not in page and "style=" not in page and "//" not in page.replace("<!doctype", "")
    assert set(elements(page, r'<link [^>]*href="([^"]*)"')) == {"/static/moderation/api.css"}


def test_every_link_of_the_page_leads_somewhere(client: Client) -> None:
    page = client.get(f"{ROOT}docs/").content.decode()
    places = set(elements(page, r' id="([^"]*)"'))
    links = list(elements(page, r'href="#([^"]*)"'))
    assert links and [link for link in links if link not in places] == []
