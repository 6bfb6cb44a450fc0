"""The discovery document: tells Google's client libraries which methods there are and where."""

from __future__ import annotations

__all__ = ["VERSION", "document"]

VERSION = "v1alpha1"

Schema = dict[str, object]


def document(root_url: str) -> dict[str, object]:
    """Return the discovery document of the API below `root_url`, which ends in a slash.

    It has no `auth`: a client that saw it would look for Google credentials.
    """
    return {
        "kind": "discovery#restDescription",
        "discoveryVersion": "v1",
        "id": f"commentanalyzer:{VERSION}",
        "name": "commentanalyzer",
        "canonicalName": "Comment Analyzer",
        "version": VERSION,
        "revision": "20261201",
        "title": "Perspective Comment Analyzer API",
        "description": "A self-hosted stand-in for the Perspective API.",
        "protocol": "rest",
        "rootUrl": root_url,
        "servicePath": "",
        "baseUrl": root_url,
        "basePath": "",
        "batchPath": "batch",
        "fullyEncodeReservedExpansion": True,
        "parameters": _parameters(),
        "schemas": _schemas(),
        "resources": {
            "comments": {
                "methods": {
                    "analyze": _method("analyze", "AnalyzeComment", "Scores a comment."),
                    "suggestscore": _method(
                        "suggestscore", "SuggestCommentScore", "Proposes scores for a comment."
                    ),
                }
            }
        },
    }


def _method(name: str, message: str, description: str) -> dict[str, object]:
    path = f"{VERSION}/comments:{name}"
    return {
        "id": f"commentanalyzer.comments.{name}",
        "path": path,
        "flatPath": path,
        "httpMethod": "POST",
        "description": description,
        "parameters": {},
        "parameterOrder": [],
        "request": {"$ref": f"{message}Request"},
        "response": {"$ref": f"{message}Response"},
    }


def _parameters() -> dict[str, object]:
    strings = {
        "access_token": "An OAuth access token.",
        "callback": "Accepted and ignored: answers are always JSON.",
        "fields": "Accepted and ignored: answers are always whole.",
        "key": "The API key.",
        "oauth_token": "An OAuth token.",
        "quotaUser": "Accepted and ignored.",
        "uploadType": "Accepted and ignored.",
        "upload_protocol": "Accepted and ignored.",
    }
    parameters: dict[str, object] = {
        name: {"type": "string", "location": "query", "description": description}
        for name, description in strings.items()
    }
    parameters["alt"] = _query_enum(("json", "media", "proto"), "json")
    parameters["$.xgafv"] = _query_enum(("1", "2"), None)
    parameters["prettyPrint"] = {"type": "boolean", "location": "query", "default": "true"}
    return dict(sorted(parameters.items()))


def _query_enum(values: tuple[str, ...], default: str | None) -> dict[str, object]:
    parameter: dict[str, object] = {"type": "string", "location": "query", "enum": list(values)}
    return parameter if default is None else parameter | {"default": default}


# --- schemas -------------------------------------------------------------------------------------

_STRING: Schema = {"type": "string"}
_BOOLEAN: Schema = {"type": "boolean"}
_FLOAT: Schema = {"type": "number", "format": "float"}
_INTEGER: Schema = {"type": "integer", "format": "int32"}


def _schemas() -> dict[str, object]:
    asked = {
        "comment": _ref("TextEntry"),
        "context": _ref("Context"),
        "languages": _list(_STRING),
        "clientToken": _STRING,
        "sessionId": _STRING,
        "communityId": _STRING,
    }
    schemas = {
        "AnalyzeCommentRequest": asked
        | {
            "requestedAttributes": _map(_ref("AttributeParameters")),
            "spanAnnotations": _BOOLEAN,
            "doNotStore": _BOOLEAN,
            "dropUnsupportedAttributes": _BOOLEAN,
        },
        "AnalyzeCommentResponse": {
            "attributeScores": _map(_ref("AttributeScores")),
            "languages": _list(_STRING),
            "detectedLanguages": _list(_STRING),
            "clientToken": _STRING,
        },
        "SuggestCommentScoreRequest": asked | {"attributeScores": _map(_ref("AttributeScores"))},
        "SuggestCommentScoreResponse": {
            "clientToken": _STRING,
            "detectedLanguages": _list(_STRING),
            "requestedLanguages": _list(_STRING),
        },
        "TextEntry": {"text": _STRING, "type": _enum("TEXT_TYPE_UNSPECIFIED", "PLAIN_TEXT", "HTML")},
        "Context": {
            "entries": _list(_ref("TextEntry")),
            "articleAndParentComment": _ref("ArticleAndParentComment"),
        },
        "ArticleAndParentComment": {"article": _ref("TextEntry"), "parentComment": _ref("TextEntry")},
        "AttributeParameters": {"scoreType": _score_type(), "scoreThreshold": _FLOAT},
        "AttributeScores": {"summaryScore": _ref("Score"), "spanScores": _list(_ref("SpanScore"))},
        "SpanScore": {"begin": _INTEGER, "end": _INTEGER, "score": _ref("Score")},
        "Score": {"value": _FLOAT, "type": _score_type()},
    }
    return {
        name: {"id": name, "type": "object", "properties": properties} for name, properties in schemas.items()
    }


def _score_type() -> Schema:
    return _enum("SCORE_TYPE_UNSPECIFIED", "PROBABILITY", "STD_DEV_SCORE", "PERCENTILE", "RAW")


def _ref(name: str) -> Schema:
    return {"$ref": name}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _map(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


def _enum(*values: str) -> Schema:
    return {"type": "string", "enum": list(values), "enumDescriptions": [""] * len(values)}
