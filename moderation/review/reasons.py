"""Names the reasons for hiding what is not toxic: the four that everybody knows, and the site's own."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from moderation.conf import conf

OTHER = "other"
"""What a reader reports a text for without saying more."""
STANDARD = {
    "spam": _("spam"),
    "off_topic": _("off topic"),
    "private_data": _("private data"),
    "illegal": _("illegal"),
}
"""{code: label}."""


REPORT_STANDARD = {
    "abuse": _("insulting or hateful"),
    "threat": _("a threat"),
    "spam": _("spam"),
    "off_topic": _("off topic"),
    "private_data": _("private data"),
    "illegal": _("illegal"),
    OTHER: _("something else"),
}
"""{code: label} of what readers may report a text for."""


def report_reasons() -> dict[str, str]:
    """Return {code: label} of the reasons that a reader may give today, in the order of the form."""
    labels = {**REPORT_STANDARD, **conf.REPORT_REASONS}
    return {code: str(label) for code, label in labels.items() if label is not None}


def report_label_of(code: str) -> str:
    """Return the label of a reader's reason; of one that the site has dropped since, the code in words."""
    label = conf.REPORT_REASONS.get(code) or REPORT_STANDARD.get(code)
    return str(label) if label is not None else code.replace("_", " ")


def reasons() -> dict[str, str]:
    """Return {code: label} of the reasons that a moderator may give today, in the order of their buttons."""
    labels = {**STANDARD, **conf.HIDE_REASONS}
    return {code: str(label) for code, label in labels.items() if label is not None}


def label_of(code: str) -> str:
    """Return the label of a reason; of one that the site has dropped since, the code in words."""
    label = conf.HIDE_REASONS.get(code) or STANDARD.get(code)
    return str(label) if label is not None else code.replace("_", " ")
