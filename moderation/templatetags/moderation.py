"""Tags for a site's templates: `{% load moderation %}`."""

from __future__ import annotations

from typing import Any

from django import template
from django.db.models import Model

from moderation.review import notices
from moderation.visitors import links

register = template.Library()


@register.simple_tag
def report_url(instance: Model) -> str:
    """Return the address of the page on which a reader reports an object's text."""
    return links.report_url(instance)


@register.simple_tag
def second_look_url(instance: Model) -> str:
    """Return the address of the page on which the author of an object asks for a second look.

    The page takes everybody who has the address for the author: show it to the author alone.
    """
    return links.second_look_url(instance)


@register.inclusion_tag("moderation/visitors/notice.html")
def author_notice(instance: Model) -> dict[str, Any]:
    """Show the author of an object what became of its text, with a link to a second look; to nobody else."""
    notice = notices.notice_for(instance)
    url = links.second_look_url(instance) if notice is not None and notice.may_ask else ""
    return {"notice": notice, "url": url}
