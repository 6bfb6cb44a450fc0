"""The signed token with which an author posts one text anyway, and what a text that comes with one was told.

It holds the label and a digest of the text, so it speaks for that text and no other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.core import signing
from django.db.models import Model

from moderation import metrics
from moderation.nudging.scoring import Nudge, look_at
from moderation.screening.nudged import Nudged

SALT = "moderation.nudge"
MAX_AGE_SECONDS = 24 * 60 * 60
FIELD = "post_anyway"
"""The name under which a form, a serializer and the script send the token."""


@dataclass(frozen=True)
class Decision:
    """What is to be done with a text that an author sends."""

    nudge: Nudge | None = None
    """To be shown before the text is saved; None: it may be saved."""
    answer: str = ""
    """What the author did, who was nudged before: a value of `Screening.Nudged`."""


def token_for(text: str, label: str) -> str:
    """Sign that the author of `text` was told of `label`."""
    return signing.dumps([label, _digest(text)], salt=SALT)


def decide(text: str, token: str, model: type[Model] | None = None) -> Decision:
    """Look at a text unless its author has been told of it, and count what happened.

    token: the one that came with the text, empty, or anything else that a client may send.
    """
    told = _read(token)
    if told is not None and told[1] == _digest(text):
        metrics.count_nudge(told[0], Nudged.POSTED_ANYWAY)
        return Decision(answer=Nudged.POSTED_ANYWAY)
    nudge = look_at(text, model)
    if nudge is not None:
        metrics.count_nudge(nudge.label, "shown")
        return Decision(nudge)
    if told is not None:
        metrics.count_nudge(told[0], Nudged.EDITED)
        return Decision(answer=Nudged.EDITED)
    return Decision()


def _digest(text: str) -> str:
    """Of the text as every way of sending it has it: browsers send CR LF, scripts LF, and forms trim."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def _read(token: str) -> tuple[str, str] | None:
    try:
        label, digest = signing.loads(token, salt=SALT, max_age=MAX_AGE_SECONDS)
    except (signing.BadSignature, TypeError, ValueError):
        return None
    return str(label), str(digest)
