"""A second opinion in the queue: it looks as any open item that is judged blind, and changes nothing."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from moderation.models import (
    AuditEntry,
    BulkDecision,
    BulkItem,
    ModelVersion,
    Report,
    Review,
    Screening,
    SecondOpinionDue,
)
from moderation.review import second_opinions
from moderation.review.decisions import decide, undo
from moderation.review.giving_second_opinions import give_second_opinion
from moderation.review.second_looks import ask_for_second_look
from tests.forum.models import Post
from tests.moderation.conftest import screen
from tests.moderation.test_blind import markup
from tests.moderation.test_queue import QUEUE, every_page, open_page, queued, staff, texts
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
    return deal(ann, settings)


def deal(ann: User, settings: Any) -> dict[str, Screening]:
    """{text: a screening that ann decided and that is dealt to others}, and one open random item."""
    settings.MODERATION = {**settings.MODERATION, "SECOND_OPINION_SHARE": 1.0, "AUDIT_RATE": 1.0}
    for text in VERDICTS:
        Post.objects.create(body=text)
    screen()
    rows = {row.text: row for row in Screening.objects.open().filter(text__in=VERDICTS)}
    for text, row in rows.items():
        kind = "false_positive" if text == "a nice remark" else "relabel"
        ticks = None if kind == "false_positive" else dict.fromkeys(LABELS, True)
        decide(row.pk, reviewer=ann, kind=kind, labels=ticks, shown=None)
    Post.objects.create(body="another nice remark")
    screen()
    return {**rows, "open": Screening.objects.open().get(text="another nice remark")}


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


def size(page: str) -> int:
    """The number of items that a page says its list has."""
    match = re.search(r"<span>(\d+) items?</span>", page)
    assert match is not None, page
    return int(match[1])


def test_it_stands_in_each_list_in_which_an_open_item_would(ben: Client, dealt: dict[str, Screening]) -> None:
    everything = [*VERDICTS, "another nice remark"]
    for query, listed in {
        "?state=decided": [],
        "?state=all": everything,
        "?state=held": [],
        "?state=edited": [],
        "?state=reported": [],
        "?state=mine": [],
        "?verdict__exact=held": [],
        "?verdict__exact=flagged": everything,
        "?state=all&verdict__exact=flagged": everything,
        "?state=all&verdict__exact=clear": [],
        "?state=all&verdict__exact=held": [],
        "?score_from=0.1": [],
        "?state=all&decision=relabel": [],
        "?state=all&reviewer=ann": [],
        "?q=idiot": ["you idiot"],
        "?state=all&q=idiot": ["you idiot"],
        "?q=remark": ["a nice remark", "another nice remark"],
        f"?q=item:{dealt['I kill you'].pk}": ["I kill you"],
        f"?state=decided&q=item:{dealt['I kill you'].pk}": [],
        "?created_from=2020-01-01": everything,
        "?state=all&created_from=2020-01-01&created_until=2999-01-01": everything,
        "?created_until=2020-01-01": [],
        "?created__gte=2020-01-01": everything,
        "?created__lt=2020-01-01": [],
    }.items():
        page = open_page(ben, query)
        assert sorted(texts(page)) == sorted(listed), query
        assert size(page) == len(listed), query
        assert len({look(page, dealt[text]) for text in listed if text in VERDICTS}) <= 1, query


def test_a_label_lists_it_as_it_does_the_open_items_whose_places_it_could_have(
    ben: Client, dealt: dict[str, Screening]
) -> None:
    row = dealt["you idiot"]
    Screening.objects.filter(pk=row.pk).update(labels='["insult"]')
    for state in ("open", "flagged", "all"):
        assert row.text in texts(open_page(ben, f"?state={state}&label=insult"))
        assert row.text not in texts(open_page(ben, f"?state={state}&label=threat"))


@pytest.mark.parametrize(
    "query", ["state=open&o=oldest", "state=open&o=newest", "state=all", "state=flagged&o=newest"]
)
def test_by_time_it_stands_at_its_own_place_and_is_met_once(
    ann: User, ben: Client, settings: Any, query: str
) -> None:
    for part in range(2):
        for number in range(27):
            queued(f"more {part} {number}", 0.2)
        if not part:
            deal(ann, settings)
    pages = [texts(page) for page in every_page(ben, f"?{query}")]
    met = [text for page in pages for text in page]
    assert len(met) == len(set(met)) == 58 and set(VERDICTS) < set(met)
    assert set(VERDICTS) <= set(pages[1]) and [len(page) for page in pages] == [20, 20, 18]
    made = dict(Screening.objects.values_list("text", "id"))
    assert [made[text] for text in met] == sorted((made[text] for text in met), reverse="oldest" not in query)
    assert list(pages_back(ben, f"?{query}")) == pages


def pages_back(client: Client, query: str) -> list[list[str]]:
    """The texts of a list's pages in their order, as they are met on the way back from the last one."""
    *_, page = every_page(client, query)
    pages = [texts(page)]
    while previous := re.search(r'<a rel="prev" href="([^"]+)"', page):
        page = open_page(client, unescape(previous[1]))
        pages.insert(0, texts(page))
    return pages


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


