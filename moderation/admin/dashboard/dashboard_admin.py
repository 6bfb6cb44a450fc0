"""The dashboard: what comes in, what waits, what people make of it, and how good the model is; as CSV, too.

A page reads what workers made (`moderation.worker.figures`) and what waits now; it counts nothing itself.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from moderation.admin.dashboard import tables
from moderation.admin.dashboard.tables import Day, Table
from moderation.admin.read_only import ReadOnlyAdmin
from moderation.conf import conf
from moderation.models import Screening, StoredFigures
from moderation.monitoring import figures
from moderation.review import daily, rights
from moderation.row_errors import contained

PERIODS = (7, 30, 90)
"""Days that may be chosen."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""With these a spreadsheet begins a formula."""


@admin.register(StoredFigures)
class DashboardAdmin(ReadOnlyAdmin):
    """Shows the dashboard where the admin would list the stored figures."""

    class Media:
        css = {"all": ("moderation/dashboard.css",)}

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_shown_to(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        period = _period(request)
        wanted = request.GET.get("csv")
        made = _tables(period, may_lead=rights.may_lead(request.user))
        if wanted is not None:
            return _as_csv(made, wanted, period)
        estimates = StoredFigures.objects.filter(name=StoredFigures.ESTIMATES).first()
        context = {
            **self.admin_site.each_context(request),
            "title": _("Dashboard"),
            "opts": self.opts,
            "media": self.media,
            "tables": made,
            "period": period,
            "periods": PERIODS,
            "made": StoredFigures.objects.order_by("-made").values_list("made", flat=True).first(),
            "version": estimates.data.get("version", "") if estimates else "",
            "minutes": conf.FIGURES_MINUTES,
        }
        return TemplateResponse(request, "admin/moderation/dashboard.html", context)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        raise Http404

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        raise Http404


def is_shown_to(user: Any) -> bool:
    """True for who sees the queue; where VISIBLE_SCREENINGS shows but a part of it, for who may lead."""
    return rights.may_lead(user) if rights.is_restricted(user) else rights.may_look_on(user)


def _period(request: HttpRequest) -> int:
    """Return the days that the request asks for, 30 where it names none that may be chosen."""
    asked = request.GET.get("days", "")
    return int(asked) if asked in map(str, PERIODS) else 30


def _tables(period: int, *, may_lead: bool) -> list[Table]:
    counted = _days(period)
    data = [of_day for _, of_day in counted]
    stored = StoredFigures.objects.filter(name=StoredFigures.ESTIMATES).first()
    estimated: Mapping[str, Any] = stored.data if stored else {}
    labels = list(estimated.get("labels", []))
    of_period = estimated.get("periods", {}).get(str(period), {})
    made = [
        tables.waiting(figures.queue_of(Screening.objects.open()), figures.suggested()),
        tables.days(counted),
        tables.quality(of_period, labels),
        tables.agreement(of_period, labels),
        tables.over_time("weeks", _("The last weeks"), estimated.get("weeks", [])),
        tables.over_time("months", _("The last times of 30 days"), estimated.get("months", [])),
        tables.decisions(data),
        tables.waits(data),
        tables.authors(data),
        tables.pages(data, _page_title),
        tables.languages(data),
        tables.versions(data),
    ]
    if may_lead:
        made.insert(8, tables.reviewers(data))
    return made


def _days(period: int) -> list[Day]:
    """Read the counts of the last days, the oldest first; a day that nobody has counted has none."""
    today = timezone.localdate() if timezone.is_aware(timezone.now()) else date.today()
    wanted = [today - timedelta(days=back) for back in reversed(range(period))]
    names = [daily.name_of(day) for day in wanted]
    stored = dict(StoredFigures.objects.filter(name__in=names).values_list("name", "data"))
    return [(day, stored.get(name, {})) for day, name in zip(wanted, names, strict=True)]


def _page_title(key: str) -> str:
    """Name the page of a key, `app_label.modelname:key`, by its object; by the key where that is gone."""
    label, _colon, number = key.partition(":")

    def title() -> str:
        model = apps.get_model(label)
        page = model._base_manager.filter(pk=number).first()
        return str(page) if page is not None else ""

    return contained(title, "") or f"{label.partition('.')[2]} {number}"


def _as_csv(made: list[Table], wanted: str, period: int) -> HttpResponse:
    """Answer with one table as a file; raises Http404 where there is none of that name."""
    table = next((table for table in made if table.key == wanted), None)
    if table is None:
        raise Http404
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="moderation-{table.key}-{period}-days.csv"'
    writer = csv.writer(response)
    writer.writerow([_harmless(column) for column in table.columns])
    writer.writerows([_harmless(cell.plain) for cell in row] for row in table.rows)
    return response


def _harmless(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula; numbers stay numbers."""
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA):
        return f"'{value}"
    return value
