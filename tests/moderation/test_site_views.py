"""What a site's own views do around a comment: transactions that fail, counters, edits by staff."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View

from moderation.models import AuditEntry, ModelVersion, Review, Screening
from moderation.review import decisions
from tests.forum.models import Post
from tests.moderation.conftest import screen

TOXIC = "I will kill you, you idiot"


@method_decorator(transaction.atomic, name="dispatch")  # as ATOMIC_REQUESTS wraps every view
class SaveAndFail(View):
    """Saves a comment, lets a moment pass, and raises."""

    def post(self, request: HttpRequest) -> HttpResponse:
        Post.objects.create(body=TOXIC)
        screen()  # a worker that looks meanwhile
        raise RuntimeError("after the save")


urlpatterns = [path("save-and-fail/", SaveAndFail.as_view())]


@pytest.mark.django_db(transaction=True)
@pytest.mark.urls(__name__)
def test_view_that_saves_and_then_raises_leaves_nothing(version: ModelVersion) -> None:
    client = Client(raise_request_exception=False)
    assert client.post("/save-and-fail/").status_code == 500
    assert not Post.objects.exists()
    assert not Screening.objects.exists()
    assert screen().scored == 0


@pytest.mark.parametrize("options", [{}, {"update_fields": ["likes"]}], ids=["save", "update_fields"])
def test_counter_that_saves_an_object_hidden_meanwhile_does_not_show_it(
    version: ModelVersion, options: dict[str, Any]
) -> None:
    post = Post.objects.create(body="hello")
    screen()
    post.refresh_from_db()
    Post.objects.filter(pk=post.pk).update(body=TOXIC)
    counted = Post.objects.get(pk=post.pk)  # a visitor's view has it in hand
    edited = Post.objects.get(pk=post.pk)
    edited.save()
    screen()
    assert Screening.objects.get(is_current=True).verdict == "held"
    counted.likes += 1
    counted.save(**options)
    counted.refresh_from_db()
    assert (counted.likes, counted.is_visible) == (1, False)
    screen()
    assert not Post.objects.get(pk=post.pk).is_visible


def test_deleted_moderator_leaves_both_decisions_and_a_name(
    version: ModelVersion, admin_client: Client
) -> None:
    moderator = get_user_model().objects.create_superuser("marie")
    for text in (TOXIC, "what an idiot"):
        Post.objects.create(body=text)
    screen()
    for row, kind in zip(Screening.objects.order_by("id"), ("uphold", "false_positive"), strict=True):
        decisions.decide(row.pk, reviewer=moderator, kind=kind)
    moderator.delete()

    assert list(Review.objects.order_by("id").values_list("reviewer", "reviewer_name", "decision")) == [
        (None, "marie", "uphold"),
        (None, "marie", "false_positive"),
    ]
    assert set(AuditEntry.objects.filter(action="review.decided").values_list("user", "username")) == {
        (None, "marie")
    }
    for row in Screening.objects.all():
        assert "marie" in admin_client.get(f"/admin/moderation/screening/{row.pk}/change/").text


def test_insult_that_staff_edited_in_is_not_blamed_on_the_author(
    version: ModelVersion, admin_client: Client
) -> None:
    author = get_user_model().objects.create_user("kind-author")
    post = Post.objects.create(body="thank you", author=author)
    untouched = Post.objects.create(body="another idiot", author=author)
    screen()
    post.body = "thank you, idiot"  # a member of the staff, through the site's admin
    post.save()
    screen()
    pages = [admin_client.get("/admin/moderation/screening/").text]
    edited = Screening.objects.get(object_id=str(post.pk), is_current=True)
    pages.append(admin_client.get(f"/admin/moderation/screening/{edited.pk}/change/").text)
    for page in pages:
        assert page.count("Edited since it was first screened, by its author or by somebody else.") == 1
    first = Screening.objects.get(object_id=str(untouched.pk))
    assert "Edited since" not in admin_client.get(f"/admin/moderation/screening/{first.pk}/change/").text
