"""Writes the parts of an item that repeat most, each as HTML at once: a page has hundreds of them.

A template takes ten times as long for a row of scores. Everything goes through `format_html`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from moderation.admin.item.meters import Meter
    from moderation.admin.item.presenting import Choice

_DIGITS = 9
"""As many choices have a key."""
_METER = (
    "<li{over}><span>{name}</span> "
    '<svg class="moderation-meter" role="meter" aria-label="{name}" aria-valuemin="0" aria-valuemax="1"'
    ' aria-valuenow="{number}" aria-valuetext="{spoken}"><title>{name}: {spoken}</title>'
    '<rect class="track" y="3" width="100%" height="8" rx="4"/>'
    '<rect class="fill" y="3" width="{width}" height="8" rx="4"/>{mark}{hold}</svg> '
    '<span class="moderation-score-number" aria-hidden="true">{shown}</span></li>'
)
_MARK = '<line class="mark" x1="{0}" x2="{0}" y1="0" y2="14"/>'
_HOLD_MARK = '<line class="mark mark-hold" x1="{0}" x2="{0}" y1="0" y2="14" stroke-dasharray="3 2"/>'
_CHOICE = (
    '<input type="hidden" name="shown" value="{0}"><label{1}>'
    '<input type="checkbox" name="label" value="{0}"{2} autocomplete="off"> {3}</label> '
)
_PRESET = '<input type="hidden" name="preset" value="{}">'
_REASON = '<button name="reason" value="{}"{} aria-describedby="{}">{}</button> '
_WHY = '<a class="moderation-why-label" href="{0}?{1}{2}" data-ask="{1}"{3}{4}>{5}</a> '


def meter_rows(meters: Iterable[Meter]) -> SafeString:
    """Write a list entry for each label's score, with its marks."""
    return format_html_join("", "{}", ((_meter_row(meter),) for meter in meters))


def choice_boxes(choices: Iterable[Choice]) -> SafeString:
    """Write a checkbox for each label; the first nine have a digit as their key."""
    rows = (
        (choice.label, _key(place), _CHECKED if choice.ticked else "", choice.name)
        for place, choice in enumerate(choices, 1)
    )
    return format_html_join("", _CHOICE, rows)


def presets(choices: Iterable[Choice]) -> SafeString:
    """Write which boxes are ticked before anybody touches one; an empty one says that this is known."""
    ticked = ((choice.label,) for choice in choices if choice.ticked)
    return format_html("{}{}", _KNOWN, format_html_join("", _PRESET, ticked))


def reason_buttons(reasons: Iterable[tuple[str, str]], described_by: str) -> SafeString:
    """Write a button for each (code, label); the first nine have a digit as their key."""
    rows = ((code, _key(place), described_by, label) for place, (code, label) in enumerate(reasons, 1))
    return format_html_join("", _REASON, rows)


def why_links(meters: Sequence[Meter], page: str, filters: str, marked_label: str) -> SafeString:
    """Write a link for each label that marks the words that drove it.

    page: the item's address. filters: the list's, to be kept. marked_label: the one whose words are marked.
    """
    kept = f"&{urlencode({'_changelist_filters': filters})}" if filters else ""
    key = format_html(' data-key="w" data-key-name="{}"', _("Mark the words that drove the score"))
    rows = (
        (
            page,
            urlencode({"why": meter.label}),
            kept,
            key if place == 0 else "",
            _CURRENT if meter.label == marked_label else "",
            meter.name,
        )
        for place, meter in enumerate(meters)
    )
    return format_html_join("", _WHY, rows)


def _meter_row(meter: Meter) -> SafeString:
    return format_html(
        _METER,
        over=_OVER if meter.is_over else "",
        name=meter.name,
        number=meter.number,
        spoken=meter.spoken,
        width=meter.width,
        mark=format_html(_MARK, meter.mark) if meter.mark else "",
        hold=format_html(_HOLD_MARK, meter.hold_mark) if meter.hold_mark else "",
        shown=meter.shown,
    )


def _key(place: int) -> SafeString | str:
    return format_html(' data-key="{}"', place) if place <= _DIGITS else ""


_OVER = mark_safe(' class="moderation-over"')
_CHECKED = mark_safe(" checked")
_KNOWN = mark_safe('<input type="hidden" name="preset" value="">')
_CURRENT = mark_safe(' aria-current="true"')
