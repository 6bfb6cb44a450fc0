"""The page of thresholds: what is in force, what others would change, putting them in force, going back."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
from django.test import Client

from moderation.models import AuditEntry, ModelVersion, Policy, Screening
from tests.forum.models import Note, Post
from tests.moderation.conftest import screen
from tests.moderation.test_queue import staff

pytestmark = pytest.mark.django_db
POLICY = "/admin/moderation/policy/"
ADD = f"{POLICY}add/"


@pytest.fixture
def lead(version: ModelVersion) -> Client:
    return staff("lea", "view_policy", "add_policy", "review_screening")


@pytest.fixture
def screened(version: ModelVersion) -> ModelVersion:
    for text in ("hello", "you idiot", "I kill you"):
        Note.objects.create(text=text)
    screen()
    return version


def seen(page: str) -> str:
    signed = re.search(r'name="seen" value="([0-9a-f]{64})"', page)
    assert signed is not None
    return signed[1]


def put_in_force(client: Client, data: dict[str, str]) -> Any:
    """Look at the preview and press the button below it."""
    page = client.post(ADD, {**data, "_preview": "1"}).text
    return client.post(ADD, {**data, "_save": "1", "seen": seen(page)})


def test_changed_thresholds_are_a_new_policy_row_with_an_audit_entry(lead: Client) -> None:
    Policy.objects.create(model_label="", thresholds={"toxic": {"flag": 0.3}})
    assert re.search(r'name="flag_toxic" value="0.3"', lead.get(ADD).text)
    data = {"model_label": "", "flag_toxic": "0.6", "hold_toxic": "0.95", "no_hold_threat": "on"}
    response = put_in_force(lead, {**data, "note": "calmer"})
    assert response.status_code == 302 and response["Location"] == f"{POLICY}apply/?model_label="
    policy = Policy.objects.order_by("-id")[0]
    assert policy.thresholds == {"toxic": {"flag": 0.6, "hold": 0.95}, "threat": {"hold": None}}
    assert (policy.created_by_name, policy.note) == ("lea", "calmer")
    entry = AuditEntry.objects.get(action="policy.changed")
    assert entry.before["thresholds"] == {"toxic": {"flag": 0.3}}
    assert entry.after["thresholds"] == policy.thresholds
    assert Policy.objects.count() == 2
    listed = lead.get(POLICY).text
    assert listed.count(">in force<") == 1 and listed.count(">replaced<") == 1


def test_nothing_is_put_in_force_that_was_not_previewed(lead: Client, screened: ModelVersion) -> None:
    data = {"model_label": "forum.Note", "flag_insult": "0.6", "hold_insult": "0.65"}
    page = lead.post(ADD, {**data, "_save": "1"}).text
    assert "What would change" in page and not Policy.objects.exists()
    for changed in ({"hold_insult": "0.6"}, {"model_label": ""}):
        assert lead.post(ADD, {**data, **changed, "_save": "1", "seen": seen(page)}).status_code == 200
        assert not Policy.objects.exists()
    assert lead.post(ADD, {**data, "_save": "1", "seen": seen(page)}).status_code == 302
    assert Policy.objects.get().thresholds == {"insult": {"flag": 0.6, "hold": 0.65}}


def test_what_somebody_put_in_force_after_the_preview_is_not_replaced_unseen(lead: Client) -> None:
    data = {"model_label": "", "flag_toxic": "0.6"}
    page = lead.post(ADD, {**data, "_preview": "1"}).text
    match = re.search(r'name="in_force" value="(\d+)"', page)
    assert match is not None and match[1] == "0"
    Policy.objects.create(model_label="", thresholds={"toxic": {"flag": 0.3}})
    answer = lead.post(ADD, {**data, "_save": "1", "seen": seen(page), "in_force": match[1]})
    assert "somebody has put other thresholds in force" in answer.text
    assert "What would change" in answer.text and Policy.objects.count() == 1
    form = {**data, "_save": "1", "seen": seen(answer.text), "in_force": str(Policy.objects.get().pk)}
    assert lead.post(ADD, form).status_code == 302
    assert Policy.objects.count() == 2


def test_a_preview_counts_names_and_asks_about_what_looks_like_a_slip(
    lead: Client, screened: ModelVersion
) -> None:
    data = {"model_label": "forum.Note", "flag_toxic": "0", "hold_toxic": "0"}
    page = lead.post(ADD, {**data, "_preview": "1"}).text
    assert "clear → held: 1" in page and "flagged → held: 1" in page
    assert page.count("policy-change") == 2 and "you idiot" in page and "hello" in page
    assert "counts in every comment" in page
    assert "100.0 % of the latest comments would stand" not in page  # two of three stand there now
    refused = lead.post(ADD, {**data, "_save": "1", "seen": seen(page)})
    assert refused.status_code == 200 and "Please tick this" in refused.text
    assert not Policy.objects.exists()
    nothing = {"model_label": "forum.Note", **{f"no_flag_{label}": "on" for label in screened.labels}}
    assert "Nothing of the latest comments" in lead.post(ADD, {**nothing, "_preview": "1"}).text


def test_many_more_held_than_now_are_asked_about(lead: Client) -> None:
    for number in range(10):
        Note.objects.create(text=f"hello {number}")
    screen()
    data = {"model_label": "forum.Note", "flag_threat": "0.005", "hold_threat": "0.005"}
    page = lead.post(ADD, {**data, "_preview": "1"}).text
    assert "100.0 % of the latest comments would be held" in page
    assert "100.0 % of the latest comments would stand in the queue" in page


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"flag_toxic": "0.8", "hold_toxic": "0.5"}, "at or above flagging, which is 0.8"),
        ({"hold_toxic": "0.1"}, "at or above flagging, which is 0.5"),
        ({"no_flag_toxic": "on", "hold_toxic": "0.9"}, "never counts holds nothing"),
        ({"no_hold_toxic": "on", "hold_toxic": "0.9"}, "not both"),
        ({"flag_toxic": "1.5"}, "less than or equal to 1"),
        ({"flag_toxic": "nan"}, "Enter a number"),
        ({"flag_toxic": "-1"}, "greater than or equal to 0"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_beside_their_field(
    lead: Client, data: dict[str, str], message: str
) -> None:
    page = lead.post(ADD, {"model_label": "", **data, "_save": "1"}).text
    assert message in page and "errornote" in page
    assert not Policy.objects.exists()


def test_the_form_of_a_model_says_what_is_in_force_and_why(lead: Client) -> None:
    Policy.objects.create(model_label="", thresholds={"toxic": {"flag": 0.3}})
    Policy.objects.create(model_label="forum.Note", thresholds={"threat": {"flag": 0.45}})
    page = lead.get(f"{ADD}?model_label=forum.Note").text
    assert re.search(r'name="flag_threat" value="0.45"', page)
    toxic = page.split("<legend>toxic</legend>")[1].split("</fieldset>")[0]
    assert (
        "0.500 <" in " ".join(toxic.split()) and "model version" in toxic
    )  # a policy of its own: that for all is left out
    threat = page.split("<legend>threat</legend>")[1].split("</fieldset>")[0]
    assert "policy of this model" in threat
    assert lead.get(f"{ADD}?model_label=forum.Nothing").status_code == 404
    assert lead.get(f"{ADD}?model_label=%00").status_code == 404


def test_an_old_policy_is_put_back_and_one_in_force_withdrawn(lead: Client) -> None:
    old = Policy.objects.create(model_label="forum.Note", thresholds={"toxic": {"flag": 0.31, "hold": None}})
    new = Policy.objects.create(model_label="forum.Note", thresholds={"toxic": {"flag": 0.7}})
    page = lead.get(f"{POLICY}{old.pk}/change/").text
    link = re.search(r'href="([^"]*from=\d+)"', page)
    assert (
        link is not None and "Put this one back" in page and "Withdraw" not in page.split("content-main")[1]
    )
    form = lead.get(link[1].replace("&amp;", "&")).text
    assert re.search(r'name="flag_toxic" value="0.31"', form)
    assert re.search(r'name="no_hold_toxic"[^>]*checked', form)
    assert "Withdraw" in lead.get(f"{POLICY}{new.pk}/change/").text
    response = lead.post(f"{POLICY}withdraw/", {"model_label": "forum.Note"})
    assert response.status_code == 302
    assert Policy.objects.latest("id").is_withdrawn
    assert (
        "nothing left to withdraw"
        in lead.post(f"{POLICY}withdraw/", {"model_label": "forum.Note"}, follow=True).text
    )
    assert Policy.objects.count() == 3


def test_earlier_verdicts_are_judged_again_after_a_look(lead: Client, screened: ModelVersion) -> None:
    put_in_force(
        lead,
        {"model_label": "forum.Note", "flag_insult": "0.6", "hold_insult": "0.65", "is_meant": "on"},
    )
    page = lead.get(f"{POLICY}apply/?model_label=forum.Note").text
    assert "flagged → held: 1" in page and "rescreen --thresholds --act --model-label forum.Note" in page
    assert Screening.objects.get(text="you idiot").verdict == "flagged"
    told = lead.post(f"{POLICY}apply/", {"model_label": "forum.Note"}, follow=True).text
    assert "1 verdict was changed" in told and "No verdict would be another one" in told
    assert Screening.objects.get(text="you idiot").verdict == "held"


def test_who_may_not_add_policies_sees_them_and_changes_nothing(screened: ModelVersion) -> None:
    policy = Policy.objects.create(model_label="", thresholds={"toxic": {"flag": 0.3}})
    viewer, moderator = staff("vic", "view_policy"), staff("mo", "review_screening")
    assert viewer.get(POLICY).status_code == viewer.get(f"{POLICY}{policy.pk}/change/").status_code == 200
    assert "Put this one back" not in viewer.get(f"{POLICY}{policy.pk}/change/").text
    for client in (viewer, moderator):
        assert client.get(ADD).status_code == client.post(ADD, {"_save": "1"}).status_code == 403
        for name in ("withdraw", "apply"):
            assert client.post(f"{POLICY}{name}/", {"model_label": ""}).status_code == 403
    assert moderator.get(POLICY).status_code == 403
    assert Policy.objects.count() == 1


def test_no_get_changes_anything(lead: Client, screened: ModelVersion) -> None:
    Policy.objects.create(model_label="", thresholds={"insult": {"flag": 0.6, "hold": 0.65}})
    lead.get(f"{POLICY}apply/")
    assert lead.get(f"{POLICY}withdraw/").status_code in (302, 405)
    assert Policy.objects.count() == 1
    assert Screening.objects.get(text="you idiot").verdict == "flagged"


def test_a_hostile_text_in_a_preview_is_shown_safely(lead: Client) -> None:
    Post.objects.create(body="<script>alert(1)</script> idiot \u202e")
    screen()
    page = lead.post(ADD, {"flag_toxic": "0.9", "flag_insult": "0.9", "_preview": "1"}).text
    assert "&lt;script&gt;" in page and "<script>alert" not in page and "\u202e" not in page


def test_without_numpy_the_page_says_what_is_missing(lead: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.endswith("admin.thresholds.figures")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delattr("moderation.admin.thresholds.figures", raising=False)
    monkeypatch.setitem(sys.modules, "moderation.review.estimates", None)
    page = lead.post(ADD, {"flag_toxic": "0.9", "_preview": "1"}).text
    assert "this web server has no NumPy" in page and "What would change" in page


def test_without_an_active_version_the_form_says_so(db: None) -> None:
    client = staff("lea", "view_policy", "add_policy")
    assert "No model version is active yet" in client.get(ADD, follow=True).text


SETS = {
    "strict": {"toxic": 0.2104, "threat": 0.3},
    "balanced": {"toxic": 0.42, "threat": 0.5},
    "lenient": {"toxic": 0.63, "threat": 2},
    "homemade": {"toxic": 0.1},
}


def brings_sets(version: ModelVersion, sets: Any) -> None:
    version.manifest = {**version.manifest, "threshold_sets": sets}
    rates = {"strict": {"toxic": {"recall": 0.8125, "precision": 0.4, "false_positive_rate": 0.0512}}}
    version.metrics = {**version.metrics, "threshold_sets": rates}
    version.save()


def test_a_named_set_fills_the_form_and_changes_nothing(lead: Client, version: ModelVersion) -> None:
    brings_sets(version, SETS)
    held = {"toxic": {"flag": 0.3, "hold": 0.5}, "threat": {"hold": 0.25}}
    Policy.objects.create(model_label="forum.Note", thresholds=held)
    page = lead.get(ADD, {"model_label": "forum.Note"}).text
    assert re.findall(r'href="\?model_label=forum.Note&amp;set=(\w+)"', page) == [
        "lenient",
        "balanced",
        "strict",
    ]
    assert "81.2 % of the toxic found, 5.1 % of the others flagged" in page
    page = lead.get(ADD, {"model_label": "forum.Note", "set": "strict"}).text
    assert 'name="flag_toxic" value="0.21"' in page and 'name="flag_threat" value="0.3"' in page
    assert 'name="hold_toxic" value="0.5"' in page  # as before
    assert not re.search(r'name="hold_threat" value=', page)  # 0.25 would hold what does not count
    assert re.search(r'set=strict" aria-current="true"', page)
    assert Policy.objects.count() == 1
    put_in_force(lead, {"model_label": "forum.Note", "flag_toxic": "0.21", "flag_threat": "0.3"})
    assert Policy.objects.order_by("-id")[0].thresholds == {"toxic": {"flag": 0.21}, "threat": {"flag": 0.3}}


def test_a_set_without_a_name_of_ours_and_numbers_that_are_none_are_left_out(
    lead: Client, version: ModelVersion
) -> None:
    brings_sets(version, SETS)
    page = lead.get(ADD, {"set": "homemade"}).text
    assert "homemade" not in page and not re.search(r'name="flag_toxic" value=', page)
    page = lead.get(ADD, {"set": "lenient"}).text
    assert 'name="flag_toxic" value="0.63"' in page and not re.search(r'name="flag_threat" value=', page)


@pytest.mark.parametrize("sets", [None, [], "strict", {"strict": 0.2}, {"strict": {"toxic": "0.2"}}])
def test_a_version_without_sets_offers_none(lead: Client, version: ModelVersion, sets: Any) -> None:
    brings_sets(version, sets)
    for asked in ({}, {"set": "strict"}):
        page = lead.get(ADD, asked)
        assert page.status_code == 200 and "policy-sets" not in page.text
