"""What must hold on a bad day, with real workers, the shipped model, and a real Redis that comes and goes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from moderation import model_store
from moderation.artifacts import packaged_directory
from moderation.models import ModelVersion, Scoring, Screening
from tests.faults.conftest import Workers
from tests.forum.models import Letter, Note, Post
from tests.servers import RedisServer

FRIENDLY = "Thank you for the friendly answer, that was helpful."
TOXIC = "You are a fucking idiot, shut up."
LONG = "The market square was quiet in the morning, and people talked about the weather. " * 12


def is_leased() -> bool:
    return Screening.objects.filter(lease_token__isnull=False).exists()


@pytest.mark.parametrize("pool", ["solo", "threads", "prefork"])
def test_a_saved_comment_is_screened(workers: Workers, pool: str) -> None:
    workers.start(pool)
    friendly, toxic = Post.objects.create(body=FRIENDLY), Post.objects.create(body=TOXIC)
    workers.wait_until_screened(2)
    verdicts = dict(Screening.objects.values_list("object_id", "verdict"))
    assert verdicts[str(friendly.pk)] == "clear"
    assert verdicts[str(toxic.pk)] in ("flagged", "held")
    assert Post.objects.get(pk=friendly.pk).is_visible is True


def test_a_comment_saved_while_redis_is_down_is_screened_later(workers: Workers, broker: RedisServer) -> None:
    broker.stop()
    Post.objects.create(body=FRIENDLY)
    broker.start()
    workers.start()
    workers.wait_until_screened(1)


@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_a_worker_screens_while_redis_is_away(workers: Workers, broker: RedisServer, pool: str) -> None:
    workers.start(pool)
    Post.objects.create(body=FRIENDLY)
    workers.wait_until_screened(1)
    # A broker that goes while Celery is still connecting ends the worker: that is its supervisor's business.
    workers.wait_for(lambda: " ready." in workers.log(), "the connection")
    broker.stop()
    Post.objects.create(body=TOXIC)
    workers.wait_until_screened(2)


def test_a_worker_that_never_finds_redis_screens_all_the_same(workers: Workers, broker: RedisServer) -> None:
    broker.stop()
    workers.start()
    Post.objects.create(body=FRIENDLY)
    workers.wait_until_screened(1)


def test_a_worker_killed_in_mid_batch_costs_nobody_a_verdict(workers: Workers) -> None:
    for number in range(40):
        Note.objects.create(id=f"00000000-0000-0000-0000-{number:012}", text=f"{number} {LONG}"[:200])
        Letter.objects.create(text=f"{number} {LONG}")
    first = workers.start()
    workers.wait_for(is_leased, "a claim", pause=0.005)
    workers.kill(first)
    assert is_leased()
    workers.start()
    workers.wait_until_screened(80)
    rows = Screening.objects.values_list("status", "attempts", "error_code")
    assert set(rows) == {("done", 0, "")}
    assert Screening.objects.filter(deaths__gte=1).exists()
    assert Scoring.objects.count() == 80


def test_a_worker_that_is_stopped_in_order_leaves_no_lease_behind(workers: Workers) -> None:
    for number in range(60):
        Letter.objects.create(text=f"{number} {LONG}")
    worker = workers.start()
    workers.wait_for(is_leased, "a claim", pause=0.005)
    assert workers.stop(worker) == 0
    assert not is_leased()
    assert not Screening.objects.exclude(deaths=0).exists()


def test_a_missing_model_leaves_comments_pending_until_it_is_put_back(
    workers: Workers, model_directory: Path, tmp_path: Path
) -> None:
    version = _publish_copy(tmp_path)
    away = tmp_path / "away"
    model_directory.rename(away)
    workers.start()
    Post.objects.create(body=FRIENDLY)
    workers.wait_for(lambda: "Comments stay pending" in workers.log(), "a clear line in the log")
    row = Screening.objects.get()
    assert (row.status, row.attempts, row.deaths) == ("pending", 0, 0)
    assert version.location in workers.log()
    away.rename(model_directory)
    workers.wait_until_screened(1)
    assert Scoring.objects.get().model_version == version
    assert FRIENDLY not in workers.log()


def test_a_damaged_model_is_named_and_never_used(
    workers: Workers, model_directory: Path, tmp_path: Path
) -> None:
    version = _publish_copy(tmp_path)
    model = model_directory / version.location / "model.onnx"
    whole = model.read_bytes()
    model.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    workers.start()
    Post.objects.create(body=FRIENDLY)
    workers.wait_for(lambda: "Comments stay pending" in workers.log(), "a clear line in the log")
    assert "model.onnx" in workers.log()
    assert Screening.objects.pending().count() == 1
    model.write_bytes(whole)
    workers.wait_until_screened(1)


def test_texts_edited_and_deleted_while_they_are_scored(workers: Workers) -> None:
    for number in range(32):
        Letter.objects.create(text=f"{number} {LONG}")
    edited, deleted = Letter.objects.order_by("id")[:2]
    workers.start()
    workers.wait_for(is_leased, "a claim", pause=0.005)
    edited.text = TOXIC
    edited.save()
    key = str(deleted.pk)
    deleted.delete()
    workers.wait_until_screened(31)
    new = Screening.objects.get(object_id=str(edited.pk), is_current=True)
    assert (new.text, new.status) == (TOXIC, "done")
    assert new.verdict in ("flagged", "held")
    gone = Screening.objects.get(object_id=key)
    assert (gone.text, gone.is_current, gone.status) == ("", False, "superseded")
    assert not Scoring.objects.filter(screening=gone).exists()


def test_a_hide_callable_that_raises_is_tried_again_and_disturbs_nobody(workers: Workers) -> None:
    workers.start()
    letter = Letter.objects.create(text=f"I will kill you, {TOXIC}", refuses=True)
    Post.objects.create(body=FRIENDLY)
    workers.wait_until_screened(2)
    row = Screening.objects.get(object_id=str(letter.pk), text=letter.text)
    assert (row.verdict, row.queued_for) == ("held", "held")
    workers.wait_for(lambda: "WillNot" in workers.log(), "the error in the log")
    row.refresh_from_db()
    assert (row.action_pending, row.hidden_by_us) == (True, False)
    Letter.objects.update(refuses=False)
    Screening.objects.update(lease_until=None)
    workers.wait_for(lambda: Letter.objects.get().is_withdrawn, "the second try")
    assert letter.text not in workers.log()


def test_bulk_created_rows_are_screened_within_a_sweep(workers: Workers) -> None:
    workers.start()
    Post.objects.create(body=FRIENDLY)
    workers.wait_until_screened(1)
    Post.objects.bulk_create([Post(body=TOXIC)])
    workers.wait_until_screened(2)


def test_hostile_texts_neither_fail_nor_hang(workers: Workers) -> None:
    texts = [
        "",
        " \n\t ",
        "x" * 1_000_000,
        "word " * 200_000,
        "a" + "\u0301" * 10_000,
        "\u202eolleh",
        "😀" * 1000,
        "<script>alert(1)</script>",
        "\u2400\ufffd",
    ]
    for text in texts:
        Post.objects.create(body=text)
    workers.start()
    workers.wait_until_screened(len(texts))
    assert not Screening.objects.exclude(status="done", deaths=0, attempts=0).exists()


def _publish_copy(tmp_path: Path) -> ModelVersion:
    """The shipped version under another name, on the storage that this test may damage."""
    copy = tmp_path / "copy"
    shutil.copytree(packaged_directory(), copy)
    manifest = copy / "manifest.json"
    content = json.loads(manifest.read_text())
    content["version"] = "copy"
    manifest.write_text(json.dumps(content))
    return model_store.activate(model_store.publish(copy))
