"""The records beside the queue: policies, reviews, the audit trail; searched, and never changed."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from moderation.models import (
    AuditEntry,
    ModelVersion,
    Policy,
    Review,
    Screening,
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
