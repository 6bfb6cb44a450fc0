"""Names the reasons for hiding what is not toxic: the four that everybody knows, and the site's own."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from moderation.conf import conf

STANDARD = {
    "spam": _("spam"),
    "off_topic": _("off topic"),
    "private_data": _("private data"),
    "illegal": _("illegal"),
}
"""{code: label}."""


def reasons() -> dict[str, str]:
    """Return {code: label} of the reasons that a moderator may give today, in the order of their buttons."""
    labels = {**STANDARD, **conf.HIDE_REASONS}
    return {code: str(label) for code, label in labels.items() if label is not None}


def label_of(code: str) -> str:
    """Return the label of a reason; of one that the site has dropped since, the code in words."""
    label = conf.HIDE_REASONS.get(code) or STANDARD.get(code)
    return str(label) if label is not None else code.replace("_", " ")
