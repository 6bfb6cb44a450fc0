"""Requests as values, and fields of a wrong type."""

from __future__ import annotations

from typing import Any

import pytest

from tests.toxicity_ml.perspective.fakes import SUGGEST, FakeSite, parsed
from toxicity_ml.perspective.errors import WireError
from toxicity_ml.perspective.requests import (
    MAX_ATTRIBUTES,
    AnalyzeRequest,
    AttributeParameters,
    Comment,
    Context,
    Score,
    SpanScore,
    SuggestedScores,
    parse_analyze,
    parse_suggest,
)


def test_camel_case_and_snake_case_name_the_same_fields() -> None:
    camel = {
        "comment": {"text": "hi", "type": "PLAIN_TEXT"},
        "requestedAttributes": {"TOXICITY@6": {"scoreType": "PROBABILITY", "scoreThreshold": 0.5}},
        "languages": ["en"],
        "spanAnnotations": True,
        "doNotStore": True,
        "dropUnsupportedAttributes": True,
        "clientToken": "t",
        "sessionId": "s",
        "communityId": "c",
        "context": {"articleAndParentComment": {"article": {"text": "a"}, "parentComment": {"text": "p"}}},
        "somethingNew": {"x": 1},
    }
    snake = {
        "comment": {"text": "hi", "type": "plain_text"},
        "requested_attributes": {"TOXICITY@6": {"score_type": "probability", "score_threshold": "0.5"}},
        "languages": "en",
        "span_annotations": "true",
        "do_not_store": True,
        "drop_unsupported_attributes": True,
        "client_token": "t",
        "session_id": "s",
        "community_id": "c",
        "context": {
            "article_and_parent_comment": {"article": {"text": "a"}, "parent_comment": {"text": "p"}}
        },
    }
    expected = AnalyzeRequest(
        comment=Comment("hi"),
        requested_attributes={"TOXICITY@6": AttributeParameters("PROBABILITY", 0.5)},
        languages=("en",),
        span_annotations=True,
        do_not_store=True,
        drop_unsupported_attributes=True,
        client_token="t",
        session_id="s",
        community_id="c",
        context=Context((), Comment("a"), Comment("p"), True),
    )
    assert parse_analyze(camel) == expected
    assert parse_analyze(snake) == expected


UNSET = {
    "nothing": {},
    "null": dict.fromkeys(["comment", "requestedAttributes", "languages", "context", "clientToken"]),
    "empty lists": {"comment": [], "requestedAttributes": [], "languages": [], "context": []},
    "unspecified": {"comment": {"type": "TEXT_TYPE_UNSPECIFIED"}, "languages": [""]},
}


@pytest.mark.parametrize("body", UNSET.values(), ids=UNSET)
def test_what_is_unset_has_its_default(body: dict[str, object]) -> None:
    assert parse_analyze(body) == AnalyzeRequest()


@pytest.mark.parametrize(
    "parameters", [{}, None, [], {"scoreType": None}, {"scoreType": 1}, {"scoreType": 0}]
)
def test_an_attribute_without_parameters_is_asked_for_as_a_probability(parameters: object) -> None:
    request = parse_analyze({"requestedAttributes": {"TOXICITY": parameters}})
    assert request.requested_attributes == {"TOXICITY": AttributeParameters()}


def test_a_threshold_of_zero_is_not_an_unset_one() -> None:
    request = parse_analyze({"requestedAttributes": {"TOXICITY": {"scoreThreshold": 0}}})
    assert request.requested_attributes["TOXICITY"].score_threshold == 0


def test_a_single_entry_stands_for_a_list() -> None:
    assert parse_analyze({"context": {"entries": {"text": "a"}}}).context.entries == (Comment("a"),)


WRONG = {
    "comment.text": {"comment": {"text": 5}},
    "comment": {"comment": "hello"},
    "comment.type": {"comment": {"type": 1.5}},
    "requested_attributes": {"requestedAttributes": ["TOXICITY"]},
    "requested_attributes[0].value": {"requestedAttributes": {"TOXICITY": 1}},
    "requested_attributes[0].value.score_threshold": {
        "requestedAttributes": {"TOXICITY": {"scoreThreshold": "high"}}
    },
    "requested_attributes[0].value.score_type": {"requestedAttributes": {"TOXICITY": {"scoreType": True}}},
    "languages[1]": {"languages": ["en", 5]},
    "languages[0]": {"languages": {"en": True}},
    "span_annotations": {"spanAnnotations": 1},
    "do_not_store": {"doNotStore": "maybe"},
    "client_token": {"clientToken": 5},
    "context": {"context": "hello"},
    "context.entries[0]": {"context": {"entries": ["hello"]}},
    "context.article_and_parent_comment.article.text": {
        "context": {"articleAndParentComment": {"article": {"text": []}}}
    },
}


