"""What hides an object: how it is remembered, and which means of hiding are in force for one screening.

What an object was hidden with is stored with its screening, so that it can be shown again after its model was
registered in another way, or not at all any more.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.utils.module_loading import import_string

from moderation import registry
from moderation.models import Screening, content_types
from moderation.objects.live_text import LiveText
from moderation.registry import Hide, Registered


def written(how: Hide) -> str:
    """Write the means as `Screening.hidden_by` holds them: JSON, equal for equal means."""
    if how.by_field:
        options: dict[str, Any] = {"field": how.field, "hidden": how.hidden, "visible": how.visible}
    else:
        options = {"hide": how.hide, "show": how.show}
    return json.dumps(options, sort_keys=True, default=str)


def remembered(screening: Screening) -> Hide | None:
    """Read the means that hid the object; None where none were noted, or its column or callable is gone."""
    model = model_of(screening)
    if not screening.hidden_by or model is None:
        return None
    try:
        how = registry.parse_hide(model, json.loads(screening.hidden_by))
        if how is not None and not how.by_field:
            import_string(how.show)
        return how
    except (ValueError, TypeError, KeyError, LookupError, ImportError, FieldDoesNotExist):
        return None


def in_force(screening: Screening, entry: Registered | None) -> Registered | None:
    """Return `entry` with the means by which this object is hidden and shown; None where there are none.

    What hid it goes before what its model is registered with today. A column or a callable that is no more
    is taken for renamed to today's. The text that is compared is the one that was screened.
    """
    if entry is not None and entry.text.name == screening.field and not screening.may_be_hidden_by_us:
        return entry if entry.hide is not None else None  # as in every save: nothing has to be looked up
    how = entry.hide if entry is not None else None
    if screening.may_be_hidden_by_us and (how is None or screening.hidden_by not in ("", written(how))):
        how = remembered(screening) or how
    text = _screened_text(screening, entry)
    model = model_of(screening)
    if how is None or text is None or model is None:
        return None
    if entry is None:
        return Registered(label=model._meta.label, text=text, hide=how)
    return entry if (entry.hide, entry.text) == (how, text) else replace(entry, hide=how, text=text)


def registration(screening: Screening) -> Registered | None:
    """The registration of the screened object's model; None for no object or a model not registered now."""
    model = model_of(screening)
    return None if model is None else registry.get(model._meta.label)


def model_of(screening: Screening) -> type[Model] | None:
    """The screened object's model; None for no object or a model that is not installed here."""
    if screening.source != Screening.Source.OBJECT or screening.content_type_id is None:
        return None
    return content_types.model_of(screening.content_type_id)


def _screened_text(screening: Screening, entry: Registered | None) -> LiveText | None:
    """Where the text came from, also where `text` is registered in another way today."""
    if entry is not None and entry.text.name == screening.field:
        return entry.text
    model, names = model_of(screening), screening.field.split("+")
    if model is None or not {column.name for column in model._meta.concrete_fields}.issuperset(names):
        return None  # what a callable made can't be made again without it
    return LiveText(columns=tuple(names))
