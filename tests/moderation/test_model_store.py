"""Publishing, fetching, activating and going back, on a disk and on a storage that is not one."""

import json
import re
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage, storages
from django.db import transaction
from django.test import override_settings
from pytest_django import DjangoAssertNumQueries

from moderation.coordination import leases
from moderation.models import AuditEntry, Lease, ModelVersion
from moderation.versions import artifacts, store
from moderation.versions.active import find_active
from moderation.versions.store import ModelUnavailable
from mysite.demo.environment import BASE_DIR
from tests.moderation.version_files import FILES, write_version

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def directories(settings: Any, tmp_path: Path) -> None:
    settings.MODERATION = {
        **settings.MODERATION,
        "MODEL_DIRECTORY": str(tmp_path / "published"),
        "MODEL_CACHE": str(tmp_path / "cache"),
    }


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A packaged default of our own, in place of the one that comes with toxicity_ml."""
    directory = write_version(tmp_path / "toxicity_ml" / "pretrained", "default")
    monkeypatch.setattr(artifacts, "packaged_directory", lambda: directory)
    return directory


def package(packaged: Path, number: str) -> None:
    """Install the package with another default."""
    shutil.rmtree(packaged)
    write_version(packaged, number)


@pytest.fixture
def publish(tmp_path: Path) -> Callable[..., ModelVersion]:
    def make(number: str, **columns: Any) -> ModelVersion:
        return store.publish(write_version(tmp_path / "made" / number, number), **columns)

    return make


@pytest.fixture
def remote(settings: Any) -> InMemoryStorage:
    """An artifact storage without a path on this machine."""
    settings.STORAGES = {
        **settings.STORAGES,
        "models": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    }
    settings.MODERATION = {**settings.MODERATION, "MODEL_STORAGE": "models"}
    storage = storages["models"]
    assert isinstance(storage, InMemoryStorage)
    return storage


def test_the_packaged_default_is_registered_and_active_on_first_use(packaged: Path) -> None:
    active = store.active_version()
    assert (str(active), active.location, active.labels) == ("small@default", "", ["toxic", "insult"])
    assert active.is_active and active.activated is not None
    assert store.local_directory(active) == packaged
    assert store.active_version() == active
    assert ModelVersion.objects.count() == 1
    assert AuditEntry.objects.get().action == "model.activated"


def test_a_reader_finds_the_active_version_and_registers_none(
    packaged: Path, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        assert find_active() is None
    assert not ModelVersion.objects.exists()
    version = store.active_version()
    with django_assert_num_queries(1):
        known = find_active()
        assert known is not None and (str(known), known.labels) == (str(version), version.labels)


def test_only_the_room_of_versions_asks_the_table_which_is_active() -> None:
    asking = {
        path.relative_to(BASE_DIR).as_posix()
        for path in (BASE_DIR / "moderation").rglob("*.py")
        if re.search(r"\.(filter|get|exclude)\([^)]*is_active=True", path.read_text(encoding="utf-8"))
    }
    assert asking == {"moderation/versions/active.py", "moderation/versions/store.py"}


def test_asking_for_the_active_version_costs_one_query(
    packaged: Path, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    store.active_version()
    with django_assert_num_queries(1):
        store.active_version()


def test_the_real_packaged_default_is_found_without_importing_the_library() -> None:
    directory = artifacts.packaged_directory()
    assert directory.name == "pretrained" and directory.parent.name == "toxicity_ml"


def test_without_a_packaged_default_the_error_names_the_file(packaged: Path) -> None:
    (packaged / "manifest.json").unlink()
    with pytest.raises(ModelUnavailable, match=r"pretrained/manifest\.json"):
        store.active_version()
    assert not ModelVersion.objects.exists()


def test_a_new_packaged_default_takes_over_from_the_old_one_but_not_from_a_trained_version(
    packaged: Path, publish: Callable[..., ModelVersion]
) -> None:
    first = store.active_version()
    package(packaged, "newer")
    second = store.active_version()
    assert (str(first), str(second)) == ("small@default", "small@newer")
    store.activate(publish("trained"))
    package(packaged, "newest")
    assert str(store.active_version()) == "small@trained"


def test_an_old_package_scores_with_its_own_default_until_it_is_upgraded_again(
    packaged: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(store, "_told", set())
    caplog.set_level("WARNING", "moderation.versions.store")
    first = store.active_version()
    package(packaged, "newer")
    second = store.active_version()
    assert caplog.messages == []
    package(packaged, "default")
    assert [store.active_version() for _ in range(3)] == [first] * 3
    assert store.scoring_here(second) == first
    assert store.local_directory(first) == packaged
    assert ModelVersion.objects.get(is_active=True) == second
    assert AuditEntry.objects.count() == 2
    (warning,) = caplog.messages
    assert warning.startswith("The active model version small@newer is not in the package")
    assert "small@default is, and scores here" in warning
    package(packaged, "newer")
    assert store.active_version() == second


def test_after_a_rollback_in_an_old_package_the_new_one_scores_with_its_own_default(packaged: Path) -> None:
    first = store.active_version()
    package(packaged, "newer")
    second = store.active_version()
    package(packaged, "default")
    assert store.rollback() == first
    package(packaged, "newer")
    assert store.active_version() == second
    assert store.activate(second).is_active


def test_a_version_of_the_site_s_own_is_never_replaced_by_the_packaged_one(
    packaged: Path, publish: Callable[..., ModelVersion], tmp_path: Path
) -> None:
    store.active_version()
    own = store.activate(publish("1"))
    shutil.rmtree(tmp_path / "published")
    assert store.active_version() == store.scoring_here(own) == own
    with pytest.raises(ModelUnavailable, match=r"manifest\.json cannot be read"):
        store.local_directory(own)


def test_a_packaged_default_with_other_bytes_under_the_same_name_is_not_used(packaged: Path) -> None:
    active = store.active_version()
    shutil.rmtree(packaged)
    write_version(packaged, "default", metrics={"rows": 4})
    assert store.active_version() == active
    with pytest.raises(ModelUnavailable, match=r"manifest\.json is not the manifest"):
        store.local_directory(active)


def test_a_published_version_is_registered_with_its_checksum_but_not_active(
    packaged: Path, publish: Callable[..., ModelVersion]
) -> None:
    parent = store.active_version()
    user = get_user_model().objects.create_user("olga")
    version = publish("1", parent=parent, user=user)
    directory = store.local_directory(version)
    assert sorted(path.name for path in directory.iterdir()) == sorted([*FILES, "manifest.json"])
    assert (version.parent, version.is_active, version.thresholds["insult"]) == (parent, False, 0.4)
    assert store.active_version() == parent
    entry = AuditEntry.objects.get(action="model.published")
    assert (entry.username, entry.after["version"]) == ("olga", "small@1")
    assert entry.after["manifest_sha256"] == version.manifest_sha256


def test_a_version_says_where_it_came_from_why_and_what_it_learned(
    packaged: Path, publish: Callable[..., ModelVersion]
) -> None:
    default = store.active_version()
    assert default.origin == default.came_from == ModelVersion.Origin.PACKAGED
    brought = publish("1", note="the one of spring", data_fingerprint="f" * 64)
    assert (brought.origin, brought.note, brought.data_fingerprint) == (
        "published",
        "the one of spring",
        "f" * 64,
    )
    assert AuditEntry.objects.get(action="model.published").after["note"] == "the one of spring"
    assert publish("2", parent=default).origin == ModelVersion.Origin.RETRAINED
    assert publish("3", parent=default, origin=ModelVersion.Origin.IMPORTED).origin == "imported"


@pytest.mark.parametrize(
    "columns, origin", [({"location": ""}, "packaged"), ({"parent": None}, "published"), ({}, "retrained")]
)
def test_the_origin_of_what_an_earlier_release_registered_is_told_from_its_row(
    packaged: Path, publish: Callable[..., ModelVersion], columns: dict[str, Any], origin: str
) -> None:
    version = publish("1", parent=store.active_version())
    ModelVersion.objects.filter(pk=version.pk).update(origin="", **columns)
    version.refresh_from_db()
    assert version.came_from == origin


def test_the_trail_says_why_a_version_was_activated_and_why_it_was_left(
    packaged: Path, publish: Callable[..., ModelVersion]
) -> None:
    store.active_version()
    store.activate(publish("1"), username="olga", note="better on insults")
    store.rollback(username="ben", note="it flags recipes")
    rows = AuditEntry.objects.order_by("-id")[:2]
    told = [(entry.action, entry.username, entry.after["note"]) for entry in rows]
    assert told == [
        ("model.rolled_back", "ben", "it flags recipes"),
        ("model.activated", "olga", "better on insults"),
    ]


def test_a_published_version_is_private_to_its_user(publish: Callable[..., ModelVersion]) -> None:
    directory = store.local_directory(publish("1"))
    assert directory.stat().st_mode & 0o077 == 0
    assert (directory / "model.onnx").stat().st_mode & 0o077 == 0


def test_a_name_is_published_once(publish: Callable[..., ModelVersion], tmp_path: Path) -> None:
    version = publish("1")
    other = write_version(tmp_path / "other", "1", metrics={})
    with pytest.raises(store.AlreadyPublished, match="small@1"):
        store.publish(other)
    assert store.local_directory(version)


def test_a_damaged_directory_is_not_published(tmp_path: Path) -> None:
    directory = write_version(tmp_path / "made", "1")
    (directory / "model.onnx").write_bytes(b"half")
    with pytest.raises(ModelUnavailable, match=r"model\.onnx is damaged"):
        store.publish(directory)
    assert not ModelVersion.objects.exists()


def test_a_manifest_that_names_a_file_elsewhere_is_refused(tmp_path: Path) -> None:
    directory = write_version(tmp_path / "made", "1", files={"../secret": "0" * 64})
    with pytest.raises(ModelUnavailable, match="outside its directory"):
        store.publish(directory)


@pytest.mark.parametrize("extra", [float("nan"), float("inf"), "a\0b"])
def test_a_manifest_that_no_database_stores_is_refused(tmp_path: Path, extra: object) -> None:
    directory = write_version(tmp_path / "odd", "odd")
    told = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    (directory / "manifest.json").write_text(json.dumps({**told, "metrics": {"x": extra}}))
    with pytest.raises(ModelUnavailable, match="is not a version's manifest"):
        store.publish(directory)


def test_a_full_storage_leaves_neither_row_nor_files(
    remote: InMemoryStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = InMemoryStorage.save

    def full(self: InMemoryStorage, name: str, content: Any, **options: Any) -> str:
        if name.endswith("tokenizer.json"):
            raise OSError(28, "No space left on device")
        return save(self, name, content, **options)

    monkeypatch.setattr(InMemoryStorage, "save", full)
    with pytest.raises(store.PublishFailed, match=r"tokenizer\.json"):
        store.publish(write_version(tmp_path / "made", "1"))
    assert not ModelVersion.objects.exists()
    (location,) = remote.listdir("")[0]
    assert remote.listdir(location) == ([], [])
    monkeypatch.undo()


@pytest.mark.parametrize("storage", [FileSystemStorage, InMemoryStorage])
def test_of_two_who_publish_the_same_bytes_at_once_one_is_refused_and_harms_nothing(
    storage: type[Storage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """The second begins where the first has made room for a file, and not yet written it."""
    if storage is InMemoryStorage:
        request.getfixturevalue("remote")
    directory = write_version(tmp_path / "made", "1")
    delete, ends = storage.delete, []

    def publish() -> None:
        try:
            ends.append(str(store.publish(directory)))
        except (store.PublishFailed, store.AlreadyPublished) as error:
            ends.append(type(error).__name__)

    def delete_and_publish(self: Storage, name: str) -> None:
        delete(self, name)
        monkeypatch.setattr(storage, "delete", delete)
        publish()

    monkeypatch.setattr(storage, "delete", delete_and_publish)
    publish()
    assert ends == ["PublishFailed", "small@1"]
    assert store.local_directory(ModelVersion.objects.get()).is_dir()  # every file, by its checksum
    assert not Lease.objects.exists()


def test_whoever_comes_when_another_has_just_published_writes_no_file_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = write_version(tmp_path / "made", "1")
    take = leases.take

    def publish_and_take(*arguments: Any) -> Any:
        monkeypatch.setattr(leases, "take", take)
        store.publish(directory)
        monkeypatch.setattr(artifacts, "store", lambda *_: pytest.fail("The files are written again."))
        return take(*arguments)

    monkeypatch.setattr(leases, "take", publish_and_take)
    with pytest.raises(store.AlreadyPublished, match="small@1 is published already"):
        store.publish(directory)
    assert store.local_directory(ModelVersion.objects.get()).is_dir()


def test_a_publication_that_another_took_over_registers_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the database was away for longer than a lease."""
    write = artifacts.store

    def write_late(*arguments: Any) -> None:
        write(*arguments)
        Lease.objects.update(token=uuid.uuid4())

    monkeypatch.setattr(artifacts, "store", write_late)
    with pytest.raises(store.PublishFailed, match="another process began"):
        store.publish(write_version(tmp_path / "made", "1"))
    assert not ModelVersion.objects.exists() and Lease.objects.exclude(token=None).exists()
    assert len(list((tmp_path / "published").glob("*/manifest.json"))) == 1


