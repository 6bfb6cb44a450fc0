"""Describes this API to drf-spectacular, also on a site without settings for it.

`extend_schema` on a view's method builds on DEFAULT_SCHEMA_CLASS, which is not spectacular's unless the site
says so; a view's own schema object does not.
"""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import PolymorphicProxySerializer

from moderation.api.serializers import Classification, Classifications, ClassifyRequest


class ClassifySchema(AutoSchema):
    """Describes `POST classify/`."""

    def get_operation_id(self) -> str:
        return "classify"

    def get_request_serializer(self) -> Any:
        return ClassifyRequest

    def get_response_serializers(self) -> Any:
        return {
            200: PolymorphicProxySerializer(
                component_name="ClassifyResponse",
                serializers=[Classification, Classifications],
                resource_type_field_name=None,
                many=False,
            )
        }


class SchemaSchema(AutoSchema):
    """Describes `GET schema/` itself."""

    def get_operation_id(self) -> str:
        return "schema"

    def get_response_serializers(self) -> Any:
        return {200: OpenApiTypes.OBJECT}


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
