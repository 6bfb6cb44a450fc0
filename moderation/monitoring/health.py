"""Checks whether moderation is well: one finding for each part says what is wrong and what to do.

Nothing here changes anything, quotes a text, or needs the part that it looks at to be there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django.apps import apps
from django.db import DatabaseError, connections, router
from django.db.migrations.executor import MigrationExecutor

from moderation import broker as site_broker
from moderation import metrics, orphans
from moderation.conf import conf
from moderation.models import Screening
from moderation.monitoring import figures
from moderation.monitoring.figures import Figures, Worker
from moderation.screening.scorer import (
    INSTALL_LIBRARIES,
    PROBE_TEXT,
    Failure,
    LibrariesMissing,
    ModelNotReady,
    load_scorer,
    score_each,
)
from moderation.versions import store, watch
from moderation.versions.active import find_active

WEBHOOK_SECONDS = 600.0
"""For how long a webhook may fail, or a delivery wait, before it is told of."""


@dataclass(frozen=True)
class Finding:
    """What a look at one part found."""

    part: str
    is_well: bool
    says: str
    """One line."""
    do: str = ""
    """What to do about it; empty where it is well."""
    numbers: dict[str, Any] = field(default_factory=dict)
    """What it rests on, for programs."""


@dataclass(frozen=True)
class Limits:
    """The limits beyond which a part is not well."""

    pending_seconds: float = 300
    """Age of the oldest comment of normal priority that waits; what was backfilled may take its time."""
    workers: int | None = None
    """So many processes that screen; None: one, or none where tasks run in the process that saves."""
    worker_seconds: float | None = None
    """Since a worker last said so; None: four sweeps, and two minutes at least."""
    failed: int = 10
    """Texts that could not be scored and that nobody has judged."""
    action_seconds: float = 600
    """Since a hiding or showing was decided and not carried out."""
    held_hours: float = 72
    """Age of the oldest hidden comment that waits for a person; those who moderate may have weekends."""
    compare_hours: float | None = None
    """Since the live texts were last compared; None: two of COMPARE_HOURS, and two days at least."""


def database() -> Finding:
    """Check whether the database of the screenings answers."""
    try:
        with connections[_alias()].cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError as error:
        does = "Start it, or mend DATABASES; nothing is lost, saves fail until then."
        return Finding("database", False, f"It can't be reached ({type(error).__name__}).", does)
    return Finding("database", True, "It answers.")


def migrations() -> Finding:
    """Check whether this code's tables exist. A process that has seen them asks no more."""
    missing = _missing_migrations()
    if missing:
        does = "Run `manage.py migrate`, then start the processes again."
        return Finding("migrations", False, f"Not applied: {', '.join(missing)}.", does)
    return Finding("migrations", True, "All are applied.")


def broker() -> Finding:
    """Check whether the broker, where the site needs one, takes a connection and may have our queue."""
    if site_broker.is_eager():
        return Finding("broker", True, "Not needed: tasks run at once in the process that saves.")
    if not conf.BROKER:
        return Finding("broker", True, "The site says that it has none.")
    does = "Bring it back; nothing is lost, comments are screened with each sweep."
    if not site_broker.is_configured():
        does = 'Set CELERY_BROKER_URL, or say MODERATION["BROKER"] = False where there is none.'
    where = site_broker.addresses()
    try:
        site_broker.queue()
        if not site_broker.answers():
            problem = f"It refuses at {where}."
        elif flag_url := site_broker.flag_url():
            where = site_broker.addresses(flag_url)
            site_broker.flag_answers()
            return Finding("broker", True, "It answers, and so does the Redis of REDIS_URL.")
        else:
            return Finding("broker", True, "It answers.")
    except site_broker.QueueUndeclared as error:
        problem, does = (
            f"{error}.",
            "Mend Celery's settings; until then comments are screened with each sweep.",
        )
    except Exception as error:  # whatever the transport raises, and its message can hold the password
        problem = f"It can't be reached at {where} ({type(error).__name__})."
    return Finding("broker", False, f"{problem} Comments wait up to {conf.SWEEP_SECONDS:g} s.", does)


