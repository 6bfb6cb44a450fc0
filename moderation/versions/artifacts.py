"""Stores, fetches and checks the files of model versions: on the artifact storage, in a cache, or packaged.

Reads no rows. The caller brings the checksum of the manifest, by which a directory is verified.
"""

import hashlib
import importlib.util
import json
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage, InvalidStorageError, Storage, storages

from moderation.conf import conf

MANIFEST = "manifest.json"
UNFINISHED = ("fetching-", "damaged-")
"""How names in the cache begin that are no version's."""
_CHUNK = 1024 * 1024

logger = logging.getLogger(__name__)


class ModelUnavailable(Exception):
    """A model version's files are missing or damaged; the message names the file and says what to do."""


class PublishFailed(Exception):
    """A version's files could not be put on the storage; nothing of it is left there."""


@dataclass(frozen=True)
class ManifestFile:
    """What manifest.json says, with the checksum that vouches for it."""

    sha256: str
    content: Mapping[str, Any]

    @property
    def files(self) -> Mapping[str, str]:
        """{relative name: sha256} of every other file."""
        files: Mapping[str, str] = self.content["files"]
        return files


def packaged_directory() -> Path:
    """Return where the default version lies, without importing toxicity_ml. Raises ModelUnavailable."""
    spec = importlib.util.find_spec("toxicity_ml")
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailable(
            "The package toxicity_ml, which carries the default version, is not installed."
        )
    return Path(next(iter(spec.submodule_search_locations))) / "pretrained"


def read_manifest(directory: Path) -> ManifestFile:
    """Read a version directory's manifest; its files are not looked at. Raises ModelUnavailable."""
    path = directory / MANIFEST
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ModelUnavailable(
            f"{path} cannot be read ({type(error).__name__}). Install or publish this model version again."
        ) from error
    try:
        content = json.loads(raw)
        _refuse_unstorable(content)
        files = dict(content["files"])
        complete = all(content[key] for key in ("name", "version", "labels", "thresholds")) and bool(files)
    except (ValueError, TypeError, KeyError, RecursionError):
        complete = False
    if not complete:
        raise ModelUnavailable(f"{path} is not a version's manifest. Install or publish this version again.")
    for name in files:
        if Path(name).name != name or name in {"", ".", "..", MANIFEST}:
            raise ModelUnavailable(f"{path} names a file outside its directory. Do not use this version.")
    return ManifestFile(hashlib.sha256(raw).hexdigest(), content)


def _refuse_unstorable(content: Any) -> None:
    """Raise ValueError for numbers that JSON has not, and for NUL: a database stores neither."""
    if "\\u0000" in json.dumps(content, allow_nan=False):
        raise ValueError("NUL")


def verify(directory: Path, manifest_sha256: str) -> None:
    """Check the manifest by its checksum, and every file by the manifest. Raises ModelUnavailable."""
    manifest = read_manifest(directory)
    if manifest.sha256 != manifest_sha256:
        raise ModelUnavailable(
            f"{directory / MANIFEST} is not the manifest that was published under this version's name. "
            "Activate another model version, or put the original files back."
        )
    for name, expected in sorted(manifest.files.items()):
        path = directory / name
        try:
            checksum = _sha256(path)
        except OSError as error:
            raise ModelUnavailable(
                f"{path} cannot be read ({type(error).__name__}). Publish or activate another model version."
            ) from error
        if checksum != expected:
            raise ModelUnavailable(
                f"{path} is damaged: its sha256 is not the manifest's. Put the original file back, or "
                "activate another model version."
            )


def store(directory: Path, location: str) -> None:
    """Copy a verified version directory to the artifact storage, the manifest last.

    Raises PublishFailed, and then leaves nothing at `location`. What an earlier attempt that was killed left
    there is overwritten.
    """
    storage = artifact_storage()
    names = [*sorted(read_manifest(directory).files), MANIFEST]
    done: list[str] = []
    try:
        for name in names:
            target = f"{location}/{name}"
            storage.delete(target)
            done.append(target)
            with (directory / name).open("rb") as file:
                saved = storage.save(target, File(file))
            if saved != target:
                done.append(saved)
                raise PublishFailed(
                    f"The storage gave {target} another name: somebody else is publishing it."
                )
    except PublishFailed:
        _discard(storage, done, location)
        raise
    except Exception as error:  # each storage backend raises its own types
        _discard(storage, done, location)
        raise PublishFailed(
            f"{location}/{name} could not be written to the artifact storage ({type(error).__name__}). "
            "Is its disk full, or may this process not write there?"
        ) from error
    except BaseException:  # Ctrl-C or SIGTERM
        _discard(storage, done, location)
        raise


