"""Model files that are removed, cut short and put back: comments wait for them, and for nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from moderation.models import ModelVersion, Scoring, Screening
from moderation.versions import store
from moderation.versions.artifacts import packaged_directory
from tests.faults.accounting import TOXIC, Books
from tests.faults.workers import Workers
from tests.forum.models import Letter, Post


def test_a_model_removed_then_cut_short_then_put_back_costs_nobody_a_verdict(
    workers: Workers, books: Books, model_directory: Path, tmp_path: Path
) -> None:
    version = _publish_copy(tmp_path)
    away = tmp_path / "away"
    model_directory.rename(away)
    workers.start()
    saved = [books.comment(Post), books.comment(Letter, TOXIC)]
    workers.wait_for_line("Comments stay pending")
    assert version.location in workers.log()

    cut = Path(shutil.copytree(away, tmp_path / "cut"))
    whole = (cut / version.location / "model.onnx").read_bytes()
    (cut / version.location / "model.onnx").write_bytes(whole[: len(whole) // 2])
    cut.rename(model_directory)  # at once, before the worker finds a whole one
    model = model_directory / version.location / "model.onnx"
    workers.wait_for_line("model.onnx is damaged")
    saved.append(books.comment(Post, TOXIC))
    waiting = Screening.objects.filter(object_id__in=[instance.pk for instance in saved], outcome="")
    assert set(waiting.values_list("status", "attempts", "deaths")) == {("pending", 0, 0)}

    model.write_bytes(whole)
    workers.wait_until_screened(Screening.objects.filter(is_current=True).count())
    assert set(waiting.values_list("scorings__model_version", flat=True)) == {version.pk}
    # What is loaded is loaded: the files of a running worker may go.
    model.write_bytes(whole[: len(whole) // 2])
    books.comment(Post, TOXIC)
    workers.wait_until_screened(Screening.objects.filter(is_current=True).count())
    model.write_bytes(whole)
    books.close()
    assert Scoring.objects.filter(model_version=version).count() == len(saved) + 1 + books.waiting


def test_a_model_with_one_wrong_bit_is_named_and_never_used(
    workers: Workers, books: Books, model_directory: Path, tmp_path: Path
) -> None:
    version = _publish_copy(tmp_path)
    model = model_directory / version.location / "model.onnx"
    whole = model.read_bytes()
    model.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    workers.start()
    books.comment(Post)
    workers.wait_for_line("Comments stay pending")
    assert "model.onnx" in workers.log()
    assert Screening.objects.pending().exists()
    model.write_bytes(whole)
    books.close()


def _publish_copy(tmp_path: Path) -> ModelVersion:
    """The shipped version under another name, on the storage that this test may damage."""
    copy = tmp_path / "copy"
    shutil.copytree(packaged_directory(), copy)
    manifest = copy / "manifest.json"
    content = json.loads(manifest.read_text())
    content["version"] = "copy"
    manifest.write_text(json.dumps(content))
    return store.activate(store.publish(copy))