@pytest.mark.parametrize("ended", [KeyboardInterrupt, SystemExit])
def test_a_publication_that_is_ended_before_its_commit_leaves_no_file(
    ended: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object) -> None:
        assert ModelVersion.objects.exists()  # its row, in the transaction
        raise ended

    monkeypatch.setattr(store, "_record", end)
    with pytest.raises(ended):
        store.publish(write_version(tmp_path / "made", "1"))
    assert not ModelVersion.objects.exists() and not Lease.objects.exists()
    assert not [path for path in (tmp_path / "published").rglob("*") if path.is_file()]


def test_a_publication_that_is_ended_just_after_its_commit_keeps_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ended(transaction.Atomic):
        def __exit__(self, *error: Any) -> None:
            super().__exit__(*error)
            raise KeyboardInterrupt

    directory = write_version(tmp_path / "made", "1")
    with monkeypatch.context() as ending:
        made = SimpleNamespace(atomic=lambda using: Ended(using, savepoint=True, durable=False))
        ending.setattr(store, "transaction", made)
        with pytest.raises(KeyboardInterrupt):
            store.publish(directory)
    assert store.local_directory(ModelVersion.objects.get()).is_dir()


def test_a_publication_that_is_ended_leaves_alone_what_another_took_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object, **__: object) -> None:
        Lease.objects.update(token=uuid.uuid4())
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "transaction", SimpleNamespace(atomic=end))
    with pytest.raises(KeyboardInterrupt):
        store.publish(write_version(tmp_path / "made", "1"))
    assert len(list((tmp_path / "published").glob("*/manifest.json"))) == 1


