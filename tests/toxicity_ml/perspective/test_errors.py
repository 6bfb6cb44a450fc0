"""What a client is told, case by case: code, status, message, details."""

from __future__ import annotations

import pytest

from tests.toxicity_ml.perspective.fakes import ANALYZE, SUGGEST, FakeSite, parsed
from toxicity_ml.perspective import errors
from toxicity_ml.perspective.errors import Busy, ModelUnavailable
from toxicity_ml.perspective.service import WireRequest

TOXICITY = {"requestedAttributes": {"TOXICITY": {}}}


def comment(text: str, **fields: object) -> dict[str, object]:
    return {"comment": {"text": text, **fields}}


def refused(error_type: str, **reason: object) -> dict[str, object]:
    kind = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"
    return {"@type": kind, "errorType": error_type, **reason}


def language_refused(attribute: str, **languages: list[str]) -> dict[str, object]:
    reason = {"attribute": attribute, **languages}
    return refused("LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE", languageNotSupportedByAttributeError=reason)


CASES = {
    "an empty comment": (
        comment("") | TOXICITY,
        "Comment must be non-empty.",
        [refused("COMMENT_EMPTY")],
    ),
    "no comment": (TOXICITY, "Comment must be non-empty.", [refused("COMMENT_EMPTY")]),
    "no body": ({}, "Comment must be non-empty.", [refused("COMMENT_EMPTY")]),
    "one byte too many": (
        comment("a" * 20_481) | TOXICITY,
        "Comment text was too many bytes. Value (20481) exceeded limit (20480).",
        [refused("COMMENT_TOO_LONG")],
    ),
    "5,200 emoji, which are 20,800 bytes": (
        comment("\N{GRINNING FACE}" * 5200) | TOXICITY,
        "Comment text was too many bytes. Value (20800) exceeded limit (20480).",
        [refused("COMMENT_TOO_LONG")],
    ),
    "no attributes": (
        comment("hello"),
        "Missing requested_attributes",
        [refused("NO_REQUESTED_ATTRIBUTES")],
    ),
    "a language that the model lacks, detected": (
        comment("un chat") | {"requestedAttributes": {"INSULT": {}, "TOXICITY": {}}},
        "Attribute INSULT does not support request languages: fr",
        [language_refused("INSULT", detectedLanguages=["fr"])],
    ),
    "a script that the model lacks, requested": (
        comment("hello", type="PLAIN_TEXT") | TOXICITY | {"languages": ["ja-Latn"]},
        "Attribute TOXICITY does not support request languages: ja-Latn",
        [language_refused("TOXICITY", detectedLanguages=["en"], requestedLanguages=["ja-Latn"])],
    ),
    "several languages that the model lacks": (
        comment("hello") | TOXICITY | {"languages": ["fr", "en", "de"]},
        "Attribute TOXICITY does not support request languages: fr, de",
        [language_refused("TOXICITY", detectedLanguages=["en"], requestedLanguages=["fr", "en", "de"])],
    ),
    "a text of no language": (
        comment("zxqv") | TOXICITY,
        "Unable to detect language",
        [refused("LANGUAGE_DETECTION_FAILED")],
    ),
    "an unknown attribute": (
        comment("hello") | {"requestedAttributes": {"TOXICITY": {}, "FLIRTATION": {}}},
        "Unknown requested attribute: FLIRTATION",
        [refused("INVALID_REQUEST")],
    ),
    "another score type": (
        comment("hello") | {"requestedAttributes": {"TOXICITY": {"scoreType": "PERCENTILE"}}},
        "Requested score type PERCENTILE is not supported by attribute TOXICITY",
        [refused("INVALID_REQUEST")],
    ),
    "HTML": (
        comment("<b>hello</b>", type="HTML") | TOXICITY,
        "Currently, only 'PLAIN_TEXT' comments are supported",
        [refused("INVALID_REQUEST")],
    ),
    "an unknown text type": (
        comment("hello", type="MARKDOWN") | TOXICITY,
        "Unknown text type",
        [refused("INVALID_REQUEST")],
    ),
    "a context of both kinds": (
        comment("hello")
        | TOXICITY
        | {"context": {"entries": [{"text": "a"}], "articleAndParentComment": {"article": {"text": "b"}}}},
        "Context can have either entries or article_and_parent_comment, but both fields were populated.",
        [refused("INVALID_REQUEST")],
    ),
}


@pytest.mark.parametrize(("body", "message", "details"), CASES.values(), ids=CASES)
def test_a_request_that_is_refused_says_why_to_the_letter(
    body: dict[str, object], message: str, details: list[dict[str, object]]
) -> None:
    response = FakeSite().post(body)
    error = {"code": 400, "message": message, "status": "INVALID_ARGUMENT", "details": details}
    assert response.status == 400
    assert parsed(response) == {"error": error}
    assert list(parsed(response)["error"]["details"][0]) == list(details[0])
    assert response.headers["Content-Type"] == "application/json; charset=UTF-8"


