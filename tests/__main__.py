"""All tests, in three runs at the same time: the app on SQLite and on PostgreSQL, and everything else.

    python -m tests

The output of the first run is shown as it comes, that of the others when all have ended. The last lines say
how each run ended and which tests failed. Exits with 0 only if all were green.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

PYTEST = (sys.executable, "-m", "pytest")
BESIDE = (*PYTEST, "-p", "no:cacheprovider")
"""The cache of what failed last is the first run's."""
SECONDS_TO_HEAR, SECONDS_TO_END, SECONDS_TO_LOOK = 5, 60, 0.2
FAILURES_SHOWN = 6
"""Of each run, so that the end of a log names every run and what failed in it."""
REASON_CHARACTERS = 160
APP = ("tests/moderation", "tests/faults")
RUNS = {
    "The app on SQLite": ("sqlite", (*PYTEST, *APP)),
    "The app on PostgreSQL": ("postgresql", (*BESIDE, *APP)),
    "Everything else": ("sqlite", (*BESIDE, "tests", *(f"--ignore={path}" for path in APP))),
}


@dataclass
class Run:
    """One pytest process, with the files that it writes to."""

    name: str
    process: subprocess.Popen[bytes]
    started: float
    results: Path
    """JUnit XML, written when the run ends; missing where it crashed."""
    output: Path | None
    """None: it is shown as it comes."""
    seconds: float | None = None
    """Wall-clock time, from when the end of the process was seen."""


def main(runs: Mapping[str, tuple[str, Sequence[str]]] = RUNS) -> int:
    """Run all of them and return the exit code of the first that was not green, or 0.

    runs: for each name the database and the pytest command.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    started: list[Run] = []
    with tempfile.TemporaryDirectory() as directory:
        try:
            for place, (name, (database, command)) in enumerate(runs.items()):
                results = Path(directory, f"{place}.xml")
                output = Path(directory, f"{place}.txt") if place else None
                started.append(_start(name, database, command, results, output))
            _wait(started)
        finally:
            _end(started)
            for run in started:
                _show(run)
            for line in _summary(started):
                print(line, flush=True)
    return next((run.process.returncode for run in started if run.process.returncode), 0)


def _start(name: str, database: str, command: Sequence[str], results: Path, output: Path | None) -> Run:
    # Threads of one training wait for each other; with three runs beside each other they wait for long.
    environment = {"OMP_NUM_THREADS": "1", **os.environ, "TEST_DATABASE": database}
    for variable in ("DATABASE_URL", "TEST_WORK_DIRECTORY"):  # each run has its own
        environment.pop(variable, None)
    # Of pytest's two formats only xunit1 names the file of a test.
    command = (*command, f"--junitxml={results}", "-o", "junit_family=xunit1")
    if output is None:
        process = subprocess.Popen(command, env=environment)
    else:
        with output.open("wb") as stream:
            process = subprocess.Popen(command, env=environment, stdout=stream, stderr=subprocess.STDOUT)
    return Run(name, process, time.monotonic(), results, output)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _wait(runs: Sequence[Run]) -> None:
    """Return when all have ended, and note of each how long it took."""
    while running := [run for run in runs if run.seconds is None]:
        for run in running:
            if run.process.poll() is not None:
                run.seconds = time.monotonic() - run.started
                if run is runs[0] and len(running) > 1:
                    print("\nWaiting for the others …", flush=True)
        time.sleep(SECONDS_TO_LOOK)


def _end(runs: Sequence[Run]) -> None:
    """Where this process was interrupted: let all clean up, as pytest does on Ctrl-C."""
    for run in runs:
        try:
            run.process.wait(SECONDS_TO_HEAR)  # Ctrl-C in a terminal reaches them, too
        except subprocess.TimeoutExpired:
            run.process.send_signal(signal.SIGINT)
    for run in runs:
        try:
            run.process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            run.process.kill()
            run.process.wait()


def _show(run: Run) -> None:
    if run.output is not None:
        sys.stdout.buffer.write(f"\n{run.name}:\n".encode() + run.output.read_bytes())
        sys.stdout.flush()


def _summary(runs: Sequence[Run]) -> Iterator[str]:
    """A line for each run, and below it the first tests that failed."""
    yield "\n"  # the output of a run that crashed may end within a line
    for run in runs:
        seconds = "interrupted" if run.seconds is None else f"{run.seconds:.0f} s"
        suite = _suite(run.results)
        if suite is None:
            yield f"{run.name}: CRASHED, exit code {run.process.returncode}, no results written ({seconds})"
            continue
        cases = list(suite.iter("testcase"))
        failures = [f"  {_test_id(case)}: {reason}" for case in cases for reason in _reasons(case)]
        outcome = f"FAILED, exit code {run.process.returncode}" if run.process.returncode else "green"
        yield f"{run.name}: {outcome}, {len(cases)} tests, {len(failures)} failed or erred ({seconds})"
        yield from failures[:FAILURES_SHOWN]
        if len(failures) > FAILURES_SHOWN:
            yield f"  and {len(failures) - FAILURES_SHOWN} more, in the output above"


def _suite(results: Path) -> ElementTree.Element | None:
    try:
        return ElementTree.parse(results).getroot()  # noqa: S314 - pytest wrote it a moment ago
    except (FileNotFoundError, ElementTree.ParseError):
        return None


def _test_id(case: ElementTree.Element) -> str:
    """The id by which pytest runs this test alone, or the module that could not be imported."""
    file, place, name = (case.get(key, "") for key in ("file", "classname", "name"))
    module = file.removesuffix(".py").replace("/", ".")
    if not file or not place.startswith(module):
        return ".".join(filter(None, (place, name)))
    classes = place.removeprefix(module).strip(".").split(".")
    return "::".join(filter(None, (file, *classes, name)))


def _reasons(case: ElementTree.Element) -> Iterator[str]:
    """The first line of each failure and error of a test, which may have one of each."""
    for problem in (*case.iter("failure"), *case.iter("error")):
        lines = [problem.get("message", "")]
        if lines == ["collection failure"]:  # which says nothing; pytest marks the lines that do with an E
            lines = [line[1:] for line in (problem.text or "").splitlines() if line.startswith("E ")] or lines
        first = next(
            (line for text in lines for line in text.splitlines() if line.strip()), "no reason given"
        )
        yield first.strip()[:REASON_CHARACTERS]


if __name__ == "__main__":
    sys.exit(main())
