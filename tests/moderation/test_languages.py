"""Texts in a language that the model was not made for: told, stored, and judged or not as the site says."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from moderation.metrics import REGISTRY
from moderation.models import ModelVersion, Review, Scoring, Screening
from moderation.rescreening import apply, runs
from moderation.rescreening.runs import RunLease, Scope
from moderation.retraining import training_data
from moderation.review.decisions import decide
from moderation.review.response import response
from moderation.screening import languages
from moderation.screening.scorer import Scorer
from moderation.screening.suggestions import Suggested, receive
from moderation.signals import screening_scored
from moderation.worker.drain import Drained, drain
from tests.forum.models import Note, Post
from tests.moderation.conftest import LABELS, by_words, make_version, screen
from tests.moderation.test_rescreen import begin, constant, go
from toxicity_ml import language as library
from toxicity_ml.errors import MissingExtra

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("version")]
QUEUE = "/admin/moderation/screening/"
FRENCH = "Espèce de connard, tu es vraiment trop stupide"
GERMAN = "Das Buch ist mir zu dick"
ENGLISH = "That was a lovely evening, thank you all for coming"
MIXED = "Tu exagères un peu, mon cher ami. You are a complete moron, everybody here knows that."
OWN = ["ciao burger lads", "ok lol gud", "![](https://example.org/cat.png)", "🙇🙇", ENGLISH, MIXED, ""]
OTHER = {FRENCH: "fr", GERMAN: "de", "Это очень глупая и скучная книга": "ru"}


@pytest.fixture
def lease(db: None) -> RunLease:
    return RunLease(runs._take(print))


def register(settings: Any, other_languages: str, **options: Any) -> None:
    """Moderate posts, which are hidden until there is a verdict unless `options` says otherwise."""
    hide = {"field": "is_visible", "hidden": False}
    post = {"text": "body", "author": "author", "hide": hide, "while_pending": "hide", **options}
    models = {"forum.Post": {**post, "other_languages": other_languages}}
    settings.MODERATION = {**settings.MODERATION, "MODELS": models}


def screened(text: str) -> Screening:
    """The screening of a post with this text, after a worker has been."""
    post = Post.objects.create(body=text)
    screen()
    return Screening.objects.get(object_id=str(post.pk), is_current=True)


def is_visible() -> bool:
    return Post.objects.get().is_visible


def grown(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"moderation_{name}", labels) or 0.0


def in_french(version: ModelVersion) -> None:
    """Say that a version was made for English and French."""
    version.manifest = {"languages": ["en", "fr"]}
    version.manifest_sha256 = uuid4().hex * 2  # a version's manifest is read once
    version.save()


def ann() -> User:
    return User.objects.create_user("ann")


# --- which texts are judged -------------------------------------------------------------------------


@pytest.mark.parametrize("other_languages", ["score", "pass", "queue"])
@pytest.mark.parametrize("text", OWN)
def test_what_is_in_the_own_language_or_says_too_little_is_judged(
    text: str, other_languages: str, settings: Any
) -> None:
    register(settings, other_languages)
    row = screened(text)
    assert (row.status, row.verdict, row.language) == ("done", "clear", "en")
    assert row.scorings.count() == 1


@pytest.mark.parametrize(("text", "language"), OTHER.items())
@pytest.mark.parametrize(
    ("other_languages", "verdict", "queued_for", "probability", "scorings", "is_shown"),
    [
        ("score", "clear", "audit", 1.0, 1, True),
        ("pass", "unjudged", "", None, 0, True),
        ("queue", "unjudged", "language", 1.0, 0, False),
    ],
)
def test_what_is_in_another_language_is_judged_or_not_as_the_registration_says(
    text: str,
    language: str,
    other_languages: str,
    verdict: str,
    queued_for: str,
    probability: float | None,
    scorings: int,
    is_shown: bool,
    settings: Any,
) -> None:
    register(settings, other_languages)
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 1.0}
    row = screened(text)
    assert (row.status, row.verdict, row.language) == ("done", verdict, language)
    assert (row.queued_for, row.sampling_probability) == (queued_for, probability)
    assert (row.scorings.count(), is_visible()) == (scorings, is_shown)
    assert (row.lease_token, row.labels) == (None, "")


def test_scoring_is_what_happens_unless_the_site_says_otherwise(settings: Any) -> None:
    Post.objects.create(body=f"{FRENCH}, idiot")
    screen()
    row = Screening.objects.get()
    assert (row.language, row.verdict, row.queued_for) == ("fr", "flagged", "flagged")


def test_the_model_is_not_asked_about_a_text_that_is_passed(settings: Any) -> None:
    register(settings, "pass")
    asked: list[str] = []

    def scorer(texts: Sequence[str]) -> list[dict[str, float]]:
        asked.extend(texts)
        return by_words(texts)

    for text in (ENGLISH, FRENCH, "you idiot", GERMAN):
        Post.objects.create(body=text)
    done = screen_with(scorer)
    assert asked == [ENGLISH, "you idiot"]
    assert done.verdicts == {"clear": 1, "flagged": 1, "unjudged": 2}
    stored = dict(Screening.objects.values_list("text", "language"))
    assert stored == {ENGLISH: "en", FRENCH: "fr", "you idiot": "en", GERMAN: "de"}


def screen_with(scorer: Scorer) -> Drained:
    return drain(load=lambda version: scorer)


def test_the_languages_are_those_of_the_version_that_scores(version: ModelVersion, settings: Any) -> None:
    register(settings, "queue")
    in_french(version)
    assert (screened(FRENCH).verdict, screened(GERMAN).verdict) == ("clear", "unjudged")


def test_a_save_tells_no_language(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(library, "identify", lambda text, own: told.append(text))
    post = Post.objects.create(body=FRENCH)
    post.body = GERMAN
    post.save()
    assert told == [] and set(Screening.objects.values_list("language", flat=True)) == {""}


@pytest.mark.parametrize("error", [MissingExtra("py3langid", "worker"), RuntimeError(FRENCH)])
@pytest.mark.parametrize("other_languages", ["pass", "queue"])
def test_a_text_whose_language_can_not_be_told_is_judged_like_any_other(
    error: Exception,
    other_languages: str,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(text: str, own: Sequence[str]) -> None:
        raise error

    register(settings, other_languages)
    monkeypatch.setattr(library, "identify", fail)
    monkeypatch.setattr(languages, "_complained", set())
    code = f"language-error:{type(error).__name__}"
    before = grown("failures_total", code=code), grown("languages_total", language="unknown")
    with caplog.at_level(logging.INFO):
        rows = [screened(f"{FRENCH} idiot"), screened(GERMAN)]
    assert [(row.verdict, row.language) for row in rows] == [("flagged", ""), ("clear", "")]
    assert grown("failures_total", code=code) == before[0] + 2
    assert grown("languages_total", language="unknown") == before[1] + 2
    assert caplog.text.count(code) == 1 and FRENCH not in caplog.text


def test_own_and_other_languages_are_counted(settings: Any) -> None:
    register(settings, "pass")
    before = {name: grown("languages_total", language=name) for name in ("own", "other")}
    unjudged = grown("screened_total", verdict="unjudged")
    for text in (ENGLISH, FRENCH, GERMAN):
        screened(text)
    assert grown("languages_total", language="own") == before["own"] + 1
    assert grown("languages_total", language="other") == before["other"] + 2
    assert grown("screened_total", verdict="unjudged") == unjudged + 2


def test_a_suggestion_is_scored_whatever_its_language(settings: Any) -> None:
    register(settings, "queue")
    receive(Suggested(text=FRENCH, scores={"TOXICITY": 1.0}, labels={"toxic": 1.0}))
    screen()
    row = Screening.objects.get()
    assert (row.verdict, row.language, row.queued_for, row.scorings.count()) == ("clear", "fr", "", 1)


# --- visibility, signals ----------------------------------------------------------------------------


@pytest.mark.parametrize(("while_pending", "is_shown"), [("show", True), ("hide", False)])
def test_what_waits_for_its_language_keeps_the_visibility_that_it_had_while_pending(
    while_pending: str, is_shown: bool, settings: Any
) -> None:
    register(settings, "queue", while_pending=while_pending)
    row = screened(FRENCH)
    assert is_visible() is is_shown
    assert list(Screening.objects.open()) == [row]
    Post.objects.get().save()
    assert is_visible() is is_shown


def test_what_was_public_before_moderation_came_stays_so(settings: Any) -> None:
    register(settings, "queue")
    Post.objects.bulk_create([Post(body=FRENCH)])
    post = Post.objects.get()
    Screening.objects.create(
        content_type=ContentType.objects.get_for_model(Post),
        object_id=str(post.pk),
        field="body",
        text=FRENCH,
        priority=Screening.Priority.LOW,
    )
    screen()
    assert Screening.objects.get().queued_for == "language"
    post.refresh_from_db()
    post.save()
    assert is_visible()


def test_the_edit_of_a_held_text_into_another_language_waits_for_a_person_as_an_edit(settings: Any) -> None:
    register(settings, "pass", while_pending="show")
    screened("I kill you")
    post = Post.objects.get()
    post.body = FRENCH
    post.save()
    screen()
    row = Screening.objects.get(is_current=True)
    assert (row.verdict, row.queued_for, is_visible()) == ("unjudged", "edited", False)


def test_an_edit_of_what_waits_for_its_language_is_judged_anew(settings: Any) -> None:
    register(settings, "queue")
    screened(FRENCH)
    post = Post.objects.get()
    post.body = ENGLISH
    post.save()
    screen()
    row = Screening.objects.get(is_current=True)
    assert (row.verdict, row.queued_for, is_visible()) == ("clear", "", True)


@pytest.mark.parametrize(("other_languages", "told"), [("pass", ["unjudged"]), ("queue", [])])
def test_the_site_is_told_of_what_is_passed_and_not_of_what_waits(
    other_languages: str, told: list[str], settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    register(settings, other_languages)
    verdicts: list[str] = []

    def receiver(screening: Screening, **_: Any) -> None:
        verdicts.append(screening.verdict)

    screening_scored.connect(receiver)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            screened(FRENCH)
    finally:
        screening_scored.disconnect(receiver)
    assert verdicts == told


# --- what people make of it -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "labels", "outcome", "is_shown"),
    [
        ("uphold", None, "hide", False),
        ("false_positive", None, "show", True),
        ("relabel", {"toxic": True, "threat": False, "insult": True}, "hide", False),
    ],
)
def test_a_person_decides_on_it(
    kind: str, labels: dict[str, bool] | None, outcome: str, is_shown: bool, settings: Any
) -> None:
    register(settings, "queue")
    row = screened(FRENCH)
    review = decide(row.pk, reviewer=ann(), kind=kind, labels=labels)
    row.refresh_from_db()
    assert (row.outcome, is_visible(), row.is_open) == (outcome, is_shown, False)
    assert set(review.labels) == set(LABELS) and review.model_version is None


def test_what_was_decided_is_learned_and_counts_in_no_estimate(settings: Any) -> None:
    register(settings, "queue")
    flagged, french, german = screened("you idiot"), screened(FRENCH), screened(GERMAN)
    reviewer = ann()
    decide(flagged.pk, reviewer=reviewer, kind="uphold")
    before = response()
    assert {reason for reason, _ in before.of_all} == {"flagged"}
    decide(french.pk, reviewer=reviewer, kind="false_positive")
    assert (response(), before.unreached) == (before, 0.0)
    rows = {row.text: row for row in training_data.reviewed(list(LABELS))}
    assert set(rows) == {"you idiot", FRENCH}
    assert (rows[FRENCH].labels, rows[FRENCH].probability) == ((0.0, 0.0, 0.0), None)
    assert rows["you idiot"].probability == 1.0
    assert german.is_open


def test_what_was_not_judged_is_no_soft_target(settings: Any) -> None:
    register(settings, "pass")
    for number in range(10):
        screened(f"{ENGLISH} {number}")
        screened(f"{FRENCH} {number}")
    texts = [
        text
        for name in (training_data.TRAIN, training_data.DEV, training_data.TEST)
        for text, _ in training_data.unreviewed(name, 100, seed=1)[0]
    ]
    assert texts and not any(text.startswith(FRENCH) for text in texts)


# --- another version --------------------------------------------------------------------------------


@pytest.mark.parametrize(("toxic", "verdict"), [(0.01, "clear"), (0.7, "flagged"), (0.97, "held")])
@pytest.mark.parametrize("other_languages", ["pass", "queue"])
def test_a_version_that_was_made_for_the_language_judges_it(
    other_languages: str, toxic: float, verdict: str, settings: Any, lease: RunLease
) -> None:
    register(settings, other_languages)
    row = screened(FRENCH)
    candidate = make_version("2")
    in_french(candidate)
    run = begin(candidate)
    go(run, lease, load=constant(toxic))
    run.refresh_from_db()
    assert run.changes == {f"unjudged -> {verdict}": 1}
    scope = Scope(runs.ScreeningRun.Kind.RESCREEN, candidate)
    expected = apply.preview(candidate, scope)
    was_visible = is_visible()
    done = apply.act(candidate, scope, lease)
    row.refresh_from_db()
    waits = other_languages == "queue"
    reason = verdict if verdict != "clear" else "language" if waits else ""
    assert (row.verdict, row.queued_for, is_visible()) == (verdict, reason, verdict != "held")
    assert (done.hidden, done.shown) == (expected.hidden, expected.shown)
    assert (done.shown, done.hidden) == (
        int(is_visible() and not was_visible),
        int(was_visible and not is_visible()),
    )


def test_a_version_that_was_not_made_for_it_either_leaves_it_as_it_is(settings: Any, lease: RunLease) -> None:
    register(settings, "pass")
    before = screened(FRENCH)
    candidate = make_version("2")
    run = begin(candidate)
    assert go(run, lease, load=constant(0.97))
    run.refresh_from_db()
    assert (run.scored, run.passed, run.failures) == (0, 1, {})
    assert run.changes == {"in another language, not scored": 1}
    assert not Scoring.objects.exists()
    assert Screening.objects.get().verdict == before.verdict == "unjudged"


def test_a_rescreening_tells_the_languages_of_what_was_screened_before(lease: RunLease) -> None:
    for text in (ENGLISH, FRENCH):
        Note.objects.create(text=text)
    screen()
    Screening.objects.update(language="")
    go(begin(make_version("2")), lease)
    assert dict(Screening.objects.values_list("text", "language")) == {ENGLISH: "en", FRENCH: "fr"}


# --- the queue's page -------------------------------------------------------------------------------


@pytest.fixture
def moderator(version: ModelVersion) -> Client:
    user = User.objects.create_user("moderator", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="review_screening"))
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, address: str = QUEUE) -> str:
    return client.get(address).content.decode()


def test_the_queue_says_in_what_language_an_unjudged_text_is(moderator: Client, settings: Any) -> None:
    register(settings, "queue")
    row = screened(FRENCH)
    shown = page(moderator)
    assert "in French" in shown and "Please judge it yourself" in shown
    assert page(moderator, f"{QUEUE}?verdict__exact=unjudged").count("<article") == 1
    assert "<article" not in page(moderator, f"{QUEUE}?verdict__exact=flagged")
    moderator.post(f"{QUEUE}{row.pk}/decide/", {"kind": "false_positive", "scoring": ""})
    assert Review.objects.get().outcome == "show" and is_visible()
    assert "<article" not in page(moderator)


def test_a_text_in_another_language_that_was_scored_has_its_name_beside_the_time(moderator: Client) -> None:
    Note.objects.create(text=f"{GERMAN}, idiot")
    Note.objects.create(text="you idiot")
    screen()
    shown = page(moderator)
    assert shown.count('class="moderation-language"') == 1
    assert '<span class="moderation-language">German</span>' in shown


@pytest.mark.parametrize(
    ("tag", "name"),
    [("en", "English"), ("zh", "Chinese"), ("und", "an unknown language"), ("xx-YY", "xx-YY")],
)
def test_an_item_s_own_page_names_the_language(tag: str, name: str, moderator: Client) -> None:
    Note.objects.create(text="you idiot")
    screen()
    Screening.objects.update(language=tag)
    shown = page(moderator, f"{QUEUE}{Screening.objects.get().pk}/change/")
    assert f'<span class="moderation-language">{name}</span>' in shown


def test_languages_cost_the_queue_one_query_however_many(moderator: Client) -> None:
    counts = []
    for texts in (1, 9):
        for _ in range(texts):
            Note.objects.create(text=f"{GERMAN}, idiot")
        screen()
        page(moderator)
        with CaptureQueriesContext(connection) as queries:
            page(moderator)
        counts.append(len(queries))
    assert counts[0] == counts[1]
