"""Checks the directory that a version is made in, and that of the version it is made of."""

from pathlib import Path

from toxicity_ml.errors import DataError
from toxicity_ml.manifest import Manifest


def check_is_new(out: Path) -> None:
    """Raise DataError where the directory of a version that is to be made exists."""
    if out.exists():
        raise DataError(f"{out} exists; a model version is never changed. Name another directory.")


def to_go_on_from(directory: Path, out: Path, name: str | None, version: str) -> Manifest:
    """Read the manifest of a version that a further one is made of, called so, and check its files.

    Raises DataError when ``out`` exists and when the new version would be called as this one; ModelNotFound
    or ModelDamaged.
    """
    check_is_new(out)
    manifest = Manifest.load(directory)
    if (name or manifest.name, version) == (manifest.name, manifest.version):
        raise DataError(
            f"{manifest.name}@{version} is the version to start from: name the new one otherwise."
        )
    manifest.verify(directory)
    return manifest
