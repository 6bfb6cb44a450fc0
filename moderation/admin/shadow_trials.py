"""Lists shadow trials, compares both versions of one, starts and ends them; promotes or drops a candidate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from moderation.admin.display.label_names import label_name
from moderation.admin.posting import posted
from moderation.admin.read_only import ReadOnlyAdmin
from moderation.models import ModelVersion, ShadowTrial
from moderation.shadow import comparing, counting, trials
from moderation.shadow.comparing import Comparison
from moderation.shadow.counting import Counts
from moderation.shadow.difference import Reviewed
from moderation.shadow.intervals import Share, Sum
from moderation.versions.artifacts import ModelUnavailable
from moderation.versions.rights import may_manage
from moderation.versions.store import pruned_versions

NOTHING = "\u2013"
"""Stands for a figure that there is not."""
PER = 1000
"""Comments to which the difference in mistakes is told."""


@admin.register(ShadowTrial)
class ShadowTrialAdmin(ReadOnlyAdmin):
    """Shows trials to who may view them; starts and ends them for who may manage model versions."""

    list_display = ("__str__", "status", "candidate", "beside", "scored", "created", "finished", "error_code")
    list_select_related = ("candidate", "beside")
    ordering = ("-id",)
    change_list_template = "admin/moderation/shadowtrial/change_list.html"

    class Media:
        css = {"all": ("moderation/list.css", "moderation/versions.css")}

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_manage(request.user) or super().has_view_permission(request, obj)

    def get_urls(self) -> list[URLPattern]:
        wrap, name = self.admin_site.admin_view, "moderation_shadowtrial"
        return [
            path("start/", wrap(self.start_view), name=f"{name}_start"),
            path("<int:pk>/stop/", wrap(self.stop_view), name=f"{name}_stop"),
            path("<int:pk>/promote/", wrap(self.promote_view), name=f"{name}_promote"),
            path("<int:pk>/drop/", wrap(self.drop_view), name=f"{name}_drop"),
            *super().get_urls(),
        ]

    @admin.display(description=gettext_lazy("scored"))
    def scored(self, trial: ShadowTrial) -> int:
        return Counts.of(trial.counts).scored

    # --- pages --------------------------------------------------------------------------------------

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list, and the form that starts a trial while none is running."""
        can_start = may_manage(request.user) and trials.running() is None
        others = ModelVersion.objects.filter(is_active=False).defer("manifest", "metrics")
        more = {
            "candidates": others.exclude(pk__in=pruned_versions()).order_by("-id") if can_start else (),
            "can_start": can_start,
            "budget": round(100 * trials.BUDGET),
            "draw_rate": round(100 * trials.DRAW_RATE),
        }
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        trial = self.get_object(request, object_id)
        if request.method == "POST" or not self.has_view_permission(request, trial):
            raise PermissionDenied
        if trial is None:
            raise Http404
        told = comparing.compare(trial)
        is_open = trial.status in (ShadowTrial.Status.RUNNING, ShadowTrial.Status.ENDED)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "title": str(trial),
            "trial": trial,
            "told": told,
            "budget": percent(trial.budget),
            "draw_rate": percent(trial.draw_rate),
            "seconds": number_format(round(trial.seconds, 1), 1),
            "agreement": in_words(told.agreement),
            "rates": rates(told) if told.counts.scored else (),
            "labels": labels(told.counts),
            "kinds": kinds(trial, told),
            "difference": difference(told.difference),
            "can_stop": may_manage(request.user) and trial.is_running,
            "can_decide": may_manage(request.user) and is_open and not trial.candidate.is_active,
            "can_promote": trial.beside.is_active,
        }
        return TemplateResponse(request, "admin/moderation/shadowtrial/detail.html", context)

    # --- what changes something -----------------------------------------------------------------------

    @posted
    def start_view(self, request: HttpRequest) -> HttpResponse:
        """Start a trial, as the form on the list says."""
        self._check_manages(request)
        given = request.POST.get("version", "")
        candidate = ModelVersion.objects.filter(pk=given).first() if given.isdecimal() else None
        shares = [_share(request.POST.get(name, "")) for name in ("budget", "draw_rate")]
        budget, draw_rate = shares
        if candidate is None or budget is None or draw_rate is None:
            messages.error(request, _("Nothing was started: choose a version, a budget and a draw rate."))
            return HttpResponseRedirect(self._address("changelist"))

        def start() -> ShadowTrial:
            return trials.start(candidate, budget=budget, draw_rate=draw_rate, user=request.user)  # type: ignore[arg-type]

        return self._do(request, start, _("The trial has started; workers take it up within seconds."))

    @posted
    def stop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """End a running trial."""
        return self._end(request, pk, trials.stop, _("The trial has ended."))

    @posted
    def promote_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Activate the candidate, and end its trial."""
        text = _("The candidate is active now. Workers take it up between two batches.")
        return self._end(request, pk, trials.promote, text)

    @posted
    def drop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Decide against the candidate, and end its trial."""
        return self._end(request, pk, trials.drop, _("The candidate was dropped; nothing else changes."))

    def _end(self, request: HttpRequest, pk: int, end: Callable[..., ShadowTrial], text: str) -> HttpResponse:
        self._check_manages(request)
        trial = trials.with_versions().filter(pk=pk).first()
        if trial is None:
            raise Http404
        return self._do(request, lambda: end(trial, user=request.user), text, pk)

    def _do(
        self, request: HttpRequest, do: Callable[[], ShadowTrial], text: str, pk: int | None = None
    ) -> HttpResponse:
        try:
            pk = do().pk
        except (trials.TrialRefused, ModelUnavailable) as error:
            messages.error(request, str(error))
        else:
            messages.success(request, text)
        page = self._address("changelist") if pk is None else self._address("change", pk)
        return HttpResponseRedirect(page)

    def _check_manages(self, request: HttpRequest) -> None:
        if not may_manage(request.user):
            raise PermissionDenied

    def _address(self, view: str, *args: int) -> str:
        return reverse(f"{self.admin_site.name}:moderation_shadowtrial_{view}", args=args)


