"""The two requests as values, read from JSON as proto JSON reads them, and more patiently.

Names may be in camelCase or snake_case, enums in lower case, a single value may stand for a list, `null` is
unset, and an empty list stands for an empty object, as PHP and R write it. Unknown fields are ignored.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from toxicity_ml.perspective.errors import (
    bad_value,
    both_contexts,
    comment_empty,
    comment_too_long,
    too_many_attributes,
)

__all__ = [
    "MAX_ATTRIBUTES",
    "PROBABILITY",
    "AnalyzeRequest",
    "AttributeParameters",
    "Comment",
    "Context",
    "Score",
    "SpanScore",
    "SuggestRequest",
    "SuggestedScores",
    "parse_analyze",
    "parse_suggest",
]

PROBABILITY = "PROBABILITY"

MAX_ATTRIBUTES = 100
"""The most attributes of one request: about twice as many as Perspective ever had. Each is answered with all
spans of the comment, so that a small request for thousands of versions of one would have a huge answer."""

_TYPE = "type.googleapis.com/google.commentanalyzer.v1alpha1."
_TEXT_TYPES = ("TEXT_TYPE_UNSPECIFIED", "PLAIN_TEXT", "HTML")
_SCORE_TYPES = ("SCORE_TYPE_UNSPECIFIED", PROBABILITY, "STD_DEV_SCORE", "PERCENTILE", "RAW")


@dataclass(frozen=True)
class Comment:
    """A text and how it is written."""

    text: str = ""
    type: str = "PLAIN_TEXT"
    """PLAIN_TEXT, HTML, or what the caller sent instead."""

    def check_size(self, max_bytes: int) -> None:
        """Raise the WireError of an empty comment, or of one of more than `max_bytes` bytes of UTF-8."""
        if not self.text:
            raise comment_empty()
        size = len(self.text.encode("utf-8", "surrogatepass"))
        if size > max_bytes:
            raise comment_too_long(size, max_bytes)


@dataclass(frozen=True)
class Context:
    """What the comment answers to. It does not change a score."""

    entries: tuple[Comment, ...] = ()
    article: Comment | None = None
    parent_comment: Comment | None = None
    has_article_and_parent_comment: bool = False

    def check(self) -> None:
        """Raise the WireError of a context of both kinds."""
        if self.entries and self.has_article_and_parent_comment:
            raise both_contexts()


@dataclass(frozen=True)
class AttributeParameters:
    """How one attribute is asked for."""

    score_type: str = PROBABILITY
    """PROBABILITY, or what the caller sent instead."""
    score_threshold: float | None = None
    """A score below it is left out of the answer; None: no score is."""


@dataclass(frozen=True)
class AnalyzeRequest:
    """A comment to be scored."""

    comment: Comment = field(default_factory=Comment)
    requested_attributes: Mapping[str, AttributeParameters] = field(default_factory=dict)
    """By the name as the caller wrote it, such as `TOXICITY` or `TOXICITY@6`."""
    languages: tuple[str, ...] = ()
    """Empty: detect the language."""
    span_annotations: bool = False
    do_not_store: bool = False
    drop_unsupported_attributes: bool = False
    client_token: str | None = None
    session_id: str | None = None
    community_id: str | None = None
    context: Context = field(default_factory=Context)


@dataclass(frozen=True)
class Score:
    """A score that somebody proposes."""

    value: float
    type: str = PROBABILITY
    """PROBABILITY, or what the caller sent instead."""


@dataclass(frozen=True)
class SpanScore:
    """A score that somebody proposes for a part of a comment; begin and end in UTF-16 code units."""

    begin: int
    """0 where it is unset, as proto JSON writes a zero."""
    end: int | None
    score: Score | None


@dataclass(frozen=True)
class SuggestedScores:
    """What somebody proposes for one attribute."""

    summary_score: Score | None = None
    span_scores: tuple[SpanScore, ...] = ()


@dataclass(frozen=True)
class SuggestRequest:
    """Scores that somebody proposes for a comment."""

    comment: Comment = field(default_factory=Comment)
    attribute_scores: Mapping[str, SuggestedScores] = field(default_factory=dict)
    """By the name as the caller wrote it."""
    languages: tuple[str, ...] = ()
    do_not_store: bool = False
    client_token: str | None = None
    session_id: str | None = None
    community_id: str | None = None
    context: Context = field(default_factory=Context)


def parse_analyze(value: object) -> AnalyzeRequest:
    """Read an analysis from a JSON value; raise the WireError of the first field of a wrong type."""
    message = _Message(value, "", "AnalyzeCommentRequest")
    requested = _attributes(message, "requestedAttributes", "AttributeParameters")
    return AnalyzeRequest(
        comment=_comment(message.message("comment", "TextEntry")),
        requested_attributes={name: _parameters(parameters) for name, parameters in requested.items()},
        languages=message.strings("languages"),
        span_annotations=message.boolean("spanAnnotations"),
        do_not_store=message.boolean("doNotStore"),
        drop_unsupported_attributes=message.boolean("dropUnsupportedAttributes"),
        client_token=message.string("clientToken"),
        session_id=message.string("sessionId"),
        community_id=message.string("communityId"),
        context=_context(message.message("context", "Context")),
    )


def parse_suggest(value: object) -> SuggestRequest:
    """Read a suggestion from a JSON value; raise the WireError of the first field of a wrong type."""
    message = _Message(value, "", "SuggestCommentScoreRequest")
    suggested = _attributes(message, "attributeScores", "AttributeScores")
    return SuggestRequest(
        comment=_comment(message.message("comment", "TextEntry")),
        attribute_scores={name: _suggested(scores) for name, scores in suggested.items()},
        languages=message.strings("languages"),
        do_not_store=message.boolean("doNotStore"),
        client_token=message.string("clientToken"),
        session_id=message.string("sessionId"),
        community_id=message.string("communityId"),
        context=_context(message.message("context", "Context")),
    )


def _attributes(message: _Message, name: str, type_name: str) -> dict[str, _Message]:
    attributes = message.messages(name, type_name)
    if len(attributes) > MAX_ATTRIBUTES:
        raise too_many_attributes(MAX_ATTRIBUTES)
    return attributes


def _comment(message: _Message | None) -> Comment:
    if message is None:
        return Comment()
    return Comment(message.string("text") or "", message.enum("type", _TEXT_TYPES, "PLAIN_TEXT"))


def _parameters(message: _Message) -> AttributeParameters:
    return AttributeParameters(
        message.enum("scoreType", _SCORE_TYPES, PROBABILITY), message.number("scoreThreshold")
    )


def _context(message: _Message | None) -> Context:
    if message is None:
        return Context()
    both = message.message("articleAndParentComment", "ArticleAndParentComment")
    return Context(
        entries=tuple(_comment(entry) for entry in message.list_of("entries", "TextEntry")),
        article=_entry(both, "article"),
        parent_comment=_entry(both, "parentComment"),
        has_article_and_parent_comment=both is not None,
    )


def _entry(message: _Message | None, name: str) -> Comment | None:
    entry = message.message(name, "TextEntry") if message else None
    return _comment(entry) if entry else None


def _suggested(message: _Message) -> SuggestedScores:
    return SuggestedScores(
        _score(message.message("summaryScore", "Score")),
        tuple(
            SpanScore(span.integer("begin") or 0, span.integer("end"), _score(span.message("score", "Score")))
            for span in message.list_of("spanScores", "SpanScore")
        ),
    )


def _score(message: _Message | None) -> Score | None:
    if message is None:
        return None
    # Proto JSON leaves a zero out: a score without a value is 0.
    return Score(message.number("value") or 0.0, message.enum("type", _SCORE_TYPES, PROBABILITY))


class _Message:
    """Reads the fields of one JSON object. Each method returns None, or what is empty, where one is unset."""

    def __init__(self, value: object, path: str, type_name: str) -> None:
        if value == [] or value is None:
            value = {}
        if not isinstance(value, dict):
            raise bad_value(path, _TYPE + type_name)
        self.fields: dict[str, object] = value
        self.path = path

    def get(self, name: str) -> object:
        value = self.fields.get(name)
        return self.fields.get(_snake_case(name)) if value is None else value

    def at(self, name: str) -> str:
        return f"{self.path}.{_snake_case(name)}" if self.path else _snake_case(name)

    def string(self, name: str) -> str | None:
        value = self.get(name)
        if value is None or isinstance(value, str):
            return value
        raise bad_value(self.at(name), "TYPE_STRING")

    def strings(self, name: str) -> tuple[str, ...]:
        values = _as_list(self.get(name))
        for index, value in enumerate(values):
            if not isinstance(value, str):
                raise bad_value(f"{self.at(name)}[{index}]", "TYPE_STRING")
        return tuple(dict.fromkeys(value for value in values if isinstance(value, str) and value))

    def boolean(self, name: str) -> bool:
        value = self.get(name)
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if value is None or isinstance(value, bool):
            return bool(value)
        raise bad_value(self.at(name), "TYPE_BOOL")

    def number(self, name: str) -> float | None:
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise bad_value(self.at(name), "TYPE_FLOAT")
        return float(value)

    def integer(self, name: str) -> int | None:
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_int32(value):
            raise bad_value(self.at(name), "TYPE_INT32")
        return int(value)

    def enum(self, name: str, known: tuple[str, ...], default: str) -> str:
        """Return the name of an enum's value in capitals, `default` for an unset one or the first of `known`.

        A number stands for its name. What is not known comes back as it was sent.
        """
        value = self.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int | None):
            raise bad_value(self.at(name), "TYPE_ENUM")
        if isinstance(value, int):
            value = known[value] if 0 <= value < len(known) else str(value)
        value = (value or known[0]).upper()
        return default if value == known[0] else value

    def message(self, name: str, type_name: str) -> _Message | None:
        value = self.get(name)
        return None if value is None else _Message(value, self.at(name), type_name)

    def list_of(self, name: str, type_name: str) -> list[_Message]:
        values = enumerate(_as_list(self.get(name)))
        return [_Message(value, f"{self.at(name)}[{index}]", type_name) for index, value in values]

    def messages(self, name: str, type_name: str) -> dict[str, _Message]:
        """Return the messages of a map by their keys."""
        value = self.get(name)
        if value is None or value == []:
            return {}
        if not isinstance(value, dict):
            raise bad_value(self.at(name), f"Map of {_TYPE}{type_name}")
        return {
            key: _Message(item, f"{self.at(name)}[{index}].value", type_name)
            for index, (key, item) in enumerate(value.items())
        }


_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?", re.ASCII)


def _is_int32(value: float) -> bool:
    return -(2**31) <= value < 2**31 and value == int(value)


def _as_list(value: object) -> list[object]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _snake_case(name: str) -> str:
    return re.sub(r"[A-Z]", lambda capital: f"_{capital.group().lower()}", name)
