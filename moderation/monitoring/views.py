"""`/healthz`, open to all and telling nothing else, and `/metrics`, for staff and the bearer of a token."""

from __future__ import annotations

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from moderation.db.transactions import without_transaction
from moderation.monitoring import health
from moderation.monitoring.exposition import has_token, render


@without_transaction
@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 where this process can serve: the database answers and the tables are there; else 503."""
    checks = {"database": False, "migrations": False}
    try:
        checks["database"] = health.database().is_well
        checks["migrations"] = checks["database"] and health.migrations().is_well
    except DatabaseError:
        pass  # it went away in between, which the answer says
    is_well = all(checks.values())
    return JsonResponse(
        {"status": "ok" if is_well else "unavailable", **checks}, status=200 if is_well else 503
    )


@without_transaction
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """The metrics of the web's processes and the figures of the database, as Prometheus reads them."""
    user = getattr(request, "user", None)
    is_staff = user is not None and user.is_active and user.is_staff
    if not has_token(request.headers.get("Authorization", "")) and not is_staff:
        return HttpResponse("Staff, or the bearer of METRICS_TOKEN.\n", status=403, content_type="text/plain")
    body, content_type = render(request.headers.get("Accept", ""))
    return HttpResponse(body, content_type=content_type)