def test_a_lease_that_is_removed_while_another_takes_it_is_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = leases.processes.here

    def remove() -> str:
        """Called between the look at the row and its change."""
        monkeypatch.setattr(leases.processes, "here", here)
        assert Lease.objects.all().delete()[0] == 1
        return here()

    monkeypatch.setattr(leases.processes, "here", remove)
    assert str(store.publish(write_version(tmp_path / "made", "1"))) == "small@1"
    assert leases.processes.here is here and not Lease.objects.exists()


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_damaged_or_missing_file_is_named(
    publish: Callable[..., ModelVersion], name: str, damage: str
) -> None:
    version = publish("1")
    path = store.local_directory(version) / name
    path.unlink() if damage == "missing" else path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ModelUnavailable, match=str(path)):
        store.local_directory(version)


def test_a_remote_version_is_fetched_once_and_read_from_the_cache_after(
    remote: InMemoryStorage, publish: Callable[..., ModelVersion], tmp_path: Path
) -> None:
    version = publish("1")
    directory = store.local_directory(version)
    assert directory.parent == tmp_path / "cache"
    assert json.loads((directory / "manifest.json").read_text())["version"] == "1"
    remote.delete(f"{version.location}/model.onnx")
    assert store.local_directory(version) == directory
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [directory.name]


