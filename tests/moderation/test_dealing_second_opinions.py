"""A second opinion in the queue: it looks as any open item that is judged blind, and changes nothing."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from moderation.models import ModelVersion, Report, Review, Screening, SecondOpinionDue
from moderation.review import second_opinions
from moderation.review.decisions import decide, undo
from moderation.review.giving_second_opinions import give_second_opinion
from moderation.review.second_looks import ask_for_second_look
from tests.forum.models import Post
from tests.moderation.conftest import screen
from tests.moderation.test_blind import markup
from tests.moderation.test_queue import QUEUE, open_page, queued, staff, texts
from tests.moderation.test_queue import decide as press

pytestmark = pytest.mark.django_db
LABELS = ["toxic", "threat", "insult"]
VERDICTS = {"you idiot": "flagged", "I kill you": "held", "a nice remark": "audit"}


@pytest.fixture
def ann(version: ModelVersion) -> User:
    return User.objects.create_user("ann")


@pytest.fixture
def ben(version: ModelVersion) -> Client:
    return staff("ben", "review_screening")


@pytest.fixture
def dealt(ann: User, settings: Any) -> dict[str, Screening]:
    """{text: a screening that ann decided and that is dealt to others}, and one open random item."""
    settings.MODERATION = {**settings.MODERATION, "SECOND_OPINION_SHARE": 1.0, "AUDIT_RATE": 1.0}
    for text in VERDICTS:
        Post.objects.create(body=text)
    screen()
    rows = {row.text: row for row in Screening.objects.open()}
    for text, row in rows.items():
        kind = "false_positive" if text == "a nice remark" else "relabel"
        ticks = None if kind == "false_positive" else dict.fromkeys(LABELS, True)
        decide(row.pk, reviewer=ann, kind=kind, labels=ticks, shown=None)
    Post.objects.create(body="another nice remark")
    screen()
    return {**rows, "open": Screening.objects.open().get()}


def look(page: str, row: Screening) -> str:
    """The item's part of the page, without what names the item."""
    return re.sub(r'(value|data-[a-z-]+)="[0-9]+"', r'\1="NUMBER"', markup(page, row))


def test_it_looks_as_an_open_item_that_is_judged_blind(ben: Client, dealt: dict[str, Screening]) -> None:
    page = open_page(ben)
    assert sorted(texts(page)) == sorted([*VERDICTS, "another nice remark"])
    kinds = {look(page, row) for row in dealt.values()}
    assert len(kinds) == 1
    assert sorted(texts(open_page(ben, "?state=flagged"))) == sorted(texts(page))


def test_its_own_page_does_not_tell_either(ben: Client, dealt: dict[str, Screening]) -> None:
    kinds = set()
    for text, row in dealt.items():
        page = open_page(ben, f"{row.pk}/change/")
        details = re.sub(r"<[^>]*>", " ", page[page.index("details-reviews") :])
        for tell in ("ann", "0.97", "0.7", "hidden", "hide", "show", "relabel", "review.decided"):
            assert not re.search(rf"\b{re.escape(tell)}\b", details), (text, tell)
        kinds.add(look(page, row))
    assert len(kinds) == 1


def test_no_other_list_no_filter_and_no_other_page_has_it(ben: Client, dealt: dict[str, Screening]) -> None:
    assert texts(open_page(ben, "?state=decided")) == []
    assert texts(open_page(ben, "?state=all")) == ["another nice remark"]
    for query in ("?state=held", "?state=edited", "?label=insult", "?q=idiot", "?verdict__exact=held"):
        assert not set(texts(open_page(ben, query))) & {"I kill you"}, query


def test_the_one_who_decided_and_those_who_only_look_on_see_the_decision(
    ann: User, dealt: dict[str, Screening]
) -> None:
    first = Client()
    ann.is_staff = True
    ann.save()
    ann.user_permissions.set(Permission.objects.filter(codename="review_screening"))
    first.force_login(ann)
    for client in (first, staff("zoe", "view_screening")):
        assert texts(open_page(client)) == ["another nice remark"]
        assert set(texts(open_page(client, "?state=decided"))) == set(VERDICTS)


