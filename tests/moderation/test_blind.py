"""Nothing in the queue tells an audit item from a flagged one before the decision."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from moderation import audit
from moderation.coordination import heartbeat
from moderation.models import ModelVersion, Review, Scoring, Screening
from moderation.rescreening import runs
from moderation.rescreening.apply import act
from moderation.rescreening.runs import RunLease
from moderation.review import blind
from moderation.review.decisions import decide
from tests.forum.models import Post
from tests.moderation.conftest import LABELS, make_version, screen
from tests.moderation.test_acting import of, says
from tests.moderation.test_queue import QUEUE, counts, every_page, open_page, staff, texts
from tests.moderation.test_rescreen import constant

pytestmark = [pytest.mark.django_db, pytest.mark.regression("H6")]
CLEAR = [f"a nice remark {number}" for number in range(12)]
FLAGGED = [f"you idiot {number}" for number in range(12)]


@pytest.fixture
def moderator(version: ModelVersion) -> Client:
    return staff("ann", "review_screening")


def queue(settings: Any, **changes: Any) -> dict[str, Screening]:
    """{text: its open screening} of flagged ones and of clear ones, each of which is drawn."""
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 1.0, "BLIND_SHARE": 1.0, **changes}
    for pair in zip(CLEAR, FLAGGED, strict=True):
        for text in pair:
            Post.objects.create(body=text)
    screen()
    heartbeat.beat(at_once=True)  # that a page says the same of workers each time it is asked for
    return {row.text: row for row in Screening.objects.open()}


def markup(page: str, screening: Screening) -> str:
    """The item's part of the page, without its own text, number, place, forms' tokens and time."""
    found = re.search(
        rf'<article class="moderation-item" aria-labelledby="item-{screening.pk}"[^>]*>.*?</article>',
        page,
        re.DOTALL,
    )
    assert found is not None
    plain = found[0].replace(screening.text, "TEXT")
    plain = re.sub(r'(csrfmiddlewaretoken" value=")[^"]*', r"\1", plain)
    plain = re.sub(r'(name="rendered" value=")[^"]*', r"\1", plain)
    plain = re.sub(r'(name="(?:picked|like_text|like_author)" value=")\d+', r"\1", plain)
    plain = re.sub(r'<input type="hidden" name="next"[^>]*>', "", plain)
    plain = re.sub(r"<time.*?</time>", "", plain, flags=re.DOTALL)
    plain = re.sub(r"\?(_changelist_filters=)?after(=|%3D)\d+", "", plain)
    return re.sub(r"((?:item-|/|[Pp]ost ))\d+", r"\1NUMBER", plain)


def test_audit_items_stand_among_the_flagged_ones(version: ModelVersion, settings: Any) -> None:
    Post.objects.create(body="I kill you")
    rows = queue(settings)
    reasons = [row.queued_for for row in Screening.objects.open()]
    assert reasons[0] == "held" and len(rows) == 25
    assert {row.severity for row in rows.values() if row.queued_for == "audit"} == {
        row.severity for row in rows.values() if row.queued_for == "flagged"
    }
    first_half = reasons[1:13]
    assert first_half.count("audit") == 6  # by their ids, as all are equally severe here


def test_an_audit_item_looks_as_a_flagged_one_that_is_judged_without_scores(
    moderator: Client, settings: Any
) -> None:
    rows = queue(settings)
    pages = "".join(every_page(moderator))
    kinds = {
        reason: {markup(pages, row) for row in rows.values() if row.queued_for == reason}
        for reason in ("audit", "flagged")
    }
    assert len(kinds["audit"]) == 1
    assert kinds["audit"] == kinds["flagged"]
    for tell in ('role="meter"', "checked", 'value="uphold"', "andom", "to review", "badge"):
        assert tell not in next(iter(kinds["audit"]))


def test_the_page_of_one_item_does_not_tell_either(moderator: Client, settings: Any) -> None:
    rows = queue(settings)
    pages = []
    for text in (CLEAR[0], FLAGGED[0]):
        page = open_page(moderator, f"{rows[text].pk}/change/")
        details = re.sub(r"<[^>]*>", " ", page[page.index("details-reviews") :])
        for tell in ("0.7", "0.0", "flagged", "clear", "audit item", "test@1"):
            assert tell not in details, tell
        pages.append(markup(page, rows[text]))
    assert pages[0] == pages[1]


def test_after_the_decision_both_show_their_scores(moderator: Client, settings: Any) -> None:
    rows = queue(settings)
    for text in (CLEAR[0], FLAGGED[0]):
        ticks = {"shown": list(LABELS), "label": ["insult"], "scoring": ""}
        moderator.post(f"{QUEUE}{rows[text].pk}/decide/", {"kind": "relabel", **ticks})
    page = open_page(moderator, "?state=decided")
    assert set(texts(page)) == {CLEAR[0], FLAGGED[0]}
    assert page.count('role="meter"') == 2 * len(LABELS)


def test_no_filter_of_the_queue_picks_audit_items_out(moderator: Client, settings: Any) -> None:
    rows = queue(settings)
    Screening.objects.filter(queued_for="audit").update(labels=rows[FLAGGED[0]].labels)

    def kinds(query: str) -> set[str]:
        listed = [text for page in every_page(moderator, query) for text in texts(page)]
        return {rows[text].queued_for for text in listed}

    assert kinds("?label=insult") == {"audit", "flagged"}
    assert kinds("?label=threat") == set()
    assert kinds("?verdict__exact=flagged") == {"audit", "flagged"}
    assert kinds("?verdict__exact=clear") == {"audit", "flagged"}
    assert kinds("?verdict__exact=held") == set()
    assert kinds("?state=all&verdict__exact=clear") == set()
    assert kinds("?state=all&label=insult") == {"audit", "flagged"}
    assert kinds("?state=all&verdict__exact=flagged") == {"audit", "flagged"}
    assert "verdict__exact=clear" not in open_page(moderator)


@pytest.mark.parametrize("state", ["open", "flagged", "all"])
def test_a_range_of_scores_leaves_out_undecided_blind_items(
    moderator: Client, settings: Any, state: str
) -> None:
    rows = queue(settings, BLIND_SHARE=0.5)
    shown = {text for text in FLAGGED if not blind.is_blind(rows[text])}
    assert 0 < len(shown) < len(FLAGGED)
    address = f"?state={state}&label=insult&score_from=0.6&score_to=0.8"
    pages = list(every_page(moderator, address))
    assert {text for page in pages for text in texts(page)} == shown
    assert f"{len(shown)} items" in re.sub(r"<[^>]*>|\s+", " ", pages[0])
    decide(rows[next(iter(set(FLAGGED) - shown))].pk, reviewer=User.objects.get(), kind="false_positive")
    decided = list(every_page(moderator, address.replace(state, "decided")))
    assert len(texts(decided[0])) == 1


@pytest.mark.parametrize(
    "query",
    ["language=en", "author=ann", "q=remark", "q=idiot", "created_from=2020-01-01", "model=forum.Post"],
)
def test_what_else_narrows_the_list_goes_by_what_the_page_shows(
    moderator: Client, settings: Any, query: str
) -> None:
    rows = queue(settings)
    Screening.objects.update(language="en", author_name="ann")
    listed = [text for page in every_page(moderator, f"?{query}") for text in texts(page)]
    wanted = {"q=remark": CLEAR, "q=idiot": FLAGGED}.get(query, list(rows))
    assert sorted(listed) == sorted(wanted)


@pytest.mark.parametrize("state", ["open", "held", "flagged", "edited", "reported", "all"])
@pytest.mark.parametrize("order", ["worst", "oldest", "newest"])
def test_no_list_and_no_order_picks_audit_items_out(
    moderator: Client, settings: Any, state: str, order: str
) -> None:
    rows = queue(settings)
    listed = [
        rows[text].queued_for
        for page in every_page(moderator, f"?state={state}&o={order}")
        for text in texts(page)
    ]
    each = 12 if state in ("open", "flagged", "all") else 0
    assert listed.count("audit") == listed.count("flagged") == each
    assert listed[:12].count("audit") == each // 2  # they alternate by their ids; all are equally severe


def test_no_count_of_a_list_tells_how_many_audit_items_there_are(moderator: Client, settings: Any) -> None:
    queue(settings)
    assert counts(open_page(moderator)) == {"open": 24, "flagged": 24, "all": 24}


@pytest.mark.parametrize(
    "column",
    ["queued_for", "queued_for__exact", "severity__lt", "verdict", "labels", "sampling_probability__lt"],
)
def test_no_address_narrows_the_queue_by_a_column_that_tells(moderator: Client, column: str) -> None:
    assert moderator.get(f"{QUEUE}?{column}=audit").status_code == 400


def test_no_two_lists_held_against_each_other_pick_audit_items_out(moderator: Client, settings: Any) -> None:
    """Not after an edit either: what is replaced without a decision is no more told apart."""
    rows = queue(settings)
    for text in (CLEAR[0], FLAGGED[0]):
        thread = Post.objects.get(pk=rows[text].object_id)
        thread.body = f"{text}, edited"
        thread.save()

    def listed(query: str) -> set[str]:
        pages = [open_page(moderator, query)]
        while (following := re.search(r'rel="next" href="(\?[^"]*)"', pages[-1])) and len(pages) < 9:
            pages.append(open_page(moderator, unescape(following[1])))
        return {text for page in pages for text in texts(page)} & rows.keys()

    everything = listed("?state=all")
    assert everything == rows.keys()
    for narrowed in ("label=insult", "label=threat", "verdict__exact=flagged", "verdict__exact=held"):
        kept = listed(f"?state=all&{narrowed}")
        assert kept in (everything, set()), narrowed
        assert listed(f"?{narrowed}") <= kept or "verdict" in narrowed


def test_the_audit_trail_of_a_blind_item_tells_no_verdict(moderator: Client, settings: Any) -> None:
    rows = queue(settings)
    row = rows[CLEAR[0]]
    audit.record(
        audit.Action.SCREENING_RESCREENED,
        audit.MACHINE,
        row,
        before={"verdict": "clear"},
        after={"verdict": "flagged", "version": "test@2"},
    )
    assert "test@2" not in open_page(moderator, f"{row.pk}/change/")
    moderator.post(f"{QUEUE}{row.pk}/decide/", {"kind": "false_positive", "scoring": ""})
    assert "test@2" in open_page(moderator, f"{row.pk}/change/")


def test_an_audit_item_has_the_labels_of_the_one_whose_place_it_takes(
    version: ModelVersion, settings: Any
) -> None:
    rows = queue(settings)
    assert {rows[text].labels for text in CLEAR} == {rows[FLAGGED[0]].labels}
    assert not Screening.objects.labelled("insult").filter(queued_for="audit").exists()


def test_a_first_audit_item_has_a_place_before_anything_was_flagged(
    version: ModelVersion, settings: Any
) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 1.0}
    for text in CLEAR:
        Post.objects.create(body=text)
    screen()
    severities = [row.severity for row in Screening.objects.open()]
    assert all(0 <= severity <= 0.5 for severity in severities) and len(set(severities)) > 1


def test_another_version_s_verdict_moves_no_audit_item(version: ModelVersion, settings: Any) -> None:
    rows = queue(settings)
    candidate = make_version("2")
    lease = RunLease(runs._take(print))
    says(candidate, constant(0.02), lease)
    act(candidate, of(candidate), lease)
    for text in CLEAR:
        row = Screening.objects.get(text=text)
        assert (row.queued_for, row.severity) == ("audit", rows[text].severity)
        assert row.scorings.get(is_basis=True).model_version == candidate


def test_the_share_that_is_judged_blind_is_the_setting_s_and_can_not_be_foretold(
    version: ModelVersion, settings: Any
) -> None:
    items = [Screening(pk=number, queued_for="flagged", verdict="flagged") for number in range(1, 2001)]

    def chosen(**changes: Any) -> set[int]:
        settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 0.01, **changes}
        return {item.pk for item in items if blind.is_blind(item)}

    assert len(chosen()) == pytest.approx(500, abs=80)
    assert chosen(BLIND_SHARE=0.1) < chosen(BLIND_SHARE=0.25)
    assert chosen() != chosen(TEXT_KEY_SECRET="another")
    assert (len(chosen(BLIND_SHARE=1)), chosen(BLIND_SHARE=0), chosen(AUDIT_RATE=0, BLIND_SHARE=1)) == (
        2000,
        set(),
        set(),
    )


@pytest.mark.regression("M13")
def test_a_blind_decision_records_nothing_of_what_the_model_said(moderator: Client, settings: Any) -> None:
    rows = queue(settings)
    given = {"kind": "other_reason", "reason": "spam", "scoring": ""}
    moderator.post(f"{QUEUE}{rows[FLAGGED[0]].pk}/decide/", given)
    (review,) = rows[FLAGGED[0]].reviews.all()
    assert review.labels == dict.fromkeys(LABELS) and review.outcome == "hide"
    assert review.model_version is None


@pytest.mark.parametrize("scoring", ["", None, "its own", "5"])
@pytest.mark.parametrize("form", [{"kind": "uphold"}, {"kind": "uphold", "label": "insult"}], ids=str)
def test_no_form_made_by_hand_is_answered_for_one_kind_alone(
    moderator: Client, settings: Any, form: dict[str, str], scoring: str | None
) -> None:
    rows = queue(settings)
    answers = []
    for text in (CLEAR[0], FLAGGED[0]):
        given = dict(form)
        if scoring is not None:
            given["scoring"] = str(rows[text].scorings.get().pk) if scoring == "its own" else scoring
        moderator.post(f"{QUEUE}{rows[text].pk}/decide/", given)
        page = open_page(moderator)
        answers.append(re.findall(r'<li class="(?:error|success|warning)[^"]*">.*?</li>', page, re.DOTALL))
    assert answers[0] == answers[1] and "do not uphold" in answers[0][0]
    assert not Review.objects.exists()


def test_a_decision_that_was_taken_back_leaves_both_kinds_as_they_were(
    moderator: Client, settings: Any
) -> None:
    rows = queue(settings)
    pages = []
    for text in (CLEAR[0], FLAGGED[0]):
        moderator.post(f"{QUEUE}{rows[text].pk}/decide/", {"kind": "false_positive", "scoring": ""})
        review = rows[text].reviews.get()
        moderator.post(f"{QUEUE}{rows[text].pk}/undo/{review.pk}/")
        page = open_page(moderator, f"{rows[text].pk}/change/")
        assert 'role="meter"' not in page
        details = re.sub(r"<[^>]*>", " ", page[page.index("details-reviews") :])
        pages.append((markup(page, rows[text]), re.sub(r"\d+", "N", details)))
    assert pages[0] == pages[1]


def test_a_decision_by_code_on_an_audit_item_stays_possible(version: ModelVersion, settings: Any) -> None:
    rows = queue(settings)
    ann = User.objects.create_user("ann")
    assert decide(rows[CLEAR[0]].pk, reviewer=ann, kind="false_positive").outcome == "show"
    assert Scoring.objects.filter(screening=rows[CLEAR[0]]).count() == 1
