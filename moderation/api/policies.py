"""`policies/`: the thresholds that there were, those in force, and new ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from moderation import registry
from moderation.api.access import CHANGE_POLICIES, READ_POLICIES
from moderation.api.endpoint import Endpoint
from moderation.api.fields import Boolean, QueryBoolean, Text
from moderation.api.openapi import Operation
from moderation.api.pages import PageQuery, page, page_of, read_query
from moderation.api.throttling import KeyQuota, ReviewThrottle
from moderation.audit import Actor
from moderation.models import Policy
from moderation.screening.judging import has_newer_policy, policies_with_age
from moderation.screening.policy_changes import NothingToWithdraw, put_in_force, withdraw
from moderation.versions.active import find_active

NOTE_CHARACTERS = 5000
ONE = {"type": "number", "nullable": True, "minimum": 0, "maximum": 1}
THRESHOLDS = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "properties": {"flag": ONE, "hold": ONE},
        "additionalProperties": False,
    },
}


@extend_schema_field(THRESHOLDS)
class Thresholds(serializers.Field):
    """{label: {"flag": p, "hold": p}}, of labels of the active version.

    What is left out is as the version and the setting say; null: the label never counts, or never holds.
    """

    default_error_messages = {
        "invalid": 'Give {"label": {"flag": number, "hold": number}}; null: never.',
        "number": "A threshold is a number from 0 to 1, or null.",
        "label": "The active model version has these labels: {labels}.",
        "order": "Holding starts at or above flagging.",
    }

    def to_internal_value(self, data: Any) -> dict[str, dict[str, float | None]]:
        if not isinstance(data, dict) or not all(_is_pair(pair) for pair in data.values()):
            raise serializers.ValidationError(self.error_messages["invalid"], "invalid")
        active = find_active()
        labels = active.labels if active is not None else []
        if set(data) - set(labels):
            self.fail("label", labels=", ".join(labels) or "none")
        return {label: self._numbers(pair) for label, pair in data.items()}

    def to_representation(self, value: Any) -> Any:
        return value

    def _numbers(self, pair: Mapping[str, Any]) -> dict[str, float | None]:
        numbers = {kind: self._number(value) for kind, value in pair.items()}
        flag, hold = numbers.get("flag"), numbers.get("hold")
        if flag is not None and hold is not None and hold < flag:
            self.fail("order")
        return numbers

    def _number(self, value: Any) -> float | None:
        if value is None:
            return None
        # an int may be too large for a float
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            self.fail("number")
        return float(value) if math.isfinite(value) else None


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, dict) and set(pair) <= {"flag", "hold"}


class PolicyRow(serializers.Serializer):
    """The thresholds of one model, from one moment on."""

    id = serializers.IntegerField()
    model = serializers.CharField(allow_blank=True, help_text="`app.Model`; empty: each without its own.")
    thresholds = Thresholds()
    is_in_force = serializers.BooleanField(help_text="It is the newest of its model, and not withdrawn.")
    is_withdrawn = serializers.BooleanField(
        help_text="From here on nothing of the model's own is in force: it ends the policy before."
    )
    created = serializers.DateTimeField()
    created_by = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True)


class PolicyQuery(PageQuery):
    """Which policies are asked for."""

    model = Text(required=False, allow_blank=True, max_length=200, help_text="`app.Model`, or empty.")
    in_force = QueryBoolean(
        required=False, default=False, help_text="`true`: the newest of each model alone."
    )


class PolicyRequest(serializers.Serializer):
    """New thresholds of one model."""

    model = Text(
        required=False, default="", allow_blank=True, max_length=200, help_text="A moderated `app.Model`."
    )
    thresholds = Thresholds(required=False)
    withdraw = Boolean(
        required=False,
        default=False,
        help_text="Instead of `thresholds`: end the policy in force; what held without it holds again.",
    )
    note = Text(required=False, default="", allow_blank=True, max_length=NOTE_CHARACTERS)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raises ValidationError unless there is one of `thresholds` and `withdraw`."""
        if attrs["withdraw"] == ("thresholds" in attrs):
            raise serializers.ValidationError({"thresholds": "Give these, or withdraw what is in force."})
        return attrs

    def validate_model(self, label: str) -> str:
        """Raises ValidationError where the site does not moderate such a model."""
        if label and registry.get(label) is None:
            names = ", ".join(entry.label for entry in registry.registered())
            raise serializers.ValidationError(f"Models that are moderated: {names or 'none'}.")
        return label


class PoliciesView(Endpoint):
    """The list, and one more, which takes the place of the one in force."""

    access = {"GET": READ_POLICIES, "POST": CHANGE_POLICIES}
    operations = {
        "GET": Operation(
            "listPolicies",
            "Thresholds, the newest first",
            page_of(PolicyRow, "PolicyPage"),
            query=PolicyQuery,
        ),
        "POST": Operation(
            "createPolicy",
            "Change the thresholds of a model",
            PolicyRow,
            status=201,
            description="A row is added and is in force from then on; nothing is judged again.",
            body=PolicyRequest,
        ),
    }

    def get_throttles(self) -> list[BaseThrottle]:
        """Count changes with decisions."""
        if self.request.method != "POST":
            return super().get_throttles()
        return [KeyQuota(), ReviewThrottle(), *super().get_throttles()[2:]]

    def get(self, request: Request) -> Response:
        """Return one page."""
        asked = read_query(request, PolicyQuery)
        rows = policies_with_age()
        if "model" in asked:
            rows = rows.filter(model_label=asked["model"])
        if asked["in_force"]:
            rows = rows.filter(~has_newer_policy(), is_withdrawn=False)
        rows_of_page, following = page(request, rows, asked)
        results = [
            _policy_row(row, is_in_force=not (row.is_outdated or row.is_withdrawn)) for row in rows_of_page
        ]
        return Response({"next": following, "results": results})

    def post(self, request: Request) -> Response:
        """Add a row with its audit entry."""
        asked = PolicyRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        actor = Actor.of(request.user)  # type: ignore[arg-type]  # has_perm: never anonymous
        if given["withdraw"]:
            try:
                policy = withdraw(given["model"], actor, given["note"])
            except NothingToWithdraw as error:
                raise serializers.ValidationError({"model": ["It has no policy in force."]}) from error
        else:
            policy = Policy(model_label=given["model"], thresholds=given["thresholds"], note=given["note"])
            put_in_force(policy, actor)
        return Response(_policy_row(policy, is_in_force=not policy.is_withdrawn), status.HTTP_201_CREATED)


def _policy_row(policy: Policy, *, is_in_force: bool) -> dict[str, Any]:
    return {
        "id": policy.pk,
        "model": policy.model_label,
        "thresholds": policy.thresholds,
        "is_in_force": is_in_force,
        "is_withdrawn": policy.is_withdrawn,
        "created": policy.created,
        "created_by": policy.created_by_name,
        "note": policy.note,
    }
