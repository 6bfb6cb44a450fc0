"""Lists for leads which decisions contradict each other; they correct one of them, or leave both."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import router, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from moderation import audit
from moderation.admin.display.json_tables import as_table, excerpt
from moderation.admin.display.label_names import label_name
from moderation.admin.item.presenting import title_of
from moderation.admin.read_only import ReadOnlyAdmin
from moderation.audit import Action, Actor
from moderation.models import Contradiction, Review
from moderation.retraining import wording
from moderation.review import rights, second_opinions

EXCERPT = 200


@admin.register(Contradiction)
class ContradictionAdmin(ReadOnlyAdmin):
    """Shows what waits to be settled. A correction is made at the item, as any other."""

    class Media:
        css = {"all": ("moderation/list.css",)}

    list_display = ("matter", "decision", "other_decision", "found")
    list_display_links = None
    list_filter = ("kind",)
    list_select_related = ("review__screening__content_type", "other__screening__content_type")
    ordering = ("-id",)
    actions = ("leave",)
    fields = ("matter", "decision", "other_decision", "table", "found")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contradiction]:
        rows: QuerySet[Contradiction] = Contradiction.objects.waiting().order_by("-id")
        for path in ("review", "other"):
            dealt = second_opinions.dealt_to(request.user)  # type: ignore[arg-type]  # never anonymous
            rows = rows.exclude(**{f"{path}__screening__in": dealt}) if dealt else rows
            if rights.is_restricted(request.user):
                shown = rights.about_visible(request.user, Review.objects.all())
                rows = rows.filter(**{f"{path}__in": shown}) | rows.filter(**{f"{path}__isnull": True})
        return rows

    def has_module_permission(self, request: HttpRequest) -> bool:
        return rights.may_lead(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return rights.may_lead(request.user)

    def has_lead_permission(self, request: HttpRequest) -> bool:
        """True where the user may settle."""
        return rights.may_lead(request.user)

    @admin.action(description=gettext_lazy("Right as it is: ask no more"), permissions=["lead"])
    def leave(self, request: HttpRequest, rows: QuerySet[Contradiction]) -> None:
        """Settle the chosen ones as they are; they are not asked again."""
        actor = Actor.of(request.user)  # type: ignore[arg-type]  # never anonymous
        with transaction.atomic(using=router.db_for_write(Contradiction)):
            # what somebody else settles at the same moment is read again under its lock, and left out
            waiting = Contradiction.objects.select_for_update().filter(settled=None)
            chosen = list(waiting.filter(pk__in=rows.values("pk")))
            for row in chosen:
                row.settled, row.settled_by, row.settled_by_name = timezone.now(), actor.user, actor.name
                row.save(update_fields=["settled", "settled_by", "settled_by_name"])
                after = {"kind": row.kind, "review": row.review_id, "other": row.other_id}
                audit.record(Action.CONTRADICTION_LEFT, actor, row, {}, after)
        said = ngettext("%(count)s left as it is.", "%(count)s left as they are.", len(chosen))
        messages.success(request, said % {"count": len(chosen)})

    @admin.display(description=gettext_lazy("what is the matter"), ordering="kind")
    def matter(self, row: Contradiction) -> str:
        said = str(row.get_kind_display())
        if row.kind == Contradiction.Kind.UNLIKELY:
            label = label_name(row.label) if row.label else _("harmful or not")
            figures = {
                "said": said,
                "label": label,
                "probability": wording.decimal(row.probability or 0.0, 2),
            }
            return _("%(said)s: %(label)s; probability %(probability)s") % figures
        if row.kind == Contradiction.Kind.REVIEWER:
            shares = {name: f"{row.figures.get(name, 0.0):.0%}" for name in ("rate", "rate_of_others")}
            told = {"said": said, "name": row.reviewer_name, **shares}
            if other := row.figures.get("only_against"):
                differ = _(
                    "%(name)s and %(other)s decide comments of a kind differently; either may be right"
                )
                return differ % {**told, "other": other}
            return _("%(said)s: %(name)s; unlikely %(rate)s, of others %(rate_of_others)s") % told
        return said

    @admin.display(description=gettext_lazy("decision"))
    def decision(self, row: Contradiction) -> SafeString | str:
        return _told(row.review)

    @admin.display(description=gettext_lazy("other decision"))
    def other_decision(self, row: Contradiction) -> SafeString | str:
        return _told(row.other)

    @admin.display(description=gettext_lazy("figures"))
    def table(self, row: Contradiction) -> SafeString:
        return as_table(row.figures)


def _told(review: Review | None) -> SafeString | str:
    """Name an item with its text, what was decided of it and by whom; the item is where it is corrected."""
    if review is None:
        return "-"
    address = reverse("admin:moderation_screening_change", args=(review.screening_id,))
    true = ", ".join(label_name(label) for label, value in review.labels.items() if value)
    return format_html(
        '<a class="moderation-item-link" href="{}">{}</a> {}<br>{}: {} {}',
        address,
        title_of(review.screening),
        excerpt(review.screening.text, EXCERPT),
        review.reviewer_name,
        review.get_decision_display(),
        f"({true})" if true else "",
    )
