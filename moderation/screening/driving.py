"""Says on demand which words of a screened text speak most for a label: one text at a time, and cached."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.core.cache import cache
from django.utils.translation import gettext as _

from moderation.conf import conf
from moderation.models import ModelVersion, Scoring, Screening
from moderation.screening.scorer import LibrariesMissing, ModelNotReady, driving_words_for_web
from moderation.texts import exact_digest
from moderation.versions import store

KEPT_SECONDS = 24 * 3600
"""For this time an answer stays in the site's cache: places and numbers, no text."""
WAIT_SECONDS = 1.0
"""A short text takes less; who comes while a long one is looked at is told to come again."""
WORDS = 30
"""How many words are named at most, those that say most."""
LEAST = 0.2
"""Log-odds. A word that adds less says nothing."""
_FUNCTION_WORDS = """
a an and are as at be been but by do does for from had has have he her him his i if in into is it its
me my no not of on or our out she so that the their them they this to up us was we were what who will
with you your you're yours
aber als am auf aus bei bin bist da das dass dein deine dem den der des dich dir du ein eine einen er
es euch euer für hat ich ihr im ist ja mein mich mir mit nicht oder sein seine sich sie sind und uns von
war wer wie wir zu zum zur
au aux avec ce ces cette c'est d'un d'une dans de des du elle elles en est et eux il ils je l'on la le les
leur lui ma mais me mes moi mon ne nos notre nous on ou par pas pour qu'il que qui sa ses sont sur ta te tes
toi ton tu un une vos votre vous y à été être
al como de del el ella ellos era eres es esta este esto está fue la las le lo los me mi más muy ni no nos o
para pero por que qué se ser si sin su sus sí te tu tú un una usted y ya yo él
a ai che chi ci da dal dei del della di e gli ha il io la le lei lo loro lui ma mi mia mio nel nella non
o per più se sei si sono su sua suo ti tra tu un una voi è
ao aos as com da das de dele do dos e ela ele eles em era essa esse esta este eu foi isso já lhe mais mas me
meu minha na nas nem no nos não o os ou para pela pelo por que se sem ser seu seus sua são te tem teu tu um
uma você vocês à é
aan bij dat de den der deze dit een en er haar heb hebben heeft hem het hij hun ik in is je jij jou jouw
jullie maar me mee met mij mijn naar niet of om onze ook op te u uit uw van voor waar wat we werd wij ze
zich zijn zij zo
bo być ci co czy dla do go i ich ja jak je jego jej jest jesteś jeszcze już ma mi mnie moje my na nas nie niż
o od on ona oni po przez są się ta tak tam te tego ten to tu twój ty tym w was więc wy z za ze że
"""
"""What joins the words that a person would mark. A score leans on it, too; beside others it is left out.
What is an insult or a threat in another of these languages, as *con* of Spanish is in French and *die* of
German in English, is not here."""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())


class NotExplained(Exception):
    """Raised where nobody can say now; the message tells the moderator why."""


@dataclass(frozen=True)
class DrivingWord:
    """A word that speaks for a label."""

    start: int
    end: int
    """Code points of the whole text."""
    strength: int
    """3, 2 or 1: at least a half, a quarter, or less of the strongest word's part."""


@dataclass(frozen=True)
class DrivingWords:
    """What speaks for one label in one text."""

    label: str
    version: str
    """The model version that was asked."""
    is_of_verdict: bool
    """True: that version's scores are those on the page. False: another version is active by now."""
    words: tuple[DrivingWord, ...]
    """In the order of the text, never overlapping."""


def driving_words(screening: Screening, scoring: Scoring | None, label: str) -> DrivingWords:
    """Ask the active version which words of a text speak most for a label.

    scoring: what the page shows. Raises NotExplained, and changes nothing. A web process has one version
    loaded, so an older one is never loaded for this.
    """
    if screening.blanked is not None or not screening.text:
        raise NotExplained(_("There is no text left to look at."))
    try:
        version = store.active_version()
        if label not in version.labels:
            raise NotExplained(_("The active model does not know this label."))
        places = _places(version, screening, label)
    except LibrariesMissing as error:
        raise NotExplained(_("This server has no model: its words can not be told.")) from error
    except (ModelNotReady, store.ModelUnavailable) as error:
        raise NotExplained(_("The model can not be asked at the moment.")) from error
    is_of_verdict = scoring is not None and scoring.model_version_id == version.pk
    return DrivingWords(label, str(version), is_of_verdict, places)


def _places(version: ModelVersion, screening: Screening, label: str) -> tuple[DrivingWord, ...]:
    key = _key(version, screening, label)
    kept: list[tuple[int, int, int]] | None = cache.get(key)
    if kept is None:
        with _one_at_a_time():
            words = driving_words_for_web(version, screening.text, label)
        spoken = [word for word in words if any(map(str.isalnum, word.text))]
        telling = [word for word in spoken if _letters(word.text) not in FUNCTION_WORDS]
        told = [(word.start, word.end, word.value) for word in telling if word.value >= LEAST]
        kept = _strongest(told or [(word.start, word.end, word.value) for word in spoken])
        cache.set(key, kept, KEPT_SECONDS)
    return tuple(DrivingWord(*place) for place in kept)


def _letters(word: str) -> str:
    """A word without what may stand between its letters."""
    return "".join(character for character in word.casefold() if character.isalnum() or character == "'")


def _key(version: ModelVersion, screening: Screening, label: str) -> str:
    """Tells nothing of the text: a keyed hash, and another one for the same text of another row."""
    asked = f"{version.manifest_sha256}:{label}:{screening.text}"
    return f"moderation.driving.{exact_digest(asked, conf.TEXT_KEY_SECRET, screening.pk)}"


def _strongest(words: list[tuple[int, int, float]]) -> list[tuple[int, int, int]]:
    """Choose the words that say most, each with its strength, in the order of the text."""
    most = max((value for *_place, value in words), default=0.0)
    least = max(LEAST, most / 10)
    chosen = sorted((word for word in words if word[2] >= least), key=lambda word: -word[2])[:WORDS]
    return sorted((start, end, _strength(value / most)) for start, end, value in chosen)


def _strength(share: float) -> int:
    return 3 if share >= 0.5 else 2 if share >= 0.25 else 1


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Let one caller of this process in: a web server's other threads serve pages. Raises NotExplained."""
    lock = _lock
    if not lock.acquire(timeout=WAIT_SECONDS):
        raise NotExplained(_("Another text is being looked at. Try again in a moment."))
    try:
        yield
    finally:
        lock.release()


def _begin_anew() -> None:
    """Give a forked child a lock of its own: the parent's may be taken."""
    global _lock
    _lock = threading.Lock()


_lock = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
