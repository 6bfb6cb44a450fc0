"""`reports/`, `notices/` and `second-looks/`: what readers and authors do, for a site's own front end."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from moderation.api.access import Access
from moderation.api.authentication import key_of
from moderation.api.endpoint import Endpoint
from moderation.api.fields import Text
from moderation.api.openapi import Operation
from moderation.api.pages import read_query
from moderation.api.problems import Problem, Refusal, not_found
from moderation.api.throttling import KeyQuota, ReportThrottle, SecondLookThrottle
from moderation.models import ApiKey, Report
from moderation.review.notices import Notice, State, notice_for
from moderation.review.second_looks import WORDS_CHARACTERS, CannotAsk, ask_for_second_look
from moderation.screening import reports
from moderation.throttling import caller_of
from moderation.visitors import links

KEY_CHARACTERS = 255
TOKEN_CHARACTERS = 1000


class Readers(Access):
    """Lets in keys for reports, and every user who is logged in."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """True: the key or the user may report. Raises what says why where a key may not."""
        if key_of(request) is not None:
            return super().has_permission(request, view)
        return bool(request.user.is_authenticated and request.user.is_active)


class Authors(Access):
    """Lets in everybody but keys: whether the caller is the author is asked of each text."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """True: it is no key that calls. Raises what says why a key may not."""
        return key_of(request) is None or super().has_permission(request, view)


class ReportRequest(serializers.Serializer):
    """What a reader reports."""

    model = Text(max_length=200, help_text="As registered, such as `django_comments.Comment`.")
    object_id = Text(max_length=KEY_CHARACTERS)
    reason = Text(
        max_length=32,
        help_text="`abuse`, `threat`, `spam`, `off_topic`, `private_data`, `illegal`, `other`, or another.",
    )
    note = Text(required=False, default="", allow_blank=True, max_length=reports.NOTE_CHARACTERS)
    reporter = Text(
        required=False,
        default="",
        allow_blank=True,
        max_length=KEY_CHARACTERS,
        help_text="With a key: whatever the caller knows the reader by; a keyed hash of it is stored.",
    )


class ReportRow(serializers.Serializer):
    """What became of a report."""

    id = serializers.IntegerField(
        allow_null=True, help_text="Null: the text has so many reports that this one is not kept."
    )
    state = serializers.ChoiceField(
        choices=("open", "settled"), help_text="`settled`: a moderator has decided about this text."
    )


class AuthorQuery(serializers.Serializer):
    """Of which text."""

    token = Text(required=False, max_length=TOKEN_CHARACTERS, help_text="The author's, as the site made it.")
    model = Text(required=False, max_length=200, help_text="Without a token: with `object_id`.")
    object_id = Text(required=False, max_length=KEY_CHARACTERS)


class SecondLookRequest(AuthorQuery):
    """Of which text an author asks for a second look."""

    words = Text(required=False, default="", allow_blank=True, max_length=WORDS_CHARACTERS)


class NoticeRow(serializers.Serializer):
    """What the author of a text is told."""

    state = serializers.ChoiceField(
        choices=[state.value for state in State], allow_null=True, help_text="Null: there is nothing to tell."
    )
    sentence = serializers.CharField(allow_blank=True, help_text="For people, in their language.")
    may_ask = serializers.BooleanField(help_text="Whether a second look can be asked for.")
    is_asked = serializers.BooleanField(help_text="Whether one was asked for, and nobody has given it yet.")


class ReportsView(Endpoint):
    """One more report."""

    throttle_classes = (KeyQuota, ReportThrottle, *APIView.throttle_classes)
    access = {"POST": Readers(scopes=(ApiKey.Scope.REPORT.value,))}
    operations = {
        "POST": Operation(
            "createReport",
            "Report a text",
            ReportRow,
            status=201,
            description="Once for each reader and text; again changes nothing.",
            body=ReportRequest,
            problems={404: Problem},
        )
    }

    def post(self, request: Request) -> Response:
        """Note the report of the user who is logged in, or of whom the key's owner names."""
        asked = ReportRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        found = links.find(given["model"], given["object_id"])
        if found is None or not links.is_public(*found):
            raise _nothing()
        key = key_of(request)
        try:
            made = reports.report(
                found[1],
                reason=given["reason"],
                reporter=caller_of(request) if key is None else f"{key.pk}:{given['reporter']}",
                note=given["note"],
                source=Report.Source.API,
                key_name=key.name if key is not None else "",
            )
        except reports.UnknownReason as error:
            raise ValidationError({"reason": [str(error)]}) from error
        except reports.NotReportable as error:
            raise _nothing() from error
        state = "open" if made is None or made.settled is None else "settled"
        return Response({"id": made.pk if made else None, "state": state}, status.HTTP_201_CREATED)


class NoticesView(Endpoint):
    """What the author of a text is told."""

    speaks_to_people = True
    access = {"GET": Authors()}
    operations = {
        "GET": Operation(
            "readNotice",
            "What the author of a text is told",
            NoticeRow,
            description="For the author alone: by the token, or by the user who is logged in.",
            query=AuthorQuery,
            problems={404: Problem},
        )
    }

    def get(self, request: Request) -> Response:
        """Return the notice; without one, nulls."""
        _, instance = _of_author(request, read_query(request, AuthorQuery))
        return Response(_row(notice_for(instance)))


class SecondLooksView(Endpoint):
    """One more request for a second look."""

    speaks_to_people = True
    throttle_classes = (KeyQuota, SecondLookThrottle, *APIView.throttle_classes)
    access = {"POST": Authors()}
    operations = {
        "POST": Operation(
            "createSecondLook",
            "Ask for a second look",
            NoticeRow,
            status=201,
            description="For the author alone, once for each decision. Another moderator gives it.",
            body=SecondLookRequest,
            problems={404: Problem, 409: Problem},
        )
    }

    def post(self, request: Request) -> Response:
        """Put the text before another moderator; return what the author is told from now on."""
        asked = SecondLookRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        _, instance = _of_author(request, asked.validated_data)
        notice = notice_for(instance)
        try:
            if notice is None:
                raise CannotAsk(gettext("There is nothing to look at again."))
            ask_for_second_look(notice.screening_id, asked.validated_data["words"])
        except CannotAsk as error:
            raise Refusal(str(error), "cannot_ask", status.HTTP_409_CONFLICT) from error
        return Response(_row(notice_for(instance)), status.HTTP_201_CREATED)


def _of_author(request: Request, given: Any) -> links.Found:
    """Return the object whose author calls. Raises a 404 for everybody else: it may be nobody's business."""
    if "token" in given:
        found = links.of_author(given["token"])
    else:
        found = links.find(given.get("model"), given.get("object_id"))
        if found is not None and not links.is_author(request.user, *found):
            found = None
    if found is None:
        raise _nothing()
    return found


def _nothing() -> Refusal:
    return not_found("There is no such text.")


def _row(notice: Notice | None) -> dict[str, Any]:
    if notice is None:
        return {"state": None, "sentence": "", "may_ask": False, "is_asked": False}
    return {
        "state": notice.state.value,
        "sentence": notice.sentence,
        "may_ask": notice.may_ask,
        "is_asked": notice.is_asked,
    }
