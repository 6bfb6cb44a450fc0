"""`reviews/`: what people decided, and deciding."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from moderation.api.access import DECIDE, READ_REVIEWS, reviewer_of, viewer_of
from moderation.api.endpoint import Endpoint
from moderation.api.fields import Boolean, Choice, Id, Number, Text
from moderation.api.openapi import Operation
from moderation.api.pages import PageQuery, page, page_of, read_query
from moderation.api.problems import Problem, Refusal
from moderation.api.throttling import KeyQuota, ReviewThrottle
from moderation.models import Review, Screening
from moderation.review import blind, rights
from moderation.review import decisions as reviewing

NOTE_CHARACTERS = 5000
BLIND_HAS_NO_OPINION = "Its scores are not told before the decision: give no `scoring`, and do not uphold."
CODES: dict[type[reviewing.CannotDecide], str] = {
    reviewing.AlreadyDecided: "already_decided",
    reviewing.NoLongerCurrent: "no_longer_current",
    reviewing.OpinionIsGone: "opinion_is_gone",
}
"""Of each reason for a 409."""


class ReviewRow(serializers.Serializer):
    """What one person said of one screening."""

    id = serializers.IntegerField()
    screening = serializers.IntegerField()
    number = serializers.IntegerField(help_text="1, 2, 3 … within its screening.")
    kind = serializers.ChoiceField(choices=Review.Kind.values)
    decision = serializers.ChoiceField(choices=Review.Decision.values, allow_null=True)
    outcome = serializers.ChoiceField(choices=Screening.Outcome.values, allow_null=True)
    labels = serializers.DictField(
        child=serializers.BooleanField(allow_null=True), help_text="{label: true, false, or null: not judged}"
    )
    reason = serializers.CharField(allow_null=True, help_text="Why it was hidden, with `other_reason`.")
    model_version = serializers.CharField(allow_null=True, help_text="Whose opinion was judged.")
    undoes = serializers.IntegerField(allow_null=True, help_text="The review that an undo takes back.")
    reviewer = serializers.CharField(allow_blank=True, help_text="User name, as it was.")
    note = serializers.CharField(allow_blank=True)
    created = serializers.DateTimeField()


class ReviewQuery(PageQuery):
    """Which reviews are asked for."""

    screening = Number(required=False, help_text="Of this screening alone.")


class DecisionRequest(serializers.Serializer):
    """What a person decides."""

    screening = Id(help_text="Its id.")
    decision = Choice(
        choices=Review.Decision.values,
        help_text="`uphold`: the model is right; `false_positive`: no label is true; `relabel`: as `labels`; "
        "`other_reason`: hidden for what no label says, as `reason`.",
    )
    labels = serializers.DictField(
        child=Boolean(), required=False, help_text="With `relabel`: true or false for each `labels_to_judge`."
    )
    reason = Text(
        required=False,
        default="",
        allow_blank=True,
        max_length=32,
        help_text="With `other_reason`: `spam`, `off_topic`, `private_data`, `illegal`, or a site's own.",
    )
    note = Text(required=False, default="", allow_blank=True, max_length=NOTE_CHARACTERS)
    scoring = Id(
        required=False,
        allow_null=True,
        help_text="The `scoring` whose scores the person saw; null: none. Left out: that of now.",
    )


class Conflict(Problem):
    """A problem with the decision that stands, where there is one."""

    review = ReviewRow(required=False)


class ReviewsView(Endpoint):
    """The list, and one more."""

    access = {"GET": READ_REVIEWS, "POST": DECIDE}
    operations = {
        "GET": Operation(
            "listReviews", "Reviews, the newest first", page_of(ReviewRow, "ReviewPage"), query=ReviewQuery
        ),
        "POST": Operation(
            "createReview",
            "Decide about a screening",
            ReviewRow,
            status=201,
            description="The decision is recorded and carried out: the object is hidden or shown.",
            body=DecisionRequest,
            problems={409: Conflict, 422: Problem},
        ),
    }

    def get_throttles(self) -> list[BaseThrottle]:
        """Count decisions by themselves."""
        if self.request.method != "POST":
            return super().get_throttles()
        return [KeyQuota(), ReviewThrottle(), *super().get_throttles()[2:]]

    def get(self, request: Request) -> Response:
        """Return one page."""
        asked = read_query(request, ReviewQuery)
        rows = rights.about_visible(viewer_of(request), Review.objects.select_related("model_version"))
        rows = rows.defer("model_version__manifest", "model_version__metrics")
        if "screening" in asked:
            rows = rows.filter(screening=asked["screening"])
        rows_of_page, following = page(request, rows, asked)
        return Response({"next": following, "results": [review_row(row) for row in rows_of_page]})

    def post(self, request: Request) -> Response:
        """Decide, once: a second decision is refused with the first."""
        reviewer = reviewer_of(request)
        asked = DecisionRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        try:
            with transaction.atomic(using=router.db_for_write(Screening)):
                review = reviewing.decide(
                    given["screening"],
                    reviewer=reviewer,
                    kind=given["decision"],
                    labels=given.get("labels"),
                    reason=given["reason"],
                    note=given["note"],
                    shown=_shown(given, reviewer),
                )
        except Screening.DoesNotExist as error:
            raise ValidationError({"screening": ["There is no such screening."]}) from error
        except reviewing.CannotDecide as error:
            raise _refusal(error) from error
        return Response(review_row(review), status.HTTP_201_CREATED)


def review_row(review: Review) -> dict[str, Any]:
    """Return a review as it is told."""
    return {
        "id": review.pk,
        "screening": review.screening_id,
        "number": review.number,
        "kind": review.kind,
        "decision": review.decision or None,
        "outcome": review.outcome or None,
        "labels": review.labels,
        "reason": review.reason or None,
        "model_version": None if review.model_version is None else str(review.model_version),
        "undoes": review.undoes_id,
        "reviewer": review.reviewer_name,
        "note": review.note,
        "created": review.created,
    }


def _shown(given: dict[str, Any], reviewer: AbstractBaseUser) -> reviewing.Shown:
    """Return the scoring that was seen; of a blind item none. Raises InvalidDecision where one is named.

    Nor may it be upheld: the answer would tell an audit item from a flagged one before the decision.
    """
    screening = rights.locked(reviewer, given["screening"])
    if not blind.is_withheld(screening, reviewing.ground_truth(screening)):
        shown: reviewing.Shown = given.get("scoring", reviewing.CURRENT)
        return shown
    if not screening.is_current or screening.blanked:
        return None  # which `decide` refuses, for that
    if given.get("scoring") is not None or given["decision"] == Review.Decision.UPHOLD:
        raise reviewing.InvalidDecision(BLIND_HAS_NO_OPINION)
    return None


def _refusal(error: reviewing.CannotDecide) -> Refusal:
    code = CODES.get(type(error))
    if code is None:
        return Refusal(str(error), "invalid_decision", status.HTTP_422_UNPROCESSABLE_ENTITY)
    standing = {"review": review_row(error.review)} if isinstance(error, reviewing.AlreadyDecided) else {}
    return Refusal(str(error), code, status.HTTP_409_CONFLICT, **standing)