def test_what_is_said_is_a_second_opinion_and_changes_nothing(
    ben: Client, dealt: dict[str, Screening]
) -> None:
    row = dealt["I kill you"]
    before = Screening.objects.values().get(pk=row.pk)
    page = press(ben, row, kind="false_positive", scoring="", seen_number="0")
    assert "A second opinion: ann had decided this item otherwise (hide)." in page
    assert Screening.objects.values().get(pk=row.pk) == before
    opinion = Review.objects.get(screening=row, kind="second_opinion")
    assert (opinion.outcome, opinion.reviewer_name) == ("show", "ben")
    assert SecondOpinionDue.objects.get(screening=row).answered is not None
    assert row.text not in texts(open_page(ben))
    assert row.text in texts(open_page(ben, "?state=decided"))
    again = press(ben, row, kind="false_positive", scoring="", seen_number="0")
    assert "ann" in again and Review.objects.filter(screening=row).count() == 2


def test_who_agrees_is_told_so(ben: Client, dealt: dict[str, Screening]) -> None:
    page = press(
        ben, dealt["you idiot"], kind="relabel", scoring="", seen_number="0", shown=LABELS, label=["insult"]
    )
    assert "A second opinion: ann had decided this item, too, and you agree (hide)." in page


def test_upholding_a_blind_item_is_refused_as_ever(ben: Client, dealt: dict[str, Screening]) -> None:
    pages = [
        press(ben, dealt[text], kind="uphold", scoring="", seen_number="0") for text in ("open", "I kill you")
    ]
    notes = [
        re.search(r"Without scores[^.]*\.|[^.]*blind[^.]*\.|[^.]*uphold[^.]*\.", unescape(page))
        for page in pages
    ]
    assert notes[0] is not None and notes[1] is not None and notes[0][0] == notes[1][0]
    assert Review.objects.count() == 3


def test_after_scores_were_shown_a_late_decision_is_a_conflict(
    ben: Client, dealt: dict[str, Screening]
) -> None:
    row = dealt["you idiot"]
    shown = str(row.scorings.get().pk)
    assert "ann decided" in press(ben, row, kind="false_positive", scoring=shown, seen_number="0")
    assert not Review.objects.filter(kind="second_opinion").exists()


def test_a_later_page_and_a_narrowed_list_have_none(ben: Client, dealt: dict[str, Screening]) -> None:
    first = dealt["open"].pk
    for number in range(30):
        queued(f"more {number}", 0.2 - number / 1000)
    for query in (f"?after={Screening.objects.open()[5].pk}", "?label=toxic", "?state=edited", "?q=idiot"):
        assert not set(texts(open_page(ben, query))) & set(VERDICTS), query
    assert first and set(VERDICTS) < set(texts(open_page(ben)))


def test_a_script_has_them_in_hand_and_hears_nothing_of_the_decision(
    ben: Client, dealt: dict[str, Screening]
) -> None:
    as_script = {"headers": {"Accept": "application/json"}}
    ids = [row.pk for row in dealt.values()]
    answer = ben.post(f"{QUEUE}deal/", {"on_page": ids}, **as_script)
    assert {item["id"] for item in answer.json()["items"]} == set(ids)
    answer = ben.post(f"{QUEUE}states/", {"id": ids}, **as_script)
    assert {state["state"] for state in answer.json()["items"].values()} == {"open"}
    row = dealt["you idiot"]
    said = {"kind": "false_positive", "scoring": "", "seen_number": "0"}
    answer = ben.post(f"{QUEUE}{row.pk}/decide/", said, **as_script)
    assert answer.status_code == 200 and "otherwise (hide)" in answer.json()["text"]
    answer = ben.post(f"{QUEUE}states/", {"id": ids}, **as_script)
    assert answer.json()["items"][str(row.pk)]["state"] == "decided"


