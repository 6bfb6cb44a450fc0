"""Addresses, keys, CORS, discovery, and what comes with every answer."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest

from tests.toxicity_ml.perspective.fakes import ANALYZE, ROOT, FakeSite, parsed
from toxicity_ml.perspective.errors import Metric
from toxicity_ml.perspective.service import ServiceOptions, WireRequest

HELLO = {"comment": {"text": "hello"}, "requestedAttributes": {"TOXICITY": {}}}

PRESENTED = {
    "in the query": ([("key", "good")], {}),
    "in a header of its own": ([], {"x-goog-api-key": "good"}),
    "as a bearer token": ([], {"authorization": "Bearer good"}),
    "in the query before a header": ([("key", "good")], {"x-goog-api-key": "guess"}),
    "empty in the query": ([("key", "")], {"authorization": "bearer  good"}),
}


@pytest.mark.parametrize(("query", "headers"), PRESENTED.values(), ids=PRESENTED)
def test_a_key_is_taken_from_where_clients_put_it(
    query: list[tuple[str, str]], headers: dict[str, str]
) -> None:
    site = FakeSite()
    assert site.post(HELLO, key=None, query=query, headers=headers).status == 200
    assert site.keys.charged == [Metric.ANALYZE]


@pytest.mark.parametrize("headers", [{"authorization": "Basic good"}, {"authorization": "good"}, {}])
def test_other_authorization_is_no_key(headers: dict[str, str]) -> None:
    assert FakeSite().post(HELLO, key=None, headers=headers).status == 403


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"origin": "https://a.example"}, "https://a.example"),
        ({"referer": "https://a.example/page?x=1"}, "https://a.example"),
        ({"referer": "https://[bad"}, None),
        ({}, None),
    ],
)
def test_the_origin_of_a_request_is_told_to_the_keys(headers: dict[str, str], origin: str | None) -> None:
    site = FakeSite()
    site.post(HELLO, headers=headers)
    assert site.keys.origins == [origin]


CONTENT_TYPES = [
    "",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "application/json",
]


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_the_content_type_of_a_request_does_not_matter(content_type: str) -> None:
    assert FakeSite().post(HELLO, headers={"content-type": content_type}).status == 200


def test_parameters_of_googles_libraries_are_accepted_and_never_make_a_script() -> None:
    names = [
        "alt",
        "fields",
        "quotaUser",
        "callback",
        "access_token",
        "oauth_token",
        "uploadType",
        "upload_protocol",
        "$.xgafv",
    ]
    response = FakeSite().post(HELLO, query=[(name, "json") for name in names])
    assert parsed(response)["attributeScores"]
    assert response.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_answers_are_indented_unless_that_is_switched_off() -> None:
    assert FakeSite().post(HELLO).body.startswith(b'{\n  "attributeScores"')
    compact = FakeSite().post(HELLO, query=[("prettyPrint", "false")]).body
    assert compact.startswith(b'{"attributeScores":{"TOXICITY":{"spanScores":[{"begin":0,')


@pytest.mark.parametrize("key", ["good", "guess", None])
def test_a_page_of_any_origin_may_read_answers_and_errors(key: str | None) -> None:
    response = FakeSite().post(HELLO, key=key, headers={"origin": "https://a.example"})
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_a_preflight_is_answered_without_a_key() -> None:
    headers = {
        "origin": "https://a.example",
        "access-control-request-headers": "content-type, x-goog-api-key",
    }
    response = FakeSite().service.handle(WireRequest("OPTIONS", ANALYZE, [], headers))
    assert response.status == 204
    assert response.body == b""
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert response.headers["Access-Control-Allow-Headers"] == "content-type, x-goog-api-key"
    assert int(response.headers["Access-Control-Max-Age"]) > 0


def test_a_preflight_puts_no_other_header_into_the_answer() -> None:
    headers = {"access-control-request-headers": "a\r\nSet-Cookie: b"}
    response = FakeSite().service.handle(WireRequest("OPTIONS", ANALYZE, [], headers))
    assert "Set-Cookie" not in response.headers["Access-Control-Allow-Headers"]


def discovery(**query: str) -> WireRequest:
    return WireRequest("GET", "/$discovery/rest", list(query.items()), root_url=ROOT)


def test_the_discovery_document_tells_where_the_two_methods_are() -> None:
    document = parsed(FakeSite().service.handle(discovery(version="v1alpha1")))
    assert (document["name"], document["version"]) == ("commentanalyzer", "v1alpha1")
    assert (document["rootUrl"], document["servicePath"], document["batchPath"]) == (ROOT, "", "batch")
    methods = document["resources"]["comments"]["methods"]
    assert {
        name: (method["id"], method["path"], method["httpMethod"]) for name, method in methods.items()
    } == {
        "analyze": ("commentanalyzer.comments.analyze", "v1alpha1/comments:analyze", "POST"),
        "suggestscore": ("commentanalyzer.comments.suggestscore", "v1alpha1/comments:suggestscore", "POST"),
    }
    assert "auth" not in document


def test_every_schema_that_the_document_refers_to_is_in_it() -> None:
    document = parsed(FakeSite().service.handle(discovery()))
    text = json.dumps(document)
    named = {part.split('"')[0] for part in text.split('"$ref": "')[1:]}
    assert named <= set(document["schemas"])
    assert all(name == schema["id"] for name, schema in document["schemas"].items())


def test_discovery_asks_no_key_and_refuses_a_bad_one() -> None:
    site = FakeSite()
    assert site.service.handle(discovery()).status == 200
    assert site.keys.origins == []
    assert site.service.handle(discovery(key="good")).status == 200
    refused = site.service.handle(discovery(key="guess"))
    assert parsed(refused)["error"]["message"] == "API key not valid. Please pass a valid API key."


def test_another_version_is_not_there() -> None:
    assert FakeSite().service.handle(discovery(version="v2")).status == 404


def test_a_body_beyond_the_bound_is_refused_before_it_is_read() -> None:
    site = FakeSite(service_options=ServiceOptions(max_body_bytes=100))
    response = site.post(b'{"a": "' + b"x" * 100)
    assert (response.status, parsed(response)["error"]["status"]) == (413, "INVALID_ARGUMENT")


def test_nothing_is_read_for_a_caller_without_quota() -> None:
    site = FakeSite()
    assert site.post(b"\xff", key="spent").status == 429
    assert site.post(b"\xff", key="guess").status == 400
    assert site.engine.scored == []


def test_neither_key_nor_text_is_in_a_log_or_in_what_is_printed(caplog: pytest.LogCaptureFixture) -> None:
    site = FakeSite()
    with caplog.at_level(logging.DEBUG):
        site.post(HELLO)
        site.post({"comment": {"text": "hello"}, "requestedAttributes": 5})
        site.engine.error = ValueError("hello good")
        site.post(HELLO)
    assert "hello" not in caplog.text and "good" not in caplog.text
    request = WireRequest("POST", ANALYZE, [("key", "good")], {"authorization": "Bearer good"}, b"hello")
    shown = repr(request) + repr(site.service.handle(request))
    assert "hello" not in shown and "good" not in shown


def test_the_room_loads_no_model_library_and_no_framework() -> None:
    code = (
        "import sys, toxicity_ml.perspective.service\n"
        "heavy = {'numpy', 'onnxruntime', 'torch', 'django', 'fastapi', 'tokenizers'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