def look(limits: Limits, *, model_here: bool = False, has_broker: bool = True) -> list[Finding]:
    """Look at every part; what can't be known while the database is away is left out. Never raises.

    model_here: load the active version in this process, too, and let it score the probe. has_broker:
    False for a site that screens without Celery.
    """
    if limits.workers is None:
        limits = replace(limits, workers=0 if site_broker.is_eager() else 1)
    findings = [database()]
    if findings[0].is_well:
        findings.append(migrations())
        if findings[-1].is_well:
            findings += _from_the_database(limits, model_here)
    return [*findings, broker()] if has_broker else findings


def _from_the_database(limits: Limits, model_here: bool) -> Iterable[Finding]:
    try:
        known = figures.read()
        within = limits.worker_seconds if limits.worker_seconds is not None else figures.alive_within()
        alive = known.alive(within)
        findings = [
            _backlog(known, limits),
            _workers(known, alive, within, limits),
            _model(known, alive, limits),
            _watched(),
            _failed(known, limits),
            _queue(known, limits),
            _actions(known, limits),
            _hidden(),
            _discovery(known, limits),
            _webhooks(known),
        ]
        if model_here:
            findings.insert(3, _model_here())
        return findings
    except DatabaseError as error:
        problem = f"A query failed ({type(error).__name__})."
        return [
            Finding("database", False, problem, "Read its log; the figures of moderation are missing here.")
        ]


def _backlog(known: Figures, limits: Limits) -> Finding:
    age, count = known.oldest["normal"], known.pending["normal"]
    low = sum(known.pending.values()) - count
    numbers = {"pending": dict(known.pending), "oldest_seconds": dict(known.oldest)}
    says = f"{count} wait, the oldest for {age:.0f} s; {low} more of low priority."
    does = "See that workers run and have a model, as below; if they do and this grows, start another."
    is_well = age <= limits.pending_seconds
    return Finding("backlog", is_well, says, "" if is_well else does, numbers)


def _workers(known: Figures, alive: tuple[Worker, ...], within: float, limits: Limits) -> Finding:
    wanted = limits.workers or 0
    says = f"{len(alive)} alive in the last {within:.0f} s, {wanted} wanted."
    for worker in known.workers:
        if worker.is_gone and worker.age <= within:
            says += f" {worker.name} has ended without a word; seen {worker.age:.0f} s ago."
    for worker in alive:
        if worker.age > figures.silent_after():
            says += f" {worker.name} has not been seen for {worker.age:.0f} s."
    if known.workers and not alive:
        says += f" The last one was {known.workers[0].name}, {known.workers[0].age:.0f} s ago."
    is_well = len(alive) >= wanted
    does = f"Start one (`{_starts_one()}`), or read the log of the last one."
    if not is_well and not alive and conf.BROKER:
        says = f'Nobody takes the queue "{conf.QUEUE}": {says}'
    return Finding("workers", is_well, says, "" if is_well else does, {"alive": len(alive)})


def _starts_one() -> str:
    return f"celery -A yoursite worker -Q {conf.QUEUE}" if conf.BROKER else "manage.py screen_pending --loop"


