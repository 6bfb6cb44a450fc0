"""`reviews/`: what people decided, and deciding."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from moderation.api.access import DECIDE, READ_REVIEWS, UNDO, reviewer_of, viewer_of
from moderation.api.endpoint import Endpoint
from moderation.api.fields import Boolean, Choice, Count, Id, Number, Text, as_id
from moderation.api.openapi import ID, Operation
from moderation.api.pages import PageQuery, page, page_of, read_query
from moderation.api.problems import Problem, Refusal, not_found
from moderation.api.throttling import KeyQuota, ReviewThrottle
from moderation.models import Review, Screening
from moderation.review import claims, rights, second_opinions
from moderation.review import decisions as reviewing
from moderation.review.giving_second_opinions import give_dealt

NOTE_CHARACTERS = 5000
MOST_LABELS = 200
CODES: dict[type[reviewing.CannotDecide], str] = {
    reviewing.AlreadyDecided: "already_decided",
    reviewing.NoLongerCurrent: "no_longer_current",
    reviewing.OpinionIsGone: "opinion_is_gone",
    reviewing.TakenBack: "taken_back",
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
    touched = serializers.ListField(
        child=serializers.CharField(),
        allow_null=True,
        help_text="With `relabel`: the labels whose box was ticked or cleared; null: not known.",
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
        help_text="`uphold`: something is wrong with it; `false_positive`: no label is true; "
        "`relabel`: as `labels`; `other_reason`: hidden for what no label says, as `reason`.",
    )
    labels = serializers.DictField(
        child=Boolean(), required=False, help_text="With `relabel`: true or false for each `labels_to_judge`."
    )
    touched = serializers.ListField(
        child=Text(max_length=64),
        required=False,
        allow_null=True,
        max_length=MOST_LABELS,
        help_text="With `relabel`: the labels whose box the person ticked or cleared. The others count "
        "less in training. Left out or null: not known.",
    )
    label = Text(  # type: ignore[assignment]  # a Field has a label of its own
        required=False,
        default="",
        allow_blank=True,
        max_length=64,
        help_text="With `uphold`: the one label that is true; without it, those that are plainly over.",
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
    seen_number = Count(
        required=False,
        default=0,
        help_text="The `number` of the decision that the person saw standing, which is corrected; 0: none.",
    )
    take_over = Boolean(
        required=False,
        default=False,
        help_text="True: decide also where a colleague looks at the item, which is for leads, and on record.",
    )


class UndoRequest(serializers.Serializer):
    """Why a decision is taken back."""

    note = Text(required=False, default="", allow_blank=True, max_length=NOTE_CHARACTERS)


class Holder(serializers.Serializer):
    """Who looks at an item."""

    user = serializers.CharField(help_text="User name.")
    since = serializers.DateTimeField()


class Conflict(Problem):
    """A problem with the decision that stands, with the undo of the one that was seen, or with a claim."""

    review = ReviewRow(required=False)
    holder = Holder(required=False, help_text="With `claimed`: the colleague who looks at the item.")


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
            description="The decision is recorded and carried out: the object is hidden or shown. With "
            "`seen_number` it corrects the one that stands, which only who made it and leads may. What a "
            "colleague looks at is theirs: 409 `claimed`, unless a lead says `take_over`.",
            body=DecisionRequest,
            problems={403: Conflict, 409: Conflict, 422: Problem},
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
        rows = second_opinions.about_undealt(viewer_of(request), rows)
        rows = rows.defer("model_version__manifest", "model_version__metrics")
        if "screening" in asked:
            rows = rows.filter(screening=asked["screening"])
        rows_of_page, following = page(request, rows, asked)
        return Response({"next": following, "results": [review_row(row) for row in rows_of_page]})

    def post(self, request: Request) -> Response:
        """Decide; what stands and was not seen is not replaced: the answer is a 409 that tells it."""
        reviewer = reviewer_of(request)
        asked = DecisionRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        try:
            with transaction.atomic(using=router.db_for_write(Screening)):
                _check_claim(reviewer, given["screening"], takes_over=given["take_over"])
                review = _decide(reviewer, given)
        except Screening.DoesNotExist as error:
            raise ValidationError({"screening": ["There is no such screening."]}) from error
        except reviewing.CannotDecide as error:
            raise _refusal(error) from error
        claims.note_decided(reviewer, review.screening_id)
        return Response(review_row(review), status.HTTP_201_CREATED)


class UndoView(Endpoint):
    """Takes one of them back."""

    access = {"POST": UNDO}
    operations = {
        "POST": Operation(
            "undoReview",
            "Take a decision or a second opinion back",
            ReviewRow,
            status=201,
            description="Only the decision that stands, and only by who made it or by a lead. The earlier "
            "one stands again; where there is none, the screening waits for a person as before. A second "
            "opinion, which had no effect, is taken back by who gave it.",
            body=UndoRequest,
            parameters=(ID,),
            problems={403: Conflict, 404: Problem, 409: Conflict, 422: Problem},
        )
    }

    def get_throttles(self) -> list[BaseThrottle]:
        """Count it as a decision."""
        return [KeyQuota(), ReviewThrottle(), *super().get_throttles()[2:]]

    def post(self, request: Request, id: str) -> Response:
        """Take it back, as a new review of the kind `undo`."""
        reviewer = reviewer_of(request)
        asked = UndoRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        key = as_id(id)
        try:
            if key is None or _looks_open(reviewer, key):
                raise Review.DoesNotExist
            review = reviewing.undo(key, reviewer=reviewer, note=asked.validated_data["note"])
        except Review.DoesNotExist as error:
            raise not_found("There is no such review.") from error
        except reviewing.CannotDecide as error:
            raise _refusal(error) from error
        return Response(review_row(review), status.HTTP_201_CREATED)


def _check_claim(reviewer: AbstractBaseUser, screening: int, *, takes_over: bool) -> None:
    """Refuse a decision on what a colleague looks at, or take it over, as the pages of the queue do.

    Raises Refusal, and Screening.DoesNotExist, also where the reviewer may not see it.
    """
    if not rights.may_see(reviewer, screening):
        raise Screening.DoesNotExist
    dealt = second_opinions.dealt_to(reviewer)
    claim = claims.holder_of(reviewer, screening, dealt=dealt)
    if claim is None:
        return
    if not takes_over:
        holder = {"user": claim.username, "since": claim.since}
        detail = f"{claim.username} looks at it."
        raise Refusal(detail, "claimed", status.HTTP_409_CONFLICT, holder=holder)
    if not rights.may_lead(reviewer):
        detail = "Only those who lead moderation may take an item over."
        raise Refusal(detail, "may_not_take_over", status.HTTP_403_FORBIDDEN)
    with suppress(claims.NotOpen):  # what became of it meanwhile is for the decision to say
        claims.take_over(reviewer, screening, dealt=dealt)


def _decide(reviewer: AbstractBaseUser, given: Mapping[str, Any]) -> Review:
    """Decide, or record the second opinion for which the screening is dealt to the reviewer."""
    said: dict[str, Any] = {
        "reviewer": reviewer,
        "kind": given["decision"],
        "labels": given.get("labels"),
        "touched": given.get("touched"),
        "label": given["label"],
        "reason": given["reason"],
        "note": given["note"],
        "shown": given.get("scoring", reviewing.CURRENT),
        "seen_number": given["seen_number"],
    }
    if second_opinions.is_due(given["screening"], reviewer):
        return give_dealt(given["screening"], **said)
    return reviewing.decide(given["screening"], **said, by_hand=True)


def _looks_open(reviewer: AbstractBaseUser, review: int) -> bool:
    """True of a review of what is dealt to the reviewer, who knows of no decision on it."""
    of_dealt = Review.objects.filter(pk=review, screening__in=second_opinions.dealt_to(reviewer))
    return bool(of_dealt.exists())


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
        "touched": review.touched,
        "reason": review.reason or None,
        "model_version": None if review.model_version is None else str(review.model_version),
        "undoes": review.undoes_id,
        "reviewer": review.reviewer_name,
        "note": review.note,
        "created": review.created,
    }


def _refusal(error: reviewing.CannotDecide) -> Refusal:
    named = getattr(error, "review", None)
    about = {} if named is None else {"review": review_row(named)}
    if isinstance(error, reviewing.NotAllowed):
        return Refusal(str(error), "not_yours", status.HTTP_403_FORBIDDEN, **about)
    code = CODES.get(type(error))
    if code is None:
        return Refusal(str(error), "invalid_decision", status.HTTP_422_UNPROCESSABLE_ENTITY)
    return Refusal(str(error), code, status.HTTP_409_CONFLICT, **about)
