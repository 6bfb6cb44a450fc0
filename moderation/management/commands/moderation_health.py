"""`manage.py moderation_health`: is moderation well? Exit code 0 or 1, for cron, supervisors and people."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from moderation.monitoring import health
from moderation.monitoring.health import Finding, Limits


class Command(BaseCommand):
    """Reports the health of each part, and changes nothing."""

    help = "Say what is wrong with moderation and what to do about it; exit code 1 if anything is."
    requires_system_checks: list[str] = []  # it is asked when something is wrong

    def add_arguments(self, parser: CommandParser) -> None:
        default = Limits()
        parser.add_argument(
            "--pending-seconds",
            type=float,
            default=default.pending_seconds,
            metavar="S",
            help=f"how long a saved comment may wait (default {default.pending_seconds:g})",
        )
        parser.add_argument(
            "--workers",
            type=int,
            default=default.workers,
            metavar="N",
            help="processes that must be alive; 0: screened by cron alone (default 1, or 0 with eager tasks)",
        )
        parser.add_argument(
            "--worker-seconds",
            type=float,
            metavar="S",
            help="a worker that said nothing for so long is dead (default: four sweeps, 120 at least)",
        )
        parser.add_argument(
            "--failed",
            type=int,
            default=default.failed,
            metavar="N",
            help=f"texts that may stand in the queue as failed (default {default.failed})",
        )
        parser.add_argument(
            "--action-seconds",
            type=float,
            default=default.action_seconds,
            metavar="S",
            help=f"how long a hiding or showing may take (default {default.action_seconds:g})",
        )
        parser.add_argument(
            "--held-hours",
            type=float,
            default=default.held_hours,
            metavar="H",
            help=f"how long a hidden comment may wait for a person (default {default.held_hours:g})",
        )
        parser.add_argument(
            "--compare-hours",
            type=float,
            metavar="H",
            help="how old the last comparison of texts may be (default: two of COMPARE_HOURS, 48 at least)",
        )
        parser.add_argument(
            "--no-broker", action="store_true", help="the site has none: it screens without Celery"
        )
        parser.add_argument(
            "--model-here", action="store_true", help="also load the active model version on this machine"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    def handle(self, *args: Any, **given: Any) -> None:
        limits = Limits(**{name: given[name] for name in asdict(Limits())})
        findings = health.look(limits, model_here=given["model_here"], has_broker=not given["no_broker"])
        sick = [finding.part for finding in findings if not finding.is_well]
        if given["json"]:
            report = {"is_well": not sick, "findings": [asdict(finding) for finding in findings]}
            self.stdout.write(json.dumps(report, indent=2))
        else:
            for finding in findings:
                self.stdout.write(self._line(finding))
        if sick:
            raise CommandError(f"Not well: {', '.join(sick)}.", returncode=1)

    def _line(self, finding: Finding) -> str:
        if finding.is_well:
            return f"{self.style.SUCCESS('ok')}    {finding.part:<11} {finding.says}"
        return f"{self.style.ERROR('WRONG')} {finding.part:<11} {finding.says} {finding.do}"