def _model(known: Figures, alive: tuple[Worker, ...], limits: Limits) -> Finding:
    """Check the active version by what the workers that load it report; this machine need not have it."""
    part, version = "model", known.active_version or "none registered yet"
    numbers = {
        "active": known.active_version,
        "loaded": sorted({row.version for row in alive if row.version}),
    }
    in_trouble = [row for row in alive if row.trouble]
    if in_trouble:
        count = f"{len(in_trouble)} of {len(alive)} workers"
        says = f"{count} can't score with {version}, {in_trouble[0].name} among them."
        if any(row.trouble == metrics.LIBRARIES_MISSING for row in in_trouble):
            does = (
                f"Their machine lacks the libraries of a worker: {INSTALL_LIBRARIES}, and start them again."
            )
        else:
            does = (
                "Their log names the file: restore it, or go back with `manage.py model_versions rollback`."
            )
        return Finding(part, False, says, does, numbers)
    loaded = [row for row in alive if row.version]
    if not loaded:
        says = f"No living worker has loaded one; active: {version}."
        does = "Start a worker, or wait until it has loaded its model; its log tells."
        is_well = not limits.workers
        return Finding(part, is_well, says, "" if is_well else does, numbers)
    says = f"{version}; {len(loaded)} of {len(alive)} workers have a model."
    others = sorted({row.version for row in loaded} - {version})
    if others:  # a switch takes until the next batch, another release's default until that is installed
        says += f" Still in use: {', '.join(others)}."
    return Finding(part, True, says, "", numbers)


def _model_here() -> Finding:
    part, does = "model here", "Restore the file, or go back with `manage.py model_versions rollback`."
    active = find_active()
    if active is None:
        return Finding(part, False, "None is registered yet.", "Start a worker: the first one does that.")
    active = store.scoring_here(active)
    try:
        scored = score_each(load_scorer(active), [PROBE_TEXT])[0]
    except LibrariesMissing as error:
        return Finding(
            part, False, str(error), "Install them, or leave --model-here to the workers' machines."
        )
    except (ModelNotReady, store.ModelUnavailable) as error:
        return Finding(part, False, str(error), does)  # our own words: they name a file, never a text
    if isinstance(scored, Failure):
        return Finding(part, False, f"{active} fails at a sentence of ours ({scored.code}).", does)
    return Finding(part, True, f"{active} is loaded, verified, and scores.")


def _failed(known: Figures, limits: Limits) -> Finding:
    says = (
        f"{known.failed} text(s) could not be scored and wait for a person, at most {limits.failed} are well."
    )
    is_well = known.failed <= limits.failed
    does = "Judge them in the queue; many at once mean a bad model version."
    return Finding("failed", is_well, says, "" if is_well else does, {"failed": known.failed})


def _queue(known: Figures, limits: Limits) -> Finding:
    """Check whether people come to what waits for them: a hidden comment is on nobody's page meanwhile."""
    waiting = sum(known.queue.values())
    hours = known.oldest_held / 3600
    numbers = {"waiting": dict(known.queue), "oldest_held_seconds": known.oldest_held}
    if hours > limits.held_hours:
        says = f"A hidden comment has waited for a person for {_long(hours)}; {waiting} item(s) wait."
        does = "Judge what is held in the queue, or tell those who moderate; --held-hours sets the limit."
        return Finding("queue", False, says, does, numbers)
    says = f"{waiting} item(s) wait for a person"
    says += f"; the oldest hidden comment for {_long(hours)}." if known.oldest_held else "; none is hidden."
    return Finding("queue", True, says, "", numbers)


def _long(hours: float) -> str:
    """Say how long that is, in whole days from two days on."""
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.1f} h"


def _watched() -> Finding:
    """Check whether decisions show the active version to be worse than the one before it."""
    last = watch.last_look()
    if last is None:
        return Finding("watch", True, "Nobody has looked yet whether the model does well here.")
    data, _ = last
    numbers = {key: data.get(key) for key in ("findings", "version", "rolled_back", "refused")}
    active = find_active()
    if active is None or active.pk != data["version"] or not data["findings"]:
        well = "Nothing shows the active version to be worse than the one before it."
        return Finding("watch", True, well, "", numbers)
    codes = ", ".join(data["findings"])
    if not data["is_worse"]:
        return Finding("watch", True, f"Of the active version there is to be told: {codes}.", "", numbers)
    says = f"Decisions show the active version to be worse than the one before it: {codes}."
    if data.get("refused") == "files-missing":
        says += " The one before could not be gone back to: files of it are missing."
    does = "Read its page in the admin, under model versions; `model_versions rollback` goes back."
    return Finding("watch", False, says, does, numbers)