def discard(location: str, names: list[str]) -> None:
    """Remove a version from the storage that never got its row."""
    _discard(artifact_storage(), [f"{location}/{name}" for name in (*names, MANIFEST)], location)


def remove(location: str, names: list[str]) -> None:
    """Remove a version's files from the storage, where they are still there; the manifest last."""
    storage = artifact_storage()
    if not storage.exists(f"{location}/{MANIFEST}"):
        return
    discard(location, names)


def cached_name(manifest_sha256: str) -> str:
    """Return the name of a version's folder in the cache."""
    return manifest_sha256[:32]


def is_cached_name(name: str) -> bool:
    """True where a folder of the cache with this name is a version's."""
    return re.fullmatch("[0-9a-f]{32}", name) is not None


def fetch(location: str, manifest_sha256: str) -> Path:
    """Return a verified local directory with the files that lie at `location`.

    Raises ModelUnavailable naming the file. A storage on this machine's disk is read in place; from any
    other, files are copied once into the cache.
    """
    storage = artifact_storage()
    if not isinstance(storage, FileSystemStorage):
        return _cached(storage, location, manifest_sha256)
    directory = Path(storage.path(location))
    verify(directory, manifest_sha256)
    return directory


def artifact_storage() -> Storage:
    """Return the storage that MODERATION["MODEL_STORAGE"] names, or a private directory of the app's own."""
    if not conf.MODEL_STORAGE:
        return FileSystemStorage(
            location=conf.MODEL_DIRECTORY, file_permissions_mode=0o600, directory_permissions_mode=0o700
        )
    try:
        return storages[conf.MODEL_STORAGE]
    except InvalidStorageError as error:
        raise ModelUnavailable(
            f'STORAGES has no alias "{conf.MODEL_STORAGE}", which MODERATION["MODEL_STORAGE"] names.'
        ) from error


def _cached(storage: Storage, location: str, manifest_sha256: str) -> Path:
    cache = Path(conf.MODEL_CACHE)
    target = cache / cached_name(manifest_sha256)
    if target.is_dir():
        try:
            verify(target, manifest_sha256)
            _mark_as_used(target)
            return target
        except ModelUnavailable as error:
            logger.warning("A cached model version is fetched again: %s", error)
    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        fetching = Path(tempfile.mkdtemp(prefix="fetching-", dir=cache))
    except OSError as error:
        raise ModelUnavailable(f"{cache} cannot be written to ({type(error).__name__}).") from error
    try:
        _copy(storage, location, MANIFEST, fetching)
        for name in read_manifest(fetching).files:
            _copy(storage, location, name, fetching)
        verify(fetching, manifest_sha256)
        _move_into_place(fetching, target)
    finally:
        shutil.rmtree(fetching, ignore_errors=True)
    verify(target, manifest_sha256)
    return target


def _mark_as_used(directory: Path) -> None:
    """Set the folder's time to now: `pruning` reads from it when a version was last opened."""
    try:
        os.utime(directory)
    except OSError as error:
        logger.info("%s could not be marked as used (%s).", directory, type(error).__name__)


def _copy(storage: Storage, location: str, name: str, directory: Path) -> None:
    try:
        with storage.open(f"{location}/{name}", "rb") as source, (directory / name).open("wb") as target:
            shutil.copyfileobj(source, target, _CHUNK)
    except Exception as error:  # each storage backend raises its own types
        raise ModelUnavailable(
            f"{location}/{name} cannot be fetched from the artifact storage ({type(error).__name__})."
        ) from error


def _move_into_place(fetched: Path, target: Path) -> None:
    """Rename the directory, so that no process sees half of one; a damaged one in the way is moved aside."""
    try:
        os.rename(fetched, target)
    except OSError:  # another process was first, or a damaged directory is in the way
        aside = Path(tempfile.mkdtemp(prefix="damaged-", dir=target.parent))
        try:
            os.rename(target, aside / target.name)
            os.rename(fetched, target)
        except OSError as error:
            logger.info("Another process put %s into place first (%s).", target, type(error).__name__)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _discard(storage: Storage, paths: list[str], location: str) -> None:
    """Delete the files, and on a disk their folder."""
    is_on_disk = isinstance(storage, FileSystemStorage) and storage.exists(location)
    for path in (*paths, *([location] if is_on_disk else [])):
        try:
            storage.delete(path)
        except Exception as error:  # tidying up must not hide the error that it follows
            logger.warning("%s could not be deleted from the storage (%s).", path, type(error).__name__)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
