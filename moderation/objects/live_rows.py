"""The rows of a site's model as moderation reads them."""

from __future__ import annotations

from typing import Any

from django.db import router
from django.db.models import Model, QuerySet


def live_rows(model: type[Model], using: str | None = None) -> QuerySet[Any]:
    """Return every row of `model`, also those that the site's own managers leave out.

    using: the database's alias. None: where the model is written, as a replica that lags lacks what was just
    committed, which would read as gone.
    """
    return model._base_manager.using(using or router.db_for_write(model))
