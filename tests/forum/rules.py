"""The site's own callables, named by dotted paths in the registrations."""

from __future__ import annotations

from django.db import OperationalError, ProgrammingError

from tests.forum.models import Letter, Note, Poem, Riddle


class WillNot(Exception):
    """The site's own code failed."""


class NoException(BaseException):
    """As some libraries raise on purpose, so that nobody catches it by accident."""


NOBODYS = {"away": OperationalError, "not migrated": ProgrammingError, "memory": MemoryError}
"""What is no row's fault, and may come with one row alone all the same."""


def is_trusted(note: Note) -> bool:
    """Notes that start with a tick are the editors'."""
    if note.text.startswith("✗"):
        raise WillNot(note.text)
    return note.text.startswith("✓")


def withdraw(letter: Letter) -> bool:
    """Hide; False where it was hidden already."""
    if letter.refuses:
        raise WillNot(letter.text)
    return bool(Letter.objects.filter(pk=letter.pk, is_withdrawn=False).update(is_withdrawn=True))


def publish(letter: Letter) -> None:
    """Show."""
    if letter.refuses:
        raise WillNot(letter.text)
    Letter.objects.filter(pk=letter.pk).update(is_withdrawn=False)


def whole_poem(poem: Poem) -> str:
    """What is screened of a poem."""
    if "✗" in poem.verses:
        raise WillNot(poem.heading)
    return "\n".join(poem.lines())


def whole_riddle(riddle: Riddle) -> str:
    """What is screened of a riddle."""
    if riddle.trouble == "no exception":
        raise NoException(riddle.words)
    if riddle.trouble in NOBODYS:
        raise NOBODYS[riddle.trouble](riddle.words)
    if riddle.trouble == "related":
        return f"{riddle.teller.text} {riddle.words}"  # type: ignore[union-attr]
    return riddle.told
