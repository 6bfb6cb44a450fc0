"""Names languages as the page's reader calls them."""

from collections.abc import Sequence

from django.utils.translation import get_language_info
from django.utils.translation import gettext as _


def name_of(tag: str) -> str:
    """Name the language of a BCP 47 tag in the active language; the tag itself where Django has no name."""
    if tag in ("", "und"):
        return _("an unknown language")
    if tag == "zh":  # Django knows it by its scripts alone
        return _("Chinese")
    try:
        return str(get_language_info(tag.lower())["name_translated"])
    except KeyError:
        return tag


def is_among(tag: str, languages: Sequence[str]) -> bool:
    """True where the tag names one of the languages, whatever region and script each tag names."""
    return _language(tag) in {_language(other) for other in languages}


def _language(tag: str) -> str:
    return tag.partition("-")[0].lower()
