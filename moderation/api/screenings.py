"""`screenings/`: what was screened and what was made of it, as far as that is told before the decision.

Audit items stand among the flagged ones; no field, filter, order or cursor here tells them apart.
Of an item that is judged blind the model's opinion is left out until somebody has decided.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError as InvalidKey
from django.db.models import Prefetch, Q, QuerySet
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from moderation.api.access import READ_SCREENINGS, viewer_of
from moderation.api.endpoint import Endpoint
from moderation.api.fields import Choice, Text, as_id
from moderation.api.openapi import ID, Operation
from moderation.api.pages import NEWEST, Order, PageQuery, page, page_of, read_query
from moderation.api.problems import Problem, not_found
from moderation.api.reviews import ReviewRow, review_row
from moderation.models import ModelVersion, Review, Scoring, Screening, conditions
from moderation.models.content_types import content_type_of, model_label
from moderation.objects.keys import key_as_text
from moderation.review import blind, rights, second_opinions
from moderation.review import decisions as reviewing
from moderation.versions.active import find_active

OPEN, ALL = "open", "all"
STATES: Mapping[str, tuple[Q, Order]] = {
    OPEN: (conditions.OPEN, ("-severity", "id")),
    "suggested": (conditions.SUGGESTED, NEWEST),
    "decided": (conditions.DECIDED, ("-reviewed", "-id")),
    "failed": (conditions.FAILED, ("id",)),
    ALL: (Q(), NEWEST),
}
"""{state: which rows, in which order}, each as its index has it."""
UNKNOWN_BEFORE = ("flagged", "clear")
"""Verdicts that an open item may have without being held: which of the two is not told of each."""


class ScreeningQuery(PageQuery):
    """Which screenings are asked for."""

    state = Choice(
        choices=list(STATES),
        required=False,
        default=ALL,
        help_text="`open`: the queue, most severe first. `suggested`: sent with labels by a program. "
        "`failed`: could not be scored, oldest first. `decided`, `all`: newest first.",
    )
    verdict = Choice(
        choices=["flagged", "held", "clear", "unjudged"],
        required=False,
        help_text="Of `open` (`held`, `unjudged`, or `flagged` for all others) and of `decided`.",
    )
    label = Text(  # type: ignore[assignment]  # a Field has a label of its own
        required=False, max_length=64, help_text="A label that counts. Of `open` and of `decided`."
    )
    model = Text(required=False, max_length=200, help_text="`app.Model`, with `object_id`.")
    object_id = Text(required=False, max_length=255, help_text="Primary key of the object, with `model`.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("model" in attrs) != ("object_id" in attrs):
            raise serializers.ValidationError("Give `model` and `object_id` together.")
        narrowed = "verdict" in attrs or "label" in attrs
        if narrowed and attrs["state"] not in (OPEN, "decided"):
            raise serializers.ValidationError("`verdict` and `label` go with `state` open or decided.")
        if narrowed and "model" in attrs:
            raise serializers.ValidationError("`verdict` and `label` do not go with an object.")
        if attrs["state"] == OPEN and attrs.get("verdict") == "clear":
            raise serializers.ValidationError("What is clear among the open ones is not told.")
        return attrs


class ScoringRow(serializers.Serializer):
    """What one model version said."""

    id = serializers.IntegerField()
    model_version = serializers.CharField(help_text="name@version")
    purpose = serializers.ChoiceField(choices=Scoring.Purpose.values)
    is_basis = serializers.BooleanField(help_text="The verdict rests on it.")
    scores = serializers.DictField(child=serializers.FloatField(), help_text="{label: probability}")
    thresholds = serializers.DictField(
        child=serializers.FloatField(), help_text="{label: from where it counted then}"
    )
    created = serializers.DateTimeField()


class ScreeningRow(serializers.Serializer):
    """One text, where it came from, and what was made of it.

    Of an item that is judged blind (`is_blind`) the fields that would tell the model's opinion are null.
    """

    id = serializers.IntegerField()
    source = serializers.ChoiceField(choices=Screening.Source.values)  # type: ignore[assignment]
    model = serializers.CharField(allow_null=True, help_text="`app.Model` of the object; null: of none.")
    object_id = serializers.CharField(allow_null=True)
    field = serializers.CharField(allow_null=True, help_text="Name of the text.")
    text = serializers.CharField(allow_blank=True, help_text="Blank once it was blanked.")
    blanked = serializers.DateTimeField(allow_null=True)
    is_current = serializers.BooleanField(help_text="False: replaced by a newer text, or deleted.")
    created = serializers.DateTimeField()
    language = serializers.CharField(
        allow_null=True, help_text="The text's language, as a BCP 47 tag; null where it was not told."
    )
    status = serializers.ChoiceField(choices=Screening.Status.values)
    is_open = serializers.BooleanField(help_text="It waits for a person.")
    is_decidable = serializers.BooleanField(help_text="`POST reviews/` may decide on it.")
    is_blind = serializers.BooleanField(help_text="It is judged without the model's opinion.")
    queued_for = serializers.ChoiceField(choices=Screening.QueuedFor.values, allow_null=True)
    verdict = serializers.ChoiceField(choices=Screening.Verdict.values, allow_null=True)
    severity = serializers.FloatField(allow_null=True)
    labels = serializers.ListField(
        child=serializers.CharField(), allow_null=True, help_text="Those that counted when it was scored."
    )
    scoring = serializers.IntegerField(
        allow_null=True, help_text="Id of the scoring that is shown, for `POST reviews/`."
    )
    scores = serializers.DictField(child=serializers.FloatField(), allow_null=True)
    thresholds = serializers.DictField(child=serializers.FloatField(), allow_null=True)
    model_version = serializers.CharField(allow_null=True, help_text="Whose scores they are.")
    labels_to_judge = serializers.ListField(
        child=serializers.CharField(), help_text="What `relabel` answers yes or no for."
    )
    can_be_upheld = serializers.BooleanField()
    is_hidden = serializers.BooleanField(allow_null=True, help_text="We have hidden the object.")
    outcome = serializers.ChoiceField(choices=Screening.Outcome.values, allow_null=True)
    reviewed = serializers.DateTimeField(allow_null=True)
    sampling_probability = serializers.FloatField(
        allow_null=True, help_text="With what chance it came up for review; known after the decision."
    )
    decision = ReviewRow(allow_null=True, help_text="The one that stands.")


class ScreeningDetail(ScreeningRow):
    """The same with all that models and people said of it."""

    scorings = ScoringRow(many=True)
    reviews = ReviewRow(many=True)


class ScreeningsView(Endpoint):
    """The list."""

    access = {"GET": READ_SCREENINGS}
    operations = {
        "GET": Operation(
            "listScreenings",
            "Screenings of a state, or of one object",
            page_of(ScreeningRow, "ScreeningPage"),
            query=ScreeningQuery,
        )
    }

    def get(self, request: Request) -> Response:
        """Return one page."""
        asked = read_query(request, ScreeningQuery)
        condition, order = STATES[asked["state"]]
        if "model" in asked:
            condition, order = condition & _of_object(asked["model"], asked["object_id"]), NEWEST
        rows = _readable(request, Screening.objects.filter(condition & _narrowed(asked)))
        if asked["state"] == "decided":
            rows = second_opinions.without_dealt(viewer_of(request), rows)
        dealt = _dealt(request)
        others = _asked_for(dealt, asked) if dealt and asked["state"] == OPEN else []
        rows_of_page, following = page(request, rows, asked, order, others, dealt)
        rows_of_page = second_opinions.as_seen_by(viewer_of(request), rows_of_page)
        active = find_active()
        return Response({"next": following, "results": [screening_row(row, active) for row in rows_of_page]})


class ScreeningView(Endpoint):
    """One of them."""

    access = {"GET": READ_SCREENINGS}
    operations = {
        "GET": Operation(
            "retrieveScreening",
            "One screening with its scorings and reviews",
            ScreeningDetail,
            parameters=(ID,),
            problems={404: Problem},
        )
    }

    def get(self, request: Request, id: str) -> Response:
        """Return it with everything that may be told of it."""
        key = as_id(id)
        rows = _readable(request, Screening.objects.filter(pk=key)) if key else []
        screening = next(iter(second_opinions.as_seen_by(viewer_of(request), rows)), None)
        if screening is None:
            raise not_found("There is no such screening.")
        row = screening_row(screening, find_active())
        scorings = (
            [] if row["is_blind"] else _with_labels(reviewing.scorings_to_tell(screening).order_by("-id"))
        )
        return Response(
            {
                **row,
                "scorings": [_scoring_row(scoring) for scoring in scorings],
                "reviews": [review_row(review) for review in _reviews_of(screening)],
            }
        )


def _reviews_of(screening: Any) -> list[Review]:
    """Return what `_readable` has fetched."""
    return list(screening.all_reviews)


def screening_row(screening: Any, active: ModelVersion | None) -> dict[str, Any]:
    """Return what may be told of a screening, which was fetched by `_readable`."""
    scoring: Scoring | None = next(iter(screening.basis_scorings), None)
    decision = reviewing.standing_among(screening.all_reviews)
    is_blind = blind.is_withheld(screening, decision)
    return {
        "id": screening.pk,
        "source": screening.source,
        "model": screening.content_type_id and model_label(screening.content_type_id),
        "object_id": screening.object_id or None,
        "field": screening.field or None,
        "text": screening.text,
        "blanked": screening.blanked,
        "is_current": screening.is_current,
        "created": screening.created,
        "language": screening.language or None,
        "status": screening.status,
        "is_open": screening.is_open,
        "is_decidable": decision is None and screening.is_current and screening.blanked is None,
        "is_blind": is_blind,
        "labels_to_judge": reviewing.labels_to_judge(scoring, active),
        "outcome": screening.outcome or None,
        "reviewed": screening.reviewed,
        "sampling_probability": None if decision is None else screening.sampling_probability,
        "decision": None if decision is None else review_row(decision),
        **_opinion(screening, None if is_blind else scoring, is_blind),
    }


def _opinion(screening: Screening, scoring: Scoring | None, is_blind: bool) -> dict[str, Any]:
    """What the model said, and what follows from it alone; nothing of a blind item."""
    return {
        "queued_for": None if is_blind else screening.queued_for or None,
        "verdict": None if is_blind else screening.verdict or None,
        # of a drawn item these are the ones of the screening whose place it had
        "severity": None
        if is_blind or screening.is_drawn_by_chance or not screening.verdict
        else screening.severity,
        "labels": None if scoring is None else reviewing.labels_over_threshold(scoring),
        "scoring": None if scoring is None else scoring.pk,
        "scores": None if scoring is None else reviewing.scores_in_order(scoring),
        "thresholds": None if scoring is None else scoring.thresholds,
        "model_version": None if scoring is None else str(scoring.model_version),
        "can_be_upheld": not is_blind and reviewing.may_uphold(screening, scoring),
        "is_hidden": None if is_blind else screening.hidden_by_us,
    }


def _scoring_row(scoring: Scoring) -> dict[str, Any]:
    return {
        "id": scoring.pk,
        "model_version": str(scoring.model_version),
        "purpose": scoring.purpose,
        "is_basis": scoring.is_basis,
        "scores": reviewing.scores_in_order(scoring),
        "thresholds": scoring.thresholds,
        "created": scoring.created,
    }


def _readable(request: Request, rows: QuerySet[Screening]) -> QuerySet[Any]:
    """Those that the caller may see, with what `screening_row` reads; two queries more for a page."""
    basis = _with_labels(Scoring.objects.filter(is_basis=True))
    reviews = Review.objects.select_related("model_version").order_by("number")
    return rights.visible(viewer_of(request), rows).prefetch_related(
        Prefetch("scorings", queryset=basis, to_attr="basis_scorings"),
        Prefetch(
            "reviews",
            queryset=reviews.defer("model_version__manifest", "model_version__metrics"),
            to_attr="all_reviews",
        ),
    )


def _dealt(request: Request) -> list[Screening]:
    """Read what is dealt to the caller for a second opinion, as the open items that they are to look like."""
    user = viewer_of(request)
    keys = second_opinions.dealt_to(user)
    if not keys:
        return []
    rows = _readable(request, Screening.objects.filter(pk__in=keys))
    return second_opinions.as_seen_by(user, rows.order_by("pk"))


def _asked_for(dealt: list[Screening], asked: Mapping[str, Any]) -> list[Screening]:
    """Select the items dealt for a second opinion that would stand in this list if they were open."""
    if asked.get("verdict", Screening.Verdict.FLAGGED) != Screening.Verdict.FLAGGED:
        return []
    condition = Q(labels__contains=json.dumps(asked["label"])) if "label" in asked else Q()
    if "model" in asked:
        condition &= _of_object(asked["model"], asked["object_id"])
    keys = Screening.objects.filter(condition, pk__in=[row.pk for row in dealt]).values_list("pk", flat=True)
    wanted = set(keys)
    return [row for row in dealt if row.pk in wanted]


def _with_labels(scorings: QuerySet[Scoring]) -> QuerySet[Scoring]:
    """With the versions, but not their bulky manifests."""
    versions = scorings.select_related("model_version")
    return versions.defer("model_version__manifest", "model_version__metrics")


def _of_object(label: str, object_id: str) -> Q:
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError) as error:
        raise ValidationError({"model": ["There is no such model; write app.Model."]}) from error
    try:
        key = key_as_text(model, object_id)
    except (InvalidKey, ArithmeticError, ValueError, TypeError) as error:
        raise ValidationError({"object_id": ["This is no primary key of the model."]}) from error
    return Q(content_type=content_type_of(model), object_id=key, source=Screening.Source.OBJECT)


def _narrowed(asked: Mapping[str, Any]) -> Q:
    """By label and verdict, as far as they may be known: an audit item has the place of a flagged one."""
    is_open = asked["state"] == OPEN
    condition, verdict = Q(), asked.get("verdict")
    if "label" in asked:
        label = asked["label"]
        condition = Q(labels__contains=json.dumps(label)) if is_open else conditions.has_label(label)
    if is_open and verdict == Screening.Verdict.FLAGGED:
        return condition & Q(verdict__in=UNKNOWN_BEFORE)
    return condition & Q(verdict=verdict) if verdict else condition
