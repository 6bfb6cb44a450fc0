"""The demo site with servers and workers of its own, for the time of a benchmark: one in each process.

The database and Redis are those that the tests start. PostgreSQL writes as durably here as a site's would.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from mysite.demo.environment import WorkDirectory
from mysite.demo.processes import Child, Children
from tests.servers import PostgresServer, RedisServer

ROOT = Path(__file__).resolve().parent.parent
SECONDS_TO_START = 180
SECONDS_TO_SCREEN = 3600
POSTGRES = (
    *("-c", "fsync=on"),
    *("-c", "shared_buffers=512MB", "-c", "max_wal_size=4GB"),
    *("-c", "track_commit_timestamp=on"),
)
"""Of its command line: commits wait for the disk, memory as a small site has it, and commits are dated."""
FAR = timedelta(days=365)
PAUSE = 0.02
"""Seconds between two looks at whether everything is screened."""


class Site:
    """Comments, and workers that screen them. Django is set up for this database."""

    def __init__(self, children: Children, logs: Path, postgres: PostgresServer | None) -> None:
        from django.contrib.contenttypes.models import ContentType

        from mysite.articles.models import Article

        self.postgres = postgres
        self._children = children
        self._logs = logs
        self._workers = 0
        self._article = str(Article.objects.earliest("pk").pk)
        self._article_type = ContentType.objects.get_for_model(Article)

    # --- comments ---------------------------------------------------------------------------------

    def save(self, text: str) -> Any:
        """Save a comment as a view does, in a transaction; a worker is woken."""
        from django.db import transaction

        with transaction.atomic():
            comment = self._comment(text)
            comment.save()
        return comment

    def fill(self, texts: Sequence[str]) -> list[int]:
        """Put comments and their pending screenings into the database, just as if they had been saved, but
        set aside: nobody may claim them before `release`. The screenings' ids, in the order of the texts."""
        from django.contrib.contenttypes.models import ContentType
        from django.db import transaction
        from django.utils import timezone
        from django_comments.models import Comment

        from moderation.conf import conf
        from moderation.models import Screening
        from moderation.registry import for_model
        from moderation.screening import authorship
        from moderation.texts import storable, text_key

        entry = for_model(Comment)
        assert entry is not None
        content_type = ContentType.objects.get_for_model(Comment)
        later = timezone.now() + FAR
        keys: list[int] = []
        for start in range(0, len(texts), 1000):
            part = texts[start : start + 1000]
            now = timezone.now()
            comments = [self._comment(text, submit_date=now) for text in part]
            with transaction.atomic():  # or a sweep finds the comments before their screenings are there
                saved = Comment.objects.bulk_create(comments)
                known = [authorship.at_hand(entry, comment) for comment in saved]
                rows = Screening.objects.bulk_create(
                    Screening(
                        content_type=content_type,
                        object_id=str(comment.pk),
                        author_name=name,
                        page_key=page,
                        field="comment",
                        text=storable(comment.comment),
                        text_key=text_key(storable(comment.comment), conf.TEXT_KEY_SECRET),
                        retry_at=later,
                    )
                    for comment, (name, page) in zip(saved, known, strict=True)
                )
            keys += [row.pk for row in rows]
        return keys

    def let_claim(self) -> None:
        """Let workers claim what `fill` set aside."""
        from moderation.models import Screening

        Screening.objects.pending().filter(retry_at__isnull=False).update(retry_at=None)

    def release(self) -> None:
        """Let workers claim what `fill` set aside, and wake one up."""
        from moderation.notifier import process_notifier

        self.let_claim()
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            process_notifier.acknowledge()
            if process_notifier.notify():
                return
            process_notifier._quiet_until = 0.0  # a broker that was merely slow is asked again
            time.sleep(PAUSE)
        raise TimeoutError("The broker does not answer.")

    def wait_until_screened(self, last: int | None = None) -> None:
        """Return when nothing is pending, or nothing up to the screening with the id `last`."""
        from moderation.models import Screening

        pending = Screening.objects.pending()
        if last is not None:
            pending = pending.filter(pk__lte=last)
        deadline = time.monotonic() + SECONDS_TO_SCREEN
        while pending.exists():
            self._children.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{pending.count()} comments were not screened.")
            time.sleep(PAUSE)

    def _comment(self, text: str, **columns: Any) -> Any:
        from django_comments.models import Comment

        return Comment(
            content_type=self._article_type,
            object_pk=self._article,
            site_id=1,
            user_name="Somebody",
            comment=text,
            **columns,
        )

    # --- workers ----------------------------------------------------------------------------------

    def start_workers(self, count: int = 1, *, pool: str = "solo", concurrency: int = 1) -> list[Child]:
        """Start `celery worker` processes and wait until each has its model and its broker."""
        started = []
        for _ in range(count):
            self._workers += 1
            name = f"worker-{self._workers}"
            command = [sys.executable, "-m", "celery", "--app", "mysite", "--workdir", str(ROOT), "worker"]
            options = ["--queues", "screening", "--pool", pool, "--concurrency", str(concurrency)]
            options += ["--loglevel", "INFO", "--hostname", f"{name}@{os.getpid()}"]
            options += ["--without-gossip", "--without-mingle"]
            log = self._logs / f"{name}.log"
            environment = {**os.environ, "LOG_LEVEL": "INFO"}
            started.append(self._children.start(name, [*command, *options], log, environment=environment))
        for worker in started:
            worker.wait_until(lambda log=worker.log: _is_ready(log), SECONDS_TO_START)  # type: ignore[misc]
        return started


@contextmanager
def running_site(database: str, **moderation: Any) -> Iterator[Site]:
    """A site on "sqlite" or "postgresql"; `moderation` goes over the demo's MODERATION."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-"))
        work = WorkDirectory(Path(folder), once=True)
        work.logs.mkdir(parents=True)
        redis, postgres = RedisServer(), None
        stack.callback(redis.close)
        redis.start()
        os.environ.update(work.environment())
        if database == "postgresql":
            postgres = PostgresServer(*POSTGRES)
            stack.callback(postgres.close)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about a missing XDG_RUNTIME_DIR, for which it falls back
                os.environ["DATABASE_URL"] = postgres.start().create("benchmark")
        os.environ.update(
            REDIS_URL=redis.url,
            BENCHMARK_MODERATION=json.dumps(moderation),
            DJANGO_SETTINGS_MODULE="benchmarks.site_settings",
            LOG_LEVEL="ERROR",
        )
        _set_up_django()
        stack.callback(_close_connections)
        children = stack.enter_context(Children())
        yield Site(children, work.logs, postgres)


def _set_up_django() -> None:
    import django

    import mysite.celery  # noqa: F401 - the notifier sends through this app

    django.setup()
    from django.core.management import call_command

    from moderation.versions import store

    call_command("migrate", verbosity=0)
    store.active_version()


def _close_connections() -> None:
    from django.db import connections

    connections.close_all()


def _is_ready(log: Path) -> bool:
    said = log.read_text(errors="replace")
    return " ready." in said and "Scoring with" in said