@pytest.mark.parametrize(
    "form",
    [
        {"scoring": "99"},
        {"scoring": "its own"},
        {"seen_number": "1"},
        {"seen_number": "7"},
        {"kind": "as_before"},
        {"kind": "relabel"},
        {"kind": "bogus"},
        {"kind": "other_reason", "reason": "bogus"},
        {"kind": "uphold", "label": "insult"},
        {"kind": "uphold", "scoring": "its own"},
    ],
    ids=str,
)
def test_no_form_made_by_hand_is_told_the_decision(
    ben: Client, dealt: dict[str, Screening], form: dict[str, str]
) -> None:
    answers = []
    for text in ("open", "you idiot", "I kill you", "a nice remark"):
        row = dealt[text]
        own = {
            key: str(row.scorings.get().pk) if value == "its own" else value for key, value in form.items()
        }
        said = {"kind": "false_positive", "scoring": "", "seen_number": "0", **own}
        answer = ben.post(f"{QUEUE}{row.pk}/decide/", said, headers={"Accept": "application/json"})
        assert "ann" not in words(answer.json()["item"])
        answers.append((answer.status_code, answer.json()["text"], answer.json()["state"]))
    assert len(set(answers)) == 1 and answers[0][0] == 409
    assert not Review.objects.filter(kind="second_opinion").exists()


def test_nobody_takes_back_what_looks_open_to_them(ben: Client, dealt: dict[str, Screening]) -> None:
    row = dealt["you idiot"]
    decision = Review.objects.get(screening=row)
    for client in (ben, staff("lea", "review_screening", "lead_reviews")):
        assert client.post(f"{QUEUE}{row.pk}/undo/{decision.pk}/").status_code == 404
    assert Review.objects.filter(screening=row).count() == 1


@pytest.mark.parametrize("query", ["state=open", "state=flagged", "state=open&q=you"])
def test_by_severity_it_stands_at_its_own_place_and_is_met_once(
    ben: Client, dealt: dict[str, Screening], query: str
) -> None:
    for number in range(55):
        queued(f"you {number}", number / 120)
    places = {row.text: row.severity for row in Screening.objects.open()}
    due = SecondOpinionDue.objects.select_related("screening")
    places |= {row.screening.text: row.severity for row in due if row.severity is not None}
    made = dict(Screening.objects.values_list("text", "id"))
    expected = sorted(places, key=lambda text: (-places[text], made[text]))
    if "q=you" in query:
        expected = [text for text in expected if "you" in text.split()]
    pages = [texts(page) for page in every_page(ben, f"?{query}")]
    assert [text for page in pages for text in page] == expected
    assert [len(page) for page in pages[:-1]] == [20, 20]  # one more would tell that there is one on it
    assert list(pages_back(ben, f"?{query}")) == pages


@pytest.mark.parametrize("order", ["worst", "oldest", "newest"])
def test_no_page_that_begins_or_ends_at_it_tells_it_from_others(
    ben: Client, dealt: dict[str, Screening], order: str
) -> None:
    for number in range(27):
        queued(f"more {number}", number / 60)
    whole = [text for page in every_page(ben, f"?o={order}") for text in texts(page)]
    made = dict(Screening.objects.values_list("text", "id"))
    assert set(VERDICTS) < set(whole) and len(whole) == 31
    for at, text in enumerate(whole[:-1]):
        assert texts(open_page(ben, f"?o={order}&after={made[text]}")) == whole[at + 1 : at + 21], text
    for at, text in enumerate(whole[20:], 20):
        assert texts(open_page(ben, f"?o={order}&before={made[text]}")) == whole[at - 20 : at], text


