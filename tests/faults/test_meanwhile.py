"""Comments that change while a worker has their text in its hands: what it scored is not theirs any more."""

from __future__ import annotations

from django.db import connection

from moderation.models import Scoring, Screening
from tests.faults.accounting import FRIENDLY, LONG, TOXIC, Books
from tests.faults.workers import TAKING_TIME, Workers
from tests.forum.models import Letter, Note, Post


def test_comments_edited_hidden_and_deleted_while_they_are_scored(workers: Workers, books: Books) -> None:
    """The worker stands still between its claim and its store, so that all of it happens in between."""
    edited = books.comment(Letter, FRIENDLY)
    edited_in_sql = books.comment(Post, FRIENDLY)
    toned_down = books.comment(Note, TOXIC)
    hidden = books.comment(Note, TOXIC)
    hidden_like_ours = books.comment(Note, FRIENDLY)
    shown_as_is = books.comment(Note, TOXIC)
    deleted, deleted_in_sql = books.comment(Letter, TOXIC), books.comment(Post, TOXIC)
    touched = books.comment(Post, FRIENDLY)
    for _ in range(12):
        books.comment(Letter, LONG)
    worker = workers.start(moderation={"COMPARE_HOURS": 0}, environment=TAKING_TIME)
    held = workers.freeze_while_scoring(worker)
    ours = [
        edited,
        edited_in_sql,
        toned_down,
        hidden,
        hidden_like_ours,
        shown_as_is,
        deleted,
        deleted_in_sql,
        touched,
    ]
    assert Screening.objects.filter(pk__in=held, object_id__in=[str(each.pk) for each in ours]).count() >= 9

    edited.text = books.words(TOXIC)
    edited.save()
    toned_down.text = books.words(FRIENDLY)
    toned_down.save()
    hidden.state = "draft"
    hidden.save()
    Note.objects.filter(pk=hidden_like_ours.pk).update(state="withheld")
    touched.likes += 1
    touched.save()
    gone = (str(deleted.pk), str(deleted_in_sql.pk))
    deleted.delete()
    with connection.cursor() as cursor:  # what no receiver sees
        cursor.execute(
            "UPDATE forum_post SET body = %s WHERE id = %s", [books.words(TOXIC), edited_in_sql.pk]
        )
        cursor.execute("DELETE FROM forum_post WHERE id = %s", [deleted_in_sql.pk])
    workers.thaw(worker)
    books.close(hidden_by_site=[hidden, hidden_like_ours])

    assert Note.objects.get(pk=hidden.pk).state == "draft"
    assert not Screening.objects.get(object_id=str(hidden.pk)).hidden_by_us
    assert Note.objects.get(pk=shown_as_is.pk).state == "withheld"
    assert Note.objects.get(pk=toned_down.pk).state == "published"
    for model, key in zip(("letter", "post"), gone, strict=True):
        rows = Screening.objects.filter(content_type__model=model, object_id=key)
        assert set(rows.values_list("text", "is_current", "status")) == {("", False, "superseded")}
        assert not Scoring.objects.filter(screening__in=rows).exists()
    earlier = Screening.objects.filter(is_current=False, blanked=None)
    assert {row.status for row in earlier} == {"superseded"}
    assert not Scoring.objects.filter(screening__in=earlier).exists()


def test_an_edit_of_what_a_person_hid_stays_hidden_whatever_the_worker_says(
    workers: Workers, books: Books
) -> None:
    """Edited while the worker scores; the decision about the earlier text stands beside the new one."""
    decided = Screening.objects.get(outcome="hide", content_type__model="post")
    post = Post.objects.get(pk=decided.object_id)
    worker = workers.start(environment=TAKING_TIME)
    workers.freeze_while_scoring(worker)
    post.body = books.words(FRIENDLY)
    post.save()
    workers.thaw(worker)
    books.close(edited=[post])
    new = Screening.objects.get(object_id=str(post.pk), content_type=decided.content_type, is_current=True)
    assert (new.verdict, new.queued_for, new.outcome) == ("clear", "edited", "")
    assert Post.objects.get(pk=post.pk).is_visible is False
