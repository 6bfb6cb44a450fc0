"""The content types under which objects are noted, read from where screenings are written."""

from __future__ import annotations

from django.contrib.contenttypes.models import ContentType, ContentTypeManager
from django.db import models, router

from moderation.models.screenings import Screening


def content_type_of(model: type[models.Model]) -> ContentType:
    """Return the content type of a registered model."""
    return _content_types().get_for_model(model)


def model_of(content_type_id: int) -> type[models.Model] | None:
    """Return the model of a content type; None where it is not installed here."""
    return _content_types().get_for_id(content_type_id).model_class()


def model_label(content_type_id: int) -> str:
    """Return `app.Model` of a content type, all in lower case where the model is not installed here."""
    content_type = _content_types().get_for_id(content_type_id)
    model = content_type.model_class()
    return f"{content_type.app_label}.{content_type.model}" if model is None else model._meta.label


def _content_types() -> ContentTypeManager:
    return ContentType.objects.db_manager(router.db_for_write(Screening))
