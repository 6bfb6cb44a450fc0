"""What the site decides of an author holds for their texts, before any person has judged these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.db import IntegrityError, transaction

from moderation.authors import trust
from moderation.authors.identity import Author
from moderation.authors.rules import Decided, by_numbers
from moderation.authors.trust import UnknownAuthor
from moderation.models import (
    AppendOnlyError,
    AuditEntry,
    AuthorTrust,
    ModelVersion,
    Scoring,
    Screening,
    ScreeningRun,
)
from moderation.rescreening import runs
from moderation.rescreening.apply import act
from moderation.rescreening.runs import RunLease, Scope
from moderation.retraining.training_data import reviewed, unreviewed
from moderation.review import blind
from moderation.review.decisions import decide
from moderation.signals import author_trust_changed
from moderation.visibility import release
from tests.forum.models import Reply
from tests.moderation.conftest import LABELS, screen
from tests.moderation.test_authors import author_page, write
from tests.moderation.test_authorship import register
from tests.moderation.test_context import around, screening_of
from tests.moderation.test_queue import QUEUE, open_page, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(version: ModelVersion) -> User:
    staff("lea", "lead_reviews", "review_screening")
    return User.objects.get(username="lea")


@pytest.fixture
def mia(db: None) -> User:
    return User.objects.create_user("mia")


def state(row: Screening) -> tuple[str, str, bool]:
    """(verdict, reason to stand in the queue, whether the site shows it)."""
    row.refresh_from_db()
    return row.verdict, row.queued_for, Reply.objects.get(pk=row.object_id).is_public


def rescore(version: ModelVersion, score: Callable[[str], float]) -> None:
    """Act on a version's scores of every current text."""
    for row in Screening.objects.filter(is_current=True):
        Scoring.objects.create(
            screening=row,
            model_version=version,
            purpose="rescreen",
            scores={"toxic": score(row.text), "threat": 0.01, "insult": 0.01},
            thresholds=dict.fromkeys(LABELS, 0.5),
        )
    act(version, Scope(ScreeningRun.Kind.RESCREEN), RunLease(runs._take(print)))


def test_all_texts_of_an_author_are_held_whatever_the_model_says(lead: User, mia: User) -> None:
    trust.decide(Author(key=str(mia.pk)), "hold", lead)
    kind, rude, deadly = write(mia, "hello", "you idiot", "I kill you")
    (other,) = write(User.objects.create_user("jo"), "hello")
    assert state(kind) == state(rude) == ("held", "author", False)
    assert state(deadly) == ("held", "held", False)
    assert state(other) == ("clear", "", True)
    assert (kind.severity, kind.labels) == (0.0, "") and rude.labels
    basis = kind.basis()
    assert basis is not None and basis.scores["toxic"] == 0.01
    assert list(Screening.objects.labelled("insult")) == [rude]


def test_no_text_of_an_author_is_held(lead: User, mia: User) -> None:
    trust.decide(Author(key=str(mia.pk)), "never_hold", lead)
    kind, rude, deadly = write(mia, "hello", "you idiot", "I kill you")
    assert state(kind) == ("clear", "", True)
    assert state(rude) == state(deadly) == ("flagged", "flagged", True)


def test_the_newest_decision_is_in_force_and_can_be_lifted(lead: User, mia: User) -> None:
    author = Author(key=str(mia.pk), name="mia")
    trust.decide(author, "hold", lead)
    assert trust.decide(author, "hold", lead) is None
    trust.decide(Author(key=str(mia.pk), name="renamed"), "usual", lead)
    assert state(write(mia, "hello")[0]) == ("clear", "", True)
    assert [row.stance for row in trust.decisions_about(author)] == ["usual", "hold"]


def test_somebody_without_an_account_is_held_by_name_and_no_account_of_that_name_is(
    lead: User, mia: User, settings: Any
) -> None:
    register(settings, author_name="guest")
    trust.decide(Author(name="Jo"), "hold", lead)
    (guest,) = write(None, "hello", guest="Jo")
    (account,) = write(mia, "hello", guest="Jo")
    (other,) = write(None, "hello", guest="Jo Li")
    assert [state(row)[0] for row in (guest, account, other)] == ["held", "clear", "clear"]
    with pytest.raises(UnknownAuthor):
        trust.decide(Author(), "hold", lead)
    with pytest.raises(ValueError, match="sometimes"):
        trust.decide(Author(name="Jo"), "sometimes", lead)


def test_a_person_s_decision_and_a_release_go_before_it(
    lead: User, mia: User, candidate: ModelVersion
) -> None:
    trust.decide(Author(key=str(mia.pk)), "hold", lead)
    decided, released = write(mia, "hello", "hello again")
    decide(decided.pk, reviewer=lead, kind="false_positive")
    release(Reply.objects.get(pk=released.object_id), user=lead)
    assert state(decided) == ("held", "author", True)
    assert state(released) == ("held", "author", True)
    rescore(candidate, lambda text: 0.97)
    assert state(decided)[2] is state(released)[2] is True


