"""A site at SERIALIZABLE: moderation's own transactions run at READ COMMITTED, and make no save fail."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from moderation.isolation import read_committed
from moderation.models import ModelVersion, Screening
from moderation.worker.drain import drain
from tests.conftest import uses_postgresql
from tests.forum.models import Post
from tests.moderation.conftest import by_words

pytestmark = [
    pytest.mark.regression("M17"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not uses_postgresql(), reason="of PostgreSQL; TEST_DATABASE=postgresql runs this"),
]


def _level() -> str:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        return str(cursor.fetchone()[0])


@contextmanager
def _site_at(level: str) -> Iterator[None]:
    """The site's setting, as OPTIONS["isolation_level"] has it."""
    from django.db.backends.postgresql.psycopg_any import IsolationLevel

    options = connections.settings["default"].setdefault("OPTIONS", {})
    options["isolation_level"] = IsolationLevel[level]
    connection.close()
    try:
        yield
    finally:
        del options["isolation_level"]
        connection.close()


@contextmanager
def _server_at(level: str) -> Iterator[None]:
    """The server's own default, as a role or a database has it; the site sets nothing."""
    options = connections.settings["default"].setdefault("OPTIONS", {})
    options["options"] = f"-c default_transaction_isolation={level}"
    connection.close()
    try:
        yield
    finally:
        del options["options"]
        connection.close()


@pytest.mark.parametrize("level", ["SERIALIZABLE", "REPEATABLE_READ"])
def test_save_commits_while_a_worker_stores(version: ModelVersion, level: str) -> None:
    with _site_at(level):
        post = Post.objects.create(body="I will kill you")
        has_read, may_commit, ended = threading.Event(), threading.Event(), []

        def site() -> None:
            try:
                with transaction.atomic():
                    again = Post.objects.get(pk=post.pk)
                    again.likes += 1
                    again.save(update_fields=["likes"])  # a counter: nothing that moderation looks at
                    Screening.objects.filter(object_id=str(post.pk)).first()  # a page that shows its state
                    has_read.set()
                    may_commit.wait(60)
                ended.append("committed")
            except Exception as error:
                ended.append(type(error).__name__)
            finally:
                connections.close_all()

        thread = threading.Thread(target=site)

        def score(texts: Sequence[str]) -> list[dict[str, float]]:
            thread.start()
            assert has_read.wait(60)
            return by_words(texts)

        drain(load=lambda version: score)
        may_commit.set()
        thread.join(60)
        assert ended == ["committed"]
        assert Screening.objects.get().verdict == "held"


def test_level_is_lowered_for_our_transactions_alone() -> None:
    with _site_at("SERIALIZABLE"):
        assert _level() == "serializable"
        with read_committed():
            assert _level() == "read committed"
            connection.close()  # the server went away; a new connection is set, too
            assert _level() == "read committed"
            with read_committed():
                assert _level() == "read committed"
        assert _level() == "serializable"
    assert _level() == "read committed"


def test_error_leaves_the_site_s_level() -> None:
    with _site_at("SERIALIZABLE"):
        with pytest.raises(ZeroDivisionError), read_committed(), transaction.atomic():
            raise ZeroDivisionError
        assert _level() == "serializable"


def test_open_transaction_of_the_site_keeps_its_level() -> None:
    """As where a task runs eagerly, in the request that saves."""
    with _site_at("SERIALIZABLE"), transaction.atomic(), read_committed(), connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        assert cursor.fetchone()[0] == "serializable"


def test_level_of_the_server_s_own_default_is_lowered_and_restored() -> None:
    with _server_at("serializable"):
        assert _level() == "serializable"
        for _ in range(2):
            with read_committed():
                assert _level() == "read committed"
            assert _level() == "serializable"


def test_session_is_left_alone_where_only_the_site_names_a_level() -> None:
    """A pooler would hand its settings on to others."""
    with _site_at("SERIALIZABLE"):
        _level()
        with CaptureQueriesContext(connection) as queries, read_committed():
            assert _level() == "read committed"
        assert _level() == "serializable"
    assert not [query["sql"] for query in queries if "SET" in query["sql"].upper().split()]
