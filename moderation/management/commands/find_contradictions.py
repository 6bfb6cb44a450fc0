"""`manage.py find_contradictions`: note for leads which decisions contradict each other or are unlikely."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from moderation.isolation import read_committed
from moderation.management.exit_codes import CANNOT
from moderation.management.interruptions import ended_by_sigterm
from moderation.retraining import contradictions
from moderation.retraining.training_process import RetrainingFailed
from moderation.versions import store
from moderation.versions.artifacts import ModelUnavailable


class Command(BaseCommand):
    """Changes no decision; what it notes stands in the admin, under *Contradictions*."""

    help = "Find decisions that contradict each other, and note them for those who lead moderation."

    @read_committed()
    def handle(self, *args: Any, **given: Any) -> None:
        try:
            with ended_by_sigterm():
                found = contradictions.find(store.active_version())
        except ModelUnavailable as error:
            raise CommandError(str(error), returncode=CANNOT) from error
        except RetrainingFailed as error:
            raise CommandError(str(error)) from error
        for line in found.lines():
            self.stdout.write(line)