def _actions(known: Figures, limits: Limits) -> Finding:
    stuck = figures.overdue_actions(limits.action_seconds)
    says = f"{known.actions} to be carried out, {stuck} of them for over {limits.action_seconds:.0f} s."
    does = "Look for `visibility not changed` in the workers' log: mostly the site's hide or show raises."
    hanging = figures.hanging_actions()
    if hanging:
        says += f" {hanging} were begun and never ended."
        does = "The site's hide or show hangs, or its worker was killed. Give what it calls a time-out."
    is_well = not stuck and not hanging
    numbers = {"pending": known.actions, "overdue": stuck, "hanging": hanging}
    return Finding("actions", is_well, says, "" if is_well else does, numbers)


def _hidden() -> Finding:
    """Check whether what we hid was hidden as its model is registered here today."""
    groups = orphans.count()
    numbers = {"orphans": sum(group.count for group in groups)}
    if not groups:
        return Finding("hidden", True, "All was hidden as its model is registered.", "", numbers)
    where = ", ".join(sorted({group.label for group in groups}))
    says = f"{numbers['orphans']} object(s) were hidden under an older registration: {where}."
    does = "Look at them with `manage.py moderation_orphans`, and let it mend them with --act."
    return Finding("hidden", False, says, does, numbers)


def _discovery(known: Figures, limits: Limits) -> Finding:
    hours = limits.compare_hours if limits.compare_hours is not None else max(48.0, 2 * conf.COMPARE_HOURS)
    late = sorted(label for label, age in known.compare_ages.items() if age > 3600 * hours)
    oldest = max(known.compare_ages.values(), default=0.0)
    says = f"All texts were last compared {oldest / 3600:.1f} h ago."
    does = (
        "See that workers sweep (`sweep failed` in their log); very large tables need a higher COMPARE_HOURS."
    )
    if late:
        says = f"Not compared for over {hours:g} h: {', '.join(late)}."
    return Finding("discovery", not late, says, does if late else "", {"seconds": dict(known.compare_ages)})


def _webhooks(known: Figures) -> Finding:
    """Check whether what webhooks are to be told is acknowledged."""
    hooks = known.webhooks
    numbers = {
        "enabled": hooks.enabled,
        "waiting": hooks.waiting,
        "oldest_seconds": hooks.oldest,
        "failing": {str(key): seconds for key, seconds in hooks.failing.items()},
    }
    if not hooks.enabled:
        return Finding("webhooks", True, "None is switched on.", "", numbers)
    says = f"{hooks.enabled} switched on; {hooks.waiting} events wait, the oldest for {hooks.oldest:.0f} s."
    long = [key for key, seconds in hooks.failing.items() if seconds > WEBHOOK_SECONDS]
    does = "The admin says under Webhooks how each fails; mend the receiver, or switch the webhook off."
    if long:
        says += f" Failing for over {WEBHOOK_SECONDS:.0f} s: webhook {', '.join(map(str, long))}."
    elif hooks.oldest > WEBHOOK_SECONDS and not hooks.failing:
        does = "See that workers run: each of them delivers."
    else:
        return Finding("webhooks", True, says, "", numbers)
    return Finding("webhooks", False, says, does, numbers)


_is_migrated = False


def _missing_migrations() -> list[str]:
    """Return missing migrations of this app and of those that it builds on; a site may leave out others."""
    global _is_migrated
    if _is_migrated:
        return []
    executor = MigrationExecutor(connections[_alias()])
    label = apps.get_app_config("moderation").label
    targets = [key for key in executor.loader.graph.leaf_nodes() if key[0] == label]
    missing = [f"{app.app_label}.{app.name}" for app, _ in executor.migration_plan(targets)]
    _is_migrated = not missing
    return missing


def _alias() -> str:
    return router.db_for_write(Screening)
