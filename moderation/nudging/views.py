"""`POST nudge/`: answers the script of a form whether its text may hurt, by one bit and one label."""

from __future__ import annotations

import json
import math
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from moderation import metrics, registry
from moderation.db.transactions import without_transaction
from moderation.nudging import consent, scoring, throttling

MAX_BYTES = 12 * scoring.MAX_CHARACTERS + 4096
"""A character takes at most 12 bytes in JSON, an escaped surrogate pair."""


@without_transaction
@never_cache
@csrf_protect
@require_POST
def nudge(request: HttpRequest) -> HttpResponse:
    """Answer `{"nudge": bool, "label", "says", "post_anyway"}` to `{"text": …, "model": "app.Model"}`.

    400: no such JSON. 413: more than anybody is nudged for. 415: no JSON at all. 429: too often.
    """
    if request.content_type != "application/json":
        return _refusal(415, "Send application/json.")
    seconds = throttling.seconds_to_wait(request)
    if seconds is not None:
        response = _refusal(429, "Too many requests.")
        response.headers["Retry-After"] = str(math.ceil(seconds))
        return response
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BYTES:
            return _refusal(413, "Too long.")
        given = json.loads(request.body)
    except RequestDataTooBig:
        return _refusal(413, "Too long.")
    except (ValueError, RecursionError, UnreadablePostError):
        return _refusal(400, "That is no JSON.")
    text = given.get("text") if isinstance(given, dict) else None
    if not isinstance(text, str):
        return _refusal(400, 'Give "text", a string.')
    return JsonResponse(_answer(text, _model(given.get("model"))))


def _answer(text: str, model: type[Model] | None) -> dict[str, Any]:
    shown = scoring.look_at(text, model)
    if shown is None:
        return {"nudge": False, "label": None, "says": "", consent.FIELD: ""}
    metrics.count_nudge(shown.label, "shown")
    token = consent.token_for(text, shown.label)
    return {"nudge": True, "label": shown.label, "says": shown.says, consent.FIELD: token}


def _model(label: Any) -> type[Model] | None:
    """The registered model of that label; None for any other: then the policy for all models counts."""
    entry = registry.get(label) if isinstance(label, str) else None
    return None if entry is None else entry.model


def _refusal(status: int, detail: str) -> JsonResponse:
    return JsonResponse({"detail": detail}, status=status)
