"""Where the app reads its own tables: where it writes them."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models, router

AnyModel = TypeVar("AnyModel", bound=models.Model)


class PrimaryManager(models.Manager[AnyModel]):
    """Reads from the database that is written to, unless another one is named.

    Nearly every read here decides something: a claim, a comparison, whether a person was faster. A site's
    router may send reads to a replica that lags behind; then a promise would be missed, a row be scored twice
    or a decision be overruled. Models with `base_manager_name = "objects"` are also followed to in this way.
    """

    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        return rows if self._db else rows.using(router.db_for_write(self.model))
