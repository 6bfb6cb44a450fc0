"""What `check` says of the database and of another package of the same name."""

from __future__ import annotations

from importlib import metadata

import pytest
from django.core.checks import run_checks
from django.db import connection

from moderation.checks.installation import check_backend, check_namesake


@pytest.mark.regression("H5")
def test_database_without_conditional_constraints_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As MySQL, MariaDB and Oracle, where two screenings of one text could both be current."""
    assert check_backend() == []
    monkeypatch.setattr(type(connection.features), "supports_partial_indexes", False)
    (message,) = check_backend()
    assert message.id == "moderation.E032"
    assert "PostgreSQL 14" in str(message.hint) and "SQLite 3.31" in str(message.hint)


@pytest.mark.regression("S7")
def test_another_package_of_this_name_is_reported_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_namesake() == []
    find = metadata.distribution

    def distribution(name: str) -> metadata.Distribution:
        return find("django") if name == "django-moderation" else find(name)

    monkeypatch.setattr(metadata, "distribution", distribution)
    (message,) = check_namesake()
    assert message.id == "moderation.E033"
    assert "pip uninstall django-moderation" in str(message.hint)
    assert "moderation.E033" in [found.id for found in run_checks()]
