"""The pages of model versions, the same by command, two versions compared, and files handed out."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse

from moderation.models import AuditEntry, ModelVersion, Scoring, Screening, TrainingRun
from moderation.monitoring import version_comparison as comparison
from moderation.versions import artifacts, store
from tests.forum.models import Post
from tests.moderation.conftest import make_version, run_command, screen
from tests.moderation.test_model_store import directories, packaged, publish
from tests.moderation.test_queue import staff
from tests.moderation.version_files import FILES, write_version

__all__ = ["directories", "packaged", "publish"]  # fixtures
pytestmark = pytest.mark.django_db
Publish = Callable[..., ModelVersion]
METRICS = {
    "validation": {
        "rows": 3280,
        "macro": {"average_precision": 0.68},
        "macro_intervals": {"average_precision": {"value": 0.68, "low": 0.65, "high": 0.72}},
        "labels": {"toxic": {"average_precision": {"value": 0.9, "low": 0.88, "high": 0.92}}},
    }
}


def page(view: str, *args: int) -> str:
    return reverse(f"admin:moderation_modelversion_{view}", args=args)


@pytest.fixture
def olga() -> Client:
    """Who may manage versions, and nothing else."""
    return staff("olga", "manage_versions")


@pytest.fixture
def default(packaged: Path) -> ModelVersion:
    return store.active_version()


def active() -> str:
    return str(ModelVersion.objects.get(is_active=True))


def test_the_list_says_which_scores_where_each_came_from_and_what_its_training_showed(
    olga: Client, default: ModelVersion, publish: Publish, tmp_path: Path
) -> None:
    trained = store.publish(write_version(tmp_path / "t", "site-1", metrics=METRICS), parent=default)
    TrainingRun.objects.create(parent=default, candidate=trained, result="better", status="done")
    for number in range(4):
        publish(f"lost-{number}")
    run_command("model_versions", "prune")
    shown = olga.get(page("changelist")).text
    rows = {row.split('">')[2].split("<")[0]: row for row in shown.split("<tr>")[2:]}
    assert '<strong class="version-active">active</strong>' in rows["small@default"]
    assert "packaged" in rows["small@default"]
    assert "retrained" in rows["small@site-1"] and "files removed" in rows["small@site-1"]
    assert "0.680 (0.650\u20130.720)" in rows["small@site-1"] and ">better</a>" in rows["small@site-1"]
    assert "candidate" in rows["small@lost-3"] and "published" in rows["small@lost-3"]


def test_a_version_s_page_tells_its_lineage_its_data_and_who_did_what_and_why(
    olga: Client, default: ModelVersion, publish: Publish
) -> None:
    one = publish("1", parent=default, data_fingerprint="f" * 64, note="the first of spring")
    two = publish("2", parent=one)
    twin = publish("3", parent=default, data_fingerprint="f" * 64)
    run = TrainingRun.objects.create(parent=default, candidate=one, result="better", status="done")
    boss = User.objects.create_superuser("boss")
    store.activate(one, user=boss, note="fewer <b>false</b> alarms")
    client = Client()
    client.force_login(boss)
    shown = client.get(page("change", one.pk)).text
    for row in (default, two, twin):
        assert page("change", row.pk) in shown
    assert reverse("admin:moderation_trainingrun_change", args=(run.pk,)) in shown
    assert "the first of spring" in shown and "f" * 64 in shown
    assert "fewer &lt;b&gt;false&lt;/b&gt; alarms" in shown and "boss" in shown
    assert page("activate", two.pk) in client.get(page("change", two.pk)).text
    assert page("activate", one.pk) not in shown, "it is active already"
    assert (
        reverse("admin:moderation_trainingrun_change", args=(run.pk,))
        not in olga.get(page("change", one.pk)).text
    )


def test_activating_asks_first_and_records_who_and_why(
    olga: Client, default: ModelVersion, publish: Publish
) -> None:
    version = publish("1")
    asked = olga.get(page("activate", version.pk))
    assert asked.status_code == 200 and active() == "small@default"
    answer = olga.post(
        page("activate", version.pk), {"seen": default.pk, "note": " better on insults \x00"}, follow=True
    )
    assert active() == "small@1" and "Active now: small@1." in answer.text
    entry = AuditEntry.objects.order_by("-id")[0]
    assert (entry.action, entry.username, entry.after["note"]) == (
        "model.activated",
        "olga",
        "better on insults",
    )


def test_going_back_goes_to_the_version_that_was_shown_and_no_further(
    olga: Client, default: ModelVersion, publish: Publish
) -> None:
    one, two = (store.activate(publish(number)) for number in ("1", "2"))
    assert "small@1" in olga.get(page("rollback")).text
    body = {"seen": two.pk, "note": "it flags recipes"}
    olga.post(page("rollback"), body)
    again = olga.post(page("rollback"), body, follow=True)  # a second click of a slow double click
    assert active() == "small@1"
    assert "Nothing was changed: small@1 is active by now" in again.text
    entry = AuditEntry.objects.order_by("-id")[0]
    assert (entry.action, entry.after["note"]) == ("model.rolled_back", "it flags recipes")
    olga.post(page("rollback"), {"seen": one.pk})
    assert active() == "small@default"
    assert "No other model version was active" in olga.get(page("rollback"), follow=True).text


def test_what_somebody_else_activated_meanwhile_is_not_replaced_unseen(
    olga: Client, default: ModelVersion, publish: Publish
) -> None:
    one, two = publish("1"), publish("2")
    store.activate(two)
    answer = olga.post(page("activate", one.pk), {"seen": default.pk}, follow=True)
    assert active() == "small@2" and "Nothing was changed: small@2 is active by now" in answer.text


@pytest.mark.parametrize("damage", ["missing", "changed", "removed"])
def test_a_broken_version_is_refused_and_the_old_one_goes_on(
    olga: Client, default: ModelVersion, publish: Publish, damage: str
) -> None:
    version = publish("1")
    path = store.local_directory(version) / "model.onnx"
    if damage == "removed":
        publish("2")
        run_command("model_versions", "prune", "--keep", "1")
    elif damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"half")
    answer = olga.post(page("activate", version.pk), {"seen": default.pk}, follow=True)
    assert active() == "small@default"
    assert "Not activated: small@1; small@default goes on scoring." in answer.text
    assert ("were removed" if damage == "removed" else "model.onnx") in answer.text
    assert "model_versions activate small@1" in answer.text


def test_labels_that_would_be_lost_are_named_before(
    olga: Client, default: ModelVersion, tmp_path: Path
) -> None:
    other = write_version(tmp_path / "o", "2", labels=["toxic"], thresholds={"toxic": 0.6})
    shown = olga.get(page("activate", store.publish(other).pk)).text
    assert "It does not know these labels" in shown and "insult" in shown


def test_files_go_after_a_look_at_whose(olga: Client, default: ModelVersion, publish: Publish) -> None:
    for number in range(3):
        publish(f"lost-{number}")
    shown = olga.get(page("prune") + "?keep=2").text
    assert "small@lost-0" in shown and "small@lost-1" not in shown
    assert not store.pruned_versions().exists()
    olga.post(page("prune"), {"keep": "2", "note": "the disk is small"})
    assert [str(row) for row in store.pruned_versions()] == ["small@lost-0"]
    entry = AuditEntry.objects.get(action="model.pruned")
    assert (entry.username, entry.after) == ("olga", {"note": "the disk is small"})
    assert "No candidate would lose" in olga.get(page("prune") + "?keep=2").text
    olga.post(page("prune"), {"keep": "0"})
    left = ModelVersion.objects.exclude(pk__in=store.pruned_versions()).exclude(location="")
    assert [str(row) for row in left] == ["small@lost-2"], "the newest stays: a training may compare it"


def test_who_may_only_look_is_offered_nothing_that_changes(default: ModelVersion, publish: Publish) -> None:
    version = publish("1")
    viewer = staff("vera", "view_modelversion")
    for address in (page("changelist"), page("change", version.pk)):
        shown = viewer.get(address).text
        assert not any(view in shown for view in ("/activate/", "/export/", "/prune/", "/rollback/"))
    for view, args in (("activate", [version.pk]), ("export", [version.pk]), ("prune", []), ("rollback", [])):
        assert viewer.get(page(view, *args)).status_code == 403
    assert staff("nora").get(page("changelist")).status_code == 403


# --- files ------------------------------------------------------------------------------------------


def test_an_export_is_a_tar_of_the_files_as_published(
    olga: Client, default: ModelVersion, publish: Publish, tmp_path: Path
) -> None:
    version = publish("1")
    answer = olga.get(page("export", version.pk))
    assert isinstance(answer, StreamingHttpResponse)
    assert answer["Content-Disposition"] == 'attachment; filename="small-1.tar"'
    with tarfile.open(fileobj=io.BytesIO(answer.getvalue())) as archive:
        archive.extractall(tmp_path / "out", filter="data")
    unpacked = tmp_path / "out" / "small-1"
    artifacts.verify(unpacked, version.manifest_sha256)
    assert sorted(path.name for path in unpacked.iterdir()) == sorted([*FILES, "manifest.json"])


def test_a_file_that_changes_while_it_is_sent_ends_the_export(
    olga: Client, default: ModelVersion, publish: Publish
) -> None:
    version = publish("1")
    answer = olga.get(page("export", version.pk))
    (store.local_directory(version) / "tokenizer.json").write_bytes(b"other")
    with pytest.raises(artifacts.ModelUnavailable, match="changed while it was read"):
        b"".join(answer.streaming_content)  # type: ignore[attr-defined]


def test_a_damaged_version_is_not_exported(olga: Client, default: ModelVersion, publish: Publish) -> None:
    version = publish("1")
    (store.local_directory(version) / "model.onnx").write_bytes(b"half")
    answer = olga.get(page("export", version.pk), follow=True)
    assert "Nothing was exported" in answer.text and "model.onnx is damaged" in answer.text


@pytest.mark.parametrize("name", ["out.tar", "out"])
def test_the_command_writes_a_whole_version_or_nothing(
    default: ModelVersion, publish: Publish, tmp_path: Path, name: str
) -> None:
    version, target = publish("1"), tmp_path / "there" / name
    with pytest.raises(CommandError, match="could not be written"):
        run_command("model_versions", "export", "small@1", str(target))
    target.parent.mkdir()
    assert "every file as published" in run_command("model_versions", "export", "small@1", str(target))
    if name == "out.tar":
        with tarfile.open(target) as archive:
            archive.extractall(tmp_path / "unpacked", filter="data")
    artifacts.verify(tmp_path / "unpacked/small-1" if name == "out.tar" else target, version.manifest_sha256)
    with pytest.raises(CommandError, match="is there already"):
        run_command("model_versions", "export", "small@1", str(target))
    (store.local_directory(version) / "model.onnx").unlink()
    with pytest.raises(CommandError, match=r"model\.onnx"):
        run_command("model_versions", "export", "small@1", str(target.parent / "other"))
    assert [path.name for path in target.parent.iterdir()] == [name]


# --- two versions -----------------------------------------------------------------------------------


@pytest.fixture
def scored_by_both(version: ModelVersion) -> tuple[ModelVersion, ModelVersion]:
    """Forty comments: the old one flags twenty of them, the new one thirty, ten of these others."""
    new = make_version("2")
    for number in range(40):
        Post.objects.create(body=f"a remark {number}")
    screen()
    Scoring.objects.all().delete()
    for place, key in enumerate(Post.objects.order_by("pk").values_list("pk", flat=True)):
        screening_id = Screening.objects.get(object_id=str(key)).pk
        for row, is_over in ((version, place < 20), (new, place >= 10)):
            Scoring.objects.create(
                screening_id=screening_id,
                model_version=row,
                purpose="live" if row == version else "shadow",
                is_basis=row == version,
                scores={"toxic": 0.95 if is_over else 0.1, "threat": 0.0, "insult": 0.0},
            )
    return version, new


def test_two_versions_are_compared_on_what_both_scored(
    scored_by_both: tuple[ModelVersion, ModelVersion],
) -> None:
    told = comparison.compare_on_traffic(*scored_by_both)
    assert told.screenings == 40 and told.agreement is not None and told.flagged is not None
    assert (told.agreement.count, told.agreement.of) == (10, 40)
    assert [share.count for share in told.flagged] == [20, 30]
    assert dict(told.verdicts) == {("clear", "held"): 20, ("held", "held"): 10, ("held", "clear"): 10}
    toxic = told.labels[0]
    assert (toxic.label, toxic.old.count, toxic.new.count) == ("toxic", 20, 30)
    assert (toxic.only_old, toxic.only_new) == (10, 20)


def test_the_share_has_wilson_s_interval() -> None:
    share = comparison.Share(10, 40)
    assert (round(share.low, 3), round(share.value, 3), round(share.high, 3)) == (0.142, 0.25, 0.402)
    assert comparison.Share(0, 40).low == 0.0 and 0.05 < comparison.Share(0, 40).high < 0.1


def test_thresholds_in_force_judge_both(
    scored_by_both: tuple[ModelVersion, ModelVersion], settings: Any
) -> None:
    settings.MODERATION = {**settings.MODERATION, "HOLD_AT": None}
    told = comparison.compare_on_traffic(*scored_by_both)
    assert told.held is not None and [share.count for share in told.held] == [0, 0]
    assert ("flagged", "flagged") in told.verdicts


def test_of_too_few_common_texts_nothing_is_said(
    scored_by_both: tuple[ModelVersion, ModelVersion],
) -> None:
    old, new = scored_by_both
    few = list(Scoring.objects.filter(model_version=new).values_list("pk", flat=True)[:11])
    Scoring.objects.filter(pk__in=few).delete()
    told = comparison.compare_on_traffic(old, new)
    assert told == comparison.OnTraffic(29)
    shown = staff("olga", "manage_versions").get(page("compare") + f"?old={old.pk}&new={new.pk}").text
    assert "Both have scored 29 comments" in shown and "Same verdict" not in shown


def test_the_page_and_the_command_say_the_same_of_two(
    scored_by_both: tuple[ModelVersion, ModelVersion],
) -> None:
    old, new = scored_by_both
    ModelVersion.objects.filter(pk=new.pk).update(metrics=METRICS, thresholds={"toxic": 0.45, "spam": 0.3})
    shown = staff("olga", "manage_versions").get(page("compare")).text  # the active one and the newest other
    assert "Same verdict: <strong>25.0 % (14.2 to 40.2)</strong>" in shown
    assert "\u22120.050" in shown and "spam" not in shown.partition("Thresholds of their own")[0]
    assert "0.900 (0.880\u20130.920)" in shown
    told = json.loads(run_command("model_versions", "compare", str(old), str(new), "--json"))
    assert told["thresholds"]["toxic"] == {"old": 0.5, "new": 0.45}
    assert told["traffic"]["agreement"]["count"] == 10 and told["validated_on"]["new"] == 3280
    lines = run_command("model_versions", "compare", str(old), str(new))
    assert "same verdict 25.0% (14.2% to 40.2%)" in lines and "0.900 (0.880 to 0.920)" in lines


def test_the_command_shows_one_version(default: ModelVersion, publish: Publish) -> None:
    one = publish("1", parent=default, note="of spring", data_fingerprint="f" * 64)
    run_command("model_versions", "activate", "small@1", "--note", "fewer false alarms")
    shown = run_command("model_versions", "show", "small@1")
    assert "trained from      small@default" in shown and "retrained, " in shown
    assert "model version activated, " in shown and "fewer false alarms" in shown
    told = json.loads(run_command("model_versions", "show", "1", "--json"))
    assert (told["ancestors"], told["origin"], told["data_fingerprint"]) == (
        ["small@default"],
        "retrained",
        "f" * 64,
    )
    assert [change["note"] for change in told["changes"]] == ["fewer false alarms", "of spring"]
    run_command("model_versions", "rollback", "--note", "it flags recipes")
    assert AuditEntry.objects.order_by("-id")[0].after["note"] == "it flags recipes"
    with pytest.raises(CommandError, match="no one version nothing@1"):
        run_command("model_versions", "show", "nothing@1")
    assert hashlib.sha256((store.local_directory(one) / "manifest.json").read_bytes()).hexdigest() in shown
