"""The database's clock: leases, back-offs and ages go by it, as the clocks of workers may differ."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Now as DjangosNow


class Now(DjangosNow):
    """This moment, in the zone in which the site's stored times are.

    SQLite's is UTC whatever the site's settings are. With `USE_TZ = False` Django stores local times, and a
    comparison of the two would be wrong by the zone's offset. In the hour that clocks are set back local
    times say nothing certain; PostgreSQL and MySQL answer in the connection's zone, which is the site's.
    """

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """SQL for SQLite: local time where the site stores that."""
        if settings.USE_TZ:
            return super().as_sqlite(compiler, connection, **extra)
        template = "STRFTIME('%%%%Y-%%%%m-%%%%d %%%%H:%%%%M:%%%%f', 'NOW', 'localtime')"
        return self.as_sql(compiler, connection, template=template, **extra)


def unset_or_before(column: str, moment: Combinable) -> Q:
    """Match rows whose time in `column` is null or earlier than `moment`."""
    return Q(**{column: None}) | Q(**{f"{column}__lt": moment})
