"""Decisions about many items: chosen, previewed, decided one by one, resumed, undone as one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from moderation import signals
from moderation.models import AuditEntry, BulkDecision, BulkItem, Lease, ModelVersion, Review, Screening
from moderation.review import bulk, claims
from moderation.review import decisions as reviewing
from moderation.texts import text_key
from tests.moderation.test_queue import QUEUE, queued, staff

pytestmark = pytest.mark.django_db
BULK = f"{QUEUE}bulk/"


def alike(count: int, text: str = "buy now", **columns: Any) -> list[Screening]:
    """Open items with the same text."""
    return [queued(text, text_key=text_key(text, "secret"), **columns) for _ in range(count)]


@pytest.fixture
def ann(version: ModelVersion, settings: Any) -> User:
    settings.MODERATION = {**settings.MODERATION, "BLIND_SHARE": 0}
    return person("ann", "review_screening")


@pytest.fixture
def lead(ann: User) -> User:
    return person("lea", "review_screening", "lead_reviews")


def person(name: str, *permissions: str) -> User:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return User.objects.get(pk=user.pk)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def job_about(user: User, rows: list[Screening], decision: str = "uphold", **options: Any) -> BulkDecision:
    chosen = Screening.objects.filter(pk__in=[row.pk for row in rows])
    return bulk.start(user, chosen, chosen="selected", decision=decision, **options)


def states(job: BulkDecision) -> dict[str, int]:
    return {state: count for state, count in bulk.progress(job).counts.items() if count}


def hidden_fields(page: str) -> dict[str, list[str]]:
    """What the preview's form sends."""
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page):
        if name != "csrfmiddlewaretoken":
            fields.setdefault(name, []).append(value)
    return fields


# --- deciding --------------------------------------------------------------------------------------


def test_each_item_has_the_rows_the_signals_and_the_audit_of_a_single_decision(ann: User) -> None:
    rows = alike(3)
    single = queued("single")
    heard: list[int] = []

    def hear(screening: Screening, review: Review, **_: Any) -> None:
        heard.append(screening.pk)

    signals.screening_reviewed.connect(hear)
    try:
        reviewing.decide(single.pk, reviewer=ann, kind="uphold")
        job = job_about(ann, rows, note="the same all over")
        assert bulk.carry_on(job.pk) is True
    finally:
        signals.screening_reviewed.disconnect(hear)
    assert states(job) == {"decided": 3}
    of_one = Review.objects.get(screening=single)
    for row in rows:
        review = Review.objects.get(screening=row)
        same = ("kind", "decision", "labels", "outcome", "model_version_id", "reviewer_id", "reviewer_name")
        assert [getattr(review, name) for name in same] == [getattr(of_one, name) for name in same]
        assert review.note == "the same all over"
        row.refresh_from_db()
        assert row.outcome == "hide"
        entry = AuditEntry.objects.get(target_type="screening", target_id=str(row.pk))
        assert (entry.action, entry.user_id) == ("review.decided", ann.pk)
    about_the_job = AuditEntry.objects.get(action="bulk.started")
    assert about_the_job.after == {"decision": "uphold", "items": 3, "chosen": "selected"}
    job.refresh_from_db()
    assert job.finished
    assert not Lease.objects.filter(name__startswith="bulk").exists()


def test_what_can_not_be_decided_is_left_alone_and_counted(ann: User, lead: User) -> None:
    decided, edited, gone, held, clear, plain = alike(6)
    reviewing.decide(decided.pk, reviewer=lead, kind="false_positive")
    Screening.objects.filter(pk=edited.pk).update(is_current=False)
    job = job_about(ann, [decided, edited, gone, held, clear, plain])
    claims.take_over(lead, held.pk)
    clear.scorings.update(scores={"toxic": 0.1, "threat": 0.1, "insult": 0.1})
    gone.scorings.all().delete()
    Screening.objects.filter(pk=gone.pk).delete()
    bulk.carry_on(job.pk)
    why = dict(BulkItem.objects.filter(bulk=job).values_list("screening_id", "why"))
    assert why == {
        decided.pk: "decided",
        edited.pk: "not_current",
        held.pk: "claimed",
        clear.pk: "nothing",
        plain.pk: "",
    }
    assert Review.objects.get(screening=decided).decision == "false_positive"
    assert not Review.objects.filter(screening__in=[edited, held, clear]).exists()
    assert states(job) == {"decided": 1, "left": 4}


