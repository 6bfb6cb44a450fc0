"""`manage.py rescreen`: score again what is screened already, or for the first time what was there before.

Both can be killed and started again, and keep out of the way of what was saved just now.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from moderation import registry
from moderation.audit import Actor
from moderation.coordination import heartbeat
from moderation.isolation import read_committed
from moderation.management import arguments
from moderation.management.exit_codes import CANNOT
from moderation.management.interruptions import database_failed, patiently, stopped_by_signals
from moderation.management.progress import Progress, spoken
from moderation.management.system_user import system_user
from moderation.models import ModelVersion, ScreeningRun
from moderation.registry import Registered
from moderation.rescreening import apply, backfill, rejudge, runs
from moderation.rescreening import rescreen as rescreening
from moderation.rescreening.apply import Consequences
from moderation.rescreening.runs import AlreadyRunning, RunLease, Scope, TakenOver
from moderation.rescreening.throttle import Throttle
from moderation.screening.scorer import ModelNotReady
from moderation.versions import store

Step = Callable[..., bool]
"""`rescreen` or `screen_existing`."""
INTERRUPTED = 130


class Command(BaseCommand):
    """Scores texts again, counts what would change, and changes it only with `--act`."""

    help = (
        "Score what is screened already with the active model version, and count how verdicts would change. "
        "With --act they change, and comments are hidden and shown, after a preview; what a person has "
        "reviewed never does. With --existing, screen what was there before moderation was. Killed and "
        "started again, it goes on where it was; comments that were just saved go first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", metavar="NAME@VERSION", help="instead of the active version")
        parser.add_argument(
            "--since", type=arguments.moment, metavar="DATE", help="only what was screened since then"
        )
        parser.add_argument(
            "--model-label", type=arguments.registered, metavar="APP.MODEL", help="only this registered model"
        )
        parser.add_argument(
            "--limit", type=arguments.count, metavar="N", help="at most so many texts for now"
        )
        parser.add_argument("--existing", action="store_true", help="screen what has no screening yet")
        parser.add_argument(
            "--thresholds",
            action="store_true",
            help="score nothing: judge what the version has said by the thresholds in force now",
        )
        parser.add_argument(
            "--per-second", type=arguments.positive, metavar="N", help="at most so many texts a second"
        )
        parser.add_argument(
            "--share", type=arguments.share, metavar="S", help="work for this share of the time, such as 0.5"
        )
        parser.add_argument("--act", action="store_true", help="let the verdicts rest on what was scored")
        parser.add_argument("--yes", action="store_true", help="act without asking")
        parser.add_argument(
            "--dry-run", action="store_true", help="only count; score nothing, change nothing"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object at the end")

    @read_committed()
    def handle(self, *args: Any, **options: Any) -> None:
        if options["existing"] and (options["since"] or options["model"] or options["act"]):
            raise CommandError(
                "--existing screens for the first time, with the active version: no --since, --model, --act.",
                returncode=CANNOT,
            )
        if options["thresholds"] and (options["existing"] or options["limit"]):
            raise CommandError(
                "--thresholds judges again what has a verdict: no --existing, no --limit.",
                returncode=CANNOT,
            )
        self._options = options
        self._stop = threading.Event()
        self._limit: int | None = options["limit"]
        self._result: dict[str, Any] = {}
        try:
            with heartbeat.of_a_command(), stopped_by_signals(self._stop):
                if options["thresholds"]:
                    self._rejudge()
                else:
                    self._existing() if options["existing"] else self._rescreen()
        except AlreadyRunning as error:
            raise CommandError(str(error), returncode=CANNOT) from error
        except (store.ModelUnavailable, ModelNotReady, TakenOver) as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise database_failed(error, " Start again: it goes on where it was.") from None
        if options["json"]:
            self.stdout.write(json.dumps(self._result, indent=2))
        if self._stop.is_set():
            self._say("Stopped; start again to go on.")
            sys.exit(INTERRUPTED)

    # --- what there is to do --------------------------------------------------------------------

    def _rescreen(self) -> None:
        version = self._version()
        entry: Registered | None = self._options["model_label"]
        label = entry.label if entry else ""
        scope = Scope(ScreeningRun.Kind.RESCREEN, version, label, self._options["since"])
        self._result["version"] = str(version)
        if self._options["dry_run"]:
            self._result["to_score"] = rescreening.left(scope)
            self._say(f"{self._result['to_score']:,} screening(s) to score with {version}.")
            if self._options["act"]:
                self._preview(version, scope)
            return
        with runs.exclusive_run(self._say) as lease:
            to_score = rescreening.left(scope)
            self._say(f"{to_score:,} screening(s) to score with {version}.")
            run = rescreening.begin(scope, system_user())
            self._go(run, lease, f"Scoring with {version}", rescreening.rescreen, to_score)
            for change, count in sorted(run.changes.items()):
                self._say(f"  {change}: {count:,}")
            if not self._options["act"]:
                self._say("Nothing was changed; --act does that.")
            elif not self._stop.is_set():
                self._act(version, scope, lease)

    def _rejudge(self) -> None:
        """Judge by the thresholds in force what the version has said: counted, and done with --act."""
        version, entry = self._version(), self._options["model_label"]
        label = entry.label if entry else ""
        scope = Scope(ScreeningRun.Kind.RESCREEN, version, label, self._options["since"])
        self._result["version"] = str(version)
        consequences = Consequences()
        for keys in rejudge.every(version, scope):
            consequences.add(rejudge.preview(version, scope, keys))
        self._result["preview"] = consequences.as_dict()
        self._say(f"Verdicts that rest on {version}, by the thresholds in force now:")
        self._print(consequences)
        if not self._options["act"] or self._options["dry_run"]:
            self._say("Nothing was changed; --act does that.")
            return
        if not consequences.changes or not (self._options["yes"] or self._is_confirmed()):
            self._say("Nothing was changed.")
            return
        done, actor = Consequences(), Actor(None, system_user())
        with runs.exclusive_run(self._say) as lease:
            for keys in rejudge.every(version, scope):
                done.add(rejudge.act(version, scope, lease, keys, actor, self._stop.is_set))
                if self._stop.is_set():
                    break
        self._result["acted"] = done.as_dict()
        self._print(done)

    def _existing(self) -> None:
        chosen: Registered | None = self._options["model_label"]
        entries = [chosen] if chosen else registry.registered()
        if self._options["dry_run"]:
            for entry in entries:
                self._result[entry.label] = backfill.left(entry)
                self._say(f"{self._result[entry.label]:,} object(s) of {entry.label} to go through.")
            return
        with runs.exclusive_run(self._say) as lease:
            for entry in entries:
                if self._stop.is_set() or self._limit == 0:
                    break
                run = backfill.begin(entry, system_user())
                self._say(f"{run.total - run.passed:,} object(s) of {entry.label} to go through.")
                self._go(run, lease, f"Screening {entry.label}", backfill.screen_existing, None)

    def _go(self, run: ScreeningRun, lease: RunLease, what: str, step: Step, to_score: int | None) -> None:
        """Go on with a run until it ends or is to stop. to_score: how many texts, where that is known."""
        throttle = Throttle(
            per_second=self._options["per_second"], share=self._options["share"], stop=self._stop
        )
        if run.passed:
            self._say(
                f"Going on with run {run.pk} of {run.started_by_name} from {run.created:%Y-%m-%d %H:%M}."
            )
        before, start = _done(run), time.monotonic()
        with self._progress() as bar:
            total = run.total if to_score is None else to_score

            def show(run: ScreeningRun) -> None:
                bar.at(run.passed if to_score is None else _done(run) - before, total)

            def go_on() -> bool:
                left = None if self._limit is None else self._limit - (_done(run) - before)
                return step(run, lease, throttle=throttle, limit=left, progress=show)

            bar.begin(what, run.passed if to_score is None else 0, total)
            is_finished = patiently(go_on, run, self._say)
        done, seconds = _done(run) - before, time.monotonic() - start
        if self._limit is not None:
            self._limit -= done
        self._result.setdefault("runs", []).append(_as_json(run, what, done, seconds))
        self._say(
            f"Scored {done:,} in {spoken(seconds)}, errors {sum(run.failures.values()):,}; "
            f"run {run.pk} is {'finished' if is_finished else 'not finished'}."
        )

    # --- acting ---------------------------------------------------------------------------------

    def _act(self, version: ModelVersion, scope: Scope, lease: RunLease) -> None:
        consequences = self._preview(version, scope, lambda _: lease.renew_if_due())
        if not consequences.changes:
            self._say("There is nothing to act on.")
            return
        if not (self._options["yes"] or self._is_confirmed()):
            self._say("Nothing was changed.")
            return
        lease.renew()
        self._say("Acting:")
        total = sum(consequences.changes.values())
        with self._progress() as bar:
            bar.begin("Acting", 0, total)
            done = apply.act(
                version,
                scope,
                lease,
                username=system_user(),
                should_stop=self._stop.is_set,
                progress=lambda done: bar.at(done, total),
            )
        self._result["acted"] = done.as_dict()
        self._print(done)

    def _is_confirmed(self) -> bool:
        """True where a person agrees; asked only on a terminal, elsewhere `--act` is enough."""
        if not (sys.stdin.isatty() and self.stdout.isatty()):
            return True
        return input("Act on this? [y/N] ").strip().lower() in ("y", "yes")

    def _preview(
        self, version: ModelVersion, scope: Scope, progress: Callable[[int], object] = lambda _: None
    ) -> Consequences:
        consequences = apply.preview(version, scope, progress)
        self._result["preview"] = consequences.as_dict()
        self._say(f"All that {version} has said, if verdicts are to rest on it:")
        self._print(consequences)
        return consequences

    def _print(self, found: Consequences) -> None:
        for (before, after), count in sorted(found.changes.items()):
            self._say(f"  {before} -> {after}: {count:,}")
        self._say(f"  hidden: {found.hidden:,}, shown: {found.shown:,}, into the queue: {found.queued:,}")
        self._say(
            f"  left alone: {found.reviewed:,} by a person's word, {found.edited:,} edited while hidden, "
            f"{found.blanked:,} blanked, {found.busy:,} being changed at that moment"
        )

    # --- saying it ------------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        if not self._options["json"]:
            self.stdout.write(text)

    def _progress(self) -> Progress:
        return Progress(self._say, on_terminal=sys.stderr.isatty(), is_silent=self._options["json"])

    def _version(self) -> ModelVersion:
        wanted = self._options["model"]
        if not wanted:
            return store.active_version()
        name, _, number = wanted.rpartition("@")
        version = ModelVersion.objects.filter(name=name, version=number).first()
        if version is None:
            raise CommandError(
                f"There is no model version {wanted}; `model_versions` lists them.", returncode=CANNOT
            )
        return version


def _done(run: ScreeningRun) -> int:
    """Count the texts that were scored or tried in vain."""
    return int(run.scored + sum(run.failures.values()))


def _as_json(run: ScreeningRun, what: str, done: int, seconds: float) -> dict[str, Any]:
    return {
        "run": run.pk,
        "what": what,
        "is_finished": run.finished is not None,
        "total": run.total,
        "passed": run.passed,
        "scored": run.scored,
        "scored_now": done,
        "failures": run.failures,
        "changes": run.changes,
        "seconds": round(seconds, 1),
        "per_second": round(done / seconds, 1) if seconds else None,
    }
