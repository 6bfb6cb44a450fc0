"""Model versions on a server that speaks S3: published, fetched, checked, removed; what holds without it."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from django.core.management.base import CommandError
from moto.server import ThreadedMotoServer

from moderation.models import AuditEntry, ModelVersion, Screening
from moderation.versions import artifacts, pruning, store
from moderation.versions.artifacts import ModelUnavailable
from moderation.worker.drain import drain
from tests.forum.models import Post
from tests.moderation.conftest import run_command
from tests.moderation.test_model_store import packaged
from tests.moderation.version_files import FILES, write_version
from tests.toxicity_ml.tiny_model import build_version

__all__ = ["packaged"]  # a fixture
pytestmark = pytest.mark.django_db
KEYS = {"access_key": "moderation", "secret_key": "only-for-tests"}


@dataclass
class Bucket:
    """One bucket, and the server that has it."""

    server: ThreadedMotoServer
    name: str
    address: str

    @property
    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.address,
            aws_access_key_id=KEYS["access_key"],
            aws_secret_access_key=KEYS["secret_key"],
            region_name="us-east-1",
        )

    def names(self) -> set[str]:
        return {row["Key"] for row in self.client.list_objects_v2(Bucket=self.name).get("Contents", [])}


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedMotoServer]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def bucket(server: ThreadedMotoServer, settings: Any, tmp_path: Path) -> Bucket:
    """A bucket of this test's own, as the artifact storage; and a cache."""
    host, port = server.get_host_and_port()
    made = Bucket(server, f"models-{uuid.uuid4().hex[:12]}", f"http://{host}:{port}")
    made.client.create_bucket(Bucket=made.name)
    use(settings, made.address, made.name, tmp_path / "cache")
    return made


def use(settings: Any, address: str, bucket: str, cache: Path) -> None:
    """Take the bucket at this address for the artifact storage, as docs/operations.md says."""
    options = {
        **KEYS,
        "bucket_name": bucket,
        "endpoint_url": address,
        "region_name": "us-east-1",
        "addressing_style": "path",
        "default_acl": None,
        "client_config": Config(connect_timeout=1, read_timeout=5, retries={"max_attempts": 1}),
    }
    backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "models": backend}
    settings.MODERATION = {**settings.MODERATION, "MODEL_STORAGE": "models", "MODEL_CACHE": str(cache)}


def publish(tmp_path: Path, number: str, **columns: Any) -> ModelVersion:
    return store.publish(write_version(tmp_path / "made" / number, number), **columns)


def test_what_is_published_is_fetched_once_and_whole(bucket: Bucket, packaged: Path, tmp_path: Path) -> None:
    version = publish(tmp_path, "1")
    assert bucket.names() == {f"{version.location}/{name}" for name in (*FILES, "manifest.json")}
    directory = store.local_directory(version)
    assert directory.parent == tmp_path / "cache"
    artifacts.verify(directory, version.manifest_sha256)
    bucket.client.delete_object(Bucket=bucket.name, Key=f"{version.location}/model.onnx")
    assert store.local_directory(version) == directory, "from the cache, without a word to the server"


def test_with_the_storage_away_the_active_version_goes_on_from_the_cache(
    bucket: Bucket, tmp_path: Path, settings: Any
) -> None:
    other_server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)  # with the same buckets
    other_server.start()
    host, port = other_server.get_host_and_port()
    use(settings, f"http://{host}:{port}", bucket.name, tmp_path / "cache")
    build_version(tmp_path / "tiny")
    version = store.activate(store.publish(tmp_path / "tiny"))
    other = publish(tmp_path, "never-fetched")
    other_server.stop()
    Post.objects.create(body="you are a stupid idiot")
    drain()
    basis = Screening.objects.get().basis()
    assert basis is not None and basis.model_version == version
    with pytest.raises(ModelUnavailable, match=r"manifest\.json cannot be fetched"):
        store.activate(other)
    with pytest.raises(store.PublishFailed, match="could not be written"):
        publish(tmp_path, "2")
    assert store.active_version() == version
    assert not ModelVersion.objects.filter(version="2").exists()


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json"])
@pytest.mark.parametrize("damage", ["changed", "cut short", "missing"])
def test_a_damaged_object_is_refused_and_the_old_version_stays(
    bucket: Bucket, packaged: Path, tmp_path: Path, name: str, damage: str
) -> None:
    before = store.active_version()
    version = publish(tmp_path, "1")
    key = f"{version.location}/{name}"
    whole = bucket.client.get_object(Bucket=bucket.name, Key=key)["Body"].read()
    if damage == "missing":
        bucket.client.delete_object(Bucket=bucket.name, Key=key)
    else:
        body = whole[:5] if damage == "cut short" else whole[:-1] + bytes([whole[-1] ^ 1])
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=body)
    with pytest.raises(ModelUnavailable, match=name.replace(".", r"\.")):
        store.activate(version)
    assert store.active_version() == before
    assert list((tmp_path / "cache").iterdir()) == [], "nothing half fetched stays"
    bucket.client.put_object(Bucket=bucket.name, Key=key, Body=whole)
    assert store.activate(version).is_active


