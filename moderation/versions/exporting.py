"""Hands a model version's files out, as a directory or as one .tar, each checked on its way.

A version that was exported is published elsewhere by `model_versions publish`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.utils.text import get_valid_filename

from moderation.models import ModelVersion
from moderation.versions import artifacts, store
from moderation.versions.artifacts import ModelUnavailable

_CHUNK = 1024 * 1024


class ExportFailed(Exception):
    """A version could not be written where it was to go; nothing half-written is left there."""


def file_name(version: ModelVersion) -> str:
    """Return the name of a version's folder within the .tar; with that ending, the name of the .tar."""
    return get_valid_filename(f"{version.name}-{version.version}")


def stream(version: ModelVersion) -> Iterator[bytes]:
    """Yield a .tar of the version's directory, a chunk at a time.

    Every file is checked before the first chunk and again as it is read. Raises ModelUnavailable: before the
    first chunk where a file is missing or damaged, later where one changed meanwhile, so that what was
    received is no whole .tar.
    """
    directory = store.openable_directory(version)
    manifest = artifacts.read_manifest(directory)
    return _tar(directory, {**manifest.files, artifacts.MANIFEST: manifest.sha256}, file_name(version))


def write(version: ModelVersion, target: Path) -> None:
    """Write a version into a new directory, or into a new file where the name ends in .tar.

    Raises ExportFailed where there is something already or nothing can be written, ModelUnavailable where the
    version's files are missing or damaged.
    """
    if target.exists():
        raise ExportFailed(f"{target} is there already. Choose another name, or remove it.")
    try:
        if target.suffix == ".tar":
            _write_file(version, target)
        else:
            _write_directory(version, target)
    except OSError as error:
        raise ExportFailed(f"{target} could not be written ({type(error).__name__}).") from error


def _write_file(version: ModelVersion, target: Path) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in stream(version):
                file.write(chunk)
        os.rename(name, target)
    finally:
        Path(name).unlink(missing_ok=True)


def _write_directory(version: ModelVersion, target: Path) -> None:
    source = store.openable_directory(version)
    copied = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for name in (*artifacts.read_manifest(source).files, artifacts.MANIFEST):
            shutil.copyfile(source / name, copied / name)
        artifacts.verify(copied, version.manifest_sha256)
        os.rename(copied, target)
    finally:
        shutil.rmtree(copied, ignore_errors=True)


def _tar(directory: Path, checksums: dict[str, str], folder: str) -> Iterator[bytes]:
    for name, expected in sorted(checksums.items()):
        path = directory / name
        size = path.stat().st_size
        member = tarfile.TarInfo(f"{folder}/{name}")
        member.size, member.mode = size, 0o644
        yield member.tobuf(tarfile.PAX_FORMAT)
        digest, read = hashlib.sha256(), 0
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                read += len(chunk)
                yield chunk
        if digest.hexdigest() != expected or read != size:
            raise ModelUnavailable(f"{path} changed while it was read. Export the version again.")
        yield bytes(-size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)
