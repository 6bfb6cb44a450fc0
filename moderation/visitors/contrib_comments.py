"""Takes the flags of django-contrib-comments as readers' reports, where the site has that app."""

from __future__ import annotations

import logging
from typing import Any

from django.apps import apps
from django.db import router, transaction

from moderation import registry, row_errors
from moderation.models import Report, Screening
from moderation.review.reasons import OTHER
from moderation.screening.reports import report

logger = logging.getLogger("moderation.visitors")

APP = "django_comments"


def connect() -> None:
    """Listen to the flags, where django-contrib-comments is installed."""
    if not apps.is_installed(APP):
        return
    from django_comments.signals import comment_was_flagged

    comment_was_flagged.connect(on_flag, dispatch_uid="moderation.flags")


def on_flag(sender: Any, comment: Any, flag: Any, created: bool = True, **_: Any) -> None:
    """Note a user's removal suggestion as a report. Flagging never fails because of it."""
    if not created or flag.flag != type(flag).SUGGEST_REMOVAL or registry.for_model(type(comment)) is None:
        return
    try:
        with transaction.atomic(using=router.db_for_write(Screening)):
            report(comment, reason=OTHER, reporter=flag.user, source=Report.Source.COMMENTS)
    except BaseException as error:
        if row_errors.ends_the_process(error):
            raise
        logger.error("The flag of comment %s was not noted (%s).", comment.pk, type(error).__name__)
