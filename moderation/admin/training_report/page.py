"""Shows the report of a training run: in the admin, and as a file that needs nothing beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import translation
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from moderation.admin.training_report.content import report
from moderation.models import TrainingRun

STYLE = Path(__file__).parents[2] / "static" / "moderation" / "training_report.css"


class TrainingReportPages(admin.ModelAdmin):
    """Gives the page of a training run a link to its report, and the report an address."""

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<int:number>/report/",
            self.admin_site.admin_view(self.report_view),
            name="moderation_trainingrun_report",
        )
        return [own, *super().get_urls()]

    def report_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Show the report of one run."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = TrainingRun.objects.select_related("parent", "candidate").filter(pk=number).first()
        if run is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Report of %(run)s") % {"run": run},
            "report": report(run, request.user),
            "run": run,
        }
        return TemplateResponse(request, "admin/moderation/trainingrun/report.html", context)

    @admin.display(description=gettext_lazy("report"))
    def report_link(self, run: TrainingRun) -> SafeString | str:
        if "verdict" not in (run.comparison or {}):
            return _("Nothing was compared.")
        address = reverse("admin:moderation_trainingrun_report", args=(run.pk,))
        return format_html(
            '<a class="moderation-report-link" href="{}">{}</a>', address, _("Read the report")
        )


def as_file(run: TrainingRun) -> str:
    """Return the report as one HTML page with its style inside, and no link to anything.

    It holds comments, those whose text is still there: it is for the operator's eyes, to be deleted as they
    are.
    """
    context: dict[str, Any] = {
        "report": report(run, links=False),
        "run": run,
        "style": mark_safe(STYLE.read_text(encoding="utf-8")),  # noqa: S308 - a file of the package
        "language": translation.get_language() or "en",
    }
    return render_to_string("moderation/training/report_file.html", context)
