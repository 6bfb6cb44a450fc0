"""`model-versions/`: which models there are, how good they were, and which one scores."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from moderation.api.access import READ_VERSIONS
from moderation.api.endpoint import Endpoint
from moderation.api.fields import as_id
from moderation.api.openapi import ID, Operation
from moderation.api.pages import PageQuery, page, page_of, read_query
from moderation.api.problems import Problem, not_found
from moderation.models import ModelVersion
from moderation.versions.active import find_active


@extend_schema_field(OpenApiTypes.OBJECT)
class Figures(serializers.JSONField):
    """What was measured, as the version's manifest has it."""


class VersionRow(serializers.Serializer):
    """One model version."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    version = serializers.CharField()
    labels = serializers.ListField(child=serializers.CharField())
    thresholds = serializers.DictField(child=serializers.FloatField(), help_text="{label: flag threshold}")
    parent = serializers.IntegerField(  # type: ignore[assignment]  # a Field has a parent of its own
        allow_null=True, help_text="The version that it was trained from."
    )
    origin = serializers.ChoiceField(choices=ModelVersion.Origin.values, help_text="How it came to the site.")
    note = serializers.CharField(help_text="Why it was made, in the words of who published it; mostly empty.")
    data_fingerprint = serializers.CharField(
        help_text="sha256 over what a retraining learned: equal ones learned the same rows. Empty: not known."
    )
    is_active = serializers.BooleanField(help_text="It is the one that scores.")
    activated = serializers.DateTimeField(allow_null=True, help_text="When it last became active.")
    created = serializers.DateTimeField()
    manifest_sha256 = serializers.CharField()


class VersionDetail(VersionRow):
    """The same with what was measured."""

    metrics = Figures()


class VersionsView(Endpoint):
    """The list."""

    access = {"GET": READ_VERSIONS}
    operations = {
        "GET": Operation(
            "listModelVersions",
            "Model versions, the newest first",
            page_of(VersionRow, "VersionPage"),
            query=PageQuery,
        )
    }

    def get(self, request: Request) -> Response:
        """Return one page."""
        asked = read_query(request, PageQuery)
        rows = ModelVersion.objects.defer("manifest", "metrics")
        rows_of_page, following = page(request, rows, asked)
        return Response({"next": following, "results": [_version_row(row) for row in rows_of_page]})


class VersionView(Endpoint):
    """One of them."""

    access = {"GET": READ_VERSIONS}
    operations = {
        "GET": Operation(
            "retrieveModelVersion",
            "One model version",
            VersionDetail,
            parameters=(ID,),
            problems={404: Problem},
        )
    }

    def get(self, request: Request, id: str) -> Response:
        """Return it with what was measured."""
        key = as_id(id)
        version = key and ModelVersion.objects.defer("manifest").filter(pk=key).first()
        if not version:
            raise not_found("There is no such model version.")
        return Response({**_version_row(version), "metrics": version.metrics})


class ActiveVersionView(Endpoint):
    """The one that scores."""

    access = {"GET": READ_VERSIONS}
    operations = {
        "GET": Operation(
            "retrieveActiveModelVersion",
            "The model version that scores",
            VersionDetail,
            problems={404: Problem},
        )
    }

    def get(self, request: Request) -> Response:
        """Return it; 404 while none is registered, which the first worker does."""
        version = find_active()
        if version is None:
            raise not_found("No model version is registered yet; the first worker does that.")
        return Response({**_version_row(version), "metrics": version.metrics})


def _version_row(version: ModelVersion) -> dict[str, Any]:
    return {
        "id": version.pk,
        "name": version.name,
        "version": version.version,
        "labels": version.labels,
        "thresholds": version.thresholds,
        "parent": version.parent_id,
        "origin": version.came_from.value,
        "note": version.note,
        "data_fingerprint": version.data_fingerprint,
        "is_active": version.is_active,
        "activated": version.activated,
        "created": version.created,
        "manifest_sha256": version.manifest_sha256,
    }
