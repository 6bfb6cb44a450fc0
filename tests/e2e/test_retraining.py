"""Reviews made in the admin, a model that learned from them, and a running worker that uses it."""

import json
from typing import Any

import pytest

from benchmarks.community.generator import Kind, comments
from tests.e2e.admin_session import AdminSession
from tests.e2e.running_site import PASSWORD, USERNAME, RunningSite

# A forum whose friendly banter the model flags; its real abuse is flagged, too.
WRITTEN = comments(3000, seed=5)
BANTER = [comment for comment in WRITTEN if comment.kind is Kind.BANTER][:60]
ABUSE = [comment for comment in WRITTEN if comment.kind is Kind.ABUSE][:40]
ORDINARY = [comment for comment in WRITTEN if comment.kind is Kind.ORDINARY][:80]
POSTED = {comment.text: comment.is_toxic for comment in (*BANTER, *ABUSE, *ORDINARY)}
MODERATION = {"AUDIT_RATE": 1.0}
"""Every clear comment comes up for review, too."""


@pytest.fixture(scope="module")
def reviewed(site: RunningSite) -> RunningSite:
    """A site on which a moderator has judged each comment."""
    for text in POSTED:
        site.post(text)
    queued = site.wait_for(
        lambda: rows if len(rows := _queued(site)) == len(POSTED) else None, "all comments in the queue"
    )
    moderator = AdminSession(site.url, USERNAME, PASSWORD)
    for row in queued:
        is_toxic = POSTED[row["text"]]
        moderator.decide(row["id"], *(("relabel", "toxic") if is_toxic else ("false_positive",)))
    return site


def _queued(site: RunningSite) -> list[dict[str, Any]]:
    return site.rows(
        "SELECT id, text FROM moderation_screening WHERE queued_for IN ('flagged', 'held', 'audit')"
    )


def active_version(site: RunningSite) -> str:
    """The name of the version that is active by the site's own command."""
    listed = json.loads(site.manage("model_versions", "list", "--json").stdout)
    (active,) = [version["version"] for version in listed if version["is_active"]]
    return str(active)


def version_that_scores(site: RunningSite, text: str) -> str:
    """Post a comment and see which version the running worker scores it with."""
    site.post(text)
    version = site.screening_of(text)["model_version_id"]
    (row,) = site.rows("SELECT name, version FROM moderation_modelversion WHERE id = ?", version)
    return f"{row['name']}@{row['version']}"


def test_a_model_learned_from_reviews_takes_over_and_can_be_rolled_back(reviewed: RunningSite) -> None:
    site = reviewed
    reviews = site.rows("SELECT reviewer_name FROM moderation_review")
    assert [review["reviewer_name"] for review in reviews] == [USERNAME] * len(POSTED)
    before = active_version(site)
    worker = site.worker.process.pid

    # Whether it is better is tried in tests/moderation/test_retraining_story.py, on more comments.
    always = ("--activate", "always", "--force")
    retrained = json.loads(site.manage("retrain", "--json", *always).stdout)
    assert retrained["parent"] == before
    assert retrained["activated"] is True
    assert active_version(site) == retrained["candidate"]

    assert version_that_scores(site, "See you on Thursday, and bring water.") == retrained["candidate"]
    assert site.worker.process.pid == worker
    site.worker.check()

    site.manage("model_versions", "rollback")
    assert active_version(site) == before
    again = "Lena, you stupid idiot, that was a lovely goal!"
    assert version_that_scores(site, again) == before
    assert site.screening_of(again)["verdict"] in {"flagged", "held"}
    changes = site.rows("SELECT action FROM moderation_auditentry WHERE target_type = 'modelversion'")
    assert len(changes) >= 2
