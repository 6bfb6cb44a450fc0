"""Describes this API to drf-spectacular, also on a site without settings for it.

`extend_schema` on a view's method builds on DEFAULT_SCHEMA_CLASS, which is not spectacular's unless the site
says so; a view's own schema object does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from moderation.api.fields import MOST_ID
from moderation.api.problems import CONTENT_TYPE, Problem

ID = OpenApiParameter(
    "id",
    {"type": "integer", "minimum": 1, "maximum": MOST_ID},
    OpenApiParameter.PATH,
    description="Of the row.",
)
ALWAYS = (401, 403, 406, 429)
OF_A_BODY = (400, 413, 415)


@dataclass(frozen=True)
class Operation:
    """One method of one address."""

    id: str
    summary: str
    answer: Any
    """A serializer, or a type that spectacular knows."""
    status: int = 200
    description: str = ""
    query: Any = None
    """The serializer of the parameters; None: there are none."""
    body: Any = None
    """The serializer of the body; None: there is none."""
    parameters: tuple[OpenApiParameter, ...] = ()
    problems: Mapping[int, Any] = field(default_factory=dict)
    """{status: serializer}: problems beside those that every such method has."""

    def responses(self) -> dict[Any, Any]:
        """Return all answers, as spectacular takes them."""
        problems: dict[int, Any] = dict.fromkeys(ALWAYS, Problem)
        if self.query is not None:
            problems[400] = Problem
        if self.body is not None:
            problems.update(dict.fromkeys(OF_A_BODY, Problem))
        problems.update(self.problems)
        described = {
            (status, CONTENT_TYPE): OpenApiResponse(serializer, description=HTTPStatus(status).phrase)
            for status, serializer in sorted(problems.items())
        }
        return {self.status: self.answer, **described}


class EndpointSchema(AutoSchema):
    """Of an `Endpoint`: what its `operations` say."""

    @property
    def operation(self) -> Operation:
        """The operation of the method that is being described."""
        view: Any = self.view
        operation: Operation = view.operations[self.method]
        return operation

    def get_operation_id(self) -> str:
        return self.operation.id

    def get_summary(self) -> str:
        return self.operation.summary

    def get_description(self) -> str:  # type: ignore[override]  # spectacular's takes none either
        return self.operation.description

    def get_tags(self) -> list[str]:
        return ["moderation"]

    def get_override_parameters(self) -> list[Any]:
        query = [] if self.operation.query is None else [self.operation.query]
        return [*self.operation.parameters, *query]

    def get_request_serializer(self) -> Any:
        return self.operation.body

    def get_response_serializers(self) -> Any:
        return self.operation.responses()


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes the three ways in which a key can be sent; drf-spectacular finds it by `target_class`."""

    target_class = "moderation.api.authentication.ApiKeyAuthentication"
    name = ["apiKeyHeader", "apiKeyQuery", "apiKeyBearer"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> Any:
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: AutoSchema) -> Any:
        return [
            {"type": "apiKey", "in": "header", "name": "X-Goog-Api-Key"},
            {"type": "apiKey", "in": "query", "name": "key"},
            {"type": "http", "scheme": "bearer"},
        ]