@pytest.mark.parametrize(("field", "body"), WRONG.items(), ids=WRONG)
def test_a_field_of_a_wrong_type_is_named_and_its_value_is_not_quoted(
    field: str, body: dict[str, object]
) -> None:
    response = FakeSite().post(body)
    error = parsed(response)["error"]
    assert (response.status, error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["message"].startswith(f"Invalid value at '{field}' (")
    [detail] = error["details"]
    assert detail["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    assert detail["fieldViolations"] == [{"field": field, "description": error["message"]}]
    assert "hello" not in response.body.decode()


def test_a_suggestion_is_read_with_zeros_left_out() -> None:
    request = parse_suggest(
        {
            "comment": {"text": "hi"},
            "attributeScores": {
                "TOXICITY": {"summaryScore": {}, "spanScores": [{"end": 2, "score": {"value": "1"}}]}
            },
        }
    )
    assert request.attribute_scores == {
        "TOXICITY": SuggestedScores(Score(0.0), (SpanScore(0, 2, Score(1.0)),))
    }


def suggestion(scores: object) -> dict[str, object]:
    return {"comment": {"text": "\N{GRINNING FACE}!"}, "attributeScores": {"TOXICITY": scores}}


MALFORMED = {
    "no comment": {"attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}}},
    "no scores": {"comment": {"text": "hi"}},
    "an attribute without scores": suggestion({}),
    "more than one": suggestion({"summaryScore": {"value": 1.5}}),
    "another score type": suggestion({"summaryScore": {"value": 1, "type": "PERCENTILE"}}),
    "a span without end": suggestion({"spanScores": [{"begin": 0, "score": {"value": 1}}]}),
    "a span without score": suggestion({"spanScores": [{"begin": 0, "end": 1}]}),
    "a span beyond the end": suggestion({"spanScores": [{"begin": 0, "end": 4, "score": {"value": 1}}]}),
    "an empty span": suggestion({"spanScores": [{"begin": 1, "end": 1, "score": {"value": 1}}]}),
    "half a unit": suggestion({"spanScores": [{"begin": 0, "end": 1.5, "score": {"value": 1}}]}),
    "a text of a kind": suggestion({"summaryScore": {"value": 1}}) | {"comment": {"text": "a", "type": "X"}},
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_suggestion_is_refused_and_not_kept(body: dict[str, object]) -> None:
    site = FakeSite()
    response = site.post(body, SUGGEST)
    assert (response.status, parsed(response)["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert site.suggestions.received == []


def test_a_suggestion_is_kept_and_answered() -> None:
    site = FakeSite()
    body = suggestion({"spanScores": [{"begin": 0, "end": 3, "score": {"value": 1}}]})
    response = site.post(body | {"clientToken": "t", "languages": ["en"], "doNotStore": True}, SUGGEST)
    assert parsed(response) == {"clientToken": "t", "detectedLanguages": ["en"], "requestedLanguages": ["en"]}
    [received] = site.suggestions.received
    assert received.do_not_store


def test_numbers_that_are_none_are_refused() -> None:
    for value in ("nan", "1e999", True, "\u0661"):
        with pytest.raises(WireError):
            parse_analyze({"requestedAttributes": {"TOXICITY": {"scoreThreshold": value}}})


@pytest.mark.parametrize(
    ("parse_one", "field", "value"),
    [
        (parse_analyze, "requestedAttributes", {}),
        (parse_suggest, "attributeScores", {"summaryScore": {"value": 1}}),
    ],
)
def test_a_request_names_a_hundred_attributes_at_most(parse_one: Any, field: str, value: object) -> None:
    names = [f"TOXICITY@{number}" for number in range(MAX_ATTRIBUTES + 1)]
    parse_one({"comment": {"text": "hi"}, field: dict.fromkeys(names[1:], value)})
    with pytest.raises(WireError, match="At most 100 attributes") as refused:
        parse_one({"comment": {"text": "hi"}, field: dict.fromkeys(names, value)})
    assert refused.value.code == 400
