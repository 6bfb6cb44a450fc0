"""Says what becomes of an author's texts, as a person decided or the site's rules say, and records decisions.

It is about what happens before a person has judged a text: no decision about a text is ever changed by it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction
from django.db.models import Q, QuerySet

from moderation import audit, signals
from moderation.audit import Action, Actor
from moderation.authors.identity import Author
from moderation.authors.rules import stances_by_rule
from moderation.coordination.turns import AUTHORS, wait_for_turn
from moderation.models import AuthorTrust, Screening
from moderation.texts import storable

Stance = AuthorTrust.Stance
Identity = tuple[str, str]


class UnknownAuthor(LookupError):
    """Raised for a text whose author is not known: nothing was recorded."""


def decide(author: Author, stance: str, by: AbstractBaseUser) -> AuthorTrust | None:
    """Record what becomes of an author's texts from now on; None where that was so already.

    Of two who decide the same at once the second is told None. Texts that were screened before stay as they
    are. After the commit `author_trust_changed` is sent. Raises
    UnknownAuthor, and ValueError where there is no such stance.
    """
    if not author.is_known:
        raise UnknownAuthor("Nobody is known to have written it.")
    stance = Stance(stance)
    key, name = author.identity
    actor = Actor.of(by)
    with transaction.atomic(using=router.db_for_write(AuthorTrust)):
        wait_for_turn(AUTHORS)
        newest = decisions_about(author).first()
        before = newest.stance if newest is not None else Stance.USUAL
        if before == stance:
            return None
        trust: AuthorTrust = AuthorTrust.objects.create(
            author_key=key,
            author_name=storable(name),
            stance=stance,
            decided_by=actor.user,
            decided_by_name=actor.name,
        )
        audit.record(
            Action.AUTHOR_DECIDED, actor, trust, before={"stance": str(before)}, after={"stance": str(stance)}
        )
        transaction.on_commit(
            partial(signals.tell, signals.author_trust_changed, trust=trust),
            using=router.db_for_write(AuthorTrust),
            robust=True,
        )
    return trust


def stance_of(author: Author) -> str:
    """What becomes of an author's texts now, by a person's decision or by a rule."""
    if not author.is_known:
        return Stance.USUAL
    decided = _decided({author.identity})
    in_force = decided or stances_by_rule({author.identity})
    return in_force.get(author.identity, Stance.USUAL)


def decided_stance(author: Author) -> str:
    """What a person decided of an author last; as usual, where nobody has."""
    newest = decisions_about(author).first()
    return Stance.USUAL if newest is None else newest.stance


def decisions_about(author: Author) -> QuerySet[AuthorTrust]:
    """Select what people decided of an author, the newest first."""
    key, name = author.identity
    return AuthorTrust.objects.filter(author_key=key, author_name=name).order_by("-id")


def stances_of(screenings: Iterable[Screening]) -> dict[int, str]:
    """{screening id: stance} of those whose author is held always or never; what a person decided goes first.

    One query, and those of the site's rules about authors where there are any.
    """
    rows = {row.pk: Author.of(row).identity for row in screenings}
    authors = {author for author in rows.values() if any(author)}
    if not authors:
        return {}
    decided = _decided(authors)
    in_force = {**stances_by_rule(authors - decided.keys()), **decided}
    return {pk: in_force[author] for pk, author in rows.items() if author in in_force}


def _decided(authors: Collection[Identity]) -> dict[Identity, str]:
    keys = [key for key, _ in authors if key]
    names = [name for key, name in authors if not key]
    rows = AuthorTrust.objects.filter(
        Q(author_key__in=keys, author_name="") | Q(author_key="", author_name__in=names)
    )
    newest = {
        (key, name): stance
        for key, name, stance in rows.order_by("id").values_list("author_key", "author_name", "stance")
    }
    return {author: stance for author, stance in newest.items() if stance != Stance.USUAL}
