"""Lets who answers for the model ask for a training in the admin, and shows how far each has come."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from moderation.admin.posting import posted
from moderation.models import TrainingRun
from moderation.retraining import schedule
from moderation.versions.rights import may_manage

STAGES = {
    "preparing": gettext_lazy("preparing"),
    "training": gettext_lazy("training"),
    "publishing": gettext_lazy("exporting and storing"),
    "comparing": gettext_lazy("comparing with the active version"),
}


class AskForTraining(admin.ModelAdmin):
    """Gives the list of training runs a button that asks for one, and a column that says how far each is."""

    change_list_template = "admin/moderation/trainingrun/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        own = path("ask/", self.admin_site.admin_view(self.ask_view), name="moderation_trainingrun_ask")
        return [own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        more = {"may_ask": may_manage(request.user), "schedule": schedule.due()}
        return super().changelist_view(request, {**more, **(extra_context or {})})

    @posted
    def ask_view(self, request: HttpRequest) -> HttpResponse:
        """Queue a training; asked again while one waits, nothing more happens."""
        if not may_manage(request.user):
            raise PermissionDenied
        schedule.ask(request.user)  # type: ignore[arg-type]
        messages.success(
            request,
            _(
                "A training is queued. A worker of the queue “training” begins it within minutes; "
                "where there is none, `manage.py retrain` does."
            ),
        )
        return HttpResponseRedirect(reverse("admin:moderation_trainingrun_changelist"))

    @admin.display(description=gettext_lazy("progress"))
    def how_far(self, run: TrainingRun) -> str:
        """Say the stage, the step of how many, and how long it may take; nothing of a run that has ended."""
        told = run.progress or {}
        if run.status != TrainingRun.Status.RUNNING or not told.get("stage"):
            return ""
        parts = [str(STAGES.get(told["stage"], told["stage"]))]
        if told.get("steps"):
            parts.append(
                _("step %(step)s of %(steps)s") % {"step": told.get("step", 0), "steps": told["steps"]}
            )
        if told.get("seconds_left") is not None:
            minutes = max(1, round(told["seconds_left"] / 60))
            parts.append(
                ngettext("about %(minutes)s minute left", "about %(minutes)s minutes left", minutes)
                % {"minutes": minutes}
            )
        return ", ".join(parts)
