"""Who may what: groups, permissions that do something, and objects that a user may see."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.management import _get_all_permissions
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext

from moderation import audit
from moderation.audit import Action, Actor
from moderation.models import ModelVersion, Review, Screening
from moderation.review import claims, rights
from moderation.review import decisions as reviewing
from tests.forum.models import Note
from tests.moderation.conftest import screen
from tests.moderation.migrating import applied, interrupted_before, migrate
from tests.moderation.test_queue import QUEUE, queued, staff, texts

REVIEWS, AUDIT = "/admin/moderation/review/", "/admin/moderation/auditentry/"
WHAT_EACH_DOES = {
    "review_screening": "decides in the queue",
    "lead_reviews": "corrects what others decided",
    "view_screening": "opens the queue",
    "view_review": "lists the reviews",
    "view_auditentry": "lists the audit trail",
    "view_policy": "lists the thresholds",
    "add_policy": "changes the thresholds",
    "view_modelversion": "lists the model versions",
    "manage_versions": "activates, leaves and exports model versions, asks for trainings and runs trials",
    "view_trainingrun": "lists the training runs",
    "view_shadowtrial": "lists the shadow trials",
    "view_screeningrun": "lists the runs of rescreen",
    "view_apikey": "lists the API keys",
    "add_apikey": "makes API keys",
    "change_apikey": "revokes API keys",
}
"""{codename: what somebody with it can do and others can't}; `test_matrix` tries each."""


def sees_odd_ones(user: Any, screenings: QuerySet[Screening]) -> QuerySet[Screening]:
    """The hook of these tests: `odd` sees the screenings whose author is odd, with a join and a DISTINCT."""
    if user.get_username() != "odd":
        return screenings
    seen = screenings.filter(author_key="odd").distinct()
    return seen.exclude(reviews__note="none has this")


def names_no_screenings(user: Any, screenings: QuerySet[Screening]) -> Any:
    return Review.objects.all()


@pytest.fixture
def sections(settings: Any) -> None:
    settings.MODERATION = {
        **settings.MODERATION,
        "VISIBLE_SCREENINGS": "tests.moderation.test_rights.sees_odd_ones",
    }


# --- permissions and groups ------------------------------------------------------------------------


def test_the_name_of_each_permission_fits_where_django_first_kept_them() -> None:
    """A fresh database that is migrated app by app has room for 50 characters when ours are made."""
    names = {
        str(name)
        for model in apps.get_app_config("moderation").get_models()
        for _codename, name in _get_all_permissions(model._meta)
    }
    assert "Can lead moderation and correct others" in names
    assert [name for name in names if len(name) > 50] == []


@pytest.mark.django_db
def test_every_permission_that_is_offered_does_something() -> None:
    offered = Permission.objects.filter(content_type__app_label="moderation")
    assert set(offered.values_list("codename", flat=True)) == set(WHAT_EACH_DOES)


def codenames(group: str) -> set[str]:
    return set(Group.objects.get(name=group).permissions.values_list("codename", flat=True))


@pytest.fixture
def again() -> object:
    """Take the migration of the groups back, and bring the database to the latest one afterwards."""
    migrate("moderation", next(name for name in applied("moderation") if name.endswith("_permissions")))
    Group.objects.all().delete()
    yield
    migrate("moderation")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("again")
class TestTheMigration:
    def test_makes_three_groups(self) -> None:
        migrate("moderation")
        assert codenames("Moderators") == {"review_screening"}
        assert {"review_screening", "lead_reviews", "add_policy", "view_review"} <= codenames(
            "Moderation leads"
        )
        assert {"view_screening", "view_auditentry"} <= codenames("Moderation auditors")
        changing = {"review_screening", "lead_reviews", "add_policy"}
        assert not changing & codenames("Moderation auditors")

    def test_makes_them_on_a_database_without_permissions(self) -> None:
        ContentType.objects.filter(app_label="moderation").delete()
        assert not Permission.objects.filter(content_type__app_label="moderation").exists()
        migrate("moderation")
        assert codenames("Moderators") == {"review_screening"}
        offered = Permission.objects.filter(content_type__app_label="moderation")
        assert set(offered.values_list("codename", flat=True)) == set(WHAT_EACH_DOES)

    def test_leaves_a_group_of_the_sites_own_as_it_is(self) -> None:
        Group.objects.create(name="Moderators")
        migrate("moderation")
        assert codenames("Moderators") == set()
        assert codenames("Moderation auditors")

    def test_brings_nothing_back_that_a_site_took_away(self) -> None:
        migrate("moderation")
        Group.objects.get(name="Moderation auditors").delete()
        Group.objects.get(name="Moderators").permissions.clear()
        migrate("moderation")
        assert not Group.objects.filter(name="Moderation auditors").exists()
        assert codenames("Moderators") == set()

    def test_takes_away_what_never_did_anything_and_leaves_its_holders_what_they_could_see(self) -> None:
        content_type = ContentType.objects.get_for_model(Review)
        change, delete = (
            Permission.objects.create(codename=f"{action}_review", content_type=content_type, name=action)
            for action in ("change", "delete")
        )
        other = Permission.objects.create(
            codename="burn_review", content_type=content_type, name="the site's"
        )
        ann = User.objects.create_user("ann", is_staff=True)
        ann.user_permissions.set([change, delete, other])
        group = Group.objects.create(name="Readers")
        group.permissions.set([change])
        migrate("moderation")
        ann = User.objects.get(username="ann")
        assert set(ann.user_permissions.values_list("codename", flat=True)) == {"view_review", "burn_review"}
        assert codenames("Readers") == {"view_review"}
        assert not Permission.objects.filter(codename__in=["change_review", "delete_review"]).exists()
        client = Client()
        client.force_login(ann)
        assert client.get(REVIEWS).status_code == 200
        other.delete()

    @pytest.mark.parametrize("nth", [1, 2, 3])
    def test_that_was_interrupted_is_run_again(self, nth: int) -> None:
        with interrupted_before('INSERT INTO "auth_group"', nth):
            migrate("moderation")
        assert not Group.objects.exists()
        migrate("moderation")
        assert Group.objects.count() == 3


# --- objects that a user may see -------------------------------------------------------------------


@pytest.fixture
def odd(version: ModelVersion, sections: None) -> Client:
    return staff(
        "odd", "review_screening", "lead_reviews", "view_review", "view_auditentry", "view_screening"
    )


@pytest.fixture
def hers(version: ModelVersion) -> Screening:
    return queued("hers", author_key="odd")


@pytest.fixture
def others(version: ModelVersion) -> Screening:
    return queued("of another section", author_key="even")


@pytest.mark.django_db
def test_the_queue_shows_counts_and_finds_only_what_a_user_may_see(
    odd: Client, hers: Screening, others: Screening
) -> None:
    page = odd.get(QUEUE).content.decode()
    assert texts(page) == ["hers"]
    assert "of another section" not in page
    for query in ("?q=even", "?state=all&q=even", "?state=failed", "?state=suggested", "?state=decided"):
        assert texts(odd.get(QUEUE + query).content.decode()) == []
    assert texts(odd.get(QUEUE + "?state=all").content.decode()) == ["hers"]


@pytest.mark.django_db
def test_an_item_of_another_section_is_not_there(odd: Client, hers: Screening, others: Screening) -> None:
    assert odd.get(f"{QUEUE}{hers.pk}/change/").status_code == 200
    for address in (f"{others.pk}/change/", f"{others.pk}/change/?part=2"):
        assert odd.get(QUEUE + address).status_code == 404
    history = odd.get(f"{QUEUE}{others.pk}/history/", follow=True)
    assert "of another section" not in history.content.decode()
    answer = odd.post(f"{QUEUE}{others.pk}/decide/", {"kind": "uphold"})
    assert answer.status_code == 404
    assert not Review.objects.exists()
    assert others.pk == Screening.objects.get(outcome="", author_key="even").pk


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_who_looks_at_an_item_of_another_section_is_not_told(
    odd: Client, others: Screening, accept: str
) -> None:
    assert claims.hold(User.objects.create_user("eve"), others.pk)
    answers = [
        odd.post(f"{QUEUE}{others.pk}/{view}/", {"kind": "false_positive"}, headers={"Accept": accept})
        for view in ("decide", "take-over", "skip", "unskip")
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert "eve" not in odd.get(QUEUE).content.decode()


@pytest.mark.django_db
def test_the_api_tells_of_no_other_section(odd: Client, hers: Screening, others: Screening) -> None:
    root = "/api/moderation/"
    boss = User.objects.create_superuser("boss")
    reviewing.decide(others.pk, reviewer=boss, kind="false_positive")
    more = queued("of another section", author_key="even", status="failed", queued_for="failed", verdict="")
    assert [row["id"] for row in odd.get(root + "screenings/").json()["results"]] == [hers.pk]
    assert odd.get(f"{root}screenings/{others.pk}/").status_code == 404
    assert odd.get(root + "reviews/").json()["results"] == []
    stats = odd.get(root + "stats/").json()
    assert (stats["queue"]["flagged"], stats["queue"]["failed"], stats["failed"]) == (1, 0, 0)
    assert (stats["recent"]["screenings"], stats["reviews"]["decisions"]) == (1, 0)
    body = json.dumps({"screening": more.pk, "decision": "false_positive"})
    refused = odd.post(root + "reviews/", body, content_type="application/json")
    missing = json.dumps({"screening": 10**9, "decision": "false_positive"})
    assert refused.status_code == 400
    unknown = odd.post(root + "reviews/", missing, content_type="application/json")
    assert refused.content == unknown.content  # as of a screening that does not exist
    assert Review.objects.count() == 1


@pytest.mark.django_db
def test_reviews_and_the_audit_trail_tell_of_no_other_section(
    odd: Client, hers: Screening, others: Screening
) -> None:
    boss = User.objects.create_superuser("boss")
    for screening in (hers, others):
        reviewing.decide(screening.pk, reviewer=boss, kind="false_positive")
    audit.record(Action.POLICY_CHANGED, Actor.of(boss), ModelVersion.objects.get(), {}, {})
    assert odd.get(REVIEWS).context["cl"].result_count == 1
    page = odd.get(AUDIT)
    targets = {(entry.target_type, entry.target_id) for entry in page.context["cl"].result_list}
    assert targets == {("screening", str(hers.pk)), ("modelversion", str(ModelVersion.objects.get().pk))}
    review = Review.objects.get(screening=others)
    assert odd.get(f"{REVIEWS}{review.pk}/change/").status_code == 302  # to the index: there is none
    entry = audit.about(others).get()
    assert odd.get(f"{AUDIT}{entry.pk}/change/").status_code == 302


@pytest.mark.django_db
def test_decide_itself_keeps_to_the_section(hers: Screening, others: Screening, sections: None) -> None:
    odd = User.objects.create_user("odd")
    assert reviewing.decide(hers.pk, reviewer=odd, kind="false_positive").screening_id == hers.pk
    with pytest.raises(Screening.DoesNotExist):
        reviewing.decide(others.pk, reviewer=odd, kind="false_positive")


@pytest.mark.django_db
def test_without_the_setting_nothing_is_asked(hers: Screening) -> None:
    rows = Screening.objects.all()
    with CaptureQueriesContext(connection) as queries:
        assert rights.visible(User(username="odd"), rows) is rows
    assert not queries


@pytest.mark.django_db
def test_a_program_of_the_sites_own_sees_all(hers: Screening, others: Screening, sections: None) -> None:
    assert rights.visible(None, Screening.objects.all()).count() == 2


@pytest.mark.django_db
def test_a_callable_that_returns_something_else_opens_nothing(settings: Any, hers: Screening) -> None:
    settings.MODERATION = {
        **settings.MODERATION,
        "VISIBLE_SCREENINGS": "tests.moderation.test_rights.names_no_screenings",
    }
    client = staff("ann", "review_screening")
    with pytest.raises(TypeError, match="VISIBLE_SCREENINGS"):
        client.get(QUEUE)


@pytest.mark.django_db
def test_a_preview_of_thresholds_names_only_what_a_user_may_see(
    version: ModelVersion, sections: None
) -> None:
    for author in ("odd", "even"):
        note = Note.objects.create(text=f"you idiot, says {author}")
        screen()
        Screening.objects.filter(object_id=note.pk, source="object").update(author_key=author)
    Screening.objects.update(queued_for="held", verdict="held")
    client = staff("odd", "add_policy", "view_policy", "review_screening")
    data = {"model_label": "forum.Note", "no_flag_toxic": "on", "no_flag_insult": "on", "_preview": "1"}
    page = client.post("/admin/moderation/policy/add/", data).content.decode()
    assert "you idiot, says odd" in page
    assert "says even" not in page


# --- a lost session --------------------------------------------------------------------------------


@pytest.mark.django_db
def test_after_a_lost_session_one_comes_back_to_the_item(version: ModelVersion) -> None:
    screening = queued("stay")
    user = User.objects.create_user("ann", password="secret-of-ann", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="review_screening"))
    client = Client()
    login = client.post(f"{QUEUE}{screening.pk}/decide/?label=toxic", {"kind": "uphold"})
    assert login.status_code == 302
    back = client.post(login["Location"], {"username": "ann", "password": "secret-of-ann"}, follow=True)
    assert back.status_code == 200
    assert back.redirect_chain[-1][0].startswith(f"{QUEUE}{screening.pk}/change/?_changelist_filters=")
    page = back.content.decode()
    assert "Nothing was recorded" in page
    assert "?label=toxic" in page
    assert not Review.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("permission", ["review_screening", "view_screening", "lead_reviews"])
def test_who_has_one_right_finds_the_queue_in_the_index(version: ModelVersion, permission: str) -> None:
    page = staff("ann", permission).get("/admin/").content.decode()
    assert re.search(rf'<a href="{QUEUE}"[^>]*>Moderation queue</a>', page)
    assert "permission to view or edit anything" not in page


@pytest.mark.django_db
def test_after_a_lost_session_and_without_the_item_one_comes_back_to_the_queue(version: ModelVersion) -> None:
    client = staff("ann", "review_screening")
    back = client.get(f"{QUEUE}{10**9}/decide/?label=toxic", follow=True)
    assert back.redirect_chain[-1][0] == f"{QUEUE}?label=toxic"
    assert "Nothing was recorded" in back.content.decode()
    assert client.put(f"{QUEUE}1/decide/").status_code == 405
    assert staff("bob").get(f"{QUEUE}1/decide/").status_code == 403
