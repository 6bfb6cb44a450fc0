"""Answers what readers and authors said of a text, with a decision, and takes such an answer back.

Called in the transaction of the decision, with the screening's row locked.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from django.db import router, transaction
from django.utils import timezone

from moderation import signals
from moderation.models import Report, Review, Screening, SecondLook
from moderation.models.reports import UNSETTLED
from moderation.review import events


def settle(screening: Screening, review: Review) -> None:
    """Answer the open reports of a text, and the second look that its author waits for, with a decision."""
    if screening.open_reports:
        _settle_reports(screening, review)
    if screening.second_look is not None:
        _settle_second_look(screening, review)


def reopen(screening: Screening, review: Review) -> None:
    """Let those wait again whom a decision had answered that is taken back; whom it was told stays told."""
    reports = Report.objects.filter(review=review).update(review=None, settled=None)
    if reports:
        screening.open_reports += reports
        screening.save(update_fields=["open_reports", *queue_reported(screening)])
    look = SecondLook.objects.filter(answer=review).first()
    if look is not None:
        SecondLook.objects.filter(pk=look.pk).update(answer=None, settled=None)
        screening.second_look = look.created
        screening.save(update_fields=["second_look"])


def answer_by_undo(screening: Screening, undo: Review) -> None:
    """Answer a second look whose decision is taken back: there is nothing left to look at again."""
    look = waiting_second_look(screening)
    if look is not None and look.decision_id == undo.undoes_id:
        _settle_second_look(screening, undo)


def waiting_second_look(screening: Screening) -> SecondLook | None:
    """Return the request for a second look that nobody has answered, or None."""
    if screening.second_look is None:
        return None
    return SecondLook.objects.filter(UNSETTLED, screening=screening).order_by("-pk").first()


def blank_words(screenings: Iterable[int]) -> None:
    """Blank what readers and authors wrote about texts that are blanked, too."""
    keys = list(screenings)
    Report.objects.filter(screening__in=keys).exclude(note="").update(note="")
    SecondLook.objects.filter(screening__in=keys).exclude(words="").update(words="")


def queue_reported(screening: Screening) -> list[str]:
    """Put a judged text into the queue that stands in none; returns the columns that changed.

    A person chose it, so it belongs to no sample. What still waits for the model is put there with its
    verdict. It stands below everything that the model flagged, and above what it called clear.
    """
    if screening.status != Screening.Status.DONE or screening.queued_for or screening.outcome:
        return []
    screening.queued_for = Screening.QueuedFor.REPORTED
    screening.sampling_probability = None
    screening.severity = max(screening.severity, 0.0)
    return ["queued_for", "sampling_probability", "severity"]


def _settle_reports(screening: Screening, review: Review) -> None:
    settled = list(Report.objects.filter(UNSETTLED, screening=screening).order_by("pk"))
    now = timezone.now()
    Report.objects.filter(pk__in=[report.pk for report in settled]).update(review=review, settled=now)
    screening.open_reports = 0
    screening.save(update_fields=["open_reports"])
    for report in settled:
        report.review, report.settled = review, now
        _tell_later(partial(signals.send, signals.report_settled, screening=screening, report=report))
    events.note_settled(review, screening, len(settled))


def _settle_second_look(screening: Screening, review: Review) -> None:
    look = waiting_second_look(screening)
    screening.second_look = None
    screening.save(update_fields=["second_look"])
    if look is None:
        return
    look.answer, look.settled = review, timezone.now()
    look.save(update_fields=["answer", "settled"])
    _tell_later(partial(signals.send, signals.second_look_settled, screening=screening, second_look=look))


def _tell_later(send: partial[None]) -> None:
    transaction.on_commit(send, using=router.db_for_write(Screening), robust=True)
