"""A version of labels beyond Jigsaw's six works wherever a label is met: queue, API, figures, files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from moderation.api_keys import making
from moderation.audit import MACHINE
from moderation.models import ModelVersion, Policy, Screening
from moderation.monitoring.exposition import render
from moderation.nudging.words import says
from moderation.retraining import training_data
from moderation.review import estimates
from moderation.review.decisions import decide
from moderation.worker.drain import drain
from tests.forum.models import Post
from tests.moderation.api import get
from tests.moderation.api import post as api_post
from tests.moderation.conftest import run_command, scores_with

pytestmark = pytest.mark.django_db
LABELS = ("spam", "off_topic", "toxic", "insult")
QUEUE = "/admin/moderation/screening/"
SPAM, IDIOT, TRAINS = "buy pills", "you idiot", "my trains"


def by_words(texts: Sequence[str]) -> list[dict[str, float]]:
    return [
        {
            "spam": 0.97 if "pills" in text else 0.01,
            "off_topic": 0.7 if "trains" in text else 0.02,
            "toxic": 0.7 if "idiot" in text else 0.03,
            "insult": 0.8 if "idiot" in text else 0.04,
        }
        for text in texts
    ]


@pytest.fixture
def other(db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> ModelVersion:
    """The active version; no item is judged blind."""
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 0, "SECOND_OPINION_SHARE": 0}
    scores_with(monkeypatch, by_words)
    return ModelVersion.objects.create(
        name="other",
        version="1",
        location="other",
        manifest_sha256="0" * 64,
        labels=list(LABELS),
        thresholds=dict.fromkeys(LABELS, 0.5),
        is_active=True,
    )


@pytest.fixture
def screened(other: ModelVersion) -> dict[str, Screening]:
    for text in (SPAM, IDIOT, TRAINS, "thank you"):
        Post.objects.create(body=text)
    drain(load=lambda version: by_words)
    return {row.text: row for row in Screening.objects.all()}


def test_verdicts_follow_them_and_so_does_the_queue(
    screened: dict[str, Screening], admin_client: Client
) -> None:
    assert [screened[text].verdict for text in (SPAM, TRAINS, "thank you")] == ["held", "flagged", "clear"]
    page = admin_client.get(QUEUE, {"label": "off_topic"}).content.decode()
    assert TRAINS in page and IDIOT not in page and SPAM not in page
    item = admin_client.get(f"{QUEUE}{screened[SPAM].pk}/change/").content.decode()
    assert "spam: 0.970" in item and "off topic: 0.020" in item and "identity" not in item
    assert 'value="off_topic"' in item or "off_topic" in item  # a box to tick


def test_each_can_be_ticked_upheld_and_learned(screened: dict[str, Screening], admin_user: User) -> None:
    decide(screened[SPAM].pk, reviewer=admin_user, kind="uphold")
    ticked = {**dict.fromkeys(LABELS, False), "off_topic": True, "spam": True}
    decide(screened[TRAINS].pk, reviewer=admin_user, kind="relabel", labels=ticked)
    decide(screened[IDIOT].pk, reviewer=admin_user, kind="false_positive")
    rows = {row.text: row.labels for row in training_data.reviewed(LABELS)}
    assert rows[SPAM][0] == 1 and all(value != value for value in rows[SPAM][1:])
    assert rows[TRAINS] == (1, 1, 0, 0) and rows[IDIOT] == (0, 0, 0, 0)


def test_policies_take_them_by_page_and_api(other: ModelVersion, admin_client: Client) -> None:
    page = admin_client.get("/admin/moderation/policy/add/").content.decode()
    assert all(f'name="flag_{label}"' in page for label in LABELS) and "flag_threat" not in page
    answer = api_post(
        admin_client, "policies/", {"thresholds": {"spam": {"flag": 0.99}, "insult": {"flag": None}}}
    )
    assert answer.status_code == 201
    assert api_post(admin_client, "policies/", {"thresholds": {"threat": {"flag": 0.5}}}).status_code == 400
    Post.objects.create(body=SPAM)
    Post.objects.create(body=IDIOT)
    drain(load=lambda version: by_words)
    found = {row.text: (row.verdict, row.labels) for row in Screening.objects.all()}
    assert found == {SPAM: ("clear", ""), IDIOT: ("flagged", '["toxic"]')}


def test_a_policy_of_labels_that_the_version_lacks_does_no_harm(other: ModelVersion) -> None:
    Policy.objects.create(model_label="", thresholds={"threat": {"flag": 0.1}, "spam": {"hold": None}})
    Post.objects.create(body=SPAM)
    drain(load=lambda version: by_words)
    assert Screening.objects.get().verdict == "flagged"


def test_the_api_scores_and_reviews_with_them(screened: dict[str, Screening], admin_client: Client) -> None:
    answer = api_post(admin_client, "classify/", {"text": SPAM}).json()
    assert (answer["label"], answer["flagged"], list(answer["all_scores"])) == ("spam", True, list(LABELS))
    labels = {**dict.fromkeys(LABELS, False), "spam": True}
    body = {"screening": screened[SPAM].pk, "decision": "relabel", "labels": labels}
    answer = api_post(admin_client, "reviews/", body)
    assert answer.status_code == 201, answer.content
    row = get(admin_client, f"screenings/{screened[SPAM].pk}/")
    assert row["reviews"][-1]["labels"] == labels
    assert get(admin_client, "model-versions/active/")["labels"] == list(LABELS)


def test_perspective_answers_for_them_and_drops_what_no_label_answers_for(
    other: ModelVersion, settings: Any
) -> None:
    key = making.create("ours", ("analyze",), quota=None, actor=MACHINE)[1]

    def analyze(*attributes: str) -> Any:
        body = {"comment": {"text": SPAM}, "languages": ["en"]}
        body["requestedAttributes"] = {name: {} for name in attributes}
        return Client().post(
            f"/perspective/v1alpha1/comments:analyze?key={key}", json.dumps(body), content_type="text/plain"
        )

    scores = analyze("SPAM", "OFF_TOPIC", "TOXICITY").json()["attributeScores"]
    assert scores["SPAM"]["summaryScore"]["value"] == pytest.approx(0.97)
    assert analyze("THREAT").status_code == 400
    settings.MODERATION = {**settings.MODERATION, "PERSPECTIVE_UNKNOWN_ATTRIBUTES": "drop"}
    assert set(analyze("SPAM", "THREAT").json()["attributeScores"]) == {"SPAM"}


def test_figures_and_pages_know_them(
    screened: dict[str, Screening], other: ModelVersion, admin_user: User, admin_client: Client
) -> None:
    decide(screened[SPAM].pk, reviewer=admin_user, kind="uphold")
    reviewed = estimates.read(other, timezone.now() - timedelta(days=1))
    found = estimates.estimate(reviewed, {None: dict.fromkeys(LABELS, 0.5)})
    assert set(LABELS) <= set(found.quality)
    assert 'label="off_topic"' in render()[0].decode()
    for page in ("moderation/storedfigures/", "moderation/modelversion/", "moderation/policy/"):
        assert admin_client.get(f"/admin/{page}", follow=True).status_code == 200


def test_files_of_labels_have_them(screened: dict[str, Screening], admin_user: User, tmp_path: Path) -> None:
    decide(screened[SPAM].pk, reviewer=admin_user, kind="uphold")
    run_command("export_labels", str(tmp_path / "out"))
    (row,) = (json.loads(line) for line in (tmp_path / "out" / "decisions.jsonl").read_text().splitlines())
    assert [row[label] for label in LABELS] == [True, None, None, None]
    (tmp_path / "a.csv").write_text("text,advertising,toxic\nbuy,1,0\n")
    told = run_command(
        "import_labels", str(tmp_path / "a.csv"), "--format", "own", "--map", "advertising=spam"
    )
    assert "1 imported" in told


def test_authors_and_moderators_read_words_for_them() -> None:
    assert "advertising" in says("spam") and "does not belong here" in says("off_topic")
    assert "not wanted here" in says("haiku")
