"""The records beside the queue: policies, reviews, the audit trail; searched, and never changed."""

import re
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from moderation.models import (
    AuditEntry,
    ModelVersion,
    Policy,
    Review,
    Screening,
    TrainingRun,
)
from moderation.review import decisions
from tests.forum.models import Post
from tests.moderation.conftest import screen
from tests.moderation.test_queue import decide, queued, staff

pytestmark = pytest.mark.django_db


def test_the_audit_trail_is_narrowed_to_one_of_its_actions(admin_client: Client) -> None:
    for action in ("review.decided", "model.activated", "review.decided"):
        AuditEntry.objects.create(action=action, target_type="screening", target_id="7", username="ann")
    address = "/admin/moderation/auditentry/"
    page = admin_client.get(address).content.decode()
    assert re.findall(r'href="\?action=([a-z.]+)"', page) == ["model.activated", "review.decided"]
    assert re.findall(r'href="\?action=[^>]*>\s*(.+?)\s*</a>', page) == [
        "model version activated",
        "decided by a moderator",
    ]
    assert "2 audit entries" in admin_client.get(f"{address}?action=review.decided").content.decode()
    assert "3 audit entries" in admin_client.get(f"{address}?q=ann").content.decode()
    assert "0 audit entries" in admin_client.get(f"{address}?q=an").content.decode()


def test_the_audit_trail_has_the_label_and_the_code_of_an_action(admin_client: Client) -> None:
    for action in ("review.decided", "of.another_release"):
        AuditEntry.objects.create(action=action, target_type="screening", target_id="7", username="ann")
    address = "/admin/moderation/auditentry/"
    page = admin_client.get(address).text
    assert "decided by a moderator <code>review.decided</code>" in page
    assert "of.another_release <code>of.another_release</code>" in page
    entry = AuditEntry.objects.get(action="review.decided")
    page = admin_client.get(f"{address}{entry.pk}/change/").text
    assert "decided by a moderator <code>review.decided</code>" in page


def test_reviews_are_found_by_their_reviewer_and_by_their_comment(
    admin_client: Client, version: ModelVersion
) -> None:
    post = Post.objects.create(body="you idiot")
    screen()
    reviewer = User.objects.create_user("bea")
    decisions.decide(Screening.objects.get().pk, reviewer=reviewer, kind="uphold")
    for term, count in (("bea", 1), (str(post.pk), 1), ("be", 0), ("nobody", 0)):
        page = admin_client.get(f"/admin/moderation/review/?q={term}").content.decode()
        assert f"{count} review{'' if count == 1 else 's'}" in page


