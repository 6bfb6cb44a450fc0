"""Scores a comment as `comments:analyze` answers: checks in Google's order, attributes, spans, languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from toxicity_ml.perspective.attributes import base_name, labels_by_attribute, scale_names
from toxicity_ml.perspective.errors import (
    comment_empty,
    language_not_detected,
    language_not_supported,
    no_requested_attributes,
    only_plain_text,
    score_type_not_supported,
    unknown_attribute,
    unknown_text_type,
)
from toxicity_ml.perspective.html_text import text_of
from toxicity_ml.perspective.requests import PROBABILITY, AnalyzeRequest, Comment
from toxicity_ml.perspective.spans import MAX_SENTENCES, Span, sentences, whole

__all__ = ["MAX_BYTES", "AnalysisOptions", "Detect", "Scale", "Scores", "analyze"]

MAX_BYTES = 20_480

Scores = Callable[[Sequence[str]], Sequence[Mapping[str, float]]]
"""Scores texts: for each text a score between 0 and 1 for each label."""
Detect = Callable[[str], Sequence[str]]
"""Names the languages of a text, the likeliest first; none where nothing tells."""
Scale = Mapping[str, Callable[[float], float]]
"""By attribute or label: turns the model's score into one on Perspective's scale."""


@dataclass(frozen=True)
class AnalysisOptions:
    """What an operator may decide otherwise than Google did."""

    drop_unknown_attributes: bool = False
    """True: an attribute that the model has no label for is left out, where Google refuses the request."""
    max_bytes: int = MAX_BYTES
    """The longest comment, in bytes of UTF-8."""
    strip_html: bool = False
    """True: an HTML comment is scored without its tags, and its spans are those of the text that is left.
    Google refuses such a comment."""
    unsupported_language: Literal["refuse", "english"] = "refuse"
    """`english`: a comment in a language that the model lacks is scored all the same."""
    max_sentences: int = MAX_SENTENCES
    """The most spans of one comment."""


def analyze(
    request: AnalyzeRequest,
    *,
    scores: Scores,
    labels: Sequence[str],
    languages_of_model: Sequence[str] = ("en",),
    detect: Detect | None = None,
    scale: Scale | None = None,
    options: AnalysisOptions | None = None,
) -> dict[str, object]:
    """Return the answer to `request`, `attributeScores` first; raise the WireError of what Google refuses.

    `scores` is called once, with the whole text and its sentences. Without `detect` every text counts as
    written in the first of `languages_of_model`.
    """
    options = options or AnalysisOptions()
    attributes = _checked(request, labels, options)
    text = _text(request.comment)
    if not text:
        raise comment_empty()
    detected = list(detect(text)) if detect else list(languages_of_model[:1])
    supported = _supports(request, attributes, detected, languages_of_model, options)
    answer: dict[str, object] = {}
    if supported and attributes:
        attribute_scores = _attribute_scores(request, text, attributes, scores, scale or {}, options)
        if attribute_scores:
            answer["attributeScores"] = attribute_scores
    answer["languages"] = list(request.languages) or detected[:1]
    answer["detectedLanguages"] = detected
    if request.client_token is not None:
        answer["clientToken"] = request.client_token
    return answer


# --- checks --------------------------------------------------------------------------------------


def _checked(request: AnalyzeRequest, labels: Sequence[str], options: AnalysisOptions) -> dict[str, str]:
    """Return the label of each attribute that is served; raise for the first fault of the request."""
    request.comment.check_size(options.max_bytes)
    if not request.requested_attributes:
        raise no_requested_attributes()
    attributes = _labels_of(request, labels, options)
    _check_text_type(request.comment, options)
    for attribute in attributes:
        score_type = request.requested_attributes[attribute].score_type
        if score_type != PROBABILITY:
            raise score_type_not_supported(score_type, attribute)
    request.context.check()
    return attributes


def _labels_of(request: AnalyzeRequest, labels: Sequence[str], options: AnalysisOptions) -> dict[str, str]:
    known = labels_by_attribute(tuple(labels))
    may_drop = options.drop_unknown_attributes or request.drop_unsupported_attributes
    served: dict[str, str] = {}
    for attribute in request.requested_attributes:
        label = known.get(base_name(attribute))
        if label is not None:
            served[attribute] = label
        elif not may_drop:
            raise unknown_attribute(attribute)
    return served


def _check_text_type(comment: Comment, options: AnalysisOptions) -> None:
    if comment.type == "HTML":
        if not options.strip_html:
            raise only_plain_text()
    elif comment.type != "PLAIN_TEXT":
        raise unknown_text_type()


def _text(comment: Comment) -> str:
    return text_of(comment.text) if comment.type == "HTML" else comment.text


def _supports(
    request: AnalyzeRequest,
    attributes: Mapping[str, str],
    detected: Sequence[str],
    languages_of_model: Sequence[str],
    options: AnalysisOptions,
) -> bool:
    """True where the attributes can be scored in the comment's languages; raise where that is refused."""
    languages = request.languages or detected[:1]
    unsupported = [language for language in languages if not _is_among(language, languages_of_model)]
    if options.unsupported_language == "english" or (languages and not unsupported):
        return True
    if request.drop_unsupported_attributes:
        return False
    if not languages:
        raise language_not_detected()
    for attribute in attributes:
        raise language_not_supported(attribute, unsupported, detected=detected, requested=request.languages)
    return False


