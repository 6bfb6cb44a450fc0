"""What public clients send, in their forms with our data, and what each of them reads of the answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.toxicity_ml.perspective.fakes import ANALYZE, SUGGEST, FakeSite, parsed
from toxicity_ml.perspective.analysis import AnalysisOptions
from toxicity_ml.perspective.service import WireResponse

TEXT = "\N{GRINNING FACE} Lovely photo. You are a moron."
SIX = ("TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "PROFANITY", "THREAT")
NEW_YORK_TIMES = (
    *("ATTACK_ON_AUTHOR", "ATTACK_ON_COMMENTER", "INCOHERENT", "INFLAMMATORY", "LIKELY_TO_REJECT"),
    *("OBSCENE", "SPAM", "UNSUBSTANTIAL"),
)
BRIDGING = ("AFFINITY_EXPERIMENTAL", "CURIOSITY_EXPERIMENTAL", "REASONING_EXPERIMENTAL")


def body(*attributes: str, text: str = TEXT, **fields: object) -> dict[str, object]:
    return {"comment": {"text": text}, "requestedAttributes": {name: {} for name in attributes}} | fields


def summary(answer: dict[str, Any], attribute: str = "TOXICITY") -> float:
    value = answer["attributeScores"][attribute]["summaryScore"]["value"]
    assert isinstance(value, float)
    return value


def summaries(*attributes: str) -> Callable[[dict[str, Any]], None]:
    """Reads a summary score for each of the attributes."""

    def read(answer: dict[str, Any]) -> None:
        assert [summary(answer, attribute) for attribute in attributes] == [0.9] * len(attributes)

    return read


def read_strictly(answer: dict[str, Any]) -> None:
    """Reads every span with begin, end, value and type, as strict models of the answer do."""
    for scores in answer["attributeScores"].values():
        assert scores["summaryScore"]["type"] == "PROBABILITY"
        assert scores["spanScores"]
        for span in scores["spanScores"]:
            assert isinstance(span["begin"], int) and isinstance(span["end"], int)
            assert isinstance(span["score"]["value"], float)
            assert span["score"]["type"] == "PROBABILITY"


def read_by_place(answer: dict[str, Any]) -> None:
    """Reads the first element of the answer, and the scores of its spans."""
    name, scores = next(iter(answer.items()))
    assert name == "attributeScores"
    assert [span["score"]["value"] for span in scores["TOXICITY"]["spanScores"]] == [0.9]


def read_first_attribute(answer: dict[str, Any]) -> None:
    [scores] = answer["attributeScores"].values()
    assert scores["summaryScore"]["value"] == 0.9


def read_sentences(answer: dict[str, Any]) -> None:
    spans = answer["attributeScores"]["TOXICITY"]["spanScores"]
    units = TEXT.encode("utf-16-le")
    texts = [units[2 * span["begin"] : 2 * span["end"]].decode("utf-16-le") for span in spans]
    assert texts == ["\N{GRINNING FACE} Lovely photo.", "You are a moron."]
    assert answer["clientToken"] == "item-1"


PASTED = f'''{{comment: {{text: "{TEXT} He "said" so.
"}},
  languages: ["en"],
  requestedAttributes: {{TOXICITY:{{}}}} }}'''


@dataclass(frozen=True)
class Client:
    """What one client sends, and how it reads what comes back."""

    sends: object
    reads: Callable[[dict[str, Any]], None]
    drops_unknown: bool = False
    """True: it needs the option that leaves unknown attributes out."""


CLIENTS = {
    "Coral": Client(body("TOXICITY", languages=["en"], doNotStore=True), summaries("TOXICITY")),
    "ranking-challenge-perspective": Client(
        body(*SIX, *BRIDGING, languages=["en"]), summaries(*SIX), drops_unknown=True
    ),
    "a feed ranker": Client(
        body(*SIX, *(f"{name}_EXPERIMENTAL" for name in SIX)),
        summaries(*SIX, *(f"{name}_EXPERIMENTAL" for name in SIX)),
    ),
    "osmod": Client(
        body(
            *SIX,
            *NEW_YORK_TIMES,
            context={"entries": [{"text": "An article."}]},
            spanAnnotations=True,
            clientToken="item-1",
        ),
        read_sentences,
        drops_unknown=True,
    ),
    "Google's Python sample, without Content-Type": Client(
        body("TOXICITY", languages=["en"]), summaries("TOXICITY")
    ),
    "garak": Client(body("SEVERE_TOXICITY", languages=["en"]), summaries("SEVERE_TOXICITY")),
    "HELM": Client(body(*SIX, languages=["en"], spanAnnotations=True), read_strictly),
    "modelgauge": Client(body(*SIX, languages=["en"]), read_strictly),
    "real-toxicity-prompts": Client(body(*SIX, languages=["en"], spanAnnotations=True), read_strictly),
    "Polis": Client(body("TOXICITY"), summaries("TOXICITY")),
    "PyPI perspective": Client(
        body(
            "TOXICITY",
            languages=["en"],
            doNotStore=True,
            context={"entries": [{"text": "a", "type": "HTML"}]},
        ),
        summaries("TOXICITY"),
    ),
    "PyPI perspectiveapi": Client(
        body("TOXICITY", "INSULT", "SEXUALLY_EXPLICIT", "FLIRTATION", languages=["en"]),
        summaries("TOXICITY", "INSULT"),
        drops_unknown=True,
    ),
    "PyPI perspective-py": Client(body(*SIX), summaries(*SIX)),
    "npm perspective-api-client": Client(body("TOXICITY", doNotStore=True), summaries("TOXICITY")),
    "npm perspectiveapi-js-client": Client(
        body("SPAM", "TOXICITY", languages=["en"], doNotStore=True), summaries("TOXICITY"), drops_unknown=True
    ),
    "Discourse": Client(
        {
            "comment": {"text": TEXT},
            "doNotStore": True,
            "sessionId": "https://forum.example_7",
            "requestedAttributes": {"TOXICITY": {"scoreType": "PROBABILITY"}},
        },
        read_first_attribute,
    ),
    "Commento++, and the official curl sample": Client(PASTED.encode(), summaries("TOXICITY")),
    "n8n": Client(
        {
            "comment": {"type": "PLAIN_TEXT", "text": TEXT},
            "requestedAttributes": {"TOXICITY": {"scoreType": "probability", "scoreThreshold": 0}},
            "languages": "en",
        },
        summaries("TOXICITY"),
    ),
    "peRspective": Client(body("TOXICITY", languages="en", spanAnnotations=False), read_by_place),
    "Red's Defender": Client(body("TOXICITY", "INSULT", doNotStore=True), summaries("TOXICITY", "INSULT")),
}


def read_json(response: WireResponse) -> dict[str, Any]:
    """Reads an answer as the pickiest clients do: by status and by the type of its content."""
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/json; charset=UTF-8"
    return parsed(response)


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_a_client_reads_what_it_needs(client: Client) -> None:
    site = FakeSite(AnalysisOptions(drop_unknown_attributes=client.drops_unknown))
    client.reads(read_json(site.post(client.sends, query=[("alt", "json")])))


@pytest.mark.parametrize("status", [0, 1])
def test_coral_sends_what_its_moderators_decided(status: int) -> None:
    site = FakeSite()
    context = {"entries": [{"text": json.dumps({"storyURL": "https://news.example/a"})}]}
    sent = {
        "comment": {"text": TEXT},
        "context": context,
        "attributeScores": {"TOXICITY": {"summaryScore": {"value": status}}},
        "communityId": "Coral:https://news.example",
        "clientToken": "comment:1",
    }
    assert read_json(site.post(sent, SUGGEST))["clientToken"] == "comment:1"
    [received] = site.suggestions.received
    score = received.attribute_scores["TOXICITY"].summary_score
    assert score is not None and score.value == status
    assert received.community_id == "Coral:https://news.example"


def test_a_fallback_on_language_finds_what_it_looks_for() -> None:
    """Clients look for the type of the error, for the languages beside it, or for words of the message."""
    error = parsed(FakeSite().post(body("TOXICITY", text="un chat"), ANALYZE))["error"]
    assert "does not support request languages" in error["message"]
    assert error["details"][0]["errorType"] == "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"
    assert error["details"][0]["languageNotSupportedByAttributeError"]["detectedLanguages"][0] == "fr"