AS_SCRIPT = {"headers": {"Accept": "application/json"}}


def hands(client: Client, query: str = "", **data: Any) -> list[int]:
    answer = client.post(f"{QUEUE}deal/{query}", data, **AS_SCRIPT)
    return [item["id"] for item in answer.json()["items"]]


def listed(client: Client, query: str) -> list[int]:
    made = dict(Screening.objects.values_list("text", "id"))
    return [made[text] for text in texts(open_page(client, query))]


@pytest.mark.parametrize("order", ["worst", "oldest", "newest"])
def test_it_is_put_into_hands_and_listed_as_ones_own_in_its_turn(
    ben: Client, dealt: dict[str, Screening], order: str
) -> None:
    for number in range(4):
        queued(f"more {number}", 0.05 + number / 10)
    whole = listed(ben, f"?o={order}")
    second = {dealt[text].pk for text in VERDICTS}
    assert listed(ben, "?state=mine") == [] and len(whole) == 8
    left = list(whole)
    while left:
        assert hands(ben, f"?o={order}", on_page=left) == left[:4]
        assert listed(ben, f"?state=mine&o={order}") == left[:4]
        page = words(open_page(ben))
        assert f"Mine {len(left[:4])} " in page and f"All open {len(left)} " in page
        decided = left.pop(0)
        answer = ben.post(f"{QUEUE}{decided}/decide/", {"kind": "false_positive", "scoring": ""}, **AS_SCRIPT)
        assert answer.status_code == 200
        assert listed(ben, f"?state=mine&o={order}") == left[:3]
    assert Review.objects.filter(kind="second_opinion").count() == len(second) == 3


def test_the_next_items_that_are_taken_without_a_script_are_listed_all(
    ben: Client, dealt: dict[str, Screening]
) -> None:
    answer = ben.post(f"{QUEUE}deal/", follow=True)
    assert "4 items are yours now." in answer.text
    assert sorted(texts(answer.text)) == sorted([*VERDICTS, "another nice remark"])
    assert len({look(answer.text, row) for row in dealt.values()}) == 1
    assert size(answer.text) == 4 and "Mine 4 " in words(answer.text)


def test_what_a_colleague_holds_is_shown_and_refused_alike(ben: Client, dealt: dict[str, Screening]) -> None:
    cleo, lead = staff("cleo", "review_screening"), staff("lea", "review_screening", "lead_reviews")
    assert set(hands(ben)) == {row.pk for row in dealt.values()}
    for client in (cleo, lead):
        page = open_page(client)
        assert {"ben looks at this" in look(page, row) for row in dealt.values()} == {True}
        assert len({look(page, row) for row in dealt.values()}) == 1
        assert hands(client) == []
        states = client.post(
            f"{QUEUE}states/", {"id": [row.pk for row in dealt.values()]}, **AS_SCRIPT
        ).json()
        assert {state["state"] for state in states["items"].values()} == {"held"}
    said = {"kind": "false_positive", "scoring": "", "seen_number": "0"}
    answers = [cleo.post(f"{QUEUE}{row.pk}/decide/", said, **AS_SCRIPT) for row in dealt.values()]
    assert {(answer.status_code, answer.json()["state"]) for answer in answers} == {(409, "held")}
    assert {cleo.post(f"{QUEUE}{row.pk}/take-over/", **AS_SCRIPT).status_code for row in dealt.values()} == {
        403
    }
    taken = [lead.post(f"{QUEUE}{row.pk}/take-over/", **AS_SCRIPT).json()["text"] for row in dealt.values()]
    assert set(taken) == {"You took it over from ben."}
    assert set(listed(lead, "?state=mine")) == {row.pk for row in dealt.values()}
    assert listed(ben, "?state=mine") == []
    assert not Review.objects.filter(kind="second_opinion").exists()


