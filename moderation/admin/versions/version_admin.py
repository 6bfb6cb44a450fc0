"""Lists model versions, shows one and two side by side, activates, goes back, removes files, hands files out.

Nothing is published here: files that somebody uploads are not to be trusted, and a web process loads no model
to try them. `manage.py model_versions publish` does that on the machine that has them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import CharField, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from moderation.admin.display.json_tables import as_table
from moderation.admin.read_only import ReadOnlyAdmin
from moderation.admin.versions import figures, watched
from moderation.audit import Action
from moderation.models import AuditEntry, ModelVersion, TrainingRun
from moderation.monitoring import version_comparison as comparison
from moderation.versions import exporting, history, pruning, store
from moderation.versions.active import find_active
from moderation.versions.rights import may_manage

NOTE_CHARACTERS = 2000
MOST_KEPT = 1000
"""Candidates that a page keeps at most."""
RUN_RESULTS = dict(TrainingRun.Result.choices)


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    """Shows versions to who may view them; changes which one scores for who may manage them."""

    list_display = (
        "__str__",
        "state",
        "origin_shown",
        "parent",
        "measured",
        "run_shown",
        "day",
        "compare",
    )
    list_select_related = ("parent",)
    change_list_template = "admin/moderation/modelversion/change_list.html"

    class Media:
        css = {"all": ("moderation/list.css", "moderation/versions.css")}

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_manage(request.user) or super().has_view_permission(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelVersion]:
        """Return the versions, each with whether its files were removed, and with its training run."""
        versions: QuerySet[ModelVersion] = super().get_queryset(request)
        removed = AuditEntry.objects.filter(
            action=Action.MODEL_PRUNED,
            target_type=ModelVersion._meta.model_name,
            target_id=Cast(OuterRef("pk"), CharField()),
        )
        runs = TrainingRun.objects.filter(candidate=OuterRef("pk")).order_by("-id")
        return versions.annotate(
            is_pruned=Exists(removed),
            run_key=Subquery(runs.values("pk")[:1]),
            run_result=Subquery(runs.values("result")[:1]),
        ).order_by("-id")

    def get_urls(self) -> list[URLPattern]:
        wrap, name = self.admin_site.admin_view, "moderation_modelversion"
        return [
            path("compare/", wrap(require_safe(self.compare_view)), name=f"{name}_compare"),
            path("rollback/", wrap(self.rollback_view), name=f"{name}_rollback"),
            path("prune/", wrap(self.prune_view), name=f"{name}_prune"),
            path("<int:pk>/activate/", wrap(self.activate_view), name=f"{name}_activate"),
            path("<int:pk>/export/", wrap(require_safe(self.export_view)), name=f"{name}_export"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list, with what may be done for who may manage versions."""
        more = {"can_manage": may_manage(request.user), **(extra_context or {})}
        return super().changelist_view(request, more)

    # --- one version, and two ---------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        version = self.get_object(request, object_id)
        if request.method == "POST" or not self.has_view_permission(request, version):
            raise PermissionDenied
        if version is None:
            raise Http404
        active = find_active()
        return self._page(
            request,
            "detail",
            title=str(version),
            version=version,
            state=self.state(version),
            origin=self.origin_shown(version),
            active=active if active is not None and active.pk != version.pk else None,
            can_be_activated=not (version.is_active or _is_pruned(version)),
            has_files=not _is_pruned(version),
            ancestors=history.ancestors(version),
            children=history.children(version),
            same_data=history.same_data(version),
            changes=history.changes_of(version),
            watched=watched.told(version),
            runs=list(version.runs.order_by("-id")),
            can_see_runs=request.user.has_perm("moderation.view_trainingrun"),
            rows=figures.own_rows(version),
            validated_on=comparison.validated_on(version),
            metrics=as_table(version.metrics),
            manifest=as_table(figures.manifest_of(version)),
            files=sorted(dict(version.manifest.get("files") or {}).items()),
        )

    def compare_view(self, request: HttpRequest) -> HttpResponse:
        """Show two versions side by side, and what both said of the same screenings."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        versions = list(ModelVersion.objects.defer("manifest").order_by("-id"))
        old = _chosen(request, "old", versions) or next((row for row in versions if row.is_active), None)
        others = [row for row in versions if row != old]
        new = _chosen(request, "new", versions) or next(iter(others), None)
        context: dict[str, Any] = {"title": _("Compare model versions"), "versions": versions}
        if old is None or new is None:
            return self._page(request, "compare", old=old, new=new, **context)
        told = comparison.compare_on_traffic(old, new)
        return self._page(
            request,
            "compare",
            old=old,
            new=new,
            thresholds=figures.threshold_rows(old, new),
            figures=figures.figure_rows(old, new),
            rows_old=comparison.validated_on(old),
            rows_new=comparison.validated_on(new),
            told=told,
            traffic=figures.traffic(told),
            fewest=comparison.FEWEST,
            **context,
        )

    # --- what changes something --------------------------------------------------------------------

    def activate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask whether a version is to score from now on; make it so when the form is posted."""
        version = self._managed(request, pk)
        active = find_active()
        if request.method != "POST":
            return self._confirm(request, _("Activate?"), version, active, version.pk)
        seen = str(active.pk) if active else ""
        if request.POST.get("seen", "") != seen:
            return self._ask_again(request, active, self._address("activate", version.pk))

        def activate(note: str) -> ModelVersion:
            return store.activate(version, user=request.user, note=note, instead_of=active)  # type: ignore[arg-type]

        return self._switch(request, version, active, activate)

    def rollback_view(self, request: HttpRequest) -> HttpResponse:
        """Ask whether to go back to the version that was active before; do it when the form is posted."""
        if not may_manage(request.user):
            raise PermissionDenied
        active, previous = find_active(), store.previously_active()
        if previous is None:
            messages.warning(request, _("No other model version was active before this one."))
            return HttpResponseRedirect(self._address("changelist"))
        if request.method != "POST":
            return self._confirm(request, _("Go back?"), previous, active, None)
        seen = str(active.pk) if active else ""
        if request.POST.get("seen", "") != seen:
            return self._ask_again(request, active, self._address("rollback"))

        def go_back(note: str) -> ModelVersion:
            return store.rollback(user=request.user, note=note, instead_of=active)  # type: ignore[arg-type]

        return self._switch(request, previous, active, go_back)

    def prune_view(self, request: HttpRequest) -> HttpResponse:
        """Show whose files would be removed; remove them when the form is posted."""
        if not may_manage(request.user):
            raise PermissionDenied
        given = request.POST if request.method == "POST" else request.GET
        keep = _count(given.get("keep", ""))
        if request.method == "POST":
            done = pruning.prune(keep=keep, user=request.user, note=_note(request))  # type: ignore[arg-type]
            count = len(done.versions)
            text = ngettext(
                "The files of %(count)d version were removed.",
                "The files of %(count)d versions were removed.",
                count,
            )
            messages.success(request, text % {"count": count})
            return HttpResponseRedirect(self._address("changelist"))
        told = pruning.prune(keep=keep, dry_run=True)
        return self._page(
            request,
            "prune",
            title=_("Remove files?"),
            keep=keep,
            candidates=told.versions,
            cached=len(told.cached),
            note_characters=NOTE_CHARACTERS,
        )

    def export_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Hand out a version's files as one .tar, each checked on its way."""
        version = self._managed(request, pk)
        try:
            chunks = exporting.stream(version)
        except store.ModelUnavailable as error:
            messages.error(request, _("Nothing was exported. %(error)s") % {"error": error})
            return HttpResponseRedirect(self._address("change", version.pk))
        name = f"{exporting.file_name(version)}.tar"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(chunks, content_type="application/x-tar", headers=headers)

    def _managed(self, request: HttpRequest, pk: int) -> ModelVersion:
        if not may_manage(request.user):
            raise PermissionDenied
        version = self.get_queryset(request).filter(pk=pk).first()
        if version is None:
            raise Http404
        return version

    def _confirm(
        self,
        request: HttpRequest,
        title: str,
        version: ModelVersion,
        active: ModelVersion | None,
        activated: int | None,
    ) -> HttpResponse:
        return self._page(
            request,
            "confirm",
            title=title,
            version=version,
            active=active,
            is_rollback=activated is None,
            is_active=active is not None and active.pk == version.pk,
            thresholds=figures.threshold_rows(active, version) if active else (),
            lost=sorted(set(active.labels) - set(version.labels)) if active else (),
            seen=active.pk if active else "",
            note_characters=NOTE_CHARACTERS,
        )

    def _ask_again(self, request: HttpRequest, active: ModelVersion | None, page: str) -> HttpResponse:
        text = _("Nothing was changed: %(active)s is active by now. Please look once more.")
        messages.warning(request, text % {"active": active or figures.NOTHING})
        return HttpResponseRedirect(page)

    def _switch(
        self,
        request: HttpRequest,
        version: ModelVersion,
        active: ModelVersion | None,
        do: Callable[[str], ModelVersion],
    ) -> HttpResponse:
        """Change the active version; where its files are not all there, say what to do about it."""
        try:
            now = do(_note(request))
        except store.ModelUnavailable as error:
            text = _(
                "Not activated: %(version)s; %(active)s goes on scoring. %(error)s If the files lie "
                "on another machine, activate it there: manage.py model_versions activate %(version)s"
            )
            told = {"version": version, "active": active or figures.NOTHING, "error": error}
            messages.error(request, text % told)
        except store.NothingToGoBackTo:
            messages.warning(request, _("No other model version was active before this one."))
        except store.ActivatedMeanwhile:
            return self._ask_again(request, find_active(), self._address("changelist"))
        else:
            text = _("Active now: %(version)s. Workers take it up between two batches.")
            messages.success(request, text % {"version": now})
        return HttpResponseRedirect(self._address("changelist"))

    # --- the list -------------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("state"))
    def state(self, version: ModelVersion) -> SafeString | str:
        """Say whether it scores, and whether its files are there."""
        if version.is_active:
            return format_html('<strong class="version-active">{}</strong>', _("active"))
        if _is_pruned(version):
            return _("files removed")
        if version.activated is not None:
            return _("was active")
        return _("candidate")

    @admin.display(description=gettext_lazy("origin"))
    def origin_shown(self, version: ModelVersion) -> str:
        return str(version.came_from.label)

    @admin.display(description=gettext_lazy("average precision"))
    def measured(self, version: ModelVersion) -> str:
        return figures.in_words(comparison.mean_average_precision(version))

    @admin.display(description=gettext_lazy("training run"))
    def run_shown(self, version: ModelVersion) -> SafeString | str:
        """Name what the gate said of it, with a link to the report of its training."""
        key: int | None = version.run_key  # type: ignore[attr-defined]  # annotated in get_queryset
        if key is None:
            return figures.NOTHING
        result = version.run_result  # type: ignore[attr-defined]
        page = reverse("admin:moderation_trainingrun_change", args=(key,))
        return format_html('<a href="{}">{}</a>', page, RUN_RESULTS.get(result, _("not compared")))

    @admin.display(description=gettext_lazy("created"), ordering="created")
    def day(self, version: ModelVersion) -> str:
        return str(formats.date_format(timezone.localtime(version.created), "SHORT_DATE_FORMAT"))

    @admin.display(description=gettext_lazy("compare"))
    def compare(self, version: ModelVersion) -> SafeString | str:
        if version.is_active:
            return figures.NOTHING
        page = self._address("compare")
        return format_html('<a href="{}?new={}">{}</a>', page, version.pk, _("compare"))

    def _address(self, view: str, *args: int) -> str:
        return reverse(f"{self.admin_site.name}:moderation_modelversion_{view}", args=args)

    def _page(self, request: HttpRequest, name: str, **context: Any) -> HttpResponse:
        whole = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "can_manage": may_manage(request.user),
            **context,
        }
        return TemplateResponse(request, f"admin/moderation/modelversion/{name}.html", whole)


def _is_pruned(version: ModelVersion) -> bool:
    """True where the version's files were removed; it comes from `get_queryset`."""
    is_pruned: bool = version.is_pruned  # type: ignore[attr-defined]  # annotated there
    return is_pruned


def _chosen(request: HttpRequest, name: str, versions: list[ModelVersion]) -> ModelVersion | None:
    given = request.GET.get(name, "")
    return next((version for version in versions if str(version.pk) == given), None)


def _count(given: str) -> int:
    """Read how many candidates are kept: one at least, as a training may be comparing the newest just now."""
    return max(1, min(int(given), MOST_KEPT)) if given.isdecimal() and len(given) < 9 else pruning.KEPT


def _note(request: HttpRequest) -> str:
    return request.POST.get("note", "").replace("\x00", "").strip()[:NOTE_CHARACTERS]
