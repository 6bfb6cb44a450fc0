"""Whatever is refused is a problem with a code, on whichever site, and costs no more than it must."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from moderation.models import ModelVersion
from tests.moderation.api import ROOT, get, key, person, post, problem
from tests.moderation.conftest import by_words, scores_with
from tests.moderation.test_classify_limits import _on_a_bare_site
from tests.moderation.test_queue import queued

pytestmark = pytest.mark.django_db
LISTS = ("screenings/", "reviews/", "policies/", "model-versions/", "model-versions/active/", "stats/")
ALL = ("view_screening", "review_screening", "view_review", "add_policy", "view_modelversion")
JSON = "application/json"


@pytest.fixture
def client(version: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> Client:
    scores_with(monkeypatch, by_words)
    client = person("ann", *ALL)
    User.objects.update(is_staff=True)
    return client


@pytest.mark.parametrize("path", LISTS)
def test_rest_framework_s_own_refusals_are_problems(client: Client, path: str) -> None:
    assert problem(Client().get(ROOT + path)) == (403, "not_authenticated")
    assert problem(client.put(ROOT + path)) == (405, "method_not_allowed")
    assert problem(client.options(ROOT + path)) == (405, "method_not_allowed")
    assert problem(client.get(ROOT + path, headers={"accept": "text/csv"})) == (406, "not_acceptable")
    assert problem(Client().get(ROOT + path, headers={"x-goog-api-key": "mod_wrong"})) == (401, "unknown")
    assert client.head(ROOT + path).status_code == 200


@pytest.mark.parametrize("path", ["classify/", "reviews/", "policies/"])
def test_bodies_that_are_none_are_problems(client: Client, path: str) -> None:
    for body in ("{", "[" * 100_000, b"\xff", b"\x00", '{"a": NaN}', "1" * 5000, "[]", "null", '"a"'):
        response = post(client, path, body)
        assert problem(response)[0] == 400, body[:20]
        assert len(response.content) < 600
    assert problem(client.post(ROOT + path, b"a=1", content_type="text/plain")) == (
        415,
        "unsupported_media_type",
    )
    assert problem(post(client, path, '{"a": "' + "x" * 2_000_000 + '"}')) == (413, "too_large")


def test_nothing_of_a_text_is_repeated_in_a_problem_or_the_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    row = queued("a secret remark", is_current=False)
    for response in (
        post(client, "reviews/", {"screening": row.pk, "decision": "uphold"}),
        post(client, "reviews/", {"screening": row.pk, "decision": "a secret remark"}),
        post(client, "classify/", {"texts": ["a secret remark", 5]}),
        post(client, "classify/", {"text": "a secret remark", "explain": "a secret remark"}),
        client.get(f"{ROOT}screenings/", {"state": "a secret remark"}),
    ):
        problem(response)
        assert b"secret" not in response.content
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("path", "scope", "rate"),
    [("screenings/", "moderation_read", 300), ("stats/", "moderation_read", 300)],
)
def test_a_caller_who_reads_too_often_gets_429(
    client: Client, settings: Any, path: str, scope: str, rate: int
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {scope: "2/min"}}
    statuses = [client.get(ROOT + path).status_code for _ in range(2)]
    response = client.get(ROOT + path)
    assert statuses == [200, 200] and problem(response) == (429, "throttled")
    assert int(response["Retry-After"]) > 0
    assert get(person("ben", "view_screening"), path)  # another one's requests
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {scope: None}}
    assert client.get(ROOT + path).status_code == 200


@pytest.mark.parametrize("path", ["reviews/", "policies/"])
def test_decisions_are_counted_apart_from_reading(client: Client, settings: Any, path: str) -> None:
    rates = {"moderation_read": "1/min", "moderation_review": "2/min"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    statuses = [client.get(ROOT + path).status_code for _ in range(2)]
    statuses += [post(client, path, {}).status_code for _ in range(3)]
    assert statuses == [200, 429, 400, 400, 429]


def test_a_key_is_counted_by_its_quota(version: ModelVersion) -> None:
    headers = key("read", quota=2)
    responses = [Client().get(f"{ROOT}{path}", headers=headers) for path in ("stats/", "reviews/", "stats/")]
    assert [response.status_code for response in responses] == [200, 200, 429]
    assert problem(responses[2]) == (429, "throttled")


@pytest.mark.parametrize("path", LISTS)
def test_no_transaction_is_open_while_rows_are_read(
    client: Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Where a site has ATOMIC_REQUESTS: on SQLite that is the write lock of the whole site."""
    from django.core.handlers import base

    asked: list[bool] = []
    original = base.BaseHandler.make_view_atomic

    def noting(self: Any, view: Any) -> Any:
        asked.append(view._non_atomic_requests == {"default"})
        return original(self, view)

    monkeypatch.setattr(base.BaseHandler, "make_view_atomic", noting)
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    assert client.get(ROOT + path).status_code == 200
    assert asked == [True]


@pytest.mark.parametrize(
    "rest_framework",
    [
        {},
        {
            "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.NamespaceVersioning",
            "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
            "PAGE_SIZE": 1,
        },
        {
            "DEFAULT_SCHEMA_CLASS": "rest_framework.schemas.openapi.AutoSchema",
            "EXCEPTION_HANDLER": "tests.nowhere.handler",
            "URL_FORMAT_OVERRIDE": "as",
        },
        {
            "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.ScopedRateThrottle"],
            "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FormParser"],
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
        },
    ],
    ids=str,
)
def test_every_address_answers_alike_whatever_the_site_set(rest_framework: dict[str, Any]) -> None:
    printed = _on_a_bare_site(
        rest_framework,
        "import json\n"
        "for path in ('screenings/', 'screenings/x/', 'reviews/', 'policies/', 'model-versions/',\n"
        "             'model-versions/active/', 'stats/'):\n"
        "    for method in ('get', 'patch'):\n"
        "        response = getattr(Client(), method)('/api/moderation/' + path)\n"
        "        told = response.json()\n"
        "        print(json.dumps([response.status_code, response['Content-Type'], told['code']]))\n",
    )
    answers = [json.loads(line) for line in printed.splitlines()]
    assert len(answers) == 14
    assert {tuple(answer[1:]) for answer in answers} == {
        ("application/problem+json", "not_authenticated"),
        ("application/problem+json", "method_not_allowed"),
    }
    assert {answer[0] for answer in answers} <= {401, 403, 405}