def _is_among(language: str, languages: Sequence[str]) -> bool:
    """True where `language` is one of `languages`, with or without a region: `en-GB` is `en`."""
    supported = {one.lower() for one in languages}
    tag = language.lower().replace("_", "-")
    primary, _, rest = tag.partition("-")
    is_region = (len(rest) == 2 and rest.isalpha()) or (len(rest) == 3 and rest.isdigit())
    return tag in supported or (is_region and primary in supported)


# --- scores --------------------------------------------------------------------------------------


def _attribute_scores(
    request: AnalyzeRequest,
    text: str,
    attributes: Mapping[str, str],
    scores: Scores,
    scale: Scale,
    options: AnalysisOptions,
) -> dict[str, object]:
    spans = [whole(text)]
    if request.span_annotations:
        spans = sentences(text, at_most=options.max_sentences)
    of_text, of_spans = _scored(text, spans, scores)
    answer: dict[str, object] = {}
    for attribute, label in attributes.items():
        scaled = _scaled(attribute, label, scale)
        summary = scaled(of_text[label])
        threshold = request.requested_attributes[attribute].score_threshold
        if threshold is not None and summary < threshold:
            continue
        answer[attribute] = {
            "spanScores": [
                {"begin": span.begin, "end": span.end, "score": _score(scaled(of_span[label]))}
                for span, of_span in zip(spans, of_spans, strict=True)
            ],
            "summaryScore": _score(summary),
        }
    return answer


def _scored(
    text: str, spans: Sequence[Span], scores: Scores
) -> tuple[Mapping[str, float], Sequence[Mapping[str, float]]]:
    """Return the scores of the text and of each span; a span that is the text is not scored twice."""
    if len(spans) == 1 and spans[0].text == text:
        of_text = scores([text])[0]
        return of_text, [of_text]
    of_text, *of_spans = scores([text, *(span.text for span in spans)])
    return of_text, of_spans


def _scaled(attribute: str, label: str, scale: Scale) -> Callable[[float], float]:
    curves: Iterator[Callable[[float], float]] = (
        scale[name] for name in scale_names(attribute, label) if name in scale
    )
    curve = next(curves, float)
    return lambda score: min(1.0, max(0.0, float(curve(float(score)))))


def _score(value: float) -> dict[str, object]:
    return {"value": value, "type": PROBABILITY}
