"""Claims on open items: one person at a time, by the database's clock; skipped ones wait."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connections

from moderation.clock import Now
from moderation.models import AuditEntry, ItemClaim, ItemSkip, Screening
from moderation.review import claims

pytestmark = pytest.mark.django_db


def make_open(count: int) -> list[int]:
    """Make open items, the worst first, and return their ids in the queue's order."""
    return [
        Screening.objects.create(
            source="import",
            text=f"text {number}",
            status="done",
            verdict="flagged",
            queued_for="flagged",
            severity=0.9 - number / 1000,
        ).pk
        for number in range(count)
    ]


def queue() -> claims.QuerySet[Screening]:
    return Screening.objects.open()


def run_out() -> None:
    """The time of every claim is over."""
    ItemClaim.objects.update(until=Now() - timedelta(seconds=1))


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob")


def test_a_deal_fills_the_hand_from_the_queue_s_top(ann: User) -> None:
    items = make_open(5)
    assert claims.deal(ann, 3, queue()) == items[:3]
    assert claims.deal(ann, 3, queue()) == items[:3]
    assert claims.deal(ann, 9, queue()) == items


def test_what_one_person_holds_is_dealt_to_nobody_else(ann: User, bob: User) -> None:
    items = make_open(5)
    claims.deal(ann, 3, queue())
    assert claims.deal(bob, 3, queue()) == items[3:]
    holders = claims.holders(bob, items)
    assert {pk: claim.username for pk, claim in holders.items()} == dict.fromkeys(items[:3], "ann")
    assert claims.holders(ann, items[:3]) == {}


def test_only_open_items_of_the_given_queue_are_dealt(ann: User) -> None:
    items = make_open(4)
    Screening.objects.filter(pk=items[0]).update(outcome="hide")
    Screening.objects.filter(pk=items[1]).update(is_current=False)
    assert claims.deal(ann, 9, Screening.objects.order_by("-severity").exclude(pk=items[2])) == items[3:]


def test_a_claim_runs_out_and_the_item_goes_to_another(ann: User, bob: User) -> None:
    items = make_open(2)
    claims.deal(ann, 2, queue())
    assert claims.deal(bob, 2, queue()) == []
    run_out()
    assert claims.deal(bob, 2, queue()) == items
    assert claims.renew(ann, items) == 0
    assert set(claims.claimed_by(bob).values_list("pk", flat=True)) == set(items)
    assert not claims.claimed_by(ann).exists()


def test_activity_renews_a_claim(ann: User) -> None:
    (item,) = make_open(1)
    claims.deal(ann, 1, queue())
    ItemClaim.objects.update(until=Now() + timedelta(seconds=5))
    before = ItemClaim.objects.get(pk=item)
    assert claims.renew(ann, [item]) == 1
    after = ItemClaim.objects.get(pk=item)
    assert after.until - before.until > timedelta(seconds=60)
    assert after.since == before.since


def test_claims_that_ran_out_are_removed_by_the_next_deal(ann: User, bob: User) -> None:
    make_open(3)
    claims.deal(ann, 2, queue())
    run_out()
    claims.deal(bob, 1, queue())
    assert ItemClaim.objects.count() == 1


def test_an_item_is_taken_over_knowingly_and_that_is_on_record(ann: User, bob: User) -> None:
    (item,) = make_open(1)
    claims.deal(ann, 1, queue())
    assert claims.take_over(bob, item) == "ann"
    assert ItemClaim.objects.get(pk=item).username == "bob"
    entry = AuditEntry.objects.get(action="item.taken_over")
    assert (entry.username, entry.target_id, entry.before) == ("bob", str(item), {"held_by": "ann"})


def test_a_free_item_is_held_and_a_colleague_s_is_not(ann: User, bob: User) -> None:
    first, second = make_open(2)
    assert claims.hold(ann, second)
    assert not claims.hold(bob, second)
    Screening.objects.filter(pk=first).update(outcome="show")
    assert not claims.hold(bob, first)
    assert list(claims.claimed_by(ann).values_list("pk", flat=True)) == [second]


def test_taking_a_free_item_is_no_takeover(bob: User) -> None:
    (item,) = make_open(1)
    assert claims.take_over(bob, item) == ""
    assert claims.deal(bob, 1, queue()) == [item]
    assert not AuditEntry.objects.exists()


def test_a_decided_item_cannot_be_taken_over(bob: User) -> None:
    (item,) = make_open(1)
    Screening.objects.update(outcome="show")
    with pytest.raises(claims.NotOpen):
        claims.take_over(bob, item)
    with pytest.raises(Screening.DoesNotExist):
        claims.take_over(bob, item + 1)
    assert not ItemClaim.objects.exists()


def test_a_released_item_is_free_for_others(ann: User, bob: User) -> None:
    items = make_open(2)
    claims.deal(ann, 2, queue())
    claims.release(bob, items)
    claims.release(ann, items[:1])
    assert claims.deal(bob, 2, queue()) == items[:1]


def test_a_skipped_item_goes_to_others_and_comes_back_after_a_while(ann: User, bob: User) -> None:
    items = make_open(3)
    claims.deal(ann, 2, queue())
    claims.skip(ann, items[0])
    claims.skip(ann, items[0])
    assert claims.deal(ann, 3, queue()) == items[1:]
    assert items[0] not in claims.unskipped(ann, queue()).values_list("pk", flat=True)
    assert claims.deal(bob, 3, queue()) == items[:1]
    claims.release(bob, items)
    ItemSkip.objects.update(until=Now() - timedelta(seconds=1))
    assert claims.deal(ann, 3, queue()) == items
    assert not ItemSkip.objects.exists()


def test_a_skip_can_be_taken_back(ann: User) -> None:
    items = make_open(2)
    claims.skip(ann, items[0])
    claims.take_back_skip(ann, items[0])
    assert claims.deal(ann, 2, queue()) == items


def test_the_end_of_an_item_ends_its_claim(ann: User) -> None:
    items = make_open(2)
    claims.deal(ann, 2, queue())
    claims.end(items[0])
    assert list(ItemClaim.objects.values_list("pk", flat=True)) == [items[1]]


@pytest.mark.django_db(transaction=True)
def test_people_who_are_dealt_to_at_once_never_get_the_same_item() -> None:
    make_open(200)
    people = [User.objects.create_user(f"moderator {number}") for number in range(4)]
    start = threading.Barrier(len(people))
    dealt: dict[str, list[int]] = {}
    errors: list[BaseException] = []

    def work(user: User) -> None:
        mine: set[int] = set()
        try:
            start.wait(30)
            for size in range(5, 55, 5):
                mine.update(claims.deal(user, size, queue()))
        except BaseException as error:
            errors.append(error)
        finally:
            dealt[user.username] = sorted(mine)
            connections.close_all()

    threads = [threading.Thread(target=work, args=(user,)) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == []
    assert [len(mine) for mine in dealt.values()] == [50] * 4
    assert len({pk for mine in dealt.values() for pk in mine}) == 200
    for user in people:
        held = claims.claimed_by(user).values_list("pk", flat=True)
        assert sorted(held) == dealt[user.username]
