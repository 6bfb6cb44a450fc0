"""The errors of the wire: one function makes each, with the code, status, message and details that clients
of the Perspective API look for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from toxicity_ml.errors import ToxicityError

__all__ = [
    "SERVICE",
    "Busy",
    "Metric",
    "ModelUnavailable",
    "WireError",
    "bad_api_key",
    "bad_batch",
    "bad_json",
    "bad_score",
    "bad_value",
    "both_contexts",
    "comment_empty",
    "comment_too_long",
    "internal",
    "language_not_detected",
    "language_not_supported",
    "method_blocked",
    "method_not_allowed",
    "missing_api_key",
    "no_attribute_scores",
    "no_requested_attributes",
    "not_found",
    "only_plain_text",
    "origin_blocked",
    "payload_too_large",
    "quota_exceeded",
    "score_type_not_supported",
    "service_disabled",
    "too_many_attributes",
    "unavailable",
    "unknown_attribute",
    "unknown_text_type",
]

SERVICE = "commentanalyzer.googleapis.com"
"""The name that the service has in details of errors. Clients compare it, whatever the host."""

_PERSPECTIVE_ERROR = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"
_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_HELP = "type.googleapis.com/google.rpc.Help"

Detail = Mapping[str, object]


class Busy(ToxicityError):
    """An engine has as much work as it can do in time. The caller is told to come again."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__("The engine is busy.")
        self.retry_after = retry_after
        """Seconds until another try makes sense."""


class ModelUnavailable(ToxicityError):
    """An engine has no model to score with at the moment. The caller is told to come again."""

    def __init__(self, retry_after: int = 10) -> None:
        super().__init__("No model is there to score with.")
        self.retry_after = retry_after
        """Seconds until another try makes sense."""


@dataclass(eq=False)
class WireError(Exception):
    """What a caller is told instead of an answer."""

    code: int
    """The HTTP status."""
    status: str
    """The name of the gRPC status, such as INVALID_ARGUMENT."""
    message: str
    details: Sequence[Detail] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers of the answer, such as Retry-After."""

    def envelope(self) -> dict[str, object]:
        """Return the body: `{"error": {"code", "message", "status"[, "details"]}}`."""
        error: dict[str, object] = {"code": self.code, "message": self.message, "status": self.status}
        if self.details:
            error["details"] = [dict(detail) for detail in self.details]
        return {"error": error}


# --- the comment and what is asked of it ---------------------------------------------------------


def comment_empty() -> WireError:
    """Make the error of a comment without text."""
    return _refusal("Comment must be non-empty.", "COMMENT_EMPTY")


def comment_too_long(size: int, limit: int) -> WireError:
    """Make the error of a comment of `size` bytes of UTF-8 where `limit` are allowed."""
    return _refusal(
        f"Comment text was too many bytes. Value ({size}) exceeded limit ({limit}).", "COMMENT_TOO_LONG"
    )


def no_requested_attributes() -> WireError:
    """Make the error of an analysis that asks for no attribute."""
    return _refusal("Missing requested_attributes", "NO_REQUESTED_ATTRIBUTES")


def no_attribute_scores() -> WireError:
    """Make the error of a suggestion without scores."""
    return _refusal("Missing attribute_scores", "INVALID_REQUEST")


def too_many_attributes(limit: int) -> WireError:
    """Make the error of a request that names more than `limit` attributes."""
    return _refusal(f"At most {limit} attributes in one request", "INVALID_REQUEST")


def unknown_attribute(attribute: str) -> WireError:
    """Make the error of an attribute that the model has no label for."""
    return _refusal(f"Unknown requested attribute: {attribute}", "INVALID_REQUEST")


def only_plain_text() -> WireError:
    """Make the error of an HTML comment where HTML is not served."""
    return _refusal("Currently, only 'PLAIN_TEXT' comments are supported", "INVALID_REQUEST")


def unknown_text_type() -> WireError:
    """Make the error of a text type that the API does not have."""
    return _refusal("Unknown text type", "INVALID_REQUEST")


def score_type_not_supported(score_type: str, attribute: str) -> WireError:
    """Make the error of a score type other than PROBABILITY."""
    return _refusal(
        f"Requested score type {score_type} is not supported by attribute {attribute}", "INVALID_REQUEST"
    )


def bad_score(attribute: str, problem: str) -> WireError:
    """Make the error of a suggested score that says nothing usable of its attribute."""
    return _refusal(f"Invalid score for attribute {attribute}: {problem}", "INVALID_REQUEST")


def both_contexts() -> WireError:
    """Make the error of a context of both kinds."""
    return _refusal(
        "Context can have either entries or article_and_parent_comment, but both fields were populated.",
        "INVALID_REQUEST",
    )


def language_not_supported(
    attribute: str,
    languages: Sequence[str],
    *,
    detected: Sequence[str] = (),
    requested: Sequence[str] = (),
) -> WireError:
    """Make the error of an attribute that cannot be scored in `languages`.

    `detected` is what was found in the text and `requested` what the caller gave, if anything.
    """
    reason: dict[str, object] = {"attribute": attribute, "detectedLanguages": list(detected)}
    if requested:
        reason["requestedLanguages"] = list(requested)
    return _refusal(
        f"Attribute {attribute} does not support request languages: {', '.join(languages)}",
        "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
        languageNotSupportedByAttributeError=reason,
    )


def language_not_detected() -> WireError:
    """Make the error of a text whose language nobody named and nothing told."""
    return _refusal("Unable to detect language", "LANGUAGE_DETECTION_FAILED")


# --- the form of the request ---------------------------------------------------------------------


def bad_json(problem: str) -> WireError:
    """Make the error of a body that is no JSON object. `problem` quotes nothing of the body."""
    return _invalid(f"Invalid JSON payload received. {problem}")


def bad_value(field_path: str, type_name: str) -> WireError:
    """Make the error of a field whose value has another type than `type_name`. The value is not quoted."""
    message = f"Invalid value at '{field_path}' ({type_name})"
    violation = {"field": field_path, "description": message}
    return _invalid(message, {"@type": _BAD_REQUEST, "fieldViolations": [violation]})


def bad_batch(problem: str) -> WireError:
    """Make the error of a batch that cannot be taken apart."""
    return _invalid(f"Failed to parse batch request, error: {problem}")


def payload_too_large(limit: int) -> WireError:
    """Make the error of a body of more than `limit` bytes."""
    return WireError(413, "INVALID_ARGUMENT", f"Request payload size exceeds the limit: {limit} bytes.")


def not_found() -> WireError:
    """Make the error of an address that is none of the API's. The service sends a page instead of JSON."""
    return WireError(404, "NOT_FOUND", "The requested URL was not found on this server.")


