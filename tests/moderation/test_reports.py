"""Readers' reports: they put a text before a person and change nothing of what the model said."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import moderation
from moderation import retention, signals
from moderation.models import AuditEntry, Report, Review, Screening, Webhook, WebhookDelivery
from moderation.retraining import training_data
from moderation.review import second_opinions
from moderation.review.decisions import AS_BEFORE, AlreadyDecided, InvalidDecision, decide, undo
from moderation.review.response import response
from moderation.screening.on_request import NotModerated
from moderation.screening.reports import MOST_KEPT, NotReportable, UnknownReason
from tests.forum.models import Note, Post
from tests.moderation.conftest import LABELS, screen
from tests.moderation.test_queue import QUEUE, staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("version")]
WORDS = "please look at this"


def report(instance: Any, who: Any = "a reader", reason: str = "abuse", **options: Any) -> Report | None:
    return moderation.report(instance, reason=reason, reporter=who, **options)


def published(text: str = "fine words") -> Post:
    post = Post.objects.create(body=text)
    screen()
    return post


def screening_of(post: Any) -> Screening:
    return Screening.objects.get(object_id=str(post.pk), is_current=True)


def is_visible(post: Post) -> bool:
    return Post.objects.values_list("is_visible", flat=True).get(pk=post.pk)


def with_setting(settings: Any, **given: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, **given}


def test_a_clear_text_is_put_before_a_person_and_stays_public() -> None:
    post, ann = published(), User.objects.create_user("ann")
    made = report(post, ann, note=WORDS)
    row = screening_of(post)
    assert made is not None and (made.reporter, made.reason, made.note) == (ann, "abuse", WORDS)
    assert (row.queued_for, row.sampling_probability, row.open_reports) == ("reported", None, 1)
    assert row.verdict == "clear"
    assert list(Screening.objects.reported()) == [row] and list(Screening.objects.open()) == [row]
    assert is_visible(post)


def test_one_reader_counts_once() -> None:
    post, ann = published(), User.objects.create_user("ann")
    first = report(post, ann)
    assert report(post, ann, reason="spam", note="again") == first
    assert report(post, "ann") != first  # a string is no account of that name
    assert screening_of(post).open_reports == 2
    assert Report.objects.get(pk=first.pk).reason == "abuse"  # type: ignore[union-attr]


def test_what_a_site_knows_of_a_reader_is_not_stored() -> None:
    one, other = published("one"), published("other")
    keys = {report(post, "192.0.2.7").reporter_key for post in (one, other)}  # type: ignore[union-attr]
    assert len(keys) == 2  # nobody can be followed from text to text
    assert not any("192" in key for key in keys)


def test_what_stands_in_the_queue_keeps_its_reason_and_its_probability() -> None:
    post = published("you idiot")
    report(post)
    row = screening_of(post)
    assert (row.queued_for, row.sampling_probability) == ("flagged", 1.0)
    assert list(Screening.objects.reported()) == [row]


def test_an_audit_item_stays_one(settings: Any) -> None:
    with_setting(settings, AUDIT_RATE=1)
    post = published()
    before = Screening.objects.filter(pk=screening_of(post).pk).values().get()
    report(post)
    after = Screening.objects.filter(pk=screening_of(post).pk).values().get()
    assert before.pop("open_reports") == 0 and after.pop("open_reports") == 1
    assert before == after


def test_a_text_that_waits_for_the_model_is_put_there_with_its_verdict() -> None:
    post = Post.objects.create(body="fine words")
    report(post)
    assert screening_of(post).queued_for == ""
    screen()
    row = screening_of(post)
    assert (row.verdict, row.queued_for, row.sampling_probability) == ("clear", "reported", None)
    assert row.severity == 0.0


def test_chance_still_draws_among_reported_texts(settings: Any) -> None:
    with_setting(settings, AUDIT_RATE=1)
    post = Post.objects.create(body="fine words")
    report(post)
    screen()
    row = screening_of(post)
    assert (row.queued_for, row.sampling_probability) == ("audit", 1.0)


def test_reports_belong_to_the_text_that_was_reported() -> None:
    post, ann = published(), User.objects.create_user("ann")
    old = report(post, ann)
    post.body = "other words"
    post.save()
    screen()
    assert screening_of(post).open_reports == 0 and not Screening.objects.reported().exists()
    new = report(post, ann)
    assert new != old and new is not None and new.screening == screening_of(post)


def test_a_text_that_was_changed_behind_the_orm_is_read_anew() -> None:
    post = published()
    Post.objects.filter(pk=post.pk).update(body="other words")
    made = report(post)
    assert made is not None and made.screening.text == "other words"


def test_a_decision_answers_the_reports_and_says_so(django_capture_on_commit_callbacks: Any) -> None:
    post, ann = published(), User.objects.create_user("ann")
    made, told = report(post, "a"), []
    report(post, "b")

    def listen(screening: Screening, report: Report, **_: Any) -> None:
        told.append((screening.pk, report.pk, report.review.outcome if report.review else None))

    signals.report_settled.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            review = decide(screening_of(post).pk, reviewer=ann, kind="false_positive")
    finally:
        signals.report_settled.disconnect(listen)
    assert made is not None and told[0] == (made.screening_id, made.pk, "show") and len(told) == 2
    assert set(Report.objects.values_list("review", flat=True)) == {review.pk}
    assert screening_of(post).open_reports == 0 and not Screening.objects.reported().exists()


def test_what_a_person_has_decided_on_does_not_come_again() -> None:
    post, ann = published(), User.objects.create_user("ann")
    report(post, "a")
    review = decide(screening_of(post).pk, reviewer=ann, kind="false_positive")
    late = report(post, "b")
    assert late is not None and late.review == review and late.settled is not None
    assert not Screening.objects.open().exists() and is_visible(post)


def shown_by(ann: User, text: str = "fine words") -> tuple[Post, Review]:
    post = published(text)
    return post, decide(screening_of(post).pk, reviewer=ann, kind="false_positive")


def crowd(post: Post, *names: str) -> list[Report | None]:
    return [report(post, name) for name in names]


def test_enough_other_readers_bring_back_what_was_shown_and_the_decision_stands(settings: Any) -> None:
    with_setting(settings, REPORTS_TO_HOLD=1)
    post, ann = published("you idiot"), User.objects.create_user("ann")
    report(post, "a")
    review = decide(screening_of(post).pk, reviewer=ann, kind="false_positive")
    crowd(post, "a", "a", "b", "c")  # who reported it before counts no more
    assert not Screening.objects.reported().exists()
    last = report(post, "d")
    assert last is not None and last.settled is None
    row = screening_of(post)
    assert list(Screening.objects.reported()) == [row] and row.is_reported_again
    assert (row.outcome, row.open_reports, row.held_by_reports) == ("show", 3, True)
    assert is_visible(post) and not Screening.objects.open().exists()
    report(post, "e")
    assert screening_of(post).open_reports == 4 and is_visible(post)
    entry = AuditEntry.objects.get(action="screening.reported_again")
    assert (entry.username, entry.after) == ("", {"reports": 3, "review": review.number})


def test_what_readers_brought_back_is_decided_by_anybody_and_takes_more_the_next_time() -> None:
    ann, ben = User.objects.create_user("ann"), User.objects.create_user("ben")
    post, first = shown_by(ann)
    crowd(post, "a", "b", "c")
    pk = screening_of(post).pk
    with pytest.raises(AlreadyDecided):
        decide(pk, reviewer=ben, kind="uphold")
    second = decide(pk, reviewer=ben, kind=AS_BEFORE, seen_number=first.number)
    assert (second.decision, second.outcome) == ("false_positive", "show")
    assert screening_of(post).open_reports == 0
    assert Report.objects.filter(review=second).count() == 3
    with pytest.raises(InvalidDecision):
        decide(pk, reviewer=ann, kind=AS_BEFORE, seen_number=second.number)
    crowd(post, "d", "e", "f", "g", "h")
    assert not Screening.objects.reported().exists()
    report(post, "i")
    assert screening_of(post).open_reports == 6
    third = decide(pk, reviewer=ann, kind="other_reason", reason="spam", seen_number=second.number)
    assert third.outcome == "hide" and not is_visible(post)
    assert not Screening.objects.reported().exists()


def test_nothing_comes_back_that_was_hidden_or_where_the_site_wants_none(settings: Any) -> None:
    ann = User.objects.create_user("ann")
    hidden = published("you idiot")
    decide(screening_of(hidden).pk, reviewer=ann, kind="uphold")
    crowd(hidden, *"abcdef")
    with_setting(settings, REPORTS_TO_RETURN=None)
    post, _ = shown_by(ann)
    crowd(post, *"abcdef")
    assert not Screening.objects.reported().exists()
    assert not Report.objects.filter(settled=None).exists()


def test_undoing_the_answer_brings_it_back_and_undoing_the_first_opens_it() -> None:
    ann, ben = User.objects.create_user("ann"), User.objects.create_user("ben")
    post, first = shown_by(ann)
    crowd(post, "a", "b", "c")
    pk = screening_of(post).pk
    second = decide(pk, reviewer=ben, kind="false_positive", seen_number=1)
    report(post, "d")
    undo(second.pk, reviewer=ben)
    row = screening_of(post)
    assert row.is_reported_again and row.open_reports == 3
    assert Report.objects.get(review=first).settled is not None  # the fourth, which had changed nothing
    undo(first.pk, reviewer=ann)
    row = screening_of(post)
    assert (row.outcome, row.queued_for, row.open_reports) == ("", "reported", 4)


def test_a_crowd_after_a_decision_is_bounded(settings: Any) -> None:
    with_setting(settings, REPORTS_TO_RETURN=None)
    post, _ = shown_by(User.objects.create_user("ann"))
    crowd(post, *(f"reader {number}" for number in range(MOST_KEPT)))
    assert report(post, "one more") is None and Report.objects.count() == MOST_KEPT
    with_setting(settings, REPORTS_TO_RETURN=1)
    other, _ = shown_by(User.objects.create_user("ben"), "other words")
    crowd(other, *(f"reader {number}" for number in range(MOST_KEPT)))
    assert report(other, "one more") is None and screening_of(other).open_reports == MOST_KEPT


def test_retention_leaves_the_text_to_the_person_who_is_to_look_again(settings: Any) -> None:
    ann = User.objects.create_user("ann")
    post, _ = shown_by(ann)
    crowd(post, "a", "b", "c")
    with_setting(settings, RETENTION_DAYS=1)
    Screening.objects.update(created=timezone.now() - timedelta(days=2))
    retention.blank_due()
    row = screening_of(post)
    assert row.blanked is None
    decide(row.pk, reviewer=ann, kind=AS_BEFORE, seen_number=1)
    retention.blank_due()
    assert screening_of(post).blanked is not None


def test_it_stands_among_the_reported_with_the_decision_and_any_moderator_answers(version: Any) -> None:
    ann, ben = staff("ann", "review_screening"), staff("ben", "review_screening")
    post, _ = shown_by(User.objects.get(username="ann"))
    crowd(post, "a", "b", "c")
    row = screening_of(post)
    for client in (ann, ben, staff("zoe", "view_screening")):
        page = unescape(client.get(f"{QUEUE}?state=reported").content.decode())
        assert "3 readers reported this." in page and "False positive" in page
        assert "Readers reported it again after this decision." in page
        assert post.body not in client.get(QUEUE).content.decode()
    assert ">It stays shown<" not in page  # who only looks on
    said = {"kind": "as_before", "scoring": "", "seen_number": "1"}
    assert ben.post(f"{QUEUE}{row.pk}/decide/", said, follow=True).status_code == 200
    assert Review.objects.get(number=2).reviewer_name == "ben"
    assert post.body not in ben.get(f"{QUEUE}?state=reported").content.decode()


def test_what_readers_brought_back_is_dealt_to_nobody_for_a_second_opinion(settings: Any) -> None:
    with_setting(settings, SECOND_OPINION_SHARE=1.0)
    ann, ben = User.objects.create_user("ann"), User.objects.create_user("ben")
    post, _ = shown_by(ann, "you idiot")
    pk = screening_of(post).pk
    assert second_opinions.is_due(pk, ben)
    crowd(post, "a", "b", "c")
    assert not second_opinions.is_due(pk, ben)


def test_the_site_is_told_from_the_report_on_that_brings_it_back(
    django_capture_on_commit_callbacks: Any,
) -> None:
    post, _ = shown_by(User.objects.create_user("ann"))
    heard: list[int] = []
    signals.text_reported.connect(
        lambda report, **_: heard.append(report.pk), weak=False, dispatch_uid="again"
    )
    try:
        with django_capture_on_commit_callbacks(execute=True):
            made = crowd(post, *"abcde")
    finally:
        signals.text_reported.disconnect(dispatch_uid="again")
    assert heard == [report.pk for report in made[2:] if report]


def test_reports_wait_again_when_the_decision_is_taken_back() -> None:
    post, ann = published(), User.objects.create_user("ann")
    report(post, "a")
    review = decide(screening_of(post).pk, reviewer=ann, kind="false_positive")
    report(post, "b")
    undo(review.pk, reviewer=ann)
    assert screening_of(post).open_reports == 2
    assert Report.objects.filter(review=None, settled=None).count() == 2


def test_a_text_that_was_decided_unasked_comes_with_its_reports_when_that_is_taken_back() -> None:
    post, ann = published(), User.objects.create_user("ann")
    review = decide(screening_of(post).pk, reviewer=ann, kind="false_positive")
    report(post, "b")
    undo(review.pk, reviewer=ann)
    row = screening_of(post)
    assert (row.queued_for, row.open_reports) == ("reported", 1)
    assert list(Screening.objects.reported()) == [row]


def test_reports_hide_nothing_unless_the_site_says_from_how_many(settings: Any) -> None:
    post = published()
    for number in range(5):
        report(post, f"reader {number}")
    assert is_visible(post)
    with_setting(settings, REPORTS_TO_HOLD=3)
    other = published("other")
    for number in (1, 2, 2, 2):
        report(other, f"reader {number}")
    assert is_visible(other)
    report(other, "reader 3")
    row = screening_of(other)
    assert not is_visible(other) and row.held_by_reports and row.verdict == "clear"
    entry = AuditEntry.objects.get(action="visibility.held_by_reports")
    assert (entry.user, entry.username, entry.after["reports"]) == (None, "", 3)
    decide(row.pk, reviewer=User.objects.create_user("ann"), kind="false_positive")
    assert is_visible(other)


def test_the_edit_of_what_reports_hold_waits_for_a_person(settings: Any) -> None:
    with_setting(settings, REPORTS_TO_HOLD=1)
    post = published()
    report(post)
    post = Post.objects.get(pk=post.pk)
    post.body = "other words"
    post.save()
    screen()
    assert screening_of(post).queued_for == "edited" and not is_visible(post)


def test_nothing_is_held_again_that_a_person_showed(settings: Any) -> None:
    with_setting(settings, REPORTS_TO_HOLD=1)
    post, ann = published(), User.objects.create_user("ann")
    decide_first = screening_of(post)
    report(post, "a")
    decide(decide_first.pk, reviewer=ann, kind="false_positive")
    report(post, "b")
    assert is_visible(post)


def test_a_mass_of_reports_stays_bounded() -> None:
    post = published()
    for number in range(MOST_KEPT):
        assert report(post, f"reader {number}") is not None
    assert report(post, "one more") is None
    assert Report.objects.count() == screening_of(post).open_reports == MOST_KEPT


def test_training_takes_a_reported_text_for_no_sample(settings: Any) -> None:
    with_setting(settings, AUDIT_RATE=0.5)
    post, ann = Post.objects.create(body="fine words"), User.objects.create_user("ann")
    Screening.objects.update(status="done", verdict="clear", sampling_probability=0.5, severity=-0.4)
    report(post)
    shares = response()
    decide(screening_of(post).pk, reviewer=ann, kind="false_positive")
    (row,) = training_data.reviewed(LABELS)
    assert (row.probability, row.reached_probability, row.is_random) == (None, None, False)
    assert response() == shares


@pytest.mark.parametrize("reason", ["", "toxic", "<b>"])
def test_an_unknown_reason_is_refused(reason: str) -> None:
    with pytest.raises(UnknownReason):
        report(published(), reason=reason)
    assert not Report.objects.exists()


def test_reasons_are_the_site_s_too(settings: Any) -> None:
    with_setting(settings, REPORT_REASONS={"spoiler": "tells the end", "illegal": None})
    assert report(published(), reason="spoiler") is not None
    with pytest.raises(UnknownReason):
        report(published("other"), reason="illegal")


def test_what_can_not_be_reported_is_refused() -> None:
    post = published()
    gone = Post.objects.get(pk=post.pk)
    post.delete()
    with pytest.raises(NotReportable):
        report(gone)
    with pytest.raises(NotReportable):  # exempt
        report(Note.objects.create(text="✓ fine"))
    with pytest.raises(NotModerated):
        report(User.objects.create_user("ann"))
    assert not Report.objects.exists()


def test_notes_are_cut_and_go_with_the_text() -> None:
    post = published()
    made = report(post, note="\0" + "x" * 5000)
    assert made is not None and len(made.note) == 1000 and "\0" not in made.note
    other = published("other")
    report(other, note=WORDS)
    moderation.withdraw(other)
    assert Report.objects.get(screening__object_id=str(other.pk)).note == ""


@pytest.mark.django_db(transaction=True)
def test_notes_go_with_the_object() -> None:
    post = published()
    report(post, note=WORDS)
    post.delete()
    assert Report.objects.get().note == ""


def test_retention_takes_the_notes(settings: Any) -> None:
    with_setting(settings, RETENTION_DAYS=30)
    post, ann = published(), User.objects.create_user("ann")
    report(post, note=WORDS)
    Screening.objects.update(created=timezone.now() - timedelta(days=40))
    assert retention.blank_due() == 0  # a person has still to read it
    decide(screening_of(post).pk, reviewer=ann, kind="false_positive")
    assert retention.blank_due() == 1
    assert Report.objects.get().note == ""


def test_a_deleted_account_leaves_a_report_without_a_name() -> None:
    post, ann = published(), User.objects.create_user("ann")
    report(post, ann)
    ann.delete()
    assert Report.objects.get().reporter is None


def test_webhooks_are_told_without_names_and_words() -> None:
    Webhook.objects.create(
        name="w", url="http://localhost/", salt="s", secret_sha256="0", events=Webhook.Event.values
    )
    post, ann = published(), User.objects.create_user("ann")
    report(post, ann, note=WORDS)
    decide(screening_of(post).pk, reviewer=ann, kind="false_positive")
    told = WebhookDelivery.objects.filter(event__in=["text.reported", "reports.settled"])
    payloads = dict(told.values_list("event", "payload"))
    assert payloads["text.reported"]["report"]["reason"] == "abuse"
    assert payloads["reports.settled"]["reports"] == 1
    assert WORDS not in str(payloads) and "ann" not in str(payloads)
    assert not {"verdict", "labels", "scores"} & set(payloads["text.reported"])


@pytest.mark.django_db(transaction=True)
def test_readers_who_report_at_the_same_time_are_all_counted() -> None:
    post = published()
    failures: list[BaseException] = []

    def go(who: str) -> None:
        try:
            report(post, who)
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go, args=(f"reader {number % 4}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert Report.objects.count() == screening_of(post).open_reports == 4
    assert not Review.objects.exists()


HOSTILE = "<script>alert(1)</script>\u202eabc" + "a" + "\u0301" * 500


def test_an_item_shows_who_reported_it_and_why(version: Any) -> None:
    ann = User.objects.create_user("ann")
    post = published()
    report(post, ann, note=HOSTILE)
    for number in range(7):
        report(post, f"reader {number}", reason="spam")
    moderator = staff("mod", "review_screening")
    page = moderator.get(f"{QUEUE}?state=reported").content.decode()
    assert "8 readers reported this." in page and "and more" in page and "A reader</bdi>: spam" in page
    page = moderator.get(f"{QUEUE}{screening_of(post).pk}/change/").content.decode()
    assert "<script>alert" not in page and "\u202e" not in page
    Report.objects.exclude(reporter=ann).delete()
    page = moderator.get(f"{QUEUE}?state=reported").content.decode()
    assert "<bdi>ann</bdi>: insulting or hateful" in page and "&lt;script&gt;" in page
    assert "\u202e" not in page and "\u0301" * 4 not in page


def test_the_tab_has_every_reported_item_and_no_other(version: Any) -> None:
    for text in ("you idiot", "fine words"):
        report(published(text))
    published("another idiot")
    page = staff("mod", "review_screening").get(f"{QUEUE}?state=reported").content.decode()
    assert "you idiot" in page and "fine words" in page and "another idiot" not in page


def test_a_reported_blind_item_tells_nothing(settings: Any) -> None:
    """An audit item and a blind flagged one that were reported are shown alike."""
    with_setting(settings, AUDIT_RATE=1, BLIND_SHARE=1)
    pages = []
    moderator = staff("mod", "review_screening")
    for text in ("fine words", "you idiot"):
        report(published(text))
        page = moderator.get(f"{QUEUE}?state=reported").content.decode()
        pages.append(re.sub(r"\d+", "#", page[page.index('id="queue"') :]).replace(text, "TEXT"))
        assert "The model's scores are shown after the decision." in unescape(page)
        Report.objects.all().delete()
        Screening.objects.update(open_reports=0)
    first, second = (re.sub(r'value="[^"]{40,}"', "", page) for page in pages)
    assert first == second


def test_a_page_of_reported_items_asks_as_often_as_one_item() -> None:
    moderator = staff("mod", "review_screening")
    report(published("one"))
    with CaptureQueriesContext(connection) as one:
        moderator.get(f"{QUEUE}?state=reported")
    for number in range(8):
        report(published(f"text {number}"), note="why")
    with CaptureQueriesContext(connection) as many:
        moderator.get(f"{QUEUE}?state=reported")
    assert len(many) <= len(one) + 1


def test_reported_texts_and_second_looks_are_found_by_their_indexes() -> None:
    Screening.objects.bulk_create(
        Screening(source="import", text=str(number), status="done", verdict="flagged", queued_for="flagged")
        for number in range(3000)
    )
    first = Screening.objects.order_by("pk")[:5].values("pk")
    Screening.objects.filter(pk__in=list(first.values_list("pk", flat=True))).update(
        open_reports=1, second_look=timezone.now()
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE moderation_screening")
    assert "moderation_reports_wait" in Screening.objects.reported()[:20].explain()
    assert "moderation_asked_again" in Screening.objects.asked_again()[:20].explain()