def test_a_damaged_copy_in_the_cache_is_fetched_again(bucket: Bucket, packaged: Path, tmp_path: Path) -> None:
    version = publish(tmp_path, "1")
    path = store.local_directory(version) / "model.onnx"
    whole = path.read_bytes()
    path.write_bytes(b"flipped")
    assert (store.local_directory(version) / "model.onnx").read_bytes() == whole


def test_files_of_candidates_go_from_the_bucket_and_what_was_active_stays(
    bucket: Bucket, packaged: Path, tmp_path: Path
) -> None:
    store.active_version()
    used = store.activate(publish(tmp_path, "used"))
    lost = [publish(tmp_path, f"lost-{number}") for number in range(3)]
    assert [str(version) for version in pruning.prune(keep=1).versions] == ["small@lost-1", "small@lost-0"]
    left = {name.split("/")[0] for name in bucket.names()}
    assert left == {used.location, lost[2].location}
    with pytest.raises(ModelUnavailable, match="were removed"):
        store.activate(lost[0])


def test_two_machines_have_the_same_version_and_go_back_together(
    bucket: Bucket, packaged: Path, tmp_path: Path, settings: Any
) -> None:
    store.active_version()
    one, two = (publish(tmp_path, number) for number in ("1", "2"))
    for version in (one, two):
        store.activate(version)
    first = store.local_directory(store.active_version())
    use(settings, bucket.address, bucket.name, tmp_path / "other machine")
    assert store.rollback() == one
    second = store.local_directory(store.active_version())
    assert first.parent != second.parent
    artifacts.verify(second, one.manifest_sha256)
    use(settings, bucket.address, bucket.name, tmp_path / "cache")
    assert store.active_version() == one


def test_two_releases_of_the_app_share_rows_and_bucket(
    bucket: Bucket, packaged: Path, tmp_path: Path
) -> None:
    """The older release knows neither origin nor note nor fingerprint, and has another packaged default."""
    ours = store.active_version()
    theirs = publish(tmp_path, "of the older release", parent=ours)
    ModelVersion.objects.filter(pk=theirs.pk).update(origin="", note="", data_fingerprint="")
    assert store.activate(ModelVersion.objects.get(pk=theirs.pk)).came_from == "retrained"
    shutil.rmtree(packaged)
    write_version(packaged, "older")  # an old process starts beside us
    assert store.scoring_here(theirs) == theirs == store.active_version()
    assert store.local_directory(theirs).is_dir()
    shutil.rmtree(packaged)
    write_version(packaged, "default")
    assert store.rollback() == ours and store.local_directory(ours) == packaged


def test_an_export_comes_out_of_the_bucket(bucket: Bucket, packaged: Path, tmp_path: Path) -> None:
    version = publish(tmp_path, "1")
    run_command("model_versions", "export", "small@1", str(tmp_path / "out"))
    artifacts.verify(tmp_path / "out", version.manifest_sha256)
    bucket.client.delete_object(Bucket=bucket.name, Key=f"{version.location}/tokenizer.json")
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(CommandError, match=r"tokenizer\.json cannot be fetched"):
        run_command("model_versions", "export", "small@1", str(tmp_path / "again"))
    assert not (tmp_path / "again").exists()
    assert not AuditEntry.objects.filter(action="model.pruned").exists()
