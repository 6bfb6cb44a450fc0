"""A disk with room for little: a filesystem of its own, that can be full and have room again."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from tests.servers import PostgresServer

MEGABYTES = 24


class SmallDisk:
    """A tmpfs; whoever writes to it when it is full gets ENOSPC from the kernel."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self) -> None:
        """Leave no block free."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError:
                    continue

    def make_room(self) -> None:
        """Whatever filled it is gone."""
        self._filler.unlink()


@contextmanager
def mounted(path: Path) -> Iterator[SmallDisk]:
    """A small disk at `path`; skips, saying so, where one may not mount."""
    path.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=0755", "tmpfs", str(path)]
    tried = subprocess.run(options, capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"Only root may mount a small disk ({tried.stderr.strip()[:80]}); as root this runs.")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


@contextmanager
def sqlite_moved_to(disk: SmallDisk) -> Iterator[None]:
    """The database of the tests, and all that it holds, on that disk."""
    before = connection.settings_dict["NAME"]
    moved = disk.path / "test.sqlite3"
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM INTO '{moved}'")
    connection.close()
    connection.settings_dict["NAME"] = str(moved)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


@contextmanager
def tables_moved_to(disk: SmallDisk, server: PostgresServer) -> Iterator[None]:
    """Moderation's own tables on that disk; the site's, and PostgreSQL's own log, stay on theirs."""
    space = disk.path / "space"
    space.mkdir(mode=0o700)
    if server.owner is not None:
        os.chown(space, pwd.getpwnam(server.owner).pw_uid, pwd.getpwnam(server.owner).pw_gid)
    with _administrator(server) as cursor:
        cursor.execute(f"CREATE TABLESPACE small LOCATION '{space}'")  # type: ignore[arg-type]
        try:
            _move_tables(cursor, "small")
            yield
        finally:
            connection.close()
            _move_tables(cursor, "pg_default")
            cursor.execute("DROP TABLESPACE small")


@contextmanager
def _administrator(server: PostgresServer) -> Iterator[psycopg.Cursor]:
    with psycopg.connect(server.url(connection.settings_dict["NAME"]), autocommit=True) as own:
        yield own.cursor()


def _move_tables(cursor: psycopg.Cursor, space: str) -> None:
    for kind, catalogue, column in (
        ("TABLE", "pg_tables", "tablename"),
        ("INDEX", "pg_indexes", "indexname"),
    ):
        named = f"SELECT {column} FROM {catalogue} WHERE tablename LIKE 'moderation%'"  # noqa: S608
        cursor.execute(named)  # type: ignore[arg-type]
        for (name,) in cursor.fetchall():
            cursor.execute(f'ALTER {kind} "{name}" SET TABLESPACE {space}')  # type: ignore[arg-type]
