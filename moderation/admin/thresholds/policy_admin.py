"""Shows the thresholds that there were and those in force, and changes them after a look at what follows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import formats, timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.formats import number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from moderation import registry
from moderation.admin.display.label_names import label_name
from moderation.admin.display.safe_text import Notes, shortened, visible
from moderation.admin.item.presenting import title_of
from moderation.admin.item.shown_text import PREVIEW_LINES
from moderation.admin.posting import posted
from moderation.admin.read_only import ReadOnlyAdmin
from moderation.admin.thresholds import sets, wishes
from moderation.admin.thresholds.form import Stored, ThresholdsForm
from moderation.audit import Actor
from moderation.models import ModelVersion, Policy, Screening, ScreeningRun
from moderation.registry import Registered
from moderation.rescreening import rejudge, runs
from moderation.rescreening.apply import Consequences
from moderation.rescreening.runs import Scope
from moderation.review import rights, second_opinions
from moderation.screening.judging import has_newer_policy, newest_policy, stored_policy
from moderation.screening.policy_changes import (
    ChangedMeanwhile,
    NothingToWithdraw,
    key_in_force,
    put_in_force,
    withdraw,
)
from moderation.screening.policy_preview import Change, Preview, preview
from moderation.screening.threshold_sources import Number, sources_for
from moderation.versions.active import find_active

if TYPE_CHECKING:
    from moderation.admin.thresholds.curves import Curve

MODEL, FROM = "model_label", "from"
"""Of the address of the form: whose thresholds, and which policy to fill it in with."""
SAVE = "_save"
"""Name of the button that puts the numbers in force."""
EXCERPT_CHARACTERS = 160
MANY_HELD, MANY_FLAGGED, MANY_TIMES = 0.2, 0.5, 3
"""Shares of the latest screenings, and times as many as now, from which a person is asked twice."""
VERDICTS = dict(Screening.Verdict.choices)
CHANGED_MEANWHILE = gettext_lazy(
    "Nothing was changed: somebody has put other thresholds in force. Please look once more."
)


@dataclass(frozen=True)
class LabelRow:
    """One label of the form: what is in force, and the fields for other numbers."""

    label: str
    name: str
    wish: wishes.Wish
    curve: Curve | None
    in_force: Mapping[str, Number]
    inherited: Mapping[str, Number]
    flag: Any
    no_flag: Any
    hold: Any
    no_hold: Any


@dataclass(frozen=True)
class NamedChange:
    """One screening that a preview names."""

    url: str
    title: str
    text: SafeString
    before: str
    after: str


@admin.register(Policy)
class PolicyAdmin(ReadOnlyAdmin):
    """Adds a row for each change of thresholds; the newest of a model is in force until it is withdrawn."""

    list_display = ("covers", "created", "created_by_name", "note", "state")
    list_filter = ("model_label",)
    ordering = ("-id",)
    change_list_template = "admin/moderation/policy/change_list.html"

    class Media:
        css = {"all": ("moderation/queue.css", "moderation/policy.css")}
        js = ("moderation/policy.js",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Policy]:
        policies: QuerySet[Policy] = super().get_queryset(request)
        return policies.annotate(is_outdated=has_newer_policy())

    def get_urls(self) -> list[URLPattern]:
        withdraw_ = self.admin_site.admin_view(self.withdraw_view)
        apply_ = self.admin_site.admin_view(self.apply_view)
        return [
            path("withdraw/", withdraw_, name="moderation_policy_withdraw"),
            path("apply/", apply_, name="moderation_policy_apply"),
            *super().get_urls(),
        ]

    # --- the form -------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Show the numbers in force, what others would change, and put them in force after that look."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        given = request.POST if request.method == "POST" else request.GET
        label, entry = _model(given.get(MODEL, ""))
        version = find_active()
        if version is None:
            messages.warning(request, _("No model version is active yet, so there are no labels to set."))
            return HttpResponseRedirect(reverse("admin:moderation_policy_changelist"))
        inherited = sources_for(entry, version, without=label)
        if request.method != "POST":
            source = sets.begun_with(version, given.get(sets.SET, ""), _source(given.get(FROM, ""), label))
            form = ThresholdsForm(initial=ThresholdsForm.initial_from(source), inherited=inherited)
            return self._form_page(request, form, label, entry, version)
        if wishes.PROPOSE in request.POST:
            return self._proposals(request, label, entry, version, inherited)
        form = ThresholdsForm(request.POST, inherited=inherited)
        if not form.is_valid():
            return self._form_page(request, form, label, entry, version)
        thresholds = form.thresholds()
        in_force = key_in_force(label)
        dealt = second_opinions.dealt_to(request.user)  # type: ignore[arg-type]  # nobody anonymous
        told = preview(label, thresholds, version, dealt)
        questions = _questions(told, thresholds)
        is_seen = constant_time_compare(request.POST.get("seen", ""), _seal(label, thresholds))
        if SAVE in request.POST and request.POST.get("in_force", str(in_force)) != str(in_force):
            is_seen = False
            messages.warning(request, CHANGED_MEANWHILE)
        if SAVE in request.POST and is_seen and (form.cleaned_data["is_meant"] or not questions):
            policy = Policy(model_label=label, thresholds=thresholds, note=form.cleaned_data["note"])
            try:
                put_in_force(policy, Actor.of(request.user), seen=in_force)  # type: ignore[arg-type]
            except ChangedMeanwhile:
                messages.warning(request, CHANGED_MEANWHILE)
                return HttpResponseRedirect(_address("add", label))
            messages.success(request, _("These thresholds are in force from now on."))
            return HttpResponseRedirect(_address("apply", label))
        if SAVE in request.POST and is_seen:
            form.add_error("is_meant", _("Please tick this if you mean it."))
        return self._form_page(
            request,
            form,
            label,
            entry,
            version,
            preview=told,
            questions=questions,
            thresholds=thresholds,
            in_force=str(in_force),  # as it is, whatever thousands look like
        )

    def _proposals(
        self,
        request: HttpRequest,
        label: str,
        entry: Registered | None,
        version: ModelVersion,
        inherited: Mapping[str, Mapping[str, Number]],
    ) -> HttpResponse:
        """Fill the fields with the thresholds that the reviews propose for what is wished; change nothing."""
        asked = wishes.wishes(request.POST, inherited)
        given = request.POST.copy()
        figures = _figures()
        reviewed = figures.reviewed_of(label, version) if figures else None
        if figures:
            asked = {name: figures.proposed(reviewed, name, wish) for name, wish in asked.items()}
        for name, wish in asked.items():
            if wish.number:
                given[f"flag_{name}"] = wish.number
                given.pop(f"no_flag_{name}", None)
        form = ThresholdsForm(given, inherited=inherited)
        return self._form_page(request, form, label, entry, version, asked=asked, reviewed=reviewed)

    def _form_page(
        self,
        request: HttpRequest,
        form: ThresholdsForm,
        label: str,
        entry: Registered | None,
        version: ModelVersion,
        **more: Any,
    ) -> HttpResponse:
        in_force = sources_for(entry, version)
        told: Preview | None = more.get("preview")
        figures = _figures()
        reviewed = more.pop("reviewed", None)
        if figures and reviewed is None:
            reviewed = figures.reviewed_of(label, version)
        asked: Mapping[str, wishes.Wish] = more.pop("asked", None) or wishes.wishes(request.POST, in_force)
        if figures and told is not None:
            more["expected"] = figures.expected(reviewed, label, version, more["thresholds"])
        rows = [
            LabelRow(
                name,
                label_name(name),
                asked[name],
                figures.curve_of(reviewed, name, in_force[name]["flag"].value) if figures else None,
                in_force[name],
                form.inherited[name],
                *(form[f"{kind}_{name}"] for kind in ("flag", "no_flag", "hold", "no_hold")),
            )
            for name in in_force
        ]
        return self._page(
            request,
            "add",
            title=_("Change thresholds"),
            form=form,
            rows=rows,
            model_label=label,
            models=_choices(label),
            version=version,
            has_own=newest_policy(label) is not None,
            has_figures=figures is not None,
            wish_kinds=wishes.KINDS,
            sets=sets.offers(version, label, request.GET.get(sets.SET, "")),
            decided=len(reviewed.items) if reviewed else 0,
            random=sum(item.is_random for item in reviewed.items) if reviewed else 0,
            named=_named(request.user, told.named) if told else (),
            changes=_changes(told) if told else (),
            seen=_seal(label, more["thresholds"]) if told else "",
            **more,
        )

    # --- one policy, and what follows ------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        policy = self.get_object(request, object_id)
        if request.method == "POST" or not self.has_view_permission(request, policy):
            raise PermissionDenied
        if policy is None:
            raise Http404
        thresholds: Stored = policy.thresholds
        return self._page(
            request,
            "detail",
            title=_("Thresholds of %(created)s") % {"created": _date_of(policy)},
            policy=policy,
            covers=self.covers(policy),
            state=self.state(policy),
            rows=[(label_name(label), numbers) for label, numbers in sorted(thresholds.items())],
            is_in_force=_is_in_force(policy),
            may_add=self.has_add_permission(request),
            model_label=policy.model_label,
        )

    @posted
    def withdraw_view(self, request: HttpRequest) -> HttpResponse:
        """Let the policy of a model end; what held without it holds again."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        label = request.POST.get(MODEL, "")
        try:
            withdraw(label, Actor.of(request.user))  # type: ignore[arg-type]  # nobody anonymous
        except NothingToWithdraw:
            messages.warning(request, _("There was nothing left to withdraw."))
            return HttpResponseRedirect(reverse("admin:moderation_policy_changelist"))
        messages.success(request, _("Withdrawn: what held without these thresholds holds again."))
        return HttpResponseRedirect(_address("apply", label))

    def apply_view(self, request: HttpRequest) -> HttpResponse:
        """Show what the thresholds in force would make of earlier verdicts; do it when the form is posted."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        given = request.POST if request.method == "POST" else request.GET
        label, _entry = _model(given.get(MODEL, ""))
        version = find_active()
        if version is None:
            return HttpResponseRedirect(reverse("admin:moderation_policy_changelist"))
        scope = Scope(ScreeningRun.Kind.RESCREEN, version, label)
        keys = rejudge.latest(version, scope)
        if request.method == "POST":
            self._apply(request, version, scope, keys)
            return HttpResponseRedirect(_address("apply", label))
        told = rejudge.preview(version, scope, keys)
        return self._page(
            request,
            "apply",
            title=_("Apply the thresholds to earlier verdicts"),
            model_label=label,
            covers=_covers(label),
            count=len(keys),
            told=told,
            changes=_changes(told),
            version=version,
        )

    def _apply(self, request: HttpRequest, version: ModelVersion, scope: Scope, keys: list[int]) -> None:
        actor = Actor.of(request.user)  # type: ignore[arg-type]  # the admin lets no anonymous user in
        try:
            with runs.exclusive_run() as lease:
                done = rejudge.act(version, scope, lease, keys, actor)
        except (runs.AlreadyRunning, runs.TakenOver) as error:
            messages.error(request, str(error))
            return
        count = sum(done.changes.values())
        text = ngettext("%(count)d verdict was changed.", "%(count)d verdicts were changed.", count)
        messages.success(request, text % {"count": count})

    # --- the list -------------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("model"))
    def covers(self, policy: Policy) -> str:
        return _covers(policy.model_label)

    @admin.display(description=gettext_lazy("state"))
    def state(self, policy: Policy) -> str:
        """Say in a word whether it is in force."""
        if policy.is_withdrawn:
            return _("withdraws the one before")
        return _("in force") if _is_in_force(policy) else _("replaced")

    def _page(self, request: HttpRequest, name: str, **context: Any) -> HttpResponse:
        whole = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            **context,
        }
        return TemplateResponse(request, f"admin/moderation/policy/{name}.html", whole)


def _date_of(policy: Policy) -> str:
    """Return the day on which a policy was made, as people of this language write it."""
    return str(formats.date_format(timezone.localtime(policy.created), "SHORT_DATETIME_FORMAT"))


def _figures() -> ModuleType | None:
    """Return what makes the curves; None in a web process without NumPy, which only workers must have."""
    try:
        from moderation.admin.thresholds import figures as policy_figures
    except ImportError:
        return None
    return policy_figures


def _is_in_force(policy: Policy) -> bool:
    is_outdated: bool = policy.is_outdated  # type: ignore[attr-defined]  # annotated in get_queryset
    return not (is_outdated or policy.is_withdrawn)


def _model(label: str) -> tuple[str, Registered | None]:
    """Return the label with its registration; raises Http404 for one that is not moderated."""
    entry = registry.get(label) if label else None
    if label and entry is None:
        raise Http404
    return label, entry


def _covers(label: str) -> str:
    entry = registry.get(label) if label else None
    if entry is not None:
        return f"{entry.model._meta.verbose_name} ({label})"
    return label or _("every model without thresholds of its own")


def _choices(chosen: str) -> list[tuple[str, str, bool]]:
    labels = ["", *(entry.label for entry in registry.registered())]
    return [(label, _covers(label), label == chosen) for label in labels]


def _source(key: str, label: str) -> Stored:
    """Return the thresholds that the form begins with: of the named policy, or of the one in force."""
    named = stored_policy(int(key)) if key.isdecimal() and len(key) < 19 else None
    source = named or newest_policy(label)
    return dict(source.thresholds) if source is not None else {}


def _address(name: str, label: str) -> str:
    return f"{reverse(f'admin:moderation_policy_{name}')}?{urlencode({MODEL: label})}"


def _seal(label: str, thresholds: Stored) -> str:
    """Sign the numbers that a preview was shown of, so that only those are put in force."""
    value = json.dumps([label, thresholds], sort_keys=True)
    return salted_hmac("moderation.policy.preview", value, algorithm="sha256").hexdigest()


def _questions(told: Preview, thresholds: Stored) -> list[str]:
    """Say what of the numbers looks like a slip."""
    questions = [
        _("“%(label)s” counts in every comment: its threshold is 0.") % {"label": label_name(label)}
        for label, numbers in thresholds.items()
        if 0 in (numbers.get("flag"), numbers.get("hold"))
    ]
    if not told.looked_at:
        return questions
    for now, then, share, text in (
        (told.now.held, told.then.held, MANY_HELD, _("%(share)s of the latest comments would be held.")),
        (
            told.now.flagged + told.now.held,
            told.then.flagged + told.then.held,
            MANY_FLAGGED,
            _("%(share)s of the latest comments would stand in the queue."),
        ),
    ):
        if then / told.looked_at > share and then > MANY_TIMES * now:
            questions.append(text % {"share": _percent(then / told.looked_at)})
    if told.now.flagged + told.now.held and not told.then.flagged + told.then.held:
        questions.append(_("Nothing of the latest comments would be flagged or held any more."))
    return questions


def _percent(share: float) -> str:
    return f"{number_format(round(100 * share, 1))} %"


def _changes(told: Preview | Consequences) -> list[tuple[str, str, int]]:
    return [
        (str(VERDICTS[before]), str(VERDICTS[after]), count)
        for (before, after), count in told.changes.most_common()
    ]


def _named(user: Any, changes: list[Change]) -> list[NamedChange]:
    """Show those of the changes whose screenings the user may see."""
    keys = {change.screening.pk for change in changes}
    seen = set(rights.visible(user, Screening.objects.filter(pk__in=keys)).values_list("pk", flat=True))
    notes = Notes.of_a_page()
    return [
        NamedChange(
            reverse("admin:moderation_screening_change", args=(change.screening.pk,)),
            title_of(change.screening),
            visible(
                shortened(change.screening.text, EXCERPT_CHARACTERS, PREVIEW_LINES)[0], notes.for_a_text()
            ),
            str(VERDICTS[change.before.verdict]),
            str(VERDICTS[change.after.verdict]),
        )
        for change in changes
        if change.screening.pk in seen
    ]
