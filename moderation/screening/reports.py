"""Takes readers' reports: each is noted with the text that was reported, and puts it before a person.

A report changes nothing of what the model said, and hides nothing, unless REPORTS_TO_HOLD says from how many
readers on. What stands in the queue already stays there for what it stands for: an audit item stays one.
"""

from __future__ import annotations

from functools import partial

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction
from django.db.models import Model
from django.utils import timezone

from moderation import audit, notifier, registry, signals
from moderation.audit import MACHINE, Action
from moderation.conf import conf
from moderation.db.after_commit import after_commit
from moderation.models import Report, Review, Screening
from moderation.registry import Registered
from moderation.review import events
from moderation.review.decisions import ground_truth
from moderation.review.reasons import report_reasons
from moderation.review.settling import MOST_KEPT, bring_back, queue_reported, reports_since
from moderation.screening.enqueue import enqueue
from moderation.screening.on_request import NotModerated
from moderation.screening.snapshots import current_of
from moderation.texts import exact_digest, storable
from moderation.visibility import hiding

__all__ = ["MOST_KEPT", "NotReportable", "UnknownReason", "report"]

NOTE_CHARACTERS = 1000
TRIES = 3
"""How often a report is noted anew when its text was edited at the same time."""


class NotReportable(LookupError):
    """Raised for an object that is not there, or that the site exempts; nothing was noted."""


class UnknownReason(ValueError):
    """Raised for a reason that is not among those of today; nothing was noted."""


def report(
    instance: Model,
    *,
    reason: str,
    reporter: AbstractBaseUser | str,
    note: str = "",
    source: str = Report.Source.SITE,
    key_name: str = "",
) -> Report | None:
    """Note that a reader reports an object's text, and put it into the queue.

    reason: a code of `moderation.review.reasons.report_reasons`. reporter: a user of the site, or any string
    by which the site knows a reader without an account; of that a keyed hash is stored. note: the reader's
    own words, cut after 1,000 characters.

    A second report of the same text by the same reader returns the first. Returns None where the text has
    MOST_KEPT reports already. Where a person has decided about the text, the report is noted with that
    decision; where REPORTS_TO_RETURN readers have reported since what was decided to be shown, it waits for a
    person again, and is shown until then. Raises NotModerated, NotReportable, UnknownReason,
    DatabaseError, and what the object raises when its text is read.
    """
    entry = registry.for_model(type(instance))
    if entry is None:
        raise NotModerated(f"{type(instance)._meta.label} is not registered for moderation.")
    if reason not in (known := report_reasons()):
        raise UnknownReason(f"There is no such reason; there are: {', '.join(known)}.")
    new = Report(source=source, key_name=key_name[:100], reason=reason, note=_cut(note))
    new.reporter = reporter if isinstance(reporter, AbstractBaseUser) else None  # type: ignore[assignment]
    for _ in range(TRIES):
        current = _screening_of_live_text(entry, instance)
        with transaction.atomic(using=router.db_for_write(Screening)):
            rows = Screening.objects.select_for_update().filter(pk=current.pk, is_current=True)
            screening = rows.first()
            if screening is not None:
                return _note(new, screening, reporter)
    raise NotReportable("Its text is being edited; try again.")


def _cut(note: str) -> str:
    return storable(note).strip()[:NOTE_CHARACTERS]


def _screening_of_live_text(entry: Registered, instance: Model) -> Screening:
    """Return the current screening of the text that the object has now, made where there is none."""
    saved = entry.objects().filter(pk=entry.key_of(instance)).first()
    if saved is None:
        raise NotReportable("There is no such object.")
    current = current_of(entry, saved)
    if current is None or _is_of_no_use(entry, saved, current):
        if enqueue(entry, saved, again=True) is not None:
            after_commit(notifier.notify, router.db_for_write(Screening), is_repeatable=False)
        current = current_of(entry, saved)
    if current is None:
        raise NotReportable("The site exempts it from moderation.")
    return current


def _is_of_no_use(entry: Registered, saved: Model, current: Screening) -> bool:
    """True where nobody could judge the object's text by this screening: another text, or a blanked one."""
    is_undecided = not (current.outcome or current.released)
    return (current.blanked is not None and is_undecided) or not current.is_of(entry.text_of(saved))


def _note(new: Report, screening: Screening, reporter: AbstractBaseUser | str) -> Report | None:
    new.screening, new.reporter_key = screening, _key(reporter, screening)
    reports = Report.objects.filter(screening=screening)
    earlier = reports.filter(reporter_key=new.reporter_key).first()
    standing = ground_truth(screening) if screening.outcome else None
    if standing is not None and not screening.is_reported_again:
        return earlier or _note_decided(new, screening, standing)
    kept = reports.filter(settled=None) if standing is not None else reports
    if earlier is not None or kept.count() >= MOST_KEPT:
        return earlier
    new.save(force_insert=True)
    screening.open_reports += 1
    columns = ["open_reports", *queue_reported(screening)]
    if _is_to_be_held(screening):
        screening.held_by_reports = True
        columns.append("held_by_reports")
    screening.save(update_fields=columns)
    if "held_by_reports" in columns:
        _hold(screening)
    _tell(new, screening)
    return new


def _note_decided(new: Report, screening: Screening, decision: Review) -> Report | None:
    """Note a report with the decision that stands; the last of enough brings the text before a person."""
    if reports_since(decision).count() >= MOST_KEPT:
        return None
    new.review, new.settled = decision, timezone.now()
    new.save(force_insert=True)
    if bring_back(screening, decision):
        new.review = new.settled = None
        _tell(new, screening)
    return new


def _tell(new: Report, screening: Screening) -> None:
    events.note_report(new, screening)
    send = partial(signals.send, signals.text_reported, screening=screening, report=new)
    transaction.on_commit(send, using=router.db_for_write(Screening), robust=True)


def _key(reporter: AbstractBaseUser | str, screening: Screening) -> str:
    """Tell readers apart; those without an account for one text alone, so that nobody can be followed."""
    if isinstance(reporter, str):
        return f"reader:{exact_digest(reporter, conf.TEXT_KEY_SECRET, screening.pk)}"
    return f"user:{reporter.pk}"


def _is_to_be_held(screening: Screening) -> bool:
    most = conf.REPORTS_TO_HOLD
    is_due = most is not None and screening.open_reports >= most
    return is_due and not (screening.held_by_reports or screening.released or screening.outcome)


def _hold(screening: Screening) -> None:
    was_hidden = screening.hidden_by_us
    hiding.hide(screening)
    audit.record(
        Action.VISIBILITY_REPORTED,
        MACHINE,
        screening,
        before={"hidden_by_us": was_hidden},
        after={"hidden_by_us": screening.hidden_by_us, "reports": screening.open_reports},
    )
