"""Answers Perspective's requests: makes each a request of the wire, and sends the wire's response."""

from __future__ import annotations

import threading
from dataclasses import replace
from urllib.parse import parse_qsl

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from moderation.api.admission import RETRY_SECONDS
from moderation.api.perspective.bodies import max_bytes, read_body
from moderation.api.perspective.engine import SiteEngine
from moderation.api.perspective.keys import SiteKeys
from moderation.api.perspective.suggestions import SiteSuggestions
from moderation.api_keys.requests import find_key, hide_tokens
from moderation.conf import conf
from moderation.db.transactions import without_transaction
from toxicity_ml.perspective.errors import bad_json, payload_too_large, unavailable
from toxicity_ml.perspective.service import Service, ServiceOptions, WireRequest, WireResponse

BATCHES_AT_ONCE = 2
"""In one process: each keeps a thread of the web server, which has few."""
_batches = threading.BoundedSemaphore(BATCHES_AT_ONCE)
_part_turn = threading.Lock()
"""Batches take turns part by part, so that they leave room for others."""
HEADERS = ("origin", "referer", "content-type", "access-control-request-headers")
"""What the wire reads of a request's headers, besides the key."""


@csrf_exempt
@login_not_required
@without_transaction
def perspective(request: HttpRequest, path: str) -> HttpResponse:
    """Answer one request; `path` lies below the prefix under which the site includes the addresses."""
    service = _service()
    wire = _to_wire(request, f"/{path}", b"")
    try:
        wire = replace(wire, body=read_body(request))
    except RequestDataTooBig:
        return _response(service.refuse(wire, payload_too_large(max_bytes())))
    except UnreadablePostError:
        return _response(service.refuse(wire, bad_json("Unexpected end of the body.")))
    return _response(_answer_batch(service, wire) if path == "batch" else service.handle(wire))


def _answer_batch(service: Service, wire: WireRequest) -> WireResponse:
    """Answer a batch, unless the process answers as many as it may."""
    if not _batches.acquire(blocking=False):
        return service.refuse(wire, unavailable(RETRY_SECONDS))
    try:
        return service.handle(wire)
    finally:
        _batches.release()


def _service() -> Service:
    options = ServiceOptions(conf.PERSPECTIVE_MAX_BYTES, part_turn=_part_turn)
    return Service(SiteKeys(), SiteEngine(), SiteSuggestions(), options)


def _to_wire(request: HttpRequest, path: str, body: bytes) -> WireRequest:
    hide_tokens(request)
    # It may refuse the host; nothing of the key is among the locals of that error.
    root_url = request.build_absolute_uri(request.path.removesuffix(path) + "/")
    presented = find_key(request)
    headers = {name: request.headers[name] for name in HEADERS if name in request.headers}
    if presented is not None:
        headers["x-goog-api-key"] = presented.raw
    return WireRequest(
        method=request.method or "",
        path=path,
        query=parse_qsl(request.META.get("QUERY_STRING", ""), keep_blank_values=True),
        headers=headers,
        body=body,
        root_url=root_url,
    )


def _response(wire: WireResponse) -> HttpResponse:
    response = HttpResponse(wire.body, status=wire.status)
    for name, value in wire.headers.items():
        response[name] = value
    if wire.status >= 500:
        # Django would log an error, and mail it to the admins, for each of the requests of a flood.
        response._has_been_logged = True  # type: ignore[attr-defined]
    return response