def method_not_allowed(allowed: str) -> WireError:
    """Make the error of an address that was called by another HTTP method than `allowed`."""
    return WireError(
        405, "UNIMPLEMENTED", f"This address is called by {allowed}.", (), {"Allow": f"{allowed}, OPTIONS"}
    )


# --- keys and quotas -----------------------------------------------------------------------------


class Metric(Enum):
    """What a quota counts."""

    ANALYZE = ("Analysis requests (AnalyzeComment)", "analyze_requests", "AnalyzeRequests")
    SUGGEST = ("Suggestion requests (SuggestCommentScore)", "suggest_requests", "SuggestRequests")

    @property
    def title(self) -> str:
        """The name of the metric as people read it."""
        return self.value[0]

    @property
    def path(self) -> str:
        """The name of the metric as programs read it."""
        return f"CommentAnalyzerService/{self.value[1]}"

    @property
    def limit(self) -> str:
        """The name of the limit."""
        return f"{self.value[2]}PerMinutePerProject"


def missing_api_key() -> WireError:
    """Make the error of a request without a key."""
    return WireError(
        403,
        "PERMISSION_DENIED",
        "Method doesn't allow unregistered callers (callers without established identity). Please use API "
        "Key or other form of API consumer identity to call this API.",
    )


def bad_api_key() -> WireError:
    """Make the error of a key that is unknown, revoked or expired. Which of them is not told."""
    return _invalid("API key not valid. Please pass a valid API key.", _error_info("API_KEY_INVALID"))


def method_blocked(method: str) -> WireError:
    """Make the error of a key that lacks the scope of `method`, such as AnalyzeComment."""
    name = f"google.commentanalyzer.v1alpha1.CommentAnalyzer.{method}"
    return WireError(
        403,
        "PERMISSION_DENIED",
        f"Requests to this API {SERVICE} method {name} are blocked.",
        (_error_info("API_KEY_SERVICE_BLOCKED", methodName=name),),
    )


def origin_blocked(origin: str) -> WireError:
    """Make the error of a key that may not be used from `origin`; empty where none was sent."""
    return WireError(
        403,
        "PERMISSION_DENIED",
        f"Requests from referer {origin or '<empty>'} are blocked.",
        (_error_info("API_KEY_HTTP_REFERRER_BLOCKED", httpReferrer=origin),),
    )


def service_disabled(consumer: str) -> WireError:
    """Make the error of a consumer, such as `projects/1`, for whom the API is switched off."""
    return WireError(
        403,
        "PERMISSION_DENIED",
        f"Perspective Comment Analyzer API has not been used in project {consumer.rpartition('/')[2]} before "
        "or it is disabled.",
        (_error_info("SERVICE_DISABLED", consumer=consumer),),
    )


def quota_exceeded(metric: Metric, *, limit: int, consumer: str, retry_after: int = 60) -> WireError:
    """Make the error of a consumer, such as `projects/1`, that used up its `limit` requests of a minute.

    `retry_after` is in seconds.
    """
    info = _error_info(
        "RATE_LIMIT_EXCEEDED",
        consumer=consumer,
        quota_limit=metric.limit,
        quota_limit_value=str(limit),
        quota_location="global",
        quota_metric=metric.path,
    )
    links = [{"description": "Ask the operator of this server for a higher quota."}]
    return WireError(
        429,
        "RESOURCE_EXHAUSTED",
        f"Quota exceeded for quota metric '{metric.title}' and limit '{metric.title} per minute' of service "
        f"'{SERVICE}' for consumer '{consumer.replace('projects/', 'project_number:')}'.",
        (info, {"@type": _HELP, "links": links}),
        {"Retry-After": str(retry_after)},
    )


# --- the server ----------------------------------------------------------------------------------


def unavailable(retry_after: int) -> WireError:
    """Make the error of a server that cannot score now; `retry_after` is in seconds."""
    return WireError(
        503,
        "UNAVAILABLE",
        "The service is currently unavailable.",
        (),
        {"Retry-After": str(retry_after)},
    )


def internal() -> WireError:
    """Make the error of a fault of ours. It tells nothing of the fault."""
    return WireError(500, "INTERNAL", "Internal error encountered.")


def _invalid(message: str, *details: Detail) -> WireError:
    return WireError(400, "INVALID_ARGUMENT", message, details)


def _refusal(message: str, error_type: str, **reason: object) -> WireError:
    return _invalid(message, {"@type": _PERSPECTIVE_ERROR, "errorType": error_type, **reason})


def _error_info(reason: str, **metadata: str) -> Detail:
    return {
        "@type": _ERROR_INFO,
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": SERVICE, **metadata},
    }