def test_one_that_is_left_to_others_is_dealt_no_more_to_the_same_person(
    ben: Client, dealt: dict[str, Screening]
) -> None:
    row = dealt["you idiot"]
    assert ben.post(f"{QUEUE}{row.pk}/skip/", follow=True).status_code == 200
    assert row.text not in texts(open_page(ben))
    assert row.text in texts(open_page(staff("zoe", "review_screening")))


def test_none_stands_on_a_page_that_has_nothing_but_held_items(
    ben: Client, dealt: dict[str, Screening]
) -> None:
    for number in range(25):
        queued(f"held {number}", 0.45, verdict="held", queued_for="held")
    assert not set(texts(open_page(ben))) & set(VERDICTS)
    assert set(VERDICTS) < set(texts(open_page(ben, "?state=flagged")))


def test_it_is_taken_back_at_the_item_and_another_moderator_is_asked(
    ben: Client, dealt: dict[str, Screening]
) -> None:
    row, zoe = dealt["you idiot"], staff("zoe", "review_screening")
    press(ben, row, kind="false_positive", scoring="", seen_number="0")
    assert row.text not in texts(open_page(zoe))
    page = open_page(ben, f"{row.pk}/change/")
    assert "Your second opinion: false positive (show)." in words(page)
    opinion = Review.objects.get(kind="second_opinion")
    address = f"{QUEUE}{row.pk}/undo/{opinion.pk}/"
    assert f'action="{address}"' in page
    assert address not in open_page(staff("lea", "review_screening", "lead_reviews"), f"{row.pk}/change/")
    assert zoe.post(address, follow=True).status_code == 200
    assert not Review.objects.filter(kind="undo").exists()
    answer = words(ben.post(address, follow=True).content.decode())
    assert "Taken back: your second opinion on" in answer
    assert Review.objects.get(kind="undo").undoes == opinion
    assert row.text in texts(open_page(zoe)) and row.text not in texts(open_page(ben))
    assert "Your second opinion" not in words(open_page(ben, f"{row.pk}/change/"))


def test_a_script_takes_it_back_as_a_decision(ben: Client, dealt: dict[str, Screening]) -> None:
    as_script, row = {"headers": {"Accept": "application/json"}}, dealt["you idiot"]
    said = {"kind": "false_positive", "scoring": "", "seen_number": "0"}
    undo = ben.post(f"{QUEUE}{row.pk}/decide/", said, **as_script).json()["undo"]
    answer = ben.post(undo, **as_script)
    assert answer.status_code == 200 and "your second opinion" in answer.json()["text"]
    assert "data-open" not in answer.json()["item"] and "Your second opinion" not in answer.json()["item"]
    assert second_opinions.is_due(row.pk, User.objects.create_user("zoe"))


def test_while_another_stands_nobody_is_asked_again(ben: Client, dealt: dict[str, Screening]) -> None:
    row, cy = dealt["you idiot"], User.objects.create_user("cy")
    given = [
        give_second_opinion(row.pk, reviewer=User.objects.get(username=name), kind="false_positive")
        for name in ("ben", "cy")
    ]
    undo(given[1].pk, reviewer=cy)
    assert SecondOpinionDue.objects.get(screening=row).answered is not None
    undo(given[0].pk, reviewer=User.objects.get(username="ben"))
    assert SecondOpinionDue.objects.get(screening=row).answered is None