HELLO = comment("hello") | TOXICITY


def test_a_bad_key_is_refused_with_400() -> None:
    response = FakeSite().post(HELLO, key="guess")
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "commentanalyzer.googleapis.com"},
    }
    assert response.status == 400
    assert parsed(response)["error"] == {
        "code": 400,
        "message": "API key not valid. Please pass a valid API key.",
        "status": "INVALID_ARGUMENT",
        "details": [info],
    }


def test_a_missing_key_is_refused_with_403() -> None:
    response = FakeSite().post(HELLO, key=None)
    assert response.status == 403
    assert parsed(response)["error"] == {
        "code": 403,
        "message": "Method doesn't allow unregistered callers (callers without established identity). Please "
        "use API Key or other form of API consumer identity to call this API.",
        "status": "PERMISSION_DENIED",
    }


def test_an_exhausted_quota_is_told_as_google_tells_it() -> None:
    response = FakeSite().post(HELLO, key="spent")
    error = parsed(response)["error"]
    assert (response.status, error["code"], error["status"]) == (429, 429, "RESOURCE_EXHAUSTED")
    assert error["message"] == (
        "Quota exceeded for quota metric 'Analysis requests (AnalyzeComment)' and limit 'Analysis requests "
        "(AnalyzeComment) per minute' of service 'commentanalyzer.googleapis.com' for consumer "
        "'project_number:7'."
    )
    info, help_ = error["details"]
    assert info["reason"] == "RATE_LIMIT_EXCEEDED"
    assert info["metadata"] == {
        "service": "commentanalyzer.googleapis.com",
        "consumer": "projects/7",
        "quota_limit": "AnalyzeRequestsPerMinutePerProject",
        "quota_limit_value": "60",
        "quota_location": "global",
        "quota_metric": "CommentAnalyzerService/analyze_requests",
    }
    assert help_["@type"] == "type.googleapis.com/google.rpc.Help"
    assert response.headers["Retry-After"] == "60"


def test_a_disabled_service_is_told_as_google_tells_it() -> None:
    error = errors.service_disabled("projects/7").envelope()["error"]
    assert isinstance(error, dict)
    assert (error["code"], error["status"]) == (403, "PERMISSION_DENIED")
    assert "has not been used in project 7 before or it is disabled" in error["message"]
    assert error["details"][0]["reason"] == "SERVICE_DISABLED"


def test_a_key_of_another_scope_is_refused_with_403() -> None:
    site = FakeSite()
    body = comment("hello") | {"attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}}}
    response = site.post(body, SUGGEST, key="analyze-only")
    assert (response.status, parsed(response)["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert site.suggestions.received == []


@pytest.mark.parametrize("path", ["/", "/v1alpha1/comments:analyse", f"{ANALYZE}/", "/v1/comments:analyze"])
def test_a_wrong_path_is_a_page(path: str) -> None:
    response = FakeSite().post(HELLO, path)
    assert response.status == 404
    assert response.headers["Content-Type"].startswith("text/html")
    assert b"404" in response.body


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ANALYZE), ("DELETE", SUGGEST), ("GET", "/batch"), ("POST", "/$discovery/rest")],
)
def test_another_http_method_is_refused_and_the_right_one_named(method: str, path: str) -> None:
    response = FakeSite().service.handle(WireRequest(method, path, [("key", "good")]))
    assert response.status == 405
    assert parsed(response)["error"]["code"] == 405
    assert ("POST" if path != "/$discovery/rest" else "GET") in response.headers["Allow"]


@pytest.mark.parametrize(("error", "seconds"), [(Busy(2), "2"), (ModelUnavailable(30), "30")])
def test_an_engine_that_cannot_score_now_is_unavailable(error: Exception, seconds: str) -> None:
    site = FakeSite()
    site.engine.error = error
    response = site.post(HELLO)
    assert (response.status, parsed(response)["error"]["status"]) == (503, "UNAVAILABLE")
    assert response.headers["Retry-After"] == seconds


def test_a_fault_of_ours_tells_nothing_and_logs_no_text(caplog: pytest.LogCaptureFixture) -> None:
    site = FakeSite()
    site.engine.error = RuntimeError("could not score: hello")
    response = site.post(HELLO)
    assert response.status == 500
    assert parsed(response)["error"] == {
        "code": 500,
        "message": "Internal error encountered.",
        "status": "INTERNAL",
    }
    [record] = caplog.records
    assert "RuntimeError" in record.getMessage()
    assert "hello" not in caplog.text and "good" not in caplog.text
    assert record.exc_info is None