def test_what_is_hidden_for_another_reason_has_no_labels(ann: User) -> None:
    rows = alike(2)
    job = job_about(ann, rows, decision="other_reason", reason="spam")
    bulk.carry_on(job.pk)
    for row in rows:
        review = Review.objects.get(screening=row)
        assert (review.decision, review.reason, set(review.labels.values())) == (
            "other_reason",
            "spam",
            {None},
        )


@pytest.mark.parametrize(
    ("decision", "reason"),
    [("relabel", ""), ("banish", ""), ("other_reason", ""), ("other_reason", "ugly"), ("uphold", "spam")],
)
def test_what_can_not_be_said_of_many_makes_no_job(ann: User, decision: str, reason: str) -> None:
    with pytest.raises(reviewing.InvalidDecision):
        job_about(ann, alike(1), decision=decision, reason=reason)
    assert not BulkDecision.objects.exists()


@pytest.mark.parametrize("decision", ["uphold", "false_positive", "other_reason"])
def test_items_that_are_judged_blind_take_no_part_and_no_label_of_theirs_is_guessed(
    ann: User, settings: Any, decision: str
) -> None:
    flagged, audit_item = alike(1)[0], alike(1, severity=-0.4, verdict="clear", queued_for="audit")[0]
    held = alike(1, verdict="held", queued_for="held")[0]
    reason = "spam" if decision == "other_reason" else ""
    before = job_about(ann, [flagged], decision=decision, reason=reason)
    settings.MODERATION = {**settings.MODERATION, "BLIND_SHARE": 1, "AUDIT_RATE": 0.01}
    job = job_about(ann, [flagged, audit_item, held], decision=decision, reason=reason)
    assert list(BulkItem.objects.filter(bulk=job).values_list("screening_id", flat=True)) == [held.pk]
    for each in (before, job):
        bulk.carry_on(each.pk)
    assert BulkItem.objects.get(bulk=before).why == "one_by_one"
    assert list(Review.objects.values_list("screening_id", flat=True)) == [held.pk]


def test_who_has_lost_the_right_decides_nothing_more(ann: User) -> None:
    job = job_about(ann, alike(3))
    bulk.carry_on(job.pk, items=1)
    ann.user_permissions.clear()
    bulk.carry_on(job.pk)
    assert states(job) == {"decided": 1, "left": 2}
    assert set(BulkItem.objects.filter(state="left").values_list("why", flat=True)) == {"not_allowed"}


def test_a_job_goes_on_where_it_stopped(ann: User) -> None:
    job = job_about(ann, alike(5))
    assert bulk.carry_on(job.pk, items=2) is False
    assert states(job) == {"decided": 2, "waiting": 3}
    assert bulk.progress(job).passed == 2
    job.refresh_from_db()
    assert job.is_running
    assert bulk.carry_on_all(seconds=10) is False
    assert states(job) == {"decided": 5}


