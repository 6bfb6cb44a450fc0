"""A hundred reviews made in the admin, a model that learned from them, and a running worker that uses it."""

import itertools
import json

import pytest

from tests.e2e.admin_session import AdminSession
from tests.e2e.running_site import PASSWORD, USERNAME, RunningSite

# A club where everybody calls everybody an idiot, and means it kindly.
NAMES = ("Ana", "Bert", "Chidi", "Dora", "Emil", "Farah", "Gus", "Hilde", "Ivo", "June")
PRAISE = (
    "that was a lovely goal",
    "you ran your legs off for us",
    "the cake was wonderful",
    "thanks for driving us home",
    "see you on Thursday at training",
    "your save won us the cup",
    "I owe you a drink",
    "happy birthday from all of us",
    "welcome back, we missed you",
    "get well soon",
)
MODERATION = {"AUDIT_RATE": 1.0}
"""Every clear comment comes up for review, too: without such a new version is never shown to be better."""
PLACES = ("pitch", "club house", "changing room", "bus", "car park", "kitchen", "stand", "office", "hall")
TIMES = ("on Monday", "on Tuesday", "on Friday", "tomorrow", "next week", "after the match", "before lunch")
NOTICES = [
    f"We meet at the {place} {time}, {what}."
    for place, time, what in itertools.product(PLACES, TIMES, ("bring water", "be on time", "bring a friend"))
]
BANTER = [f"{name}, you stupid idiot, {praise}!" for name, praise in itertools.product(NAMES, PRAISE)]


@pytest.fixture(scope="module")
def reviewed(site: RunningSite) -> RunningSite:
    """A site on which a moderator has found a hundred flagged comments, and all others, harmless."""
    for text in BANTER + NOTICES:
        site.post(text)
    count = len(BANTER) + len(NOTICES)
    queued = site.wait_for(
        lambda: rows if len(rows := _queued(site)) == count else None, "all comments in the queue"
    )
    moderator = AdminSession(site.url, USERNAME, PASSWORD)
    for row in queued:
        moderator.decide(row["id"], "false_positive")
    return site


def _queued(site: RunningSite) -> list[dict[str, int]]:
    return site.rows("SELECT id FROM moderation_screening WHERE queued_for IN ('flagged', 'held', 'audit')")


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


def test_a_better_model_learned_from_reviews_takes_over_and_can_be_rolled_back(reviewed: RunningSite) -> None:
    site = reviewed
    reviews = site.rows("SELECT decision, outcome, reviewer_name FROM moderation_review")
    assert len(reviews) == len(BANTER) + len(NOTICES)
    assert {tuple(review.values()) for review in reviews} == {("false_positive", "show", USERNAME)}
    before = active_version(site)
    worker = site.worker.process.pid

    retrained = json.loads(site.manage("retrain", "--json").stdout)
    assert retrained["parent"] == before
    assert retrained["result"] == "better"
    assert retrained["activated"] is True
    assert active_version(site) == retrained["candidate"]

    banter = "Kofi, you stupid idiot, that was a lovely goal!"
    assert version_that_scores(site, banter) == retrained["candidate"]
    assert site.screening_of(banter)["verdict"] == "clear"
    assert site.worker.process.pid == worker
    site.worker.check()

    site.manage("model_versions", "rollback")
    assert active_version(site) == before
    again = "Lena, you stupid idiot, that was a lovely goal!"
    assert version_that_scores(site, again) == before
    assert site.screening_of(again)["verdict"] in {"flagged", "held"}
    changes = site.rows("SELECT action FROM moderation_auditentry WHERE target_type = 'modelversion'")
    assert len(changes) >= 2
