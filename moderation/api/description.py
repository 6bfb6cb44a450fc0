"""`schema/` and `docs/`: the API described, for programs and for people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.views import SpectacularAPIView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from moderation.api import views
from moderation.api.access import READ_POLICIES, READ_REVIEWS, READ_SCREENINGS, READ_VERSIONS, Access
from moderation.api.authentication import key_of
from moderation.api.endpoint import Endpoint
from moderation.api.openapi import Operation
from moderation.api.problems import Problem
from moderation.models import ApiKey

SETTINGS = {"TITLE": "Comment moderation", "ENUM_GENERATE_CHOICE_DESCRIPTION": False}
_CODE = re.compile(r"`([^`]+)`")
URLCONF = "moderation.api.urls"
SCOPES = (
    *(ApiKey.Scope.CLASSIFY.value, ApiKey.Scope.READ.value),
    *(ApiKey.Scope.REVIEW.value, ApiKey.Scope.REPORT.value),
)
RULES = (
    READ_SCREENINGS,
    READ_REVIEWS,
    READ_POLICIES,
    READ_VERSIONS,
)


class MayCallAnything(BasePermission):
    """Lets in who may call some address of the API."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """True: the caller has one of the scopes, or a permission, or may classify."""
        if key_of(request) is not None:
            return Access(scopes=SCOPES).has_permission(request, view)
        if any(rule.has_permission(request, view) for rule in RULES):
            return True
        return all(each.has_permission(request, view) for each in views.permissions(request))


class SchemaView(Endpoint, SpectacularAPIView):
    """The OpenAPI description of this API, for those who may call it, as JSON or YAML."""

    renderer_classes = SpectacularAPIView.renderer_classes
    content_negotiation_class = DefaultContentNegotiation
    access = {"GET": MayCallAnything()}
    operations = {
        "GET": Operation("schema", "This description", OpenApiTypes.OBJECT, problems={404: Problem})
    }

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return it with the addresses under which the site included the API."""
        return Response(openapi(request, request.path.removesuffix("/schema/")))


class PageRenderer(BaseRenderer):
    """Renders the page of `docs/`."""

    media_type = "text/html"
    format = "html"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> str:
        """data: what the template shows."""
        request = (renderer_context or {}).get("request")
        return render_to_string("moderation/api.html", data, getattr(request, "_request", None))


class DocsView(Endpoint):
    """The same as a page: no script, and nothing that does not come from the site itself."""

    renderer_classes = (PageRenderer,)
    schema = None
    access = {"GET": MayCallAnything()}

    def get(self, request: Request) -> Response:
        """Show every address, and every form of JSON that goes in or out."""
        return Response(page_of(openapi(request, request.path.removesuffix("/docs/"))))


def openapi(request: Request, prefix: str) -> dict[str, Any]:
    """Return the description of all addresses under `prefix`."""
    with patched_settings({**SETTINGS, "SCHEMA_PATH_PREFIX_INSERT": prefix}):
        generator = SchemaGenerator(urlconf=URLCONF)  # type: ignore[no-untyped-call]
        described: dict[str, Any] = generator.get_schema(  # type: ignore[no-untyped-call]
            request=request, public=True
        )
        return described


def page_of(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template shows of a description."""
    return {
        "title": described["info"]["title"],
        "operations": [
            _operation(method, path, operation)
            for path, methods in described["paths"].items()
            for method, operation in methods.items()
        ],
        "schemas": [
            {
                "name": name,
                "description": _with_code(schema.get("description", "")),
                "type": "" if "properties" in schema else _kind(schema),
                "fields": list(_fields(schema)),
            }
            for name, schema in sorted(described["components"]["schemas"].items())
        ],
    }


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation.get("summary", ""),
        "description": _with_code(operation.get("description", "")),
        "parameters": [
            {
                "name": parameter["name"],
                "type": _kind(parameter["schema"]),
                "is_required": parameter.get("required", False),
                "description": _with_code(parameter.get("description", "")),
            }
            for parameter in operation.get("parameters", [])
        ],
        "body": _reference(operation.get("requestBody", {})),
        "answers": [
            {
                "status": status,
                "description": answer.get("description", ""),
                "type": _reference(answer),
            }
            for status, answer in operation["responses"].items()
        ],
    }


def _with_code(text: str) -> SafeString:
    """Return a description as HTML, in which what stands in backticks is code."""
    return mark_safe(_CODE.sub(r"<code>\1</code>", escape(text)))  # noqa: S308 - escaped


def _reference(body: Mapping[str, Any]) -> str:
    """Return the name of the form that a request or an answer has; empty: it has none of a name."""
    schemas = (content["schema"] for content in body.get("content", {}).values())
    return next((_kind(schema) for schema in schemas if "$ref" in schema), "")


def _fields(schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        yield {
            "name": name,
            "type": _kind(field),
            "is_required": name in required,
            "description": _with_code(field.get("description", "")),
        }


def _kind(schema: Mapping[str, Any]) -> str:
    """What a value may be, in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for key in ("allOf", "oneOf", "anyOf"):
        if key in schema:
            kinds = " or ".join(kind for each in schema[key] if (kind := _kind(each)))
            return f"{kinds} or null" if schema.get("nullable") else kinds
    if "enum" in schema:
        return " | ".join("null" if value is None else str(value) for value in schema["enum"] if value != "")
    kind = str(schema.get("format") or schema.get("type") or "any")
    if kind == "array":
        kind = f"list of {_kind(schema.get('items', {}))}"
    elif kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        kind = f"{{name: {_kind(schema['additionalProperties'])}}}"
    return f"{kind} or null" if schema.get("nullable") else kind