def percent(share: float) -> str:
    """Write a share, such as "12.5 %"."""
    return _("%(value)s %%") % {"value": number_format(f"{100 * share:.1f}", 1)}


def in_words(share: Share) -> str:
    """Write a share with its interval, such as "12.5 % (10.0 to 15.3)"."""
    parts = (share.value, share.low, share.high)
    value, low, high = (number_format(f"{100 * part:.1f}", 1) for part in parts)
    return _("%(value)s %% (%(low)s to %(high)s)") % {"value": value, "low": low, "high": high}


def rates(told: Comparison) -> list[tuple[str, str, str]]:
    """Return (name, active version, candidate) of how much each flags and holds."""
    return [
        (_("flagged or held"), in_words(told.active.flagged), in_words(told.candidate.flagged)),
        (_("held"), in_words(told.active.held), in_words(told.candidate.held)),
    ]


def labels(counts: Counts) -> list[tuple[str, int, int, int, int]]:
    """Return (label, by the active version, by the candidate, by either alone) of comments flagged."""
    return [
        (
            label_name(label),
            cells[counting.BOTH] + cells[counting.ACTIVE],
            cells[counting.BOTH] + cells[counting.CANDIDATE],
            cells[counting.ACTIVE],
            cells[counting.CANDIDATE],
        )
        for label, cells in counts.labels.items()
    ]


def kinds(trial: ShadowTrial, told: Comparison) -> list[tuple[str, Reviewed, str, str]]:
    """Return (who flags it alone, counts, share in which that is right, who is right more often)."""
    return [
        (_("the active version alone"), told.of_active, *_right(told.of_active)),
        (_("the candidate alone"), told.of_candidate, *_right(told.of_candidate)),
    ]


def difference(value: Sum | None) -> str:
    """Write the difference in mistakes to PER comments; NOTHING where it is not known."""
    if value is None:
        return NOTHING
    numbers = [_signed(PER * part) for part in (value.value, value.low, value.high)]
    return _("%(value)s (%(low)s to %(high)s)") % dict(zip(("value", "low", "high"), numbers, strict=True))


def _right(kind: Reviewed) -> tuple[str, str]:
    if not kind.reviewed:
        return NOTHING, _("not enough")
    share = kind.share
    if share.low > 0.5:
        return in_words(share), _("mostly right")
    return in_words(share), _("mostly wrong") if share.high < 0.5 else _("not enough")


def _signed(number: float) -> str:
    sign = "+" if number > 0 else "\u2212" if number < 0 else ""
    return sign + number_format(f"{abs(number):.1f}", 1)


def _share(given: str) -> float | None:
    """Return the share that a whole number of percent is; None where it is none."""
    return int(given) / 100 if given.isdecimal() and len(given) <= 3 and int(given) <= 100 else None