def test_a_damaged_cache_is_fetched_again(
    remote: InMemoryStorage, publish: Callable[..., ModelVersion], tmp_path: Path
) -> None:
    version = publish("1")
    path = store.local_directory(version) / "model.onnx"
    good = path.read_bytes()
    path.write_bytes(b"flipped")
    assert store.local_directory(version) == path.parent
    assert path.read_bytes() == good
    assert [found.name for found in (tmp_path / "cache").iterdir()] == [path.parent.name]


def test_a_file_missing_from_the_remote_storage_is_named_and_nothing_half_fetched_stays(
    remote: InMemoryStorage, publish: Callable[..., ModelVersion], tmp_path: Path
) -> None:
    version = publish("1")
    remote.delete(f"{version.location}/model.onnx")
    with pytest.raises(ModelUnavailable, match=r"model\.onnx cannot be fetched"):
        store.local_directory(version)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_storage_alias_that_does_not_exist_is_named(publish: Callable[..., ModelVersion]) -> None:
    version = publish("1")
    with (
        override_settings(MODERATION={"MODEL_STORAGE": "nowhere"}),
        pytest.raises(ModelUnavailable, match="nowhere"),
    ):
        store.local_directory(version)


def test_activating_records_from_what_to_what_by_whom(
    packaged: Path, publish: Callable[..., ModelVersion]
) -> None:
    store.active_version()
    user = get_user_model().objects.create_user("olga")
    version = store.activate(publish("1"), user=user)
    assert version.is_active and ModelVersion.objects.filter(is_active=True).count() == 1
    entry = AuditEntry.objects.order_by("-id")[0]
    assert (entry.action, entry.username) == ("model.activated", "olga")
    assert (entry.before["version"], entry.after["version"]) == ("small@default", "small@1")
    store.activate(version)
    assert AuditEntry.objects.order_by("-id")[0] == entry