def test_an_edit_of_what_is_held_for_its_author_stays_hidden(lead: User, mia: User) -> None:
    trust.decide(Author(key=str(mia.pk)), "hold", lead)
    (row,) = write(mia, "hello")
    trust.decide(Author(key=str(mia.pk)), "usual", lead)
    reply = Reply.objects.get(pk=row.object_id)
    reply.text = "hello, edited"
    reply.save()
    screen()
    assert state(screening_of(reply)) == ("clear", "edited", False)


FRENCH = "Bonjour à tous, cette soupe est la meilleure que ma grand-mère ait jamais faite pour nous."


@pytest.mark.parametrize("other_languages", ["pass", "queue"])
def test_a_text_that_no_model_judges_is_held_without_scores(
    lead: User, mia: User, settings: Any, other_languages: str
) -> None:
    register(settings, other_languages=other_languages)
    (usual,) = write(mia, FRENCH)
    trust.decide(Author(key=str(mia.pk)), "hold", lead)
    (row,) = write(mia, FRENCH)
    assert state(usual)[0] == "unjudged" and state(usual)[2] is True
    assert state(row) == ("unjudged", "author", False)
    assert row.basis() is None and row.is_open
    decide(row.pk, reviewer=lead, kind="false_positive")
    assert state(row)[2] is True


def test_what_is_held_for_its_author_is_in_no_estimate(lead: User, mia: User) -> None:
    trust.decide(Author(key=str(mia.pk)), "hold", lead)
    row, _ = write(mia, "you idiot", "hello")
    decide(row.pk, reviewer=lead, kind="relabel", labels={**dict.fromkeys(LABELS, False), "insult": True})
    (learned,) = reviewed(LABELS)
    assert (learned.probability, learned.reached_probability, learned.is_random) == (None, None, False)


def test_no_audit_item_takes_the_place_of_what_is_held_for_its_author(
    lead: User, mia: User, settings: Any
) -> None:
    trust.decide(Author(key=str(mia.pk)), "hold", lead)
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 1.0}
    write(mia, *["hello"] * 5)
    assert not Screening.objects.filter(queued_for="audit").exists()
    (rude,) = write(User.objects.create_user("jo"), "you idiot")
    assert set(blind.places(20)) == {(rude.severity, rude.labels)}


def test_open_items_that_are_judged_blind_stay_as_they_are(
    lead: User, mia: User, settings: Any, candidate: ModelVersion
) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 1.0, "BLIND_SHARE": 1.0}
    rows = write(mia, "hello", "you idiot")
    trust.decide(Author(key=str(mia.pk)), "hold", lead)
    assert [state(row) for row in rows] == [("clear", "audit", True), ("flagged", "flagged", True)]
    rescore(candidate, lambda text: 0.7 if "idiot" in text else 0.01)
    assert [state(row) for row in rows] == [("clear", "audit", True), ("flagged", "flagged", True)]


def test_a_rescreening_holds_the_texts_of_such_an_author_too(
    lead: User, mia: User, candidate: ModelVersion
) -> None:
    (row,) = write(mia, "hello")
    (other,) = write(User.objects.create_user("jo"), "hello")
    trust.decide(Author(key=str(mia.pk)), "hold", lead)
    rescore(candidate, lambda text: 0.02)
    assert state(row) == ("held", "author", False)
    assert state(other) == ("clear", "", True)


@pytest.mark.parametrize(
    ("history", "stance"),
    [
        ("hhhss", "hold"),
        ("hhsss", ""),
        ("hhh", ""),
        ("sssshhh", ""),
        ("fff", "never_hold"),
        ("fsf", ""),
        ("fffh", ""),
        ("", ""),
    ],
)
def test_rules_go_by_what_was_decided_before(history: str, stance: str) -> None:
    """h: hidden; s: shown; f: flagged and shown; the newest first."""
    decided = [Decided(letter == "h", letter in "hf") for letter in history]
    rules = {"hold": {"of_last": 5, "hidden": 3}, "never_hold": {"overturned": 3}}
    assert by_numbers(decided, rules) == stance


