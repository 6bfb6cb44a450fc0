"""Makes of what readers, API clients and an author said of a text what an item shows: bounded, safe text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch
from django.utils.translation import gettext as _

from moderation.admin.display.safe_text import Notes, visible
from moderation.models import Report, Screening, SecondLook, Suggestion
from moderation.review.reasons import report_label_of

SHOWN = 5
"""Reports of one text that an item shows, the newest; the rest is counted."""
NOTE_CHARACTERS = 300
"""What an item in a list shows of one reader's words; its own page shows all."""
WORDS_CHARACTERS = 2000


@dataclass(frozen=True)
class ReportLine:
    """One reader's report, as an item shows it."""

    who: str
    reason: str
    note: str
    """Safe as HTML."""
    when: datetime
    is_settled: bool


@dataclass(frozen=True)
class SecondLookLine:
    """An author's request for a second look, as an item shows it."""

    words: str
    """Safe as HTML."""
    when: datetime
    is_settled: bool
    is_changed: bool
    is_taken_back: bool


def prefetches() -> list[Prefetch[Any]]:
    """Return what a queryset of screenings fetches for `reports_of` and `second_looks_of`."""
    reports = Report.objects.select_related("reporter").order_by("-id")
    looks = SecondLook.objects.select_related("answer").order_by("-id")
    return [
        Prefetch("reports", queryset=reports[: SHOWN + 1], to_attr="newest_reports"),
        Prefetch("second_looks", queryset=looks[:SHOWN], to_attr="newest_second_looks"),
    ]


def reports_of(screening: Screening, notes: Notes, *, is_whole: bool) -> list[ReportLine]:
    """Return the newest reports of a text. is_whole: True shows each note to its end."""
    most = None if is_whole else NOTE_CHARACTERS
    return [
        ReportLine(
            who=_who(report),
            reason=report_label_of(report.reason),
            note=_safe(report.note, most, notes),
            when=report.created,
            is_settled=report.settled is not None,
        )
        for report in getattr(screening, "newest_reports", [])[:SHOWN]
    ]


def has_more(screening: Screening) -> bool:
    """True where a text has more reports than an item shows."""
    return len(getattr(screening, "newest_reports", [])) > SHOWN


def second_looks_of(screening: Screening, notes: Notes) -> list[SecondLookLine]:
    """Return what the author asked for, the newest first."""
    return [
        SecondLookLine(
            words=_safe(look.words, WORDS_CHARACTERS, notes),
            when=look.created,
            is_settled=look.settled is not None,
            is_changed=look.is_changed,
            is_taken_back=look.is_taken_back,
        )
        for look in getattr(screening, "newest_second_looks", [])
    ]


def source_of(suggestion: Suggestion, notes: Notes) -> str:
    """Return what a client calls the text that it sent a suggestion for, or nothing."""
    return _safe(suggestion.client_token, None, notes)


def _who(report: Report) -> str:
    if report.reporter is not None:
        return str(report.reporter.get_username())
    if report.key_name:
        return _("A reader, through %(key)s") % {"key": report.key_name}
    return _("A reader")


def _safe(words: str, most: int | None, notes: Notes) -> str:
    if not words:
        return ""
    is_cut = most is not None and len(words) > most
    return visible(f"{words[:most]} \u2026" if is_cut else words, notes)
