"""Takes authors' requests that somebody else looks at a decision, once for each decision.

The text stays hidden meanwhile. `moderation.review.decisions.decide` answers: it refuses who had decided.
"""

from __future__ import annotations

from functools import partial

from django.db import router, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from moderation import signals
from moderation.models import Review, Screening, SecondLook
from moderation.review.standing import ground_truth
from moderation.texts import storable

__all__ = ["CannotAsk", "ask_for_second_look", "may_ask"]

WORDS_CHARACTERS = 2000


class CannotAsk(Exception):
    """There is nothing to look at again; the message says why, for the author."""


def ask_for_second_look(screening_id: int, words: str = "") -> SecondLook:
    """Put a text that a moderator hid before another one; for the author alone, which the caller makes sure.

    words: the author's own, cut after 2,000 characters. Raises CannotAsk where no person hid it, where it was
    edited or shown since, or where this decision was asked about before; and Screening.DoesNotExist.
    """
    with transaction.atomic(using=router.db_for_write(Screening)):
        screening = Screening.objects.select_for_update().get(pk=screening_id)
        decision = ground_truth(screening)
        if decision is None or not _is_hidden_by(decision, screening):
            raise CannotAsk(_("No moderator has hidden this text, or it was changed since."))
        if _was_asked(decision):
            raise CannotAsk(_("A second look was asked for already."))
        look = SecondLook.objects.create(
            screening=screening, decision=decision, words=storable(words).strip()[:WORDS_CHARACTERS]
        )
        screening.second_look = look.created
        screening.save(update_fields=["second_look"])
    send = partial(signals.send, signals.second_look_asked, screening=screening, second_look=look)
    transaction.on_commit(send, using=router.db_for_write(Screening), robust=True)
    return look


def may_ask(screening: Screening, decision: Review | None) -> bool:
    """True where the author may ask about the decision that stands."""
    return decision is not None and _is_hidden_by(decision, screening) and not _was_asked(decision)


def _is_hidden_by(decision: Review, screening: Screening) -> bool:
    return (
        screening.source == Screening.Source.OBJECT
        and screening.is_current
        and screening.blanked is None
        and screening.released is None
        and decision.outcome == Screening.Outcome.HIDE
    )


def _was_asked(decision: Review) -> bool:
    """True where the author asked about this decision, or where it is the answer to that."""
    return SecondLook.objects.filter(Q(decision=decision) | Q(answer=decision)).exists()
