"""Publishes and activates model versions and goes back to earlier ones, each with its audit entry.

`artifacts` keeps the files; nothing is loaded here.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import DatabaseError, IntegrityError, router, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import get_valid_filename

from moderation import audit
from moderation.audit import MACHINE, Action, Actor
from moderation.coordination import leases
from moderation.models import AuditEntry, Lease, ModelVersion
from moderation.versions import artifacts
from moderation.versions.active import find_active
from moderation.versions.artifacts import ManifestFile, ModelUnavailable, PublishFailed

__all__ = [
    "ActivatedMeanwhile",
    "AlreadyPublished",
    "ModelUnavailable",
    "NothingToGoBackTo",
    "PublishFailed",
    "activate",
    "active_version",
    "local_directory",
    "openable_directory",
    "previously_active",
    "pruned_versions",
    "publish",
    "rollback",
    "scoring_here",
]

Origin = ModelVersion.Origin
PUBLISHING_SECONDS = 60.0
"""Seconds of the lease under which files are copied, renewed meanwhile."""

logger = logging.getLogger(__name__)


class AlreadyPublished(Exception):
    """Another version has this name and number."""


class ActivatedMeanwhile(Exception):
    """Another version is active than the person saw, and nothing was changed."""


class NothingToGoBackTo(Exception):
    """No other version was active before this one."""


def active_version() -> ModelVersion:
    """Return the version that scores now, in this process; one query.

    The packaged default is registered and active until another is; when the package brings a new default
    while its old one is active, the new one takes over. Where the package is of an older release than the
    active default, the answer is that of `scoring_here`. Raises ModelUnavailable without any version.
    """
    active = find_active()
    if active is None:
        return _register_packaged(artifacts.read_manifest(artifacts.packaged_directory()))
    packaged = _packaged_instead_of(active)
    return active if packaged is None else _known(active, packaged) or _upgraded(active, packaged)


def scoring_here(active: ModelVersion) -> ModelVersion:
    """Return the active version, or this package's default in its place; changes nothing.

    The default stands in where the active one is another release's default, whose files this machine does not
    have, and this package's was registered before: after the old release was installed again, or while two
    are running.
    """
    packaged = _packaged_instead_of(active)
    return active if packaged is None else _known(active, packaged) or active


def local_directory(version: ModelVersion) -> Path:
    """Return a directory on this machine with the version's files, each checked against its sha256.

    Raises ModelUnavailable naming the file that is missing or damaged.
    """
    if version.location:
        return artifacts.fetch(version.location, version.manifest_sha256)
    directory = artifacts.packaged_directory()
    artifacts.verify(directory, version.manifest_sha256)
    return directory


def openable_directory(version: ModelVersion) -> Path:
    """Return what `local_directory` does. Raises ModelUnavailable where the files were removed, too."""
    _refuse_pruned(version)
    return local_directory(version)


def publish(
    directory: Path,
    *,
    parent: ModelVersion | None = None,
    origin: ModelVersion.Origin | None = None,
    note: str = "",
    data_fingerprint: str = "",
    user: AbstractBaseUser | None = None,
    username: str = "",
) -> ModelVersion:
    """Copy a version directory to the artifact storage and register it, not active.

    origin: None stands for retrained where a parent is named, else for published. note: why it was made.
    data_fingerprint: sha256 over what it learned. username: who does it, where no user of the site does.

    Raises ModelUnavailable when the directory is damaged, AlreadyPublished, or PublishFailed, also where
    another process is publishing the same bytes; in each case no row is made and nothing of ours is left on
    the storage.
    """
    manifest = artifacts.read_manifest(directory)
    artifacts.verify(directory, manifest.sha256)
    name, version = str(manifest.content["name"]), str(manifest.content["version"])
    _refuse_long(name, version)
    origin = origin or (Origin.RETRAINED if parent else Origin.PUBLISHED)
    with _publishing_alone(manifest, f"{name}@{version}") as is_still_alone:
        if ModelVersion.objects.filter(name=name, version=version).exists():
            raise AlreadyPublished(
                f"{name}@{version} is published already, and a published version never changes."
            )
        location = get_valid_filename(f"{name}-{version}-{manifest.sha256[:16]}")
        try:
            artifacts.store(directory, location)
            with transaction.atomic(using=_database()):
                if not is_still_alone():
                    raise PublishFailed(
                        f"The database was away for so long that another process began on {name}@{version}."
                    )
                row = _create(
                    manifest,
                    location=location,
                    parent=parent,
                    origin=origin,
                    note=note,
                    data_fingerprint=data_fingerprint,
                )
                _record(Action.MODEL_PUBLISHED, Actor.of(user, username), None, row, note)
        except PublishFailed:  # nothing of ours is there: where the lease was lost, it is another's by now
            raise
        except IntegrityError as error:  # another process published other bytes under this name meanwhile
            artifacts.discard(location, list(manifest.files))
            raise AlreadyPublished(f"{name}@{version} was published by another process just now.") from error
        except DatabaseError:
            artifacts.discard(location, list(manifest.files))
            raise
        except BaseException:  # Ctrl-C or SIGTERM
            _discard_unregistered(manifest, location, is_still_alone)
            raise
    return row


def _discard_unregistered(manifest: ManifestFile, location: str, is_still_alone: Callable[[], bool]) -> None:
    """Remove the files of a publication that was ended, unless they got their row or are another process's.

    Where the database does not say, they stay: a signal may come just after the commit.
    """
    with suppress(DatabaseError):
        if is_still_alone() and not ModelVersion.objects.filter(location=location).exists():
            artifacts.discard(location, list(manifest.files))


@contextmanager
def _publishing_alone(manifest: ManifestFile, name: str) -> Iterator[Callable[[], bool]]:
    """Keep other processes from publishing the same bytes, which would lie at the same place; slow ones, too.

    What is yielded tells whether that is still so. Raises PublishFailed where another process is at it.
    """
    lease = f"publishing:{manifest.sha256[:32]}"
    token = leases.take(lease, PUBLISHING_SECONDS)
    if token is None and not Lease.objects.filter(name=lease).exists():
        token = leases.take(lease, PUBLISHING_SECONDS)  # who had it removed it while we looked
    if token is None:
        raise PublishFailed(
            f"{name} is being published by another process, {leases.holder(lease)}. Look again in a minute."
        )
    try:
        with leases.kept(lease, token, PUBLISHING_SECONDS, renewals=None):
            yield partial(leases.renew, lease, token, PUBLISHING_SECONDS)
    finally:
        leases.give_back(lease, token)
        Lease.objects.filter(name=lease, token=None).delete()


def activate(
    version: ModelVersion,
    *,
    user: AbstractBaseUser | None = None,
    username: str = "",
    note: str = "",
    instead_of: ModelVersion | None = None,
    are_files_seen: bool = False,
) -> ModelVersion:
    """Make a version the one that scores; workers switch between batches. Already active: nothing happens.

    Raises ModelUnavailable, with the old version still active, when its files are not all there. username:
    who does it, where no user of the site does. note: why, for the audit trail. instead_of: the version that
    is to be active still, as the person saw it; None: any. Raises ActivatedMeanwhile where another is.
    are_files_seen: True where the caller has just opened them, outside of its transaction: to read hundreds
    of megabytes within one would have every comment of a site on SQLite wait.
    """
    if not are_files_seen:
        openable_directory(version)
    return _switch(version, Action.MODEL_ACTIVATED, Actor.of(user, username), note, instead_of)


def rollback(
    *,
    user: AbstractBaseUser | None = None,
    username: str = "",
    note: str = "",
    instead_of: ModelVersion | None = None,
) -> ModelVersion:
    """Go back to the version that was active before this one; again, to the one before that.

    Raises NothingToGoBackTo, or ModelUnavailable when that version's files are not all there. username: who
    does it, where no user of the site does. note, instead_of: as `activate` takes them; None: the version
    that is active now, so ActivatedMeanwhile is raised where another is by the time of the switch.
    """
    left = instead_of or find_active()  # read first: somebody may activate another while we look
    previous = previously_active()
    if previous is None:
        raise NothingToGoBackTo("No other model version was active before this one.")
    if not previous.location:
        previous = _packaged_now(previous)
    local_directory(previous)
    return _switch(previous, Action.MODEL_ROLLED_BACK, Actor.of(user, username), note, left)


def previously_active() -> ModelVersion | None:
    """Return the version that `rollback` goes back to, or None; each rollback goes one activation back."""
    steps: list[str] = []
    switches = (Action.MODEL_ACTIVATED, Action.MODEL_ROLLED_BACK)
    changes = AuditEntry.objects.filter(action__in=switches).order_by("id")
    for action, target in changes.values_list("action", "target_id"):
        if action == Action.MODEL_ACTIVATED:
            steps.append(target)
        elif len(steps) > 1:
            steps.pop()
    return ModelVersion.objects.get(pk=steps[-2]) if len(steps) > 1 else None


def _packaged_now(version: ModelVersion) -> ModelVersion:
    """Return the newer packaged default after an upgrade of the package, else `version`."""
    packaged = _packaged_manifest()
    if packaged is None or packaged.sha256 == version.manifest_sha256:
        return version
    registered = ModelVersion.objects.filter(manifest_sha256=packaged.sha256).first()
    if registered is None and not _is_named(packaged):
        registered = _create(packaged, location="", origin=Origin.PACKAGED)
    return registered or version


def _is_named(manifest: ManifestFile) -> bool:
    content = manifest.content
    return ModelVersion.objects.filter(name=content["name"], version=content["version"]).exists()


def _switch(
    version: ModelVersion,
    action: Action,
    actor: Actor,
    note: str = "",
    instead_of: ModelVersion | None = None,
) -> ModelVersion:
    with transaction.atomic(using=_database()):
        # All rows in one order: two people activating at once wait for each other instead of deadlocking.
        list(ModelVersion.objects.select_for_update().order_by("pk").values_list("pk"))
        _refuse_pruned(version)
        before = find_active()
        if instead_of is not None and before != instead_of:
            raise ActivatedMeanwhile(f"{before} is active by now.")
        if before is None or before.pk != version.pk:
            ModelVersion.objects.filter(is_active=True).update(is_active=False)
            ModelVersion.objects.filter(pk=version.pk).update(is_active=True, activated=timezone.now())
            _record(action, actor, before, version, note)
    version.refresh_from_db(using=_database())
    return version


def _refuse_long(*names: str) -> None:
    """Refuse a name or version that is too long: SQLite takes any length, other databases do not."""
    for name, column in zip(names, ("name", "version"), strict=True):
        max_length: int | None = getattr(ModelVersion._meta.get_field(column), "max_length", None)
        if max_length is not None and len(name) > max_length:
            raise PublishFailed(
                f"The {column} in the manifest is {len(name)} characters long; {max_length} fit."
            )


def _refuse_pruned(version: ModelVersion) -> None:
    if pruned_versions().filter(pk=version.pk).exists():
        raise ModelUnavailable(f"The files of {version} were removed. Activate another model version.")


def _register_packaged(manifest: ManifestFile) -> ModelVersion:
    """Register and activate the packaged default, unless another process has activated a version before."""
    try:
        with transaction.atomic(using=_database()):
            row = _create(
                manifest, location="", origin=Origin.PACKAGED, is_active=True, activated=timezone.now()
            )
            _record(Action.MODEL_ACTIVATED, MACHINE, None, row)
    except IntegrityError:
        active = find_active()
        if active is not None:
            return active
        row = _registered(manifest)
        return _switch(row, Action.MODEL_ACTIVATED, MACHINE)
    logger.info("The packaged model version %s is registered and active.", row)
    return row


def _packaged_instead_of(active: ModelVersion) -> ManifestFile | None:
    """Return this package's manifest where the active version is another package's default, else None."""
    packaged = None if active.location else _packaged_manifest()
    return None if packaged is None or packaged.sha256 == active.manifest_sha256 else packaged


def _known(active: ModelVersion, packaged: ManifestFile) -> ModelVersion | None:
    """Return the row of the packaged default; None where it has never been registered."""
    rows = ModelVersion.objects.filter(location="", manifest_sha256=packaged.sha256)
    row = rows.defer("manifest", "metrics").first()
    if row is not None and (active.pk, row.pk) not in _told:
        _told.add((active.pk, row.pk))
        says = "The active model version %s is not in the package that is installed; %s is, and scores here."
        logger.warning(says, active, row)
    return row


def _upgraded(active: ModelVersion, packaged: ManifestFile) -> ModelVersion:
    """Activate the new packaged default, once, where the package changed under an active one."""
    try:
        with transaction.atomic(using=_database()):
            row = _create(packaged, location="", origin=Origin.PACKAGED)
    except IntegrityError:
        return active  # the same name with other bytes: local_directory says so, naming the file
    logger.info("The package brought the model version %s, which takes over from %s.", row, active)
    return _switch(row, Action.MODEL_ACTIVATED, MACHINE)


def _registered(manifest: ManifestFile) -> ModelVersion:
    try:
        return ModelVersion.objects.get(manifest_sha256=manifest.sha256)
    except ModelVersion.DoesNotExist as error:
        raise ModelUnavailable(
            f"{artifacts.packaged_directory() / artifacts.MANIFEST} is not the manifest that was registered "
            "under the name of this version. Install the package again, or activate another model version."
        ) from error


_told: set[tuple[int, int]] = set()
_seen_packaged: tuple[tuple[int, int], ManifestFile] | None = None


def _packaged_manifest() -> ManifestFile | None:
    """Return the packaged manifest, read again only when its file changed; None where it can't be read."""
    global _seen_packaged
    try:
        directory = artifacts.packaged_directory()
        status = (directory / artifacts.MANIFEST).stat()
        stamp = (status.st_mtime_ns, status.st_size)
        if _seen_packaged is None or _seen_packaged[0] != stamp:
            _seen_packaged = (stamp, artifacts.read_manifest(directory))
        return _seen_packaged[1]
    except (OSError, ModelUnavailable):
        return None  # loading it will tell which file is missing