def test_a_version_with_damaged_files_is_not_activated(
    packaged: Path, publish: Callable[..., ModelVersion]
) -> None:
    before = store.active_version()
    version = publish("1")
    (store.local_directory(version) / "model.onnx").unlink()
    with pytest.raises(ModelUnavailable, match=r"model\.onnx"):
        store.activate(version)
    assert store.active_version() == before


def test_rollback_goes_back_step_by_step(packaged: Path, publish: Callable[..., ModelVersion]) -> None:
    store.active_version()
    for number in ("1", "2"):
        store.activate(publish(number))
    assert str(store.rollback()) == "small@1"
    assert AuditEntry.objects.order_by("-id")[0].action == "model.rolled_back"
    assert str(store.rollback()) == "small@default"
    with pytest.raises(store.NothingToGoBackTo):
        store.rollback()
    assert str(store.active_version()) == "small@default"


def test_after_a_rollback_another_activation_can_be_undone_too(
    packaged: Path, publish: Callable[..., ModelVersion]
) -> None:
    store.active_version()
    one, two = publish("1"), publish("2")
    store.activate(one)
    store.rollback()
    store.activate(two)
    assert str(store.rollback()) == "small@default"


def test_a_rollback_to_the_packaged_default_takes_the_one_that_is_packaged_now(
    packaged: Path, publish: Callable[..., ModelVersion]
) -> None:
    store.active_version()
    store.activate(publish("1"))
    package(packaged, "newer")
    assert str(store.rollback()) == "small@newer"
    assert str(store.active_version()) == "small@newer"