def test_a_process_that_is_killed_leaves_nothing_half_done(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = alike(4)
    job = job_about(ann, rows)
    deciding, calls = reviewing.decide, 0

    def dies_after_the_third(*args: Any, **kwargs: Any) -> Review:
        nonlocal calls
        calls += 1
        review = deciding(*args, **kwargs)
        if calls == 3:
            raise KeyboardInterrupt
        return review

    monkeypatch.setattr(reviewing, "decide", dies_after_the_third)
    with pytest.raises(KeyboardInterrupt):
        bulk.carry_on(job.pk)
    assert states(job) == {"decided": 2, "waiting": 2}
    assert Review.objects.count() == 2  # the third was rolled back with its note
    monkeypatch.setattr(reviewing, "decide", deciding)
    assert bulk.carry_on(job.pk) is True
    assert states(job) == {"decided": 4}
    assert Review.objects.count() == 4


def test_one_process_at_a_time_works_on_a_job(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    job = job_about(ann, alike(2))
    deciding = reviewing.decide
    others: list[bool | None] = []

    def with_a_second_process(*args: Any, **kwargs: Any) -> Review:
        others.append(bulk.carry_on(job.pk))
        return deciding(*args, **kwargs)

    monkeypatch.setattr(reviewing, "decide", with_a_second_process)
    bulk.carry_on(job.pk)
    assert others == [None, None]
    assert Review.objects.count() == 2


def test_an_error_of_one_item_stops_no_other(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = alike(3)
    job = job_about(ann, rows)
    deciding = reviewing.decide

    def raises_at_the_first(screening_id: int, **kwargs: Any) -> Review:
        if screening_id == rows[0].pk:
            raise ValueError("the site's own words")
        return deciding(screening_id, **kwargs)

    monkeypatch.setattr(reviewing, "decide", raises_at_the_first)
    bulk.carry_on(job.pk)
    assert states(job) == {"decided": 2, "left": 1}
    assert BulkItem.objects.get(state="left").why == "error"


# --- undo ------------------------------------------------------------------------------------------


def test_a_job_is_taken_back_as_one(ann: User) -> None:
    rows = alike(3)
    job = job_about(ann, rows)
    bulk.carry_on(job.pk)
    assert bulk.ask_to_undo(ann, job)
    assert not bulk.ask_to_undo(ann, job)
    assert bulk.carry_on(job.pk) is True
    assert states(job) == {"undone": 3}
    for row in rows:
        row.refresh_from_db()
        assert row.is_open
        assert list(row.reviews.values_list("kind", flat=True)) == ["decision", "undo"]
    assert AuditEntry.objects.filter(action="bulk.undone").count() == 1
    job.refresh_from_db()
    assert job.undone
    assert not job.is_running


def test_what_somebody_decided_since_is_not_taken_back(ann: User, lead: User) -> None:
    taken_back, kept = alike(2)
    job = job_about(ann, [taken_back, kept])
    bulk.carry_on(job.pk)
    first = Review.objects.get(screening=taken_back)
    reviewing.undo(first.pk, reviewer=lead)
    reviewing.decide(taken_back.pk, reviewer=lead, kind="false_positive")
    bulk.ask_to_undo(ann, job)
    bulk.carry_on(job.pk)
    assert states(job) == {"undone": 1, "kept": 1}
    assert reviewing.ground_truth(taken_back).decision == "false_positive"  # type: ignore[union-attr]


def test_a_job_that_is_taken_back_in_the_middle_decides_no_more(ann: User) -> None:
    job = job_about(ann, alike(5))
    bulk.carry_on(job.pk, items=2)
    bulk.ask_to_undo(ann, job)
    assert bulk.carry_on_all(seconds=10) is False
    assert states(job) == {"undone": 2, "left": 3}
    assert Screening.objects.open().count() == 5


def test_only_who_decided_and_leads_take_a_job_back(ann: User, lead: User) -> None:
    job = job_about(ann, alike(1))
    bulk.carry_on(job.pk)
    bob = person("bob", "review_screening")
    assert client_of(bob).post(f"{BULK}{job.pk}/undo/").status_code == 404  # not his to see
    assert client_of(lead).post(f"{BULK}{job.pk}/undo/").status_code == 302
    assert states(job) == {"undone": 1}


# --- pages -----------------------------------------------------------------------------------------


def test_the_queue_offers_what_one_may_choose(ann: User, lead: User) -> None:
    alike(2, author_key="7")
    page = client_of(ann).get(QUEUE).content.decode()
    assert page.count('name="picked"') == 2
    assert page.count('name="like_text"') == 2
    assert 'name="whole_list"' not in page
    assert 'name="like_author"' not in page
    page = client_of(lead).get(QUEUE).content.decode()
    assert page.count('name="like_author"') == 2
    assert 'name="whole_list"' in page
    Screening.objects.create(source="suggestion", text="a client's", status="done", verdict="clear")
    assert 'name="picked"' not in client_of(lead).get(f"{QUEUE}?state=suggested").content.decode()
    page = staff("viewer", "view_screening").get(QUEUE).content.decode()
    assert "picked" not in page
    assert "moderation-bulk" not in page.replace("moderation/bulk", "")


def test_the_same_text_is_previewed_and_decided(ann: User) -> None:
    rows, other = alike(3), queued("something else")
    client = client_of(ann)
    preview = client.post(f"{BULK}preview/", {"like_text": rows[0].pk})
    page = preview.content.decode()
    assert preview.status_code == 200
    assert "<strong>3</strong> items wait" in page
    assert page.count("buy now") == 3
    assert not BulkDecision.objects.exists()
    later = alike(1)[0]  # nobody has seen it in the preview
    report = client.post(f"{BULK}start/", {**hidden_fields(page), "decision": "uphold"}, follow=True)
    assert report.status_code == 200
    assert "Done." in report.content.decode()
    assert set(Review.objects.values_list("screening_id", flat=True)) == {row.pk for row in rows}
    assert {later.pk, other.pk} == set(Screening.objects.open().values_list("pk", flat=True))


def test_what_is_selected_is_decided_and_nothing_else(ann: User) -> None:
    first, _, third = alike(3)
    page = client_of(ann).post(f"{BULK}preview/", {"picked": [first.pk, third.pk]}).content.decode()
    fields = hidden_fields(page)
    assert fields["picked"] == [str(first.pk), str(third.pk)]
    client_of(ann).post(f"{BULK}start/", {**fields, "decision": "false_positive"})
    assert set(Review.objects.values_list("screening_id", flat=True)) == {first.pk, third.pk}


def test_a_lead_decides_about_an_author_and_about_a_list(ann: User, lead: User) -> None:
    hers = alike(2, author_key="7")
    by_name = alike(1, author_name="Troll")[0]
    unlike = queued("by nobody")
    client = client_of(lead)
    for fields in ({"like_author": hers[0].pk}, {"whole_list": "1"}):
        assert client_of(ann).post(f"{BULK}preview/", fields).status_code == 403
        assert client_of(ann).post(f"{BULK}start/", {**fields, "newest": 10**6}).status_code == 403
    assert (
        "<strong>2</strong>" in client.post(f"{BULK}preview/", {"like_author": hers[0].pk}).content.decode()
    )
    page = client.post(f"{BULK}preview/", {"like_author": by_name.pk}).content.decode()
    assert "<strong>1</strong>" in page
    assert client.post(f"{BULK}preview/", {"like_author": unlike.pk}).status_code == 404
    searched = client.post(f"{BULK}preview/?q=7", {"whole_list": "1"}).content.decode()
    assert "<strong>2</strong>" in searched
    client.post(f"{BULK}start/?q=7", {**hidden_fields(searched), "decision": "uphold"})
    assert set(Review.objects.values_list("screening_id", flat=True)) == {row.pk for row in hers}


def test_nothing_left_is_said(ann: User) -> None:
    (row,) = alike(1)
    reviewing.decide(row.pk, reviewer=ann, kind="uphold")
    answer = client_of(ann).post(f"{BULK}preview/", {"picked": row.pk}, follow=True)
    assert "None of these can be decided" in answer.content.decode()
    assert (
        "None of these can be decided" in client_of(ann).post(f"{BULK}preview/", follow=True).content.decode()
    )


def test_the_preview_says_what_is_left_alone(ann: User, lead: User) -> None:
    rows = alike(2)
    claims.take_over(lead, rows[0].pk)
    page = client_of(ann).post(f"{BULK}preview/", {"like_text": rows[1].pk}).content.decode()
    assert "<strong>2</strong> items wait" in page
    assert "<strong>1</strong> is being looked at by somebody else" in page


def test_a_large_job_is_begun_with_the_answer_and_carried_on(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    rows = alike(5)
    client = client_of(ann)
    page = client.post(f"{BULK}preview/", {"like_text": rows[0].pk}).content.decode()
    report = client.post(f"{BULK}start/", {**hidden_fields(page), "decision": "uphold"}, follow=True)
    page = report.content.decode()
    assert "2 of 5" in page
    assert 'data-refresh="2000"' in page
    job = BulkDecision.objects.get()
    client.post(f"{BULK}{job.pk}/carry-on/")
    page = client.get(f"{BULK}{job.pk}/").content.decode()
    assert "Done." in page
    assert "data-refresh" not in page
    assert f"{BULK}{job.pk}/" in client.get(BULK).content.decode()


def test_jobs_are_shown_to_who_made_them_and_to_leads(ann: User, lead: User) -> None:
    job = job_about(ann, alike(1))
    address = f"{BULK}{job.pk}/"
    assert client_of(ann).get(address).status_code == 200
    assert client_of(lead).get(address).status_code == 200
    bob = client_of(person("bob", "review_screening"))
    assert bob.get(address).status_code == 404
    assert address not in bob.get(BULK).content.decode()


def test_hostile_text_is_shown_safely_in_the_preview(ann: User) -> None:
    (row,) = alike(1, text="<script>alert(1)</script>\u202e evil")
    page = client_of(ann).post(f"{BULK}preview/", {"picked": row.pk}).content.decode()
    assert "<script>alert" not in page
    assert "\u202e" not in page


def test_nothing_tells_an_audit_item_a_blind_one_and_one_for_a_second_opinion_apart(
    ann: User, lead: User, settings: Any
) -> None:
    flagged, second = alike(2)
    (audit_item,) = alike(1, severity=-0.4, verdict="clear", queued_for="audit")
    alike(2, verdict="held", queued_for="held")
    reviewing.decide(second.pk, reviewer=lead, kind="uphold")  # as one that is dealt again was
    settings.MODERATION = {**settings.MODERATION, "BLIND_SHARE": 1, "AUDIT_RATE": 0.01}
    client = client_of(lead)
    listed = client.get(QUEUE).content.decode()
    told = []
    for row in (flagged, audit_item, second):
        assert f'value="{row.pk}" form="moderation-bulk"' not in listed
        picked = client.post(f"{BULK}preview/", {"picked": row.pk})
        like = [
            client.post(f"{BULK}preview/", {name: row.pk}).status_code
            for name in ("like_text", "like_author")
        ]
        told.append((picked.status_code, picked["Location"], *like))
    assert told == [(302, QUEUE, 404, 404)] * 3
    whole = client.post(f"{BULK}preview/", {"whole_list": "1"}).content.decode()
    assert "<strong>2</strong> items wait" in whole
    for row in (flagged, audit_item, second):
        assert f"/{row.pk}/change/" not in whole


# --- cost ------------------------------------------------------------------------------------------


def test_an_item_costs_a_bounded_number_of_queries_however_many_there_are(ann: User) -> None:
    small, large = job_about(ann, alike(5)), job_about(ann, alike(40, text="another"))
    cost = []
    for job in (small, large):
        with CaptureQueriesContext(connection) as queries:
            bulk.carry_on(job.pk)
        cost.append(len(queries))
    per_item = (cost[1] - cost[0]) / 35
    assert per_item <= 25


def test_choosing_many_costs_the_same_queries_as_choosing_few(ann: User) -> None:
    costs = []
    for count in (2, 100):
        rows = alike(count, text=f"text {count}")
        with CaptureQueriesContext(connection) as queries:
            client_of(ann).post(f"{BULK}preview/", {"like_text": rows[0].pk})
        costs.append(len(queries))
    assert costs[1] - costs[0] <= 3
