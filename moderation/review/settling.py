"""Answers what readers and authors said of a text, with a decision, and takes such an answer back.

Called in the transaction of the decision, with the screening's row locked.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from django.db import router, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from moderation import audit, signals
from moderation.audit import MACHINE, Action
from moderation.conf import conf
from moderation.models import BulkDecision, BulkItem, Report, Review, Screening, SecondLook
from moderation.models.decisions import blank_notes
from moderation.models.reports import UNSETTLED
from moderation.review import events
from moderation.review.standing import ground_truth

MOST_KEPT = 100
"""Reports of one text that are stored between two decisions: more tell a moderator nothing new."""


def settle(screening: Screening, review: Review) -> None:
    """Answer the open reports of a text, and the second look that its author waits for, with a decision."""
    if screening.open_reports:
        _settle_reports(screening, review)
    if screening.second_look is not None:
        _settle_second_look(screening, review)


def reopen(screening: Screening, review: Review) -> None:
    """Let those wait again whom a decision had answered that is taken back; whom it was told stays told."""
    standing = ground_truth(screening)
    answered = Report.objects.filter(review=review)
    if standing is not None:  # what came after both is noted with the one that stands again
        answered.filter(created__gte=review.created).update(review=standing)
    reports = answered.update(review=None, settled=None)
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


def reports_since(decision: Review) -> QuerySet[Report]:
    """Select the reports that came when this decision stood, and that it answers."""
    return Report.objects.filter(review=decision, created__gte=decision.created)


def bring_back(screening: Screening, decision: Review) -> bool:
    """Open the reports of a text that a person decided to show, if enough readers reported it since.

    True: it waits for a person again, and the decision stands until then. Once more after the next decision
    it takes twice as many readers, MOST_KEPT at most, so that a crowd does not keep moderators busy. Nothing
    is hidden by it.
    """
    least = conf.REPORTS_TO_RETURN
    if least is None or decision.outcome != Screening.Outcome.SHOW or not screening.is_current:
        return False
    since, times = reports_since(decision), _times_brought_back(screening)
    count = since.count()
    if count < min(MOST_KEPT, least * 2**times):
        return False
    since.update(review=None, settled=None)
    screening.open_reports = count
    screening.save(update_fields=["open_reports"])
    after = {"reports": count, "review": decision.number}
    audit.record(Action.SCREENING_REPORTED_AGAIN, MACHINE, screening, before={}, after=after)
    return True


def _times_brought_back(screening: Screening) -> int:
    return audit.about(screening).filter(action=Action.SCREENING_REPORTED_AGAIN).count()


def waiting_second_look(screening: Screening) -> SecondLook | None:
    """Return the request for a second look that nobody has answered, or None."""
    if screening.second_look is None:
        return None
    return SecondLook.objects.filter(UNSETTLED, screening=screening).order_by("-pk").first()


def blank_words(screenings: Iterable[int]) -> None:
    """Blank what readers, authors and moderators wrote about texts that are blanked, too.

    The note of a decision about many goes with the last of its texts. Call it before the texts are blanked.
    """
    keys = list(screenings)
    blank_notes(keys)
    others = BulkItem.objects.filter(bulk=OuterRef("pk"), screening__blanked=None).exclude(screening__in=keys)
    jobs = BulkItem.objects.filter(screening__in=keys).values("bulk")
    BulkDecision.objects.filter(~Exists(others), pk__in=jobs).exclude(note="").update(note="")
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