def _create(manifest: ManifestFile, **columns: Any) -> ModelVersion:
    content = manifest.content
    return ModelVersion.objects.create(
        name=content["name"],
        version=content["version"],
        manifest_sha256=manifest.sha256,
        manifest=content,
        labels=list(content["labels"]),
        thresholds=dict(content["thresholds"]),
        metrics=dict(content.get("metrics") or {}),
        **columns,
    )


def _record(
    action: Action, actor: Actor, before: ModelVersion | None, after: ModelVersion, note: str = ""
) -> None:
    told = {"version": str(after), "manifest_sha256": after.manifest_sha256}
    audit.record(
        action,
        actor,
        after,
        before={"version": str(before)} if before else {},
        after={**told, "note": note} if note else told,
    )


def _database() -> str:
    return router.db_for_write(ModelVersion)


def pruned_versions() -> QuerySet[ModelVersion]:
    """Select versions whose files were removed; they can't be activated any more."""
    pruned = AuditEntry.objects.filter(action=Action.MODEL_PRUNED, target_type="modelversion")
    keys = [int(key) for key in pruned.values_list("target_id", flat=True)]
    return ModelVersion.objects.filter(pk__in=keys)


def versions() -> Iterable[ModelVersion]:
    """Return all registered versions, the newest first."""
    return ModelVersion.objects.select_related("parent").order_by("-id")
