"""Says in words for authors what a label means."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

WORDS: Mapping[str, str | Promise] = {
    "toxic": gettext_lazy("a hurtful remark"),
    "severe_toxic": gettext_lazy("a very hurtful remark"),
    "obscene": gettext_lazy("coarse language"),
    "threat": gettext_lazy("a threat"),
    "insult": gettext_lazy("an insult"),
    "identity_hate": gettext_lazy("an attack on a group of people"),
    "sexual_explicit": gettext_lazy("a sexual remark"),
    "spam": gettext_lazy("advertising"),
    "off_topic": gettext_lazy("something that does not belong here"),
}
OTHER = gettext_lazy("something that is not wanted here")
"""For a label of which only the model version knows."""
GENERAL = frozenset({"toxic", "severe_toxic"})
"""Labels that nearly every text over a threshold has: a label that says more goes before them."""


def says(label: str) -> str:
    """The sentence that an author reads about a label."""
    return _("This may be read as %(words)s. You can edit it, or post it anyway.") % {
        "words": WORDS.get(label, OTHER)
    }
