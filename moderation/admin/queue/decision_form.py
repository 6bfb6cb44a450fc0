"""Reads what the form of a decision says: the decision, its labels, and what the page had shown."""

from __future__ import annotations

from django.http import HttpRequest

from moderation.models import Review
from moderation.review import decisions as reviewing


def kind_of(request: HttpRequest) -> str:
    """Return the decision that the pressed button names; a button of a reason names that alone."""
    kind = request.POST.get("kind", "")
    if not kind and request.POST.get("picked"):
        return Review.Decision.UPHOLD
    return kind or (Review.Decision.OTHER_REASON if request.POST.get("reason") else "")


def shown_scoring(request: HttpRequest) -> reviewing.Shown:
    """Return the id of the scoring that the form showed, or None; without the field, CURRENT."""
    posted = request.POST.get("scoring")
    if posted is None:
        return reviewing.CURRENT
    return int(posted) if posted.isdecimal() and len(posted) < 19 else None


def seen_number(request: HttpRequest) -> int:
    """Return the number of the decision that the form showed; 0 for none."""
    posted = request.POST.get("seen_number", "")
    return int(posted) if posted.isascii() and posted.isdecimal() and len(posted) < 10 else 0


def picked_label(request: HttpRequest) -> str:
    """Return the label that alone is upheld. A form that shows all labels has their boxes for relabelling."""
    if picked := request.POST.get("picked", ""):
        return picked
    return "" if request.POST.getlist("shown") else request.POST.get("label", "")


def ticked_labels(request: HttpRequest) -> dict[str, bool]:
    """{label: ticked} of the labels that the form showed; the rest of the check is `decide`'s."""
    ticked = set(request.POST.getlist("label"))
    return {label: label in ticked for label in (*request.POST.getlist("shown"), *ticked)}


def touched_labels(request: HttpRequest) -> set[str] | None:
    """Return the labels whose box is not as the form came, or that a script saw touched; None: not known.

    The form says by `preset` which boxes were ticked when it came, and that it knows by an empty one.
    """
    presets = request.POST.getlist("preset")
    if not presets:
        return None
    changed = set(request.POST.getlist("label")) ^ set(filter(None, presets))
    return (changed | set(request.POST.getlist("touched"))) & set(request.POST.getlist("shown"))