def test_the_rules_of_the_setting_hold_until_a_lead_decides(lead: User, mia: User, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUTHOR_RULES": {"hold": {"of_last": 2, "hidden": 2}}}
    register(settings, author_name="guest")
    for row in [*write(mia, "you idiot", "I kill you"), *write(None, "an idiot", "kill it", guest="Jo")]:
        decide(row.pk, reviewer=lead, kind="uphold")
    (row,), (guest,) = write(mia, "hello"), write(None, "hello", guest="Jo")
    assert state(row) == state(guest) == ("held", "author", False)
    trust.decide(Author(key=str(mia.pk)), "never_hold", lead)
    assert state(write(mia, "hello")[0]) == ("clear", "", True)


def strict(decided: Sequence[Decided]) -> str:
    """The rule of a site: who was hidden once is held."""
    if len(decided) > 1:
        raise RuntimeError("secret words")
    return "hold" if decided[0].is_hidden else "ban"


def test_a_rule_of_the_site_s_own_that_raises_or_answers_nonsense_leaves_all_as_usual(
    lead: User, mia: User, settings: Any, caplog: Any
) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUTHOR_RULES": "tests.moderation.test_trust.strict"}
    jo = User.objects.create_user("jo")
    (row,), (shown,) = write(mia, "you idiot"), write(jo, "idiot, Jo")
    decide(row.pk, reviewer=lead, kind="uphold")
    decide(shown.pk, reviewer=lead, kind="false_positive")
    (held,), (usual,) = write(mia, "hello"), write(jo, "hello")
    assert (state(held)[0], state(usual)[0]) == ("held", "clear")
    assert "AUTHOR_RULES must return" in caplog.text
    decide(held.pk, reviewer=lead, kind="false_positive")
    assert state(write(mia, "hello")[0])[0] == "clear"
    assert "AUTHOR_RULES raised RuntimeError" in caplog.text and "secret" not in caplog.text


@pytest.mark.parametrize(
    "rules",
    [
        7,
        {"hide": {"of_last": 2, "hidden": 1}},
        {"hold": {"of_last": 2}},
        {"hold": {"of_last": 2, "hidden": 3}},
        {"never_hold": {"overturned": 0}},
        {"never_hold": {"overturned": 51}},
        "tests.moderation.test_trust.nowhere",
    ],
)
def test_rules_with_a_mistake_are_reported(settings: Any, rules: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUTHOR_RULES": rules}
    assert [message.id for message in run_checks() if str(message.id) == "moderation.E042"]


def test_rules_in_order_are_not_reported(settings: Any) -> None:
    for rules in ({"hold": {"of_last": 5, "hidden": 5}}, "tests.moderation.test_trust.strict", {}):
        settings.MODERATION = {**settings.MODERATION, "AUTHOR_RULES": rules}
        assert not [message.id for message in run_checks() if str(message.id) == "moderation.E042"]


def test_a_lead_decides_on_the_author_s_page_and_everybody_sees_it(lead: User, mia: User) -> None:
    (row,) = write(mia, "you idiot")
    client = staff("lou", "lead_reviews", "review_screening")
    moderator = staff("ann", "review_screening")
    assert 'name="stance"' in author_page(client, row) and 'name="stance"' not in author_page(moderator, row)
    address = f"{QUEUE}{row.pk}/author/trust/"
    assert moderator.post(address, {"stance": "hold"}).status_code == 403
    for stance in ("", "sometimes"):
        client.post(address, {"stance": stance})
    assert not AuthorTrust.objects.exists()
    page = client.post(address, {"stance": "ban"}, follow=True).content.decode()
    assert "This author is banned" in page and "by lou" in page
    assert "This author is banned" in around(open_page(moderator), Reply.objects.get(pk=row.object_id))
    entry = AuditEntry.objects.get(action="author.decided")
    assert (entry.username, entry.before, entry.after) == ("lou", {"stance": "usual"}, {"stance": "ban"})
    assert client.get(address).status_code == 302


def test_the_site_is_told_after_the_commit(
    lead: User, mia: User, django_capture_on_commit_callbacks: Any, caplog: Any
) -> None:
    told = []

    def lock(trust: AuthorTrust, **_: Any) -> None:
        told.append((trust.stance, trust.author_key))
        raise RuntimeError("secret words")

    author_trust_changed.connect(lock)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            trust.decide(Author(key=str(mia.pk)), "ban", lead)
            assert told == []
    finally:
        author_trust_changed.disconnect(lock)
    assert told == [("ban", str(mia.pk))]
    assert "RuntimeError" in caplog.text and "secret words" not in caplog.text


def test_what_was_decided_is_never_changed_and_outlives_who_decided(lead: User, mia: User) -> None:
    row = trust.decide(Author(key=str(mia.pk)), "hold", lead)
    assert row is not None
    with pytest.raises(AppendOnlyError):
        row.delete()
    lead.delete()
    row.refresh_from_db()
    assert (row.decided_by, row.decided_by_name) == (None, "lea")
    for wrong in ({"stance": "sometimes", "author_key": "1"}, {"stance": "hold"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            AuthorTrust.objects.create(**wrong)


def test_what_nobody_judged_of_such_an_author_teaches_like_any_other(lead: User, mia: User) -> None:
    trust.decide(Author(key=str(mia.pk)), "hold", lead)
    write(mia, *[f"hello {number}" for number in range(30)])
    texts, _ = unreviewed("train", 100, seed=1)
    assert texts and all(text.startswith("hello") for text, _ in texts)
