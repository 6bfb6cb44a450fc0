"""A site that listens to moderation's signals: it notes who told it of what, and fails at some texts. It can
take its time, too: by SECONDS_TO_SCORE for each batch, and by DOORBELL_SECONDS for an answer of the broker.
Where SECONDS_OF_AN_ACTION says how long a callable may take, its callable hangs at some texts.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import AppConfig

logger = logging.getLogger("site")

ENDLESS = "endless"
"""A letter with this word is never withdrawn: the site's callable hangs at it."""
UNBEARABLE = "unbearable"
"""A text with this word is more than the site's receiver can take."""


class ReceivingSite(AppConfig):
    """Only in the workers' settings."""

    name = "tests.faults"
    label = "receiving_site"

    def ready(self) -> None:
        from moderation import notifier
        from moderation.signals import screening_scored

        screening_scored.connect(fail_at_some)
        screening_scored.connect(note_who_scored)
        if seconds := float(os.environ.get("SECONDS_TO_SCORE", 0)):
            _score_slowly(seconds)
        if seconds := float(os.environ.get("DOORBELL_SECONDS", 0)):
            notifier.SOCKET_SECONDS = seconds
        if seconds := float(os.environ.get("SECONDS_OF_AN_ACTION", 0)):
            _hang_at_some(seconds)


def _score_slowly(seconds: float) -> None:
    """However fast the machine is, a batch is in a worker's hands for so long."""
    from moderation.screening.model import LoadedModel

    predict = LoadedModel.predict

    def slowly(model: LoadedModel, texts: Sequence[str]) -> list[Mapping[str, float]]:
        time.sleep(seconds)
        return predict(model, texts)

    LoadedModel.predict = slowly  # type: ignore[method-assign]


def _hang_at_some(seconds: float) -> None:
    """Withdrawing a letter whose text is endless never ends."""
    from moderation.visibility import pending_actions
    from tests.forum import rules

    withdraw = rules.withdraw

    def hang_or_withdraw(letter: Any) -> bool:
        while ENDLESS in letter.text:
            logger.info("Hanging at letter %s.", letter.pk)
            time.sleep(3600)
        return withdraw(letter)

    rules.withdraw = hang_or_withdraw
    pending_actions.CLAIM_SECONDS = seconds


def note_who_scored(screening: Any, **_: Any) -> None:
    """One line for each text that got its verdict."""
    logger.info("Told of screening %s by process %s.", screening.pk, os.getpid())


def fail_at_some(screening: Any, **_: Any) -> None:
    """As a site's own code does."""
    if UNBEARABLE in screening.text:
        raise RuntimeError(screening.text)
