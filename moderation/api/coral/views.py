"""Judges a comment for Coral's external moderation phase, by the thresholds for every model.

Stores nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from moderation import policies
from moderation.api import scoring
from moderation.api.admission import Busy
from moderation.conf import conf
from moderation.db.transactions import without_transaction
from moderation.models import Screening
from moderation.screening.judging import thresholds_for
from moderation.screening.scorer import Failure

FLAG = {"actionType": "FLAG", "reason": "COMMENT_DETECTED_TOXIC"}
"""Puts a comment into Coral's queue of reports."""
WITHHELD = "SYSTEM_WITHHELD"
"""Coral's status of a comment that is not published before a moderator has looked."""


@csrf_exempt
@without_transaction
@require_POST
def phase(request: HttpRequest) -> HttpResponse:
    """Answer one comment: 204 for a clear one, else what Coral is to do with it."""
    if not conf.CORAL_SIGNING_SECRET:
        return HttpResponse(status=404)
    try:
        body = request.body
    except RequestDataTooBig:
        return HttpResponse(status=413)
    except UnreadablePostError:
        return HttpResponse(status=400)
    if not is_signed(body, request.headers.get("X-Coral-Signature", "")):
        return HttpResponse(status=401)
    text = _text_of(body)
    if text is None:
        return HttpResponse(status=400)
    if len(text) > conf.CLASSIFY_MAX_CHARACTERS:
        return HttpResponse(status=413)
    return _answer(text)


def is_signed(body: bytes, header: str) -> bool:
    """True where one of the header's signatures is the body's; Coral sends two while it rolls secrets."""
    digest = hmac.new(conf.CORAL_SIGNING_SECRET.encode(), body, hashlib.sha256).hexdigest()
    signatures = [one.strip().partition("=") for one in header.split(",")]
    return any(kind == "sha256" and constant_time_compare(value, digest) for kind, _, value in signatures)


def _answer(text: str) -> HttpResponse:
    try:
        version = scoring.active_version()
        scores = scoring.score_now(version, [text])[0]
    except (Busy, scoring.NothingToScoreWith):
        return _unavailable()
    if isinstance(scores, Failure):
        return HttpResponse(status=422)
    thresholds, _ = thresholds_for(Screening(), version)
    verdict = policies.judge(scores, thresholds).verdict
    if verdict == policies.CLEAR:
        return HttpResponse(status=204)
    held = {"status": WITHHELD} if verdict == policies.HELD else {}
    return JsonResponse({"actions": [FLAG], **held})


def _unavailable() -> HttpResponse:
    response = HttpResponse(status=503)
    # Django would log an error, and mail it to the admins, for each of the requests of a flood.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _text_of(body: bytes) -> str | None:
    """The comment of a request, or None where it has none."""
    try:
        content: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    comment = content.get("comment") if isinstance(content, dict) else None
    text = comment.get("body") if isinstance(comment, dict) else None
    return text if isinstance(text, str) else None
