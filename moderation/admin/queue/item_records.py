"""Reads what an item's own page lists below its text: scorings, audit trail, other texts of its object."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from moderation import audit, row_errors
from moderation.admin.display.json_tables import as_line
from moderation.admin.display.label_names import label_name
from moderation.admin.item.presenting import Item
from moderation.admin.queue import second_opinions
from moderation.models import AuditEntry, Review, Scoring, Screening
from moderation.review import decisions as reviewing
from moderation.review import rights
from moderation.review.second_opinions import is_as_open

OF_THE_MODEL = (audit.Action.SCREENING_RESCREENED,)
"""Audit entries that tell what a model said."""


def audit_trail(screening: Screening, item: Item) -> list[tuple[AuditEntry, str, SafeString, SafeString]]:
    """Return (entry, its label, before, after) of each; none of the model's while scores are withheld."""
    if is_as_open(screening):
        return []
    entries = audit.about(screening).order_by("-id")
    if item.scores_are_withheld:
        entries = entries.exclude(action__in=OF_THE_MODEL)
    return [
        (entry, audit.label_of(entry.action), as_line(entry.before), as_line(entry.after))
        for entry in entries
    ]


def named_labels(item: Item, review: Review) -> dict[str, bool | None]:
    """Return {label as people read it: what the review says of it}."""
    return {label_name(label): value for label, value in item.labels_of(review).items()}


def scorings_of(screening: Screening, item: Item) -> list[tuple[Scoring, dict[str, float]]]:
    """Return every scoring with its scores in the labels' order; none while scores are withheld.

    What a candidate says in a shadow trial is told after the decision alone, which may be held against it.
    """
    if item.scores_are_withheld:
        return []
    scorings = with_versions(reviewing.scorings_to_tell(screening).order_by("-id"))
    return [
        (scoring, {label_name(label): score for label, score in reviewing.scores_in_order(scoring).items()})
        for scoring in scorings
    ]


def texts_of_the_same_object(request: HttpRequest, screening: Screening) -> list[Screening]:
    """Read the latest other texts of the same field of the same object, without the texts themselves."""
    if not screening.object_id:
        return []
    same = Screening.objects.filter(
        content_type=screening.content_type_id, object_id=screening.object_id, field=screening.field
    )
    others = rights.visible(request.user, same.exclude(pk=screening.pk))
    return second_opinions.as_seen(request, list(others.defer("text").order_by("-id")[:20]))


def live_url(screening: Screening) -> str:
    """Return the address where the site shows the object, or nothing."""
    if screening.content_type is None or screening.content_type.model_class() is None:
        return ""
    try:
        live = screening.content_object
        return str(live.get_absolute_url()) if live is not None else ""
    except BaseException as error:  # the site's own code: whatever it does, the page opens without the link
        if row_errors.ends_the_process(error):
            raise
        return ""


def with_versions(scorings: QuerySet[Scoring]) -> QuerySet[Scoring]:
    """Fetch the scorings with their versions, but without the large manifests."""
    versions = scorings.select_related("model_version", "policy")
    return versions.defer("model_version__manifest", "model_version__metrics")
