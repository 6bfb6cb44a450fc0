"""Ages, retention and leases with and without `USE_TZ`, in zones on both sides of UTC, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from moderation import retention
from moderation.clock import Now
from moderation.coordination import leases
from moderation.management.arguments import moment
from moderation.models import ModelVersion, Screening
from moderation.monitoring import figures
from moderation.screening.claim import claim
from tests.forum.models import Note
from tests.moderation.conftest import screen

pytestmark = [pytest.mark.regression("L2", "D6"), pytest.mark.django_db(transaction=True)]
ZONES = ("America/New_York", "Asia/Tokyo", "UTC")


CASES = [(zone, use_tz, None) for zone in ZONES for use_tz in (False, True)]
CASES += [("UTC", True, zone) for zone in ZONES]


@pytest.fixture(params=CASES, ids=str)
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """The site's zone; the connection is opened in it, as in a process with these settings."""
    name, use_tz, of_the_database = request.param
    with override_settings(TIME_ZONE=name, USE_TZ=use_tz):
        connection.settings_dict["TIME_ZONE"] = of_the_database
        _open_anew()
        yield name
        connection.settings_dict["TIME_ZONE"] = None
    _open_anew()


def _open_anew() -> None:
    connection.close()
    for known in ("timezone", "timezone_name"):
        connection.__dict__.pop(known, None)


def test_comment_of_this_moment_has_no_age_and_one_of_an_hour_ago_has_one(
    zone: str, version: ModelVersion
) -> None:
    Note.objects.create(text="hello")
    assert figures.read().oldest["normal"] < 600
    # and a second, as SQLite cuts this moment to milliseconds
    Screening.objects.update(created=timezone.now() - timedelta(hours=1, seconds=1))
    assert 3600 <= figures.read().oldest["normal"] < 4200


def test_retention_takes_what_is_old_enough_and_nothing_else(
    zone: str, version: ModelVersion, settings: Any
) -> None:
    settings.MODERATION = {**settings.MODERATION, "RETENTION_DAYS": 0.1}
    Note.objects.create(text="hello")
    screen()
    assert retention.blank_due() == 0
    Screening.objects.update(created=timezone.now() - timedelta(hours=3))
    assert retention.blank_due() == 1


def test_leases_last_as_long_as_they_say(zone: str, version: ModelVersion) -> None:
    Note.objects.create(text="hello")
    assert len(claim(1).screenings) == 1
    assert not claim(1)
    Screening.objects.update(lease_until=Now() - timedelta(seconds=1))
    assert len(claim(1).screenings) == 1
    assert leases.take("sweep", 60) is not None
    assert leases.take("sweep", 60) is None


def test_moment_given_to_a_command_can_be_asked_for(zone: str, version: ModelVersion) -> None:
    Note.objects.create(text="hello")
    for given in ("2026-01-31", "2026-01-31T10:00", "2026-01-31T10:00+02:00"):
        assert Screening.objects.filter(created__gte=moment(given)).count() == 1
    tomorrow = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert not Screening.objects.filter(created__gte=moment(tomorrow)).exists()