def test_records_are_read_and_never_changed(admin_client: Client, version: ModelVersion) -> None:
    decide_client = staff("ann", "review_screening")
    decide(decide_client, queued("you idiot"), kind="uphold")
    Policy.objects.create(model_label="", thresholds={"toxic": {"flag": 0.3}})
    for model in (ModelVersion, Review, AuditEntry, Policy):
        path = f"/admin/moderation/{model._meta.model_name}/"
        row = model._default_manager.first()
        assert admin_client.get(path).status_code == 200
        assert admin_client.get(f"{path}{row.pk}/change/").status_code == 200
        assert admin_client.post(f"{path}{row.pk}/change/", {}).status_code == 403
        assert admin_client.post(f"{path}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.get("/admin/moderation/trainingrun/").status_code == 200


def plain(page: str) -> str:
    """What a reader sees of a page, with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def test_the_list_of_reviews_has_text_labels_note_and_a_way_to_the_item(
    admin_client: Client, version: ModelVersion
) -> None:
    bea = User.objects.create_user("bea")
    insult = queued("you <b>idiot</b>\u202e " + "and so on " * 100)
    decisions.decide(insult.pk, reviewer=bea, kind="uphold", note="clear \u202e case")
    spam = queued("buy this")
    decisions.decide(spam.pk, reviewer=bea, kind="other_reason", reason="spam")
    page = admin_client.get("/admin/moderation/review/").content.decode()
    for row in (insult, spam):
        assert f'href="/admin/moderation/screening/{row.pk}/change/"' in page
    assert "\u202e" not in page and "<b>idiot" not in page and "and so on " * 30 not in page
    seen = plain(page)
    for part in (
        "you <b>idiot</b>",
        "buy this",
        "toxic",
        "clear",
        "uphold, hide",
        "another reason, spam, hide",
    ):
        assert part in seen
    review = Review.objects.get(screening=insult)
    item = plain(admin_client.get(f"/admin/moderation/review/{review.pk}/change/").content.decode())
    assert "toxic yes" in item and "threat not looked at" in item


def test_the_list_of_reviews_takes_as_many_queries_for_many(
    admin_client: Client, version: ModelVersion
) -> None:
    bea = User.objects.create_user("bea")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            admin_client.get("/admin/moderation/review/")
        return len(captured)

    decisions.decide(queued("first").pk, reviewer=bea, kind="uphold")
    queries()
    few = queries()
    for number in range(10):
        decisions.decide(queued(f"number {number}").pk, reviewer=bea, kind="uphold")
    assert queries() == few


def test_the_audit_trail_says_in_lines_what_changed(admin_client: Client) -> None:
    AuditEntry.objects.create(
        action="policy.changed",
        target_type="policy",
        target_id="3",
        username="ann",
        before={"thresholds": {"toxic": {"flag": 0.3, "hold": None}}, "note": "same"},
        after={"thresholds": {"toxic": {"flag": 0.6, "hold": None}, "threat": {"flag": 0.2}}, "note": "same"},
    )
    AuditEntry.objects.create(
        action="review.decided",
        target_type="screening",
        target_id="7",
        before={"outcome": ""},
        after={"outcome": "hide", "more": {f"key {number}": number for number in range(30)}},
    )
    page = admin_client.get("/admin/moderation/auditentry/").content.decode()
    lines = [plain(line) for line in re.findall(r"<li>(.*?)</li>", page[page.index("moderation-changes") :])]
    assert lines[:2] == ["outcome: \u2013 \u2192 hide", "more, key 0: 0"]
    assert "and 19 more" in lines
    assert lines[-2:] == ["thresholds, toxic, flag: 0.3 \u2192 0.6", "thresholds, threat, flag: 0.2"]
    assert 'href="/admin/moderation/screening/7/change/"' in page


@pytest.mark.regression("3.18")
def test_versions_and_training_runs_are_shown_as_tables(admin_client: Client, version: ModelVersion) -> None:
    measured = {"toxic": {"precision": 0.81234, "recall": None}, "threat": {"precision": 0.5, "recall": 1}}
    ModelVersion.objects.filter(pk=version.pk).update(
        metrics={"by label": measured, "hostile": "<script>\u202e", "deep": [{"of": {"a": [1, 2]}}]}
    )
    run = TrainingRun.objects.create(
        parent=version, options={"epochs": 3, "labels": ["toxic"]}, counts={}, started_by_name="bea"
    )
    shown = admin_client.get(f"/admin/moderation/modelversion/{version.pk}/change/").content.decode()
    assert "<pre" not in shown and "<script>\u202e" not in shown and '<th scope="col">precision</th>' in shown
    assert "toxic 0.8123 \u2013" in plain(shown) and "threat 0.5 1" in plain(shown)
    page = plain(admin_client.get(f"/admin/moderation/trainingrun/{run.pk}/change/").content.decode())
    assert "epochs 3" in page and "labels toxic" in page
    assert page.count("Started by") == 1 and "bea" in page


@pytest.mark.parametrize(
    "address",
    [
        "modelversion/?version=\x00",
        "review/?q=\x00",
        "review/?outcome__exact=\x00",
        "auditentry/?action=a\x00",
        "policy/?q=\x00",
        "screeningrun/?kind__exact=\x00",
        "trainingrun/?status__exact=\x00",
    ],
)
def test_a_null_character_in_an_address_is_no_error(admin_client: Client, address: str) -> None:
    path, _, query = address.partition("?")
    name, _, value = query.partition("=")
    response = admin_client.get(f"/admin/moderation/{path}", {name: value}, follow=True)
    assert response.status_code == 200
