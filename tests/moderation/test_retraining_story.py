"""The loop closes in small: a made-up forum is screened, reported, moderated with mistakes, and retrained."""

import json
import random
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from benchmarks.community.forum import Forum
from benchmarks.community.generator import MISSED, Comment, Kind, comments, of_kinds
from moderation.models import ModelVersion, Review, Screening
from moderation.versions import store
from toxicity_ml import Classifier

CHEAP = ("--epochs", "5", "--soft-targets", "150", "--rehearsed", "150")


@pytest.fixture
def forum(django_db_reset_sequences: None, settings: Any, tmp_path: Path) -> Forum:
    """A forum that three moderators have looked after for two days, the same in every run.

    Chance draws what is audited, and places it in the queue; hashes of ids draw second opinions. A twelfth
    is audited: of more, what the model flags would be the smaller part of what is decided.
    """
    random.seed(5)
    settings.MODERATION = {
        **settings.MODERATION,
        "BROKER": False,
        "AUDIT_RATE": 0.08,
        "HOLD_AT": None,
        "SECOND_OPINION_SHARE": 0.1,
        "MODEL_DIRECTORY": str(tmp_path / "versions"),
    }
    forum = Forum()
    forum.live(comments(1500, seed=5), days=2, decisions=200, reported=0.7, seed=5)
    return forum


def flagged(version: ModelVersion, written: Sequence[Comment]) -> np.ndarray:
    """Whether a version flags each of the comments."""
    model = Classifier.load(store.local_directory(version), verify=False)
    scores = model.predict_array([comment.text for comment in written])
    over: np.ndarray = (scores >= [model.thresholds[label] for label in model.labels]).any(axis=1)
    return over


def test_a_forum_is_understood_better_after_its_moderators_have_decided(forum: Forum) -> None:
    tally = forum.tally
    assert (tally.decisions, Review.objects.filter(kind="decision").count()) == (200, 200)
    assert 2 <= tally.errors <= 40
    assert tally.by_list["reported"] > 20 and tally.second_opinions > 0
    reasons = set(Screening.objects.exclude(outcome="").values_list("queued_for", flat=True))
    assert reasons == {"flagged", "audit", "reported"}

    before = store.active_version()
    out = StringIO()
    call_command(
        "retrain", *CHEAP, "--activate", "always", "--force", "--json", stdout=out, stderr=StringIO()
    )
    answer = json.loads(out.getvalue())
    after = store.active_version()
    assert (answer["activated"], str(after)) == (True, answer["candidate"])

    nobody_saw = comments(700, seed=4)
    banter, missed = of_kinds(nobody_saw, [Kind.BANTER]), of_kinds(nobody_saw, MISSED)
    harmless = of_kinds(nobody_saw, [Kind.ORDINARY, Kind.LITERAL, Kind.BANTER])
    abuse = of_kinds(nobody_saw, [Kind.ABUSE])
    assert flagged(before, banter).mean() > 0.9
    assert flagged(before, missed).mean() < 0.3
    assert flagged(after, harmless).sum() <= flagged(before, harmless).sum() / 2
    assert flagged(after, missed).mean() >= 0.5
    assert flagged(after, abuse).mean() >= 0.75
    comparison = answer["comparison"]
    assert comparison["new_loss"] < comparison["old_loss"]
