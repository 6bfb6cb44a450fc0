"""The queue's views for a script, and the same without one: decide, skip, take over, deal, states."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core import signing
from django.test import Client

from moderation.admin.queue import haste
from moderation.clock import Now
from moderation.models import (
    AuditEntry,
    ItemClaim,
    ItemSkip,
    ModelVersion,
    Review,
    Screening,
    WorkerHeartbeat,
)
from moderation.monitoring import pipeline_trouble
from moderation.review import claims
from moderation.review.decisions import decide as record_decision
from tests.forum.models import Post
from tests.moderation.test_queue import QUEUE, open_page, queued, staff

pytestmark = pytest.mark.django_db
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def ann(version: ModelVersion) -> Client:
    return staff("ann", "review_screening")


@pytest.fixture
def bob(version: ModelVersion) -> Client:
    return staff("bob", "review_screening")


@pytest.fixture
def lead(version: ModelVersion) -> Client:
    return staff("lea", "review_screening", "lead_reviews")


def ask(client: Client, address: str, **data: Any) -> Any:
    """Post as the script does; the response."""
    return client.post(f"{QUEUE}{address}", data, **JSON)


def dealt(client: Client, **data: Any) -> list[int]:
    return [item["id"] for item in ask(client, "deal/", **data).json()["items"]]


def marked(seconds_ago: float) -> str:
    """The mark of a page that was rendered so long ago."""
    signer = signing.Signer(salt=haste._SIGNER_SALT)
    return signer.sign(f"{time.time() - seconds_ago:.3f}")


# --- decide -------------------------------------------------------------------------------------------


def test_a_script_is_told_what_was_decided(ann: Client) -> None:
    item = queued("you idiot")
    answer = ask(ann, f"{item.pk}/decide/", kind="uphold")
    assert answer.status_code == 200
    told = answer.json()
    assert told["text"].startswith("uphold") and "href" in told["message"]
    assert told["review"] == 1
    assert Review.objects.get().screening_id == item.pk
    back = ann.post(told["undo"], {}, **JSON).json()
    assert ItemClaim.objects.get().screening_id == item.pk
    assert "Taken back" in back["text"] and "data-open" in back["item"]
    assert Screening.objects.get().is_open


def test_without_a_script_the_message_has_a_button_that_takes_it_back(ann: Client) -> None:
    item = queued("you idiot")
    page = ann.post(f"{QUEUE}{item.pk}/decide/?label=toxic", {"kind": "uphold"}, follow=True).content.decode()
    button = re.search(r'<button [^>]*form="moderation-undo" formaction="([^"]+)">Undo</button>', page)
    assert button is not None and '<form id="moderation-undo" method="post">' in page
    assert "Taken back" in ann.post(button[1], {}, follow=True).content.decode()
    assert Screening.objects.get().is_open


def test_the_boxes_of_the_form_are_not_what_is_upheld(ann: Client) -> None:
    item = queued("you idiot")
    shown = {"shown": ["toxic", "threat", "insult"], "label": ["toxic", "threat"]}
    assert ask(ann, f"{item.pk}/decide/", kind="uphold", **shown).status_code == 200
    assert Review.objects.get().labels["threat"] is None


def test_a_script_is_told_the_decision_of_a_colleague(ann: Client, bob: Client) -> None:
    item = queued("you idiot")
    ask(bob, f"{item.pk}/decide/", kind="false_positive")
    answer = ask(ann, f"{item.pk}/decide/", kind="uphold")
    assert answer.status_code == 409
    assert answer.json()["state"] == "decided"
    assert "bob decided" in answer.json()["text"] and "false positive" in answer.json()["text"]
    assert Review.objects.count() == 1


def test_a_script_is_told_that_an_item_is_gone(ann: Client) -> None:
    item = queued("you idiot", is_current=False)
    answer = ask(ann, f"{item.pk}/decide/", kind="uphold")
    assert (answer.status_code, answer.json()["state"]) == (409, "gone")
    assert ask(ann, f"{item.pk + 1}/decide/", kind="uphold").status_code == 404


def test_a_script_is_given_an_item_anew_that_it_can_judge_once_more(ann: Client) -> None:
    item = queued("you idiot")
    answer = ask(ann, f"{item.pk}/decide/", kind="uphold", scoring="99999")
    assert (answer.status_code, answer.json()["state"]) == (409, "again")
    assert f'id="moderation-item-{item.pk}"' in answer.json()["item"]
    assert not Review.objects.exists()


def test_a_decision_ends_the_claim(ann: Client) -> None:
    item = queued("you idiot")
    assert dealt(ann) == [item.pk]
    ask(ann, f"{item.pk}/decide/", kind="uphold")
    assert not ItemClaim.objects.exists()


def test_what_a_colleague_holds_is_not_decided_in_passing(ann: Client, bob: Client) -> None:
    item = queued("you idiot")
    dealt(bob)
    answer = ask(ann, f"{item.pk}/decide/", kind="uphold")
    assert (answer.status_code, answer.json()["state"]) == (409, "held")
    assert "bob looks at this" in answer.json()["text"]
    page = ann.post(f"{QUEUE}{item.pk}/decide/", {"kind": "uphold"}, follow=True).content.decode()
    assert "Not recorded:" in page
    assert not Review.objects.exists()
    ItemClaim.objects.update(until=Now() - timedelta(seconds=1))
    assert ask(ann, f"{item.pk}/decide/", kind="uphold").status_code == 200


def test_a_button_of_a_reason_says_enough(ann: Client) -> None:
    item = queued("buy pills")
    assert ask(ann, f"{item.pk}/decide/", reason="spam", note="third time").status_code == 200
    review = Review.objects.get()
    assert (review.decision, review.reason, review.note) == ("other_reason", "spam", "third time")
    assert set(review.labels.values()) == {None}


def test_a_decision_within_half_a_second_of_its_page_is_refused(ann: Client) -> None:
    item = queued("you idiot")
    page = open_page(ann)
    mark = re.search(r'name="rendered" value="([^"]+)"', page)
    assert mark is not None
    answer = ask(ann, f"{item.pk}/decide/", kind="uphold", rendered=mark[1])
    assert (answer.status_code, answer.json()["state"]) == (409, "again")
    address = f"{QUEUE}{item.pk}/decide/"
    hasty = {"kind": "uphold", "rendered": haste.mark()}
    assert "less than half a second" in ann.post(address, hasty, follow=True).content.decode()
    assert ask(ann, f"{item.pk}/skip/", rendered=haste.mark()).status_code == 409
    assert not Review.objects.exists() and not ItemSkip.objects.exists()


@pytest.mark.parametrize("rendered", ["0.6", "-3", "no number", "1795879780.279:forged"])
def test_a_decision_after_that_or_with_a_mark_that_says_nothing_counts(ann: Client, rendered: str) -> None:
    item = queued("you idiot")
    mark = marked(float(rendered)) if re.fullmatch(r"-?[\d.]+", rendered) else rendered
    assert ask(ann, f"{item.pk}/decide/", kind="uphold", rendered=mark).status_code == 200


def test_without_a_script_one_goes_on_at_the_item_that_follows(ann: Client) -> None:
    items = [queued(f"you idiot {number}", 0.4 - number / 100) for number in range(4)]
    page = open_page(ann)
    following = re.findall(r'name="next" value="([^"]+)"', page)
    assert following == [f"moderation-item-{items[2].pk}", f"moderation-item-{items[3].pk}"]
    address = f"{QUEUE}{items[1].pk}/decide/?label=toxic"
    answer = ann.post(address, {"kind": "uphold", "next": following[0]})
    assert answer["Location"] == f"{QUEUE}?label=toxic#{following[0]}"
    answer = ann.post(f"{QUEUE}{items[0].pk}/decide/", {"kind": "uphold", "next": "x&y"})
    assert answer["Location"] == f"{QUEUE}#queue"


# --- skip ---------------------------------------------------------------------------------------------


def test_a_skipped_item_is_left_to_others_and_taken_back(ann: Client, bob: Client) -> None:
    item = queued("you idiot")
    assert dealt(ann) == [item.pk]
    answer = ask(ann, f"{item.pk}/skip/")
    assert answer.status_code == 200
    assert dealt(ann) == []
    assert "you idiot" not in open_page(ann)
    assert "you idiot" in open_page(bob)
    back = ann.post(answer.json()["undo"], **JSON).json()
    assert "you idiot" in back["item"]
    assert dealt(ann) == [item.pk]
    assert not Review.objects.exists()


def test_a_skipped_item_is_still_found_by_those_who_look_for_it(ann: Client) -> None:
    item = queued("you idiot")
    ask(ann, f"{item.pk}/skip/")
    assert "you idiot" in open_page(ann, f"{item.pk}/change/")
    assert "you idiot" in open_page(ann, "?state=all")


def test_skipping_without_a_script_leads_back_to_the_list(ann: Client) -> None:
    item = queued("you idiot")
    answer = ann.post(f"{QUEUE}{item.pk}/skip/?label=toxic", {})
    assert answer["Location"] == f"{QUEUE}?label=toxic#queue"
    assert ItemSkip.objects.count() == 1


# --- claims -------------------------------------------------------------------------------------------


def test_two_people_are_dealt_different_items_in_the_order_of_the_queue(ann: Client, bob: Client) -> None:
    items = [queued(f"you idiot {number}", 0.4 - number / 100).pk for number in range(10)]
    assert dealt(ann) == items[:4]
    assert dealt(bob) == items[4:8]
    assert dealt(ann) == items[:4]


def test_a_deal_keeps_to_the_filters_of_its_address(ann: Client) -> None:
    queued("flagged")
    held = queued("held", verdict="held", queued_for="held")
    answer = ask(ann, "deal/?verdict__exact=held").json()
    assert [item["id"] for item in answer["items"]] == [held.pk]


def test_a_deal_brings_the_html_of_what_the_page_lacks(ann: Client) -> None:
    first, second = queued("first", 0.4), queued("second", 0.3)
    answer = ask(ann, "deal/", on_page=[first.pk]).json()["items"]
    assert [item["id"] for item in answer] == [first.pk, second.pk]
    assert answer[0]["html"] == ""
    assert "second" in answer[1]["html"] and "data-open" in answer[1]["html"]


def test_a_colleague_s_item_says_so_and_only_leads_take_it_over(
    ann: Client, bob: Client, lead: Client
) -> None:
    item = queued("you idiot")
    dealt(bob)
    assert "bob looks at this" in open_page(ann) and "Take over" not in open_page(ann)
    assert "data-held" in open_page(ann) and "data-held" not in open_page(bob)
    assert ask(ann, f"{item.pk}/take-over/").status_code == 403
    assert "Take over" in open_page(lead)
    answer = ask(lead, f"{item.pk}/take-over/")
    assert answer.status_code == 200
    assert answer.json()["text"] == "You took it over from bob."
    assert "data-held" not in answer.json()["item"]
    assert AuditEntry.objects.get(action="item.taken_over").username == "lea"
    assert ask(bob, f"{item.pk}/decide/", kind="uphold").status_code == 409


def test_a_free_item_is_taken_by_who_asks_and_a_decided_one_by_nobody(ann: Client) -> None:
    item = queued("you idiot")
    assert ask(ann, f"{item.pk}/take-over/").json()["text"] == "It is yours now."
    Screening.objects.update(outcome="show")
    answer = ask(ann, f"{item.pk}/take-over/")
    assert (answer.status_code, answer.json()["state"]) == (409, "gone")


def test_the_next_items_are_taken_without_a_script(ann: Client) -> None:
    for number in range(12):
        queued(f"you idiot {number}")
    answer = ann.post(f"{QUEUE}deal/", {})
    assert answer["Location"] == f"{QUEUE}?state=mine#queue"
    assert claims.claimed_by(User.objects.get(username="ann")).count() == 10


def test_where_nothing_is_free_that_is_said(ann: Client) -> None:
    page = ann.post(f"{QUEUE}deal/?label=toxic", {}, follow=True)
    assert "Nothing is free at the moment." in page.content.decode()


def test_a_script_learns_what_became_of_the_items_on_its_page(ann: Client, bob: Client) -> None:
    items = [queued(f"you idiot {number}", 0.4 - number / 100) for number in range(4)]
    dealt(bob, on_page=[])
    claims.release(User.objects.get(username="bob"), [items[3].pk])
    record_decision(items[0].pk, reviewer=User.objects.get(username="bob"), kind="uphold")
    Screening.objects.filter(pk=items[1].pk).update(is_current=False)
    told = ask(ann, "states/", id=[item.pk for item in items]).json()["items"]
    assert [told[str(item.pk)]["state"] for item in items] == ["decided", "gone", "held", "open"]
    assert told[str(items[0].pk)]["text"] == "bob: uphold"
    assert "bob looks at this" in told[str(items[2].pk)]["html"]


def test_a_script_learns_how_many_items_each_list_has_now(ann: Client, bob: Client) -> None:
    items = [queued(f"you idiot {number}", 0.4 - number / 100) for number in range(6)]
    dealt(ann)
    record_decision(items[5].pk, reviewer=User.objects.get(username="bob"), kind="uphold")
    numbers = ask(ann, "states/", id=[items[0].pk]).json()["counts"]
    of_page = dict(re.findall(r'data-tab="(\w+)">([0-9+]+)<', open_page(ann)))
    assert numbers == of_page and len(numbers) == 11
    assert (numbers["open"], numbers["mine"], numbers["decided"]) == ("5", "4", "1")
    assert ask(bob, "states/").json()["counts"]["mine"] == "0"


def test_asking_for_states_renews_claims_only_for_who_is_active(ann: Client) -> None:
    item = queued("you idiot")
    dealt(ann)
    soon = Now() + timedelta(seconds=5)
    ItemClaim.objects.update(until=soon)
    before = ItemClaim.objects.get().until
    ask(ann, "states/", id=[item.pk])
    assert ItemClaim.objects.get().until == before
    ask(ann, "states/", id=[item.pk], renew="1")
    assert ItemClaim.objects.get().until > before


@pytest.mark.parametrize("address", ["deal/", "states/", "{pk}/skip/", "{pk}/unskip/", "{pk}/take-over/"])
def test_nobody_else_may_and_nothing_changes_by_get(ann: Client, address: str) -> None:
    item = queued("you idiot")
    path = QUEUE + address.format(pk=item.pk)
    viewer = staff("vera", "view_screening")
    assert viewer.post(path, {"id": [item.pk]}, **JSON).status_code == 403
    assert Client().post(path, {}, **JSON).status_code == 302
    assert ann.get(path).status_code == 302
    assert ann.put(path).status_code == 405
    assert not ItemClaim.objects.exists() and not ItemSkip.objects.exists()
    if "{pk}" in address:
        assert ask(ann, address.format(pk=item.pk + 1)).status_code == 404


# --- the frame ----------------------------------------------------------------------------------------


def test_an_item_s_heading_comes_right_below_the_page_s(ann: Client) -> None:
    item = queued("you idiot")
    for page in (open_page(ann), open_page(ann, f"{item.pk}/change/")):
        assert f'<h2 id="item-{item.pk}">' in page
        assert "<h1>" in page


def test_the_queue_has_one_name_and_the_page_s_whole_width(ann: Client) -> None:
    queued("you idiot")
    page = open_page(ann)
    assert 'id="nav-sidebar"' not in page
    assert page.count("Moderation queue") >= 3  # title, breadcrumb, heading
    index = ann.get("/admin/").content.decode()
    assert "Moderation queue" in index and "Screenings" not in index + page


def test_a_search_without_results_does_not_call_the_queue_empty(ann: Client) -> None:
    queued("you idiot")
    page = open_page(ann, "?q=99999")
    assert "The queue is empty" not in page and "Nothing found" in page


def test_the_object_is_linked_for_who_may_edit_it_alone(version: ModelVersion) -> None:
    kind = ContentType.objects.get_for_model(User)
    item = queued("you idiot", source="object", content_type=kind, object_id="7", field="first_name")
    link = 'href="/admin/auth/user/7/change/"'
    moderator, editor = staff("ann", "review_screening"), staff("eve", "review_screening", "change_user")
    for address in ("", f"{item.pk}/change/"):
        assert link not in open_page(moderator, address)
        assert link in open_page(editor, address)


def test_reading_all_of_a_long_text_keeps_the_filters(ann: Client) -> None:
    item = queued("long " * 2000)
    page = open_page(ann, "?label=toxic")
    assert f'href="{QUEUE}{item.pk}/change/?_changelist_filters=label%3Dtoxic">Read all' in page


def test_the_queue_says_when_no_worker_runs_and_what_waits(ann: Client) -> None:
    assert "No worker is running: new comments are not scored" in open_page(ann)
    pipeline_trouble.cache.clear()
    Post.objects.create(body="you idiot")
    Post.objects.create(body="you idiot, too")
    assert "No worker is running: 2 comments wait unscored" in open_page(ann)
    pipeline_trouble.cache.clear()
    WorkerHeartbeat.objects.create(name="w@elsewhere", seen=Now())
    assert "moderation-trouble" not in open_page(ann)
    pipeline_trouble.cache.clear()
    Screening.objects.update(created=Now() - timedelta(minutes=12))
    assert "2 comments wait unscored, the oldest for 12 minutes" in open_page(ann)


def test_the_state_of_the_pipeline_is_asked_for_once_in_a_while(
    ann: Client, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline_trouble, "CACHED_SECONDS", 3600)  # however slow the machine is
    open_page(ann)
    with django_assert_num_queries(0):
        assert pipeline_trouble.words()