def words(page: str) -> str:
    """What a reader sees of a page, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", unescape(page)))


def test_the_page_of_its_author_counts_it_as_open(ben: Client, dealt: dict[str, Screening]) -> None:
    for number, row in enumerate(dealt.values()):
        Screening.objects.filter(pk=row.pk).update(author_key=str(number))
        figures = "Screened 1 Waiting 1 Flagged 0 Upheld 0 Overturned 0 Hidden for another reason 0"
        author = words(open_page(ben, f"{row.pk}/author/"))
        assert figures in author
        assert "hidden" not in author.rpartition("Latest texts")[2] and "shown" not in author
        assert figures in words(open_page(ben, f"{row.pk}/change/"))


def test_who_only_looks_on_is_told_the_decision_on_the_page_of_the_author(
    dealt: dict[str, Screening],
) -> None:
    row = dealt["you idiot"]
    Screening.objects.filter(pk=row.pk).update(author_key="7")
    page = words(open_page(staff("zoe", "view_screening"), f"{row.pk}/author/"))
    assert "Upheld 1" in page and "hidden" in page.rpartition("Latest texts")[2]


def test_a_copy_of_its_text_does_not_tell_the_decision(
    ben: Client, dealt: dict[str, Screening], settings: Any
) -> None:
    settings.MODERATION = {**settings.MODERATION, "BLIND_SHARE": 0.0}
    Post.objects.create(body="You  idiot!!")
    screen()
    assert "same text" not in words(open_page(ben))
    assert "The same text was hidden by ann" in words(open_page(staff("zoe", "view_screening")))


def test_its_neighbours_on_the_site_do_not_tell_that_it_is_hidden(
    ben: Client, dealt: dict[str, Screening]
) -> None:
    Screening.objects.update(page_key="forum.thread:1")
    around = words(open_page(ben, f"{dealt['open'].pk}/change/")).partition("What came before")[2]
    assert "I kill you" in around and "not public" not in around
    around = words(open_page(staff("zoe", "view_screening"), f"{dealt['open'].pk}/change/"))
    assert "not public" in around.partition("What came before")[2]


def test_reports_that_the_decision_has_answered_are_not_shown(
    ben: Client, dealt: dict[str, Screening]
) -> None:
    row = dealt["you idiot"]
    before = look(open_page(ben), row)
    answer = Review.objects.get(screening=row)
    Report.objects.create(screening=row, reason="insult", note="mean", review=answer, settled=answer.created)
    Screening.objects.filter(pk=row.pk).update(held_by_reports=True)
    assert look(open_page(ben), row) == before


def test_what_its_author_asks_about_is_not_dealt_but_looked_at_again(
    ben: Client, dealt: dict[str, Screening]
) -> None:
    row = dealt["you idiot"]
    ask_for_second_look(row.pk, "please")
    assert row.text not in texts(open_page(ben))
    assert texts(open_page(ben, "?state=second_looks")) == [row.text]


def test_what_was_left_to_others_still_tells_nothing_of_the_decision(
    ben: Client, dealt: dict[str, Screening]
) -> None:
    row = dealt["you idiot"]
    before = look(open_page(ben), row)
    assert ben.post(f"{QUEUE}{row.pk}/skip/", follow=True).status_code == 200
    assert texts(open_page(ben, "?state=decided")) == []
    assert look(open_page(ben, f"{row.pk}/change/"), row) != "" and "ann" not in words(
        open_page(ben, f"{row.pk}/change/")
    )
    assert ben.post(f"{QUEUE}{row.pk}/unskip/", follow=True).status_code == 200
    assert look(open_page(ben), row) == before


def test_taking_it_over_is_answered_as_for_an_open_item(ben: Client, dealt: dict[str, Screening]) -> None:
    as_script = {"headers": {"Accept": "application/json"}}
    answers = [
        ben.post(f"{QUEUE}{dealt[text].pk}/take-over/", **as_script) for text in ("open", "I kill you")
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["text"] == answers[1].json()["text"] == "It is yours now."


def test_the_numbers_of_items_count_it_as_open(ben: Client, dealt: dict[str, Screening]) -> None:
    page = words(open_page(ben))
    assert "All open 4 Held 0 Flagged 4 " in page and " Decided 0 " in page and "4 items" in page
    assert ben.post(f"{QUEUE}{dealt['you idiot'].pk}/skip/", follow=True).status_code == 200
    page = words(open_page(ben))
    assert "All open 3 Held 0 Flagged 3 " in page and " Decided 0 " in page
    page = words(open_page(staff("zoe", "view_screening")))
    assert "All open 1 Held 0 Flagged 1 " in page and " Decided 3 " in page
