"""Removes files that nobody goes back to: candidates that were never activated, and old copies in the cache.

Rows, figures and audit trail stay. What was active once is kept, for a rollback.
"""

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction

from moderation import audit
from moderation.audit import Action, Actor
from moderation.conf import conf
from moderation.models import ModelVersion, ShadowTrial
from moderation.versions import artifacts, store
from moderation.versions.active import find_active

KEPT = 3
"""Candidates whose files stay, the newest: somebody may still want to look at one."""
CACHE_SECONDS = 30 * 86_400
"""Age of the last use from which a cached copy is removed; it can be fetched again."""
UNFINISHED_SECONDS = 86_400
"""What a process that was killed left in the cache."""


@dataclass(frozen=True)
class Pruned:
    """What was removed, or would be."""

    versions: list[ModelVersion]
    cached: list[Path]


def prune(
    *,
    keep: int = KEPT,
    user: AbstractBaseUser | None = None,
    username: str = "",
    note: str = "",
    dry_run: bool = False,
) -> Pruned:
    """Remove the files of all candidates but the newest `keep`, and folders of the cache that nobody uses.

    username: who does it, where no user of the site does. note: why, for the audit trail. dry_run: True
    reports what would be removed, and changes nothing. Raises ModelUnavailable, with nothing changed, where
    the settings name no storage.
    """
    artifacts.artifact_storage()
    candidates = list(_candidates()[keep:])
    if dry_run:
        return Pruned(candidates, list(_unused()))
    actor = Actor.of(user, username)
    pruned = [version for version in candidates if _given_up(version, actor, note)]
    for version in store.pruned_versions():  # those that an earlier call was killed over, too
        artifacts.remove(version.location, list(version.manifest.get("files", ())))
    cached = list(_unused())
    for directory in cached:
        shutil.rmtree(directory, ignore_errors=True)
    return Pruned(pruned, cached)


def _candidates() -> list[ModelVersion]:
    """Return the site's versions that were never active and still have their files, the newest first.

    Without one that workers score with in a shadow trial.
    """
    gone = {version.pk for version in store.pruned_versions()}
    tried = ShadowTrial.objects.filter(status=ShadowTrial.Status.RUNNING)
    gone |= set(tried.values_list("candidate", flat=True))
    rows = ModelVersion.objects.filter(is_active=False, activated=None).exclude(location="").order_by("-id")
    return [row for row in rows.defer("metrics") if row.pk not in gone]


def _given_up(version: ModelVersion, actor: Actor, note: str) -> bool:
    """Record that a version's files are removed; False where somebody has activated it meanwhile."""
    with transaction.atomic(using=router.db_for_write(ModelVersion)):
        locked = ModelVersion.objects.select_for_update().filter(pk=version.pk, activated=None)
        if not locked.exists():
            return False
        audit.record(
            Action.MODEL_PRUNED,
            actor,
            version,
            before={"version": str(version), "location": version.location},
            after={"note": note} if note else {},
        )
    return True


def _unused() -> Iterable[Path]:
    """Yield the cache's folders that nobody opened for long.

    A local storage is read in place, without cache.
    """
    cache = Path(conf.MODEL_CACHE)
    active = find_active()
    kept = artifacts.cached_name(active.manifest_sha256 if active else "")
    for directory in sorted(cache.iterdir()) if cache.is_dir() else ():
        is_unfinished = directory.name.startswith(artifacts.UNFINISHED)
        if not directory.is_dir() or not (is_unfinished or artifacts.is_cached_name(directory.name)):
            continue  # not ours
        try:
            age = time.time() - directory.stat().st_mtime
        except OSError:
            continue  # another process was first
        if directory.name == kept:
            continue
        if age > (UNFINISHED_SECONDS if is_unfinished else CACHE_SECONDS):
            yield directory