def test_what_is_left_to_others_and_taken_back_is_ones_own_alike(
    ben: Client, dealt: dict[str, Screening]
) -> None:
    hands(ben)
    for row in dealt.values():
        assert ben.post(f"{QUEUE}{row.pk}/skip/", **AS_SCRIPT).status_code == 200
        assert row.pk not in listed(ben, "?state=mine")
        assert ben.post(f"{QUEUE}{row.pk}/unskip/", **AS_SCRIPT).status_code == 200
        assert row.pk in listed(ben, "?state=mine")


def test_lists_of_reviews_and_the_audit_trail_tell_it_to_a_lead_once_the_opinion_is_given(
    dealt: dict[str, Screening],
) -> None:
    permissions = ("review_screening", "lead_reviews", "view_review", "view_auditentry")
    lead = staff("lea", *permissions)
    row = dealt["you idiot"]
    review = Review.objects.get(screening=row)
    entry = AuditEntry.objects.get(action="review.decided", target_id=str(row.pk))
    lists = ("/admin/moderation/review/", "/admin/moderation/auditentry/")
    details = [f"{lists[0]}{review.pk}/change/", f"{lists[1]}{entry.pk}/change/"]
    link = f"/admin/moderation/screening/{row.pk}/change/"
    onlooker = staff("zoe", *permissions[2:])
    for address in lists:
        assert link not in lead.get(address).content.decode()
        assert link in onlooker.get(address).content.decode()
    assert {lead.get(address).status_code for address in details} == {302}
    press(lead, row, kind="false_positive", scoring="", seen_number="0")
    for address in lists:
        assert link in lead.get(address).content.decode()
    assert {lead.get(address).status_code for address in details} == {200}


def test_another_text_of_its_object_tells_nothing_of_it(ben: Client, dealt: dict[str, Screening]) -> None:
    row = dealt["you idiot"]
    columns = {"content_type": row.content_type, "object_id": row.object_id, "field": row.field}
    earlier = queued("you id", is_current=False, source="object", **columns)
    Screening.objects.filter(pk=earlier.pk).update(queued_for="")
    page = words(open_page(ben, f"{earlier.pk}/change/"))
    assert "(current)" in page and "(current):" not in page
    assert "(current): hide" in words(open_page(staff("zoe", "view_screening"), f"{earlier.pk}/change/"))


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
    page = words(open_page(ben))  # as of an open item, which others have still to judge
    assert "All open 4 Held 0 Flagged 4 " in page and " Decided 0 " in page
    assert ben.post(f"{QUEUE}{dealt['open'].pk}/skip/", follow=True).status_code == 200
    page = words(open_page(ben))
    assert "All open 4 Held 0 Flagged 4 " in page and " Decided 0 " in page
    page = words(open_page(staff("zoe", "view_screening")))
    assert "All open 1 Held 0 Flagged 1 " in page and " Decided 3 " in page


def test_the_report_of_a_bulk_decision_does_not_tell_that_it_was_decided(dealt: dict[str, Screening]) -> None:
    now = dealt["open"].created
    job = BulkDecision.objects.create(decision="false_positive", chosen="selected", ready=now, finished=now)
    for text in VERDICTS:
        BulkItem.objects.create(bulk=job, screening=dealt[text], state="left", why="decided")
    for name, permissions, is_told in (
        ("lea", ("review_screening", "lead_reviews"), False),
        ("zoe", ("view_screening", "lead_reviews"), True),
    ):
        page = open_page(staff(name, *permissions), f"bulk/{job.pk}/")
        assert all((f"/{dealt[text].pk}/change/" in page) is is_told for text in VERDICTS)


def test_a_preview_of_thresholds_neither_names_nor_counts_it(dealt: dict[str, Screening]) -> None:
    form = {"model_label": "forum.Post", "flag_insult": "0.6", "hold_insult": "0.65", "_preview": "1"}
    for name, permission, is_named in (("lea", "review_screening", False), ("zoe", "view_screening", True)):
        page = staff(name, permission, "add_policy").post("/admin/moderation/policy/add/", form).text
        assert ("flagged \u2192 held: 1" in words(page)) is is_named
        assert ("you idiot" in page) is is_named


def test_what_readers_bring_back_is_not_dealt(ben: Client, dealt: dict[str, Screening]) -> None:
    row = dealt["a nice remark"]
    assert row.text in texts(open_page(ben))
    Screening.objects.filter(pk=row.pk).update(open_reports=1)
    assert row.text not in texts(open_page(ben, "?state=flagged"))
