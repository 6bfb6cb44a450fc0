"""Tags for an item of the queue, where what it shows depends on the list: `{% load moderation_items %}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.utils.safestring import SafeString

from moderation.admin.item import markup

if TYPE_CHECKING:
    from moderation.admin.item.presenting import Item

register = template.Library()


@register.simple_tag(takes_context=True)
def why_links(context: dict[str, Any], item: Item) -> SafeString:
    """Write the links that mark in an item's text the words that drove each label."""
    marked = item.driving.label if item.driving is not None else ""
    return markup.why_links(item.explainable, item.page_url, context.get("filters", ""), marked)
