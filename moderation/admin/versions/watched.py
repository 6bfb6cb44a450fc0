"""Says in words what the watch found of the active version: rows for its page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from moderation.models import ModelVersion
from moderation.versions import watch
from moderation.versions.watch import Share

FINDINGS = {
    "more-false-alarms": gettext_lazy("More of what it flags is harmless. Going back is proposed."),
    "more-misses": gettext_lazy("More of what it lets through is harmful. Going back is proposed."),
    "flags-more": gettext_lazy("It flags over twice as much."),
    "flags-less": gettext_lazy("It flags less than half as much."),
    "scores-drift": gettext_lazy("Its scores have moved since it came: the comments may have changed."),
}
ROWS = (
    ("false_alarms", gettext_lazy("Harmless, of the flagged ones that were decided")),
    ("misses", gettext_lazy("Harmful, of the random ones that were decided")),
    ("flagged", gettext_lazy("Flagged or held, of the latest comments")),
)


@dataclass(frozen=True)
class Watched:
    """What the page of the active version shows of the newest look."""

    made: datetime
    rows: list[tuple[str, str, str]]
    """(what, before, now)."""
    findings: list[str]
    is_worse: bool
    """True where going back is proposed."""


def told(version: ModelVersion) -> Watched | None:
    """Return what the newest look found of this version; None where it was not about it."""
    last = watch.last_look()
    if last is None or last[0]["version"] != version.pk:
        return None
    data, made = last
    rows = [(str(title), *map(_in_words, data[name])) for name, title in ROWS]
    findings = [str(FINDINGS.get(code, code)) for code in data["findings"]]
    if data.get("refused") == "files-missing":
        findings.append(_("It could not be gone back from: files of the version before are missing."))
    return Watched(made, [(title, before, now) for title, before, now in rows], findings, data["is_worse"])


def _in_words(stored: dict[str, Any]) -> str:
    share = Share(**stored)
    if share.value is None:
        return "\u2013"
    low, high = (number_format(round(100 * bound)) for bound in share.interval())
    value = number_format(round(100 * share.value, 1), 1)
    return _("%(value)s %% of %(of)s (%(low)s to %(high)s)") % {
        **{"value": value, "low": low, "high": high},
        "of": number_format(share.of, use_l10n=True, force_grouping=True),
    }
