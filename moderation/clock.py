"""The database's clock: leases, back-offs and ages go by it, as the clocks of workers may differ."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Now as DjangosNow
from django.utils import timezone


class Now(DjangosNow):
    """This moment, in the zone in which the site's stored times are.

    SQLite's is UTC whatever the site's settings are, while Django stores local times with `USE_TZ = False`,
    and those of `DATABASES[...]["TIME_ZONE"]` with `USE_TZ = True`: a comparison of the two would be wrong by
    the zone's offset. In the hour that clocks are set back local times say nothing certain. PostgreSQL's
    columns know their zone.
    """

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """SQL for SQLite: in the zone in which the site stores."""
        if not settings.USE_TZ:
            moved = "'localtime'"
        elif connection.timezone is UTC:
            return super().as_sqlite(compiler, connection, **extra)
        else:
            offset = timezone.now().astimezone(connection.timezone).utcoffset()
            moved = f"'{(offset or timedelta()).total_seconds():+.0f} seconds'"
        template = f"STRFTIME('%%%%Y-%%%%m-%%%%d %%%%H:%%%%M:%%%%f', 'NOW', {moved})"
        return self.as_sql(compiler, connection, template=template, **extra)


def unset_or_before(column: str, moment: Combinable) -> Q:
    """Match rows whose time in `column` is null or earlier than `moment`."""
    return Q(**{column: None}) | Q(**{f"{column}__lt": moment})
