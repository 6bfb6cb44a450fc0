"""The report of a training run: what it says, and whose texts it shows to whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from moderation.admin.training_report.content import report
from moderation.admin.training_report.page import as_file
from moderation.models import ModelVersion, Screening, SecondOpinionDue, TrainingRun
from moderation.retraining.gate.verdict import BETTER, NOT_BETTER, Guard, Verdict
from moderation.review.decisions import decide

pytestmark = pytest.mark.django_db
GUARDS = (
    Guard("identity", 0.03, 0.16, 0.02, False, 200, higher_is_better=False),
    Guard("false_positives", 53.2, 9.1, 2.0, True, 120, -60.0, -30.0, higher_is_better=False),
    Guard("average_precision_base", None, None, 0.005, True),
    Guard("flag_rate", 0.07, 0.03, 0.25, False, 1000, is_ratio=True),
)
WORSE = Verdict(NOT_BETTER, ("guard:identity", "base_rates"), GUARDS, True, 3, 0.01, 0.0004, 0.002)
HOSTILE = "<script>alert(1)</script> you \u202e idiot"


@pytest.fixture
def run() -> TrainingRun:
    version = {"labels": ["toxic"], "thresholds": {"toxic": 0.5}, "manifest_sha256": "0" * 64}
    parent = ModelVersion.objects.create(name="tiny", version="1", **version)
    candidate = ModelVersion.objects.create(name="tiny", version="site-1", parent=parent, **version)
    return TrainingRun.objects.create(
        status="done", result=NOT_BETTER, parent=parent, candidate=candidate, finished=timezone.now()
    )


def screening(text: str, **columns: Any) -> Screening:
    return Screening.objects.create(source="import", text=text, text_key="0" * 64, verdict="clear", **columns)


def compared(run: TrainingRun, verdict: Verdict, *shown: Screening) -> TrainingRun:
    change = {"label": "toxic", "old": 0.12, "new": 0.91, "was": "clear", "will_be": "flagged"}
    interval = {"value": 0.65, "low": 0.53, "high": 0.75}
    quality = {"any": {"precision": interval, "recall": {"value": None, "low": None, "high": None}}}
    test = {"items": 120, "random_items": 43, "old_loss": 0.05, "new_loss": 0.04, "difference": -0.01}
    run.comparison = {
        "test": test | {"low": -0.02, "high": 0.001, "old_errors": 0.1, "new_errors": 0.08},
        "verdict": verdict.as_dict(),
        "figures": {"old": quality, "new": quality},
        "changes": {"comments": 1000, "up": [{"screening": row.pk, **change} for row in shown], "down": []},
    }
    run.save()
    return run


def user(name: str, *permissions: str) -> User:
    made = User.objects.create_user(name, is_staff=True)
    made.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return made


def page(run: TrainingRun, who: User) -> str:
    client = Client()
    client.force_login(who)
    response = client.get(reverse("admin:moderation_trainingrun_report", args=(run.pk,)))
    assert response.status_code == 200
    assert "unsafe" not in response.headers.get("Content-Security-Policy", "")
    return response.content.decode()


def test_it_says_how_the_newest_decisions_alone_are_met(run: TrainingRun) -> None:
    root = User.objects.create_superuser("root")
    assert "since the version in use was made" not in page(compared(run, WORSE), root)
    late = {
        "items": 40,
        "old_loss": 0.0612,
        "new_loss": 0.0433,
        "difference": -0.0179,
        "low": -0.03,
        "high": 0.01,
    }
    run.comparison["since_active"] = late
    run.save()
    shown = page(run, root)
    assert "… on the 40 reviewed since the version in use was made" in shown
    assert "0.0612" in shown and "0.0433" in shown


def test_figures_are_written_as_the_language_writes_them(run: TrainingRun) -> None:
    compared(run, WORSE)
    client = Client(HTTP_ACCEPT_LANGUAGE="de")
    client.force_login(User.objects.create_superuser("root"))
    shown = client.get(reverse("admin:moderation_trainingrun_report", args=(run.pk,))).content.decode()
    for figure in ("0,0500", "-0,0100", "+0,0010", "10,00 %", "16,0 %", "0,04 %", "-60,00 bis -30,00"):
        assert figure in shown
    assert "0.0500" not in shown


def test_it_says_the_verdict_why_and_what_got_worse(run: TrainingRun) -> None:
    shown = page(compared(run, WORSE), User.objects.create_superuser("root"))
    assert "The candidate is not shown to be better." in shown
    assert "Harmless sentences that name a group: that got worse by more than is allowed." in shown
    assert "It learned how often people say yes" in shown
    assert "a person has to activate it" in shown
    assert "in the part of the queue that was reached" in shown
    assert "65 % (53 to 75)" in shown and "too few reviews" in shown
    assert "It is candidate 3 that is held against these comments. After 10, others" in shown
    assert "smaller by 20 %" in shown
    assert "style=" not in shown.partition('class="training-report"')[2].partition("</main>")[0]


def test_each_guard_stands_with_its_figures_and_its_allowance(run: TrainingRun) -> None:
    lines = {line.name: line for line in report(compared(run, WORSE)).guards}
    assert [line.state for line in lines.values()] == ["failed", "passed", "unmeasured", "force"]
    identity = lines["Harmless sentences that name a group"]
    assert (identity.old, identity.new, identity.allowance) == ("3.0 %", "16.0 %", "2 points more")
    assert lines["False alarms per 1,000 comments"].interval == "-60.00 to -30.00"


def test_comments_that_change_are_shown_escaped_with_a_way_to_their_page(run: TrainingRun) -> None:
    row = screening(HOSTILE)
    shown = page(compared(run, replace(WORSE, result=BETTER), row), User.objects.create_superuser("root"))
    assert "<script>alert(1)" not in shown and "&lt;script&gt;alert(1)" in shown
    assert "\u202e" not in shown and "U+202E" in shown
    assert reverse("admin:moderation_screening_change", args=(row.pk,)) in shown
    assert "0.12 → 0.91" in shown


def test_a_text_that_was_blanked_since_is_absent(run: TrainingRun) -> None:
    row = screening("you are a moron")
    compared(run, WORSE, row)
    assert "moron" in as_file(run)
    Screening.objects.filter(pk=row.pk).update(text="", blanked=timezone.now())
    made = report(run)
    assert (made.up, made.left_out) == ([], 1)
    assert "moron" not in as_file(run)


def test_an_open_item_that_is_judged_blind_is_absent_until_somebody_decides(run: TrainingRun) -> None:
    row = screening("you are a moron", queued_for="audit", sampling_probability=0.05)
    compared(run, WORSE, row)
    root = User.objects.create_superuser("root")
    assert "moron" not in page(run, root) and "moron" not in as_file(run)
    decide(row.pk, reviewer=root, kind="false_positive")
    assert "moron" in page(run, root)


def test_the_page_of_a_run_tells_scores_of_no_single_comment(run: TrainingRun) -> None:
    row = screening("you are a moron", queued_for="audit", sampling_probability=0.05)
    compared(run, WORSE, row)
    lead = user("lea", "view_trainingrun", "review_screening", "lead_reviews", "view_screening")
    client = Client()
    client.force_login(lead)
    shown = client.get(reverse("admin:moderation_trainingrun_change", args=(run.pk,))).text
    assert "0.0500" in shown or "0.05" in shown, "the figures are there"
    assert "0.91" not in shown and "0.12" not in shown


def test_what_is_dealt_to_somebody_for_a_second_opinion_is_absent_for_that_person(
    run: TrainingRun,
) -> None:
    row = screening("you are a moron", queued_for="audit", sampling_probability=0.05)
    compared(run, WORSE, row)
    root, ben = User.objects.create_superuser("root"), user("ben", "view_trainingrun", "review_screening")
    decide(row.pk, reviewer=root, kind="false_positive")
    SecondOpinionDue.objects.update_or_create(screening=row, defaults={"reviewer": root, "probability": 0.5})
    assert "moron" in page(run, root)
    shown = page(run, ben)
    assert "moron" not in shown and "0.91" not in shown


def test_who_may_not_see_the_queue_sees_figures_and_no_comment(run: TrainingRun) -> None:
    compared(run, WORSE, screening("you are a moron"))
    shown = page(run, user("ops", "view_trainingrun"))
    assert "moron" not in shown and "Comments are shown to those who may see the queue." in shown
    client = Client()
    client.force_login(user("nobody"))
    assert client.get(reverse("admin:moderation_trainingrun_report", args=(run.pk,))).status_code == 403


def test_the_page_of_a_run_leads_to_the_report_once_it_was_compared(run: TrainingRun) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    address = reverse("admin:moderation_trainingrun_change", args=(run.pk,))
    to_report = reverse("admin:moderation_trainingrun_report", args=(run.pk,))
    assert to_report not in client.get(address).content.decode()
    compared(run, WORSE)
    assert to_report in client.get(address).content.decode()


def test_a_run_that_compared_nothing_has_a_report_that_says_so(run: TrainingRun) -> None:
    run.result, run.comparison = "", {}
    run.save()
    assert "Nothing was compared." in page(run, User.objects.create_superuser("root"))


def test_the_file_needs_nothing_beside_it(run: TrainingRun) -> None:
    text = as_file(compared(run, WORSE, screening("you are a moron")))
    assert text.startswith("<!doctype html>")
    assert "<link" not in text and "<script" not in text and "href=" not in text and "src=" not in text
    assert "default-src 'none'" in text and ".report-verdict" in text


def test_it_speaks_german(run: TrainingRun) -> None:
    compared(run, WORSE, screening("hallo"))
    with translation.override("de"):
        text = as_file(run)
    assert '<html lang="de">' in text
    assert "Es ist nicht gezeigt, dass der Kandidat besser ist." in text
    assert "Was nicht schlechter werden darf" in text and "2 Punkte mehr" in text
