"""`model_versions import`: a checkpoint of transformers scores in the queue as it scores by itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from django.core.management import CommandError
from django.test import Client
from django.urls import reverse
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from moderation.models import AuditEntry, ModelVersion, Screening
from moderation.versions import store
from moderation.worker.drain import drain
from tests.forum.models import Post
from tests.moderation.conftest import run_command
from tests.toxicity_ml.foreign_checkpoints import CONFIGS, build
from toxicity_ml.importing.importing import Options, import_checkpoint

pytestmark = pytest.mark.django_db
TEXT = "you are an idiot, thank you & shut up"


@pytest.fixture(autouse=True)
def published(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Published files go into a folder of the test's; ann is at the keyboard; nothing is judged blind."""
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    settings.MODERATION = {
        **settings.MODERATION,
        "MODEL_DIRECTORY": str(tmp_path / "published"),
        "AUDIT_RATE": 0,
        "BLIND_SHARE": 0,
    }


def own_scores(directory: Path, text: str) -> list[float]:
    model = AutoModelForSequenceClassification.from_pretrained(directory).eval()
    with torch.inference_mode():
        logits = model(**AutoTokenizer.from_pretrained(directory)(text, return_tensors="pt")).logits[0]
    return [float(score) for score in logits.sigmoid()]


@pytest.mark.parametrize("family", CONFIGS)
def test_each_family_scores_in_the_queue_s_page_as_by_itself(
    family: str, tmp_path: Path, admin_client: Client
) -> None:
    # by the library: the command, which runs it in a process of its own, is tried once below
    checkpoint = build(tmp_path / family, family)
    import_checkpoint(checkpoint, tmp_path / "version", Options(name=family))
    store.activate(store.publish(tmp_path / "version"))
    post = Post.objects.create(body=TEXT)
    drain()
    screening = Screening.objects.get(object_id=str(post.pk))
    page = admin_client.get(
        reverse("admin:moderation_screening_change", args=[screening.pk])
    ).content.decode()
    expected = own_scores(checkpoint, TEXT)
    basis = screening.basis()
    assert basis is not None and str(basis.model_version) == f"{family}@1"
    scores = [basis.scores[label] for label in ("toxic", "obscene", "insult", "spam")]
    assert scores == pytest.approx(expected, abs=0.003)
    for label, score in zip(("toxic", "obscene", "insult", "spam"), expected, strict=True):
        assert shown(page, label) == pytest.approx(score, abs=0.003 + 0.0005)  # the page has three digits


def shown(page: str, label: str) -> float:
    """The score that the item's page shows of a label."""
    (number,) = re.findall(rf'moderation-label">{label}: ([\d.]+)<', page)
    return float(number)


def test_the_import_is_told_and_audited_and_can_be_taken_back(tmp_path: Path) -> None:
    checkpoint = build(tmp_path / "bought", "distilbert")
    before = store.active_version()
    call = ["import", str(checkpoint), "--map", "toxicity=rude", "--map", "spam=", "--language", "de"]
    printed = run_command("model_versions", *call, "--number", "7", "--precision", "float32")
    assert "bought@7 is registered. Labels: rude, obscene, insult. Left out: spam." in printed
    assert "not fitted to anything" in printed and "model_versions activate bought@7" in printed
    assert store.active_version() == before
    row = ModelVersion.objects.get(version="7")
    assert (row.labels, row.manifest["languages"]) == (["rude", "obscene", "insult"], ["de"])
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.username) == ("model.published", "ann (system)")


def test_what_can_t_be_imported_is_refused_with_the_library_s_reason(tmp_path: Path) -> None:
    store.active_version()
    checkpoint = build(tmp_path / "broken", "bert")
    (checkpoint / "model.safetensors").rename(checkpoint / "pytorch_model.bin")
    before = list(ModelVersion.objects.values()), AuditEntry.objects.count()
    with pytest.raises(CommandError, match="That is a pickle") as caught:
        run_command("model_versions", "import", str(checkpoint), "--activate")
    assert caught.value.returncode == 2
    assert (list(ModelVersion.objects.values()), AuditEntry.objects.count()) == before


def test_a_name_that_is_taken_costs_no_minute(version: ModelVersion, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="test@1 is published already"):
        run_command("model_versions", "import", str(tmp_path / "nowhere"), "--name", "test")
