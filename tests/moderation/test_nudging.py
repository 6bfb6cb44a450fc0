"""Authors are told before they post, once for each text, and never kept waiting."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from rest_framework import serializers

import moderation
from moderation import metrics
from moderation.models import ModelVersion, Policy, Review, Screening
from moderation.nudging import consent, scoring
from moderation.nudging.forms import NudgeFormMixin
from moderation.nudging.rest import NudgeSerializerMixin, NudgeValidator
from moderation.nudging.scoring import Nudge, look_at
from moderation.screening import nudged, scorer
from tests.forum.models import Letter, Post
from tests.moderation.conftest import by_words, scores_with, screen

pytestmark = pytest.mark.django_db(transaction=True)
INSULT = "you idiot"
NUDGE = "/api/moderation/nudge/"


class PostForm(NudgeFormMixin, forms.ModelForm):
    class Meta:
        model = Post
        fields = ["body"]


class PlainForm(NudgeFormMixin, forms.Form):
    nudge_fields = ("words",)
    words = forms.CharField()


class PostSerializer(NudgeSerializerMixin, serializers.ModelSerializer):
    class Meta:
        model = Post
        fields = ["id", "body"]
        validators = [NudgeValidator("body")]


@pytest.fixture(autouse=True)
def enough_time(settings: Any) -> Iterator[None]:
    """A loaded machine must not make these tests give way."""
    scoring._begin_anew()
    settings.MODERATION = {**settings.MODERATION, "NUDGE_MILLISECONDS": 60_000}
    yield
    scoring._begin_anew()


@pytest.fixture
def loaded(version: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> ModelVersion:
    """The version by words is loaded in this process."""
    scores_with(monkeypatch, by_words)
    load()
    return version


def load() -> None:
    scoring.warm_up()
    wait_for(scoring._process.is_ready)


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def counted(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def given_up(reason: str) -> float:
    return counted("moderation_nudges_given_up_total", reason=reason)


def answers(label: str, answer: str) -> float:
    return counted("moderation_nudges_total", label=label, answer=answer)


def test_a_text_gets_the_label_that_says_most_and_no_score(loaded: ModelVersion) -> None:
    nudge = look_at(INSULT)
    assert nudge == Nudge("insult")
    assert nudge.says == "This may be read as an insult. You can edit it, or post it anyway."
    assert look_at("I will kill you") == Nudge("threat")
    assert look_at("what a lovely day") is None
    assert look_at("  ") is None


def test_the_policy_of_the_model_counts_and_the_setting_may_only_raise_it(
    loaded: ModelVersion, settings: Any
) -> None:
    Policy.objects.create(
        model_label="forum.Post", thresholds={"insult": {"flag": 0.9}, "toxic": {"flag": None}}
    )
    assert look_at(INSULT, Post) is None
    assert look_at(INSULT, Letter) == Nudge("insult")
    settings.MODERATION = {**settings.MODERATION, "NUDGE_AT": 0.8}
    assert look_at(INSULT, Letter) is None
    settings.MODERATION = {**settings.MODERATION, "NUDGE_AT": 0.1}
    assert look_at(INSULT, Letter) == Nudge("insult")
    assert look_at("a fine day", Letter) is None


def test_a_label_that_nobody_has_words_for_is_told_in_general_ones() -> None:
    assert "something that is not wanted here" in Nudge("haiku").says


def test_a_process_without_a_model_gives_way_at_once_and_loads_it_meanwhile(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_load = threading.Event()
    scores_with(monkeypatch, by_words)
    whole = scorer.model.load_model

    def load_slowly(*args: Any, **kwargs: Any) -> Any:
        may_load.wait(60)
        return whole(*args, **kwargs)

    monkeypatch.setattr(scorer.model, "load_model", load_slowly)
    before = given_up("loading")
    assert look_at(INSULT) is None  # with all the time of this test, and the model not loaded
    assert look_at(INSULT) is None
    assert given_up("loading") == before + 2
    may_load.set()
    wait_for(scoring._process.is_ready)
    assert look_at(INSULT) == Nudge("insult")


def test_a_slow_model_and_a_full_process_give_way(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    may_score = threading.Event()

    def score_late(texts: Sequence[str]) -> list[dict[str, float]]:
        may_score.wait(60)
        return by_words(texts)

    scores_with(monkeypatch, score_late)
    load()
    settings.MODERATION = {**settings.MODERATION, "NUDGE_MILLISECONDS": 20}
    slow, busy = given_up("slow"), given_up("busy")
    for _ in range(scoring.MAX_IN_FLIGHT + 1):
        assert look_at(INSULT) is None
    assert (given_up("slow"), given_up("busy")) == (slow + scoring.MAX_IN_FLIGHT, busy + 1)
    may_score.set()
    settings.MODERATION = {**settings.MODERATION, "NUDGE_MILLISECONDS": 60_000}
    wait_for(lambda: look_at(INSULT) == Nudge("insult"))


def test_a_model_that_fails_lets_the_text_through_and_logs_none_of_it(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(texts: Sequence[str]) -> list[dict[str, float]]:
        raise ValueError(texts[0])

    scores_with(monkeypatch, fail)
    load()
    before = given_up("model")
    assert look_at(INSULT) is None
    assert given_up("model") == before + 1
    assert "not looked at" in caplog.text and INSULT not in caplog.text


def test_without_a_version_or_with_no_time_nobody_is_nudged(db: None, settings: Any) -> None:
    assert look_at(INSULT) is None
    assert not ModelVersion.objects.exists()
    settings.MODERATION = {**settings.MODERATION, "NUDGE_MILLISECONDS": 0}
    before = given_up("loading")
    assert look_at(INSULT) is None and given_up("loading") == before


def test_a_long_text_is_not_looked_at(loaded: ModelVersion) -> None:
    before = given_up("long")
    assert look_at(INSULT * 1000) is None and given_up("long") == before + 1


def test_a_form_comes_back_once_and_is_valid_when_it_is_sent_again(loaded: ModelVersion) -> None:
    shown, anyway = answers("insult", "shown"), answers("insult", "posted_anyway")
    first = PostForm(QueryDict("body=you idiot"))
    assert not first.is_valid()
    assert first.non_field_errors().as_data()[0].code == "nudge"
    assert first.nudge == Nudge("insult")
    token = first["post_anyway"].value()
    assert f'value="{token}"' in str(first["post_anyway"])

    again = PostForm({"body": "you idiot\r\n", "post_anyway": token})
    assert again.is_valid()
    post = again.save()
    assert Screening.objects.get().nudged == "posted_anyway"
    assert answers("insult", "shown") == shown + 1
    assert answers("insult", "posted_anyway") == anyway + 1
    post.body = "something else"
    post.save()
    assert Screening.objects.get(is_current=True).nudged == ""


def test_an_edited_text_is_looked_at_anew(loaded: ModelVersion) -> None:
    token = consent.token_for(INSULT, "insult")
    other = PostForm({"body": "you are an idiot", "post_anyway": token})
    assert not other.is_valid() and other["post_anyway"].value() != token

    edited = PostForm({"body": "you are mistaken", "post_anyway": token})
    assert edited.is_valid()
    edited.save()
    assert Screening.objects.get().nudged == "edited"


@pytest.mark.parametrize("token", ["", "no token", "a:b:c", "\0", "é" * 10])
def test_a_token_that_we_did_not_sign_says_nothing(loaded: ModelVersion, token: str) -> None:
    assert not PostForm({"body": INSULT, "post_anyway": token}).is_valid()
    form = PostForm({"body": "hello", "post_anyway": token.replace("\0", "")})
    assert form.is_valid() and form.nudge_answer == ""


def test_a_token_speaks_for_its_day(loaded: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    token = consent.token_for(INSULT, "insult")
    assert PostForm({"body": INSULT, "post_anyway": token}).is_valid()
    monkeypatch.setattr(consent, "MAX_AGE_SECONDS", -1)
    assert not PostForm({"body": INSULT, "post_anyway": token}).is_valid()


def test_a_plain_form_names_its_text_and_marks_what_it_makes(loaded: ModelVersion) -> None:
    assert not PlainForm({"words": INSULT}).is_valid()
    assert not PlainForm({"words": ""}).is_valid()
    form = PlainForm({"words": INSULT, "post_anyway": consent.token_for(INSULT, "insult")}, prefix="")
    assert form.is_valid() and "post_anyway" not in form.cleaned_data
    form.mark(Post(body=INSULT)).save()
    assert Screening.objects.get().nudged == "posted_anyway"


def test_bulk_create_carries_the_mark_where_the_objects_are_told_of(loaded: ModelVersion) -> None:
    post = Post(body=INSULT)
    nudged.mark(post, nudged.Nudged.EDITED)
    Post.objects.bulk_create([post])
    moderation.screen(Post.objects.all())
    assert Screening.objects.get().nudged == ""  # read again, they carry none
    Screening.objects.all().delete()
    moderation.screen([post])
    assert Screening.objects.get().nudged == "edited"


def test_a_serializer_refuses_once_with_a_code_a_label_and_a_token(loaded: ModelVersion) -> None:
    first = PostSerializer(data={"body": INSULT})
    assert not first.is_valid()
    assert set(first.errors) == {"nudge"}
    assert first.errors["nudge"]["label"] == "insult"
    assert first.errors["nudge"]["label"].code == "nudge"

    again = PostSerializer(data={"body": INSULT, "post_anyway": str(first.errors["nudge"]["post_anyway"])})
    assert again.is_valid()
    again.save()
    assert Screening.objects.get().nudged == "posted_anyway"
    assert PostSerializer(Post.objects.get(), data={}, partial=True).is_valid()
    assert not PostSerializer(data={"body": INSULT, "post_anyway": ["a list"]}).is_valid()
    assert PostSerializer(data=[{"body": INSULT}], many=True).is_valid()  # no token could come back for each


def ask(client: Client, data: Any, **headers: str) -> Any:
    body = data if isinstance(data, str) else json.dumps(data)
    return client.post(NUDGE, body, content_type="application/json", headers=headers or None)


def test_the_endpoint_answers_one_bit_and_one_label(loaded: ModelVersion, client: Client) -> None:
    answer = ask(client, {"text": INSULT, "model": "forum.Post"}).json()
    assert {key: answer[key] for key in ("nudge", "label", "says")} == {
        "nudge": True,
        "label": "insult",
        "says": Nudge("insult").says,
    }
    assert set(answer) == {"nudge", "label", "says", "post_anyway"}
    assert PostForm({"body": INSULT, "post_anyway": answer["post_anyway"]}).is_valid()
    clean = ask(client, {"text": "hello", "model": "no.Model"}).json()
    assert clean == {"nudge": False, "label": None, "says": "", "post_anyway": ""}
    assert not Screening.objects.exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ("[1]", 400),
        ('{"text": 1}', 400),
        ("[" * 50_000, 400),
        (b"\xff".decode("latin-1"), 400),
        (json.dumps({"text": "a" * 70_000}), 413),
    ],
)
def test_the_endpoint_refuses_what_it_cannot_read(client: Client, body: str, status: int) -> None:
    assert ask(client, body).status_code == status


def test_the_endpoint_takes_json_from_our_own_pages_only(loaded: ModelVersion) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert ask(strict, {"text": INSULT}).status_code == 403
    assert strict.get(NUDGE).status_code == 405
    assert Client().post(NUDGE, {"text": INSULT}).status_code == 415


def test_the_endpoint_is_throttled_by_session_and_by_address(
    loaded: ModelVersion, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moderation.nudging import throttling

    monkeypatch.setattr(throttling.SessionThrottle, "default_rate", "2/min")
    monkeypatch.setattr(throttling.AddressThrottle, "default_rate", "4/min")
    client.force_login(User.objects.create_user("ann"))
    assert [ask(client, {"text": "a"}).status_code for _ in range(3)] == [200, 200, 429]
    assert ask(client, {"text": "a"}).headers["Retry-After"]
    fresh = Client()  # the same address, and no session
    assert [ask(fresh, {"text": "a"}).status_code for _ in range(3)] == [200, 200, 429]


def test_the_queue_tells_what_the_author_did_but_not_of_a_blind_item(
    loaded: ModelVersion, client: Client
) -> None:
    client.force_login(User.objects.create_superuser("root"))
    PostForm({"body": INSULT, "post_anyway": consent.token_for(INSULT, "insult")}).save()
    screen()
    page = reverse("admin:moderation_screening_change", args=[Screening.objects.get().pk])
    said = "posted it anyway"
    Screening.objects.update(queued_for=Screening.QueuedFor.HELD, verdict=Screening.Verdict.HELD)
    assert said in client.get(page).content.decode()
    Screening.objects.update(queued_for=Screening.QueuedFor.AUDIT, verdict=Screening.Verdict.CLEAR)
    assert said not in client.get(page).content.decode()
    assert not Review.objects.exists()
