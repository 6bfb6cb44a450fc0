"""Answers: attributes, thresholds, languages, scales, and what an operator may decide otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest

from tests.toxicity_ml.perspective.fakes import FakeSite, detect, parsed, score, spans
from toxicity_ml.labels import JIGSAW_LABELS
from toxicity_ml.perspective.analysis import AnalysisOptions, analyze
from toxicity_ml.perspective.attributes import labels_by_attribute
from toxicity_ml.perspective.errors import WireError
from toxicity_ml.perspective.requests import AnalyzeRequest, parse_analyze


def asked(text: str, *attributes: str, **fields: object) -> AnalyzeRequest:
    requested = {name: {} for name in attributes or ("TOXICITY",)}
    return parse_analyze({"comment": {"text": text}, "requestedAttributes": requested} | fields)


def scores(texts: Sequence[str]) -> list[dict[str, float]]:
    return [score(text) for text in texts]


def test_attribute_scores_stand_first_and_the_token_comes_back() -> None:
    answer = FakeSite().analyze("salut", languages=["en"], clientToken="t", sessionId="s", communityId="c")
    assert list(answer) == ["attributeScores", "languages", "detectedLanguages", "clientToken"]
    assert answer["languages"] == ["en"]
    assert answer["detectedLanguages"] == ["ro", "en"]
    assert answer["clientToken"] == "t"
    score = answer["attributeScores"]["TOXICITY"]["summaryScore"]
    assert score == {"value": 0.1, "type": "PROBABILITY"}


def test_names_of_the_answer_are_those_of_the_request() -> None:
    names = ["TOXICITY@6", "INSULT_EXPERIMENTAL", "OBSCENE", "PROFANITY", "IDENTITY_ATTACK"]
    assert list(FakeSite().analyze("hello", *names)["attributeScores"]) == names


def test_the_text_and_its_sentences_are_scored_in_one_call() -> None:
    site = FakeSite()
    site.analyze("Hi. You moron.", spanAnnotations=True)
    site.analyze("Hi.", spanAnnotations=True)
    site.analyze("Hi. You moron.")
    assert site.engine.scored == [["Hi. You moron.", "Hi.", "You moron."], ["Hi."], ["Hi. You moron."]]


def test_a_score_below_its_threshold_is_left_out_and_one_at_it_is_not() -> None:
    requested = {"TOXICITY": {"scoreThreshold": 0.1}, "INSULT": {"scoreThreshold": 0.11}}
    answer = parsed(FakeSite().post({"comment": {"text": "hi"}, "requestedAttributes": requested}))
    assert list(answer["attributeScores"]) == ["TOXICITY"]


def test_without_any_score_the_key_is_missing() -> None:
    requested = {"TOXICITY": {"scoreThreshold": 0.5}}
    answer = parsed(FakeSite().post({"comment": {"text": "hi"}, "requestedAttributes": requested}))
    assert answer == {"languages": ["en"], "detectedLanguages": ["en"]}


def test_a_text_of_20480_bytes_is_scored() -> None:
    assert spans(FakeSite().analyze("a" * 20_480)) == [(0, 20_480)]
    assert spans(FakeSite().analyze("\N{GRINNING FACE}" * 5120)) == [(0, 10_240)]


def test_more_bytes_are_an_option() -> None:
    site = FakeSite(AnalysisOptions(max_bytes=30_000))
    assert spans(site.analyze("\N{GRINNING FACE}" * 5200)) == [(0, 10_400)]


def test_context_changes_nothing() -> None:
    context = {"entries": [{"text": "You moron"}]}
    assert FakeSite().analyze("hi", context=context) == FakeSite().analyze("hi")


@pytest.mark.parametrize("language", ["en", "EN", "en-GB", "en-029", "en_US"])
def test_a_region_of_a_language_is_that_language(language: str) -> None:
    assert FakeSite().analyze("hello", languages=[language])["languages"] == [language]


@pytest.mark.parametrize("text", ["un chat", "zxqv"])
def test_every_text_may_count_as_english(text: str) -> None:
    answer = FakeSite(AnalysisOptions(unsupported_language="english")).analyze(text)
    assert answer["attributeScores"]
    assert answer["detectedLanguages"] == detect(text)
    assert FakeSite(AnalysisOptions(unsupported_language="english")).analyze("hi", languages=["de"])[
        "attributeScores"
    ]


def test_without_detection_a_text_counts_as_the_models_language() -> None:
    answer = analyze(asked("un chat"), scores=scores, labels=JIGSAW_LABELS, languages_of_model=["fr", "en"])
    assert (answer["languages"], answer["detectedLanguages"]) == (["fr"], ["fr"])


def test_unknown_attributes_are_dropped_where_the_operator_or_the_caller_says_so() -> None:
    by_option = FakeSite(AnalysisOptions(drop_unknown_attributes=True)).analyze("hi", "SPAM", "TOXICITY")
    by_caller = FakeSite().analyze("hi", "SPAM", "TOXICITY", dropUnsupportedAttributes=True)
    assert list(by_option["attributeScores"]) == list(by_caller["attributeScores"]) == ["TOXICITY"]


def test_where_all_are_dropped_nothing_is_scored() -> None:
    site = FakeSite()
    assert "attributeScores" not in site.analyze("hi", "SPAM", dropUnsupportedAttributes=True)
    assert "attributeScores" not in site.analyze("un chat", dropUnsupportedAttributes=True)
    assert site.engine.scored == []


def test_html_may_be_stripped_and_spans_are_of_what_is_left() -> None:
    site = FakeSite(AnalysisOptions(strip_html=True))
    body = {
        "comment": {
            "text": "<p>Hi &amp; <b>bye</b>.</p><script>moron</script>Go.<!-- moron -->",
            "type": "html",
        },
        "requestedAttributes": {"TOXICITY": {}},
        "spanAnnotations": True,
    }
    assert spans(parsed(site.post(body))) == [(0, 9), (10, 13)]
    assert site.engine.scored == [["Hi & bye.\nGo.", "Hi & bye.", "Go."]]


HOSTILE_HTML = {
    "tags": "<a ",
    "comments": "<!--",
    "quotes": '<a b="',
    "end tags": "</a",
    "spaces": "<p> ",
    "digits": "&#" + "9" * 5000,
}


@pytest.mark.parametrize("unit", HOSTILE_HTML.values(), ids=HOSTILE_HTML)
def test_hostile_html_is_answered(unit: str) -> None:
    site = FakeSite(AnalysisOptions(strip_html=True))
    text = (unit * 20_480)[:20_480]
    body = {"comment": {"text": text, "type": "HTML"}, "requestedAttributes": {"TOXICITY": {}}}
    assert site.post(body).status in (200, 400)


def test_html_without_text_is_an_empty_comment() -> None:
    site = FakeSite(AnalysisOptions(strip_html=True))
    body = {"comment": {"text": "<br>", "type": "HTML"}, "requestedAttributes": {"TOXICITY": {}}}
    assert parsed(site.post(body))["error"]["message"] == "Comment must be non-empty."


SCALES: dict[str, dict[str, Callable[[float], float]]] = {
    "by attribute": {"INSULT": lambda value: value / 2, "insult": lambda value: 0.0},
    "by label": {"insult": lambda value: value / 2},
    "by both attributes": {"INSULT_EXPERIMENTAL": lambda value: value / 2, "INSULT": lambda value: value / 2},
}


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
def test_a_scale_is_applied_to_summary_and_spans(scale: dict[str, Callable[[float], float]]) -> None:
    request = asked("Hi. You moron.", "INSULT", "INSULT_EXPERIMENTAL", "THREAT", spanAnnotations=True)
    answer = json.loads(json.dumps(analyze(request, scores=scores, labels=JIGSAW_LABELS, scale=scale)))
    for name, factor in (("INSULT", 0.5), ("INSULT_EXPERIMENTAL", 0.5), ("THREAT", 1.0)):
        of_attribute = answer["attributeScores"][name]
        assert of_attribute["summaryScore"]["value"] == 0.9 * factor
        assert [span["score"]["value"] for span in of_attribute["spanScores"]] == [0.1 * factor, 0.9 * factor]


def test_a_scaled_score_stays_a_probability_and_meets_the_threshold() -> None:
    requested = {"TOXICITY": {"scoreThreshold": 0.95}}
    request = parse_analyze({"comment": {"text": "You moron"}, "requestedAttributes": requested})
    answer = analyze(request, scores=scores, labels=JIGSAW_LABELS, scale={"toxic": lambda value: value + 0.5})
    assert json.loads(json.dumps(answer))["attributeScores"]["TOXICITY"]["summaryScore"]["value"] == 1.0


def test_checks_come_in_googles_order() -> None:
    """Each fault alone is refused; of two, the earlier is told."""
    faults: dict[str, dict[str, object]] = {
        "COMMENT_EMPTY": {"comment": {"text": ""}},
        "Missing requested_attributes": {"requestedAttributes": {}},
        "Unknown requested attribute": {"requestedAttributes": {"SPAM": {"scoreType": "RAW"}}},
        "Unknown text type": {"comment": {"text": "hi", "type": "X"}},
        "Requested score type": {"requestedAttributes": {"TOXICITY": {"scoreType": "RAW"}}},
        "Context can have": {"context": {"entries": [{}], "articleAndParentComment": {}}},
        "does not support request languages": {"languages": ["fr"]},
    }
    body: dict[str, object] = {"comment": {"text": "hi"}, "requestedAttributes": {"TOXICITY": {}}}
    for name, fault in reversed(faults.items()):
        body |= fault
        with pytest.raises(WireError) as raised:
            analyze(parse_analyze(body), scores=scores, labels=JIGSAW_LABELS)
        assert name in raised.value.message + str(raised.value.details)


def test_labels_of_any_version_are_offered() -> None:
    assert labels_by_attribute(("spam", "toxic", "off topic")) == {
        "TOXICITY": "toxic",
        "TOXICITY_EXPERIMENTAL": "toxic",
        "SPAM": "spam",
        "OFF_TOPIC": "off topic",
    }
    assert labels_by_attribute(JIGSAW_LABELS)["OBSCENE"] == "obscene"
    assert "OBSCENE_EXPERIMENTAL" not in labels_by_attribute(JIGSAW_LABELS)
