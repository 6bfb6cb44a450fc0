"""Requests a second over HTTP and how long they take: `classify` and `analyze` against the usual server.

    python benchmarks/api.py

Ours: `python -m toxicity_ml serve`, and the demo site behind gunicorn as it is deployed, each with `classify`
and with Perspective's `comments:analyze`. Baselines: FastAPI, torch and transformers with one text a time,
with the very weights that we serve, and with a network of bert-base's size. All on the same machine, the same
comments, one text a request, in turns.

Of each: requests a second with eight under way; the latency at half of that rate, sent at random moments; and
of ours what three times that rate brings: how fast those are told that come on top.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import command_line, comments, load
from benchmarks.command_line import positive
from benchmarks.load import Answers, Target
from mysite.demo.environment import WorkDirectory
from mysite.demo.processes import Children
from toxicity_ml.classifier import PRETRAINED

ROOT = Path(__file__).resolve().parent.parent
CONNECTIONS = 8
OVERLOAD = 3.0
OURS = ("serve classify", "serve analyze", "site classify", "site analyze")
TUTORIAL, BERT_BASE = "tutorial, same weights", "tutorial, bert-base"
SECONDS_TO_START = 180
PAUSE = 1.0


def main() -> int:
    """Print a table, or JSON with --json."""
    made = command_line.parser(__doc__)
    command_line.add_comments(made)
    made.add_argument("--count", type=positive, default=400, help="comments, in turn (default: 400)")
    made.add_argument("--seconds", type=positive, default=10, help="of each measurement (default: 10)")
    made.add_argument("--rounds", type=positive, default=3, help="default: 3")
    args = made.parse_args()
    texts = comments.some(args.count, args.data, args.seed)
    with ExitStack() as stack:
        targets = stack.enter_context(_servers(texts))
        rounds = [_round(targets, args.seconds, number) for number in range(args.rounds)]
    report = {
        "data": str(args.data or "made-up comments"),
        "characters": command_line.lengths(texts),
        "machine": command_line.machine(),
        "rounds": args.rounds,
        "figures": {name: _figures([each[name] for each in rounds]) for name in targets},
    }
    report["ratios"] = _ratios([{name: each[name]["rate"] for name in targets} for each in rounds])
    command_line.print_json(report) if args.json else _show(report)
    return 0


@contextmanager
def _servers(texts: Sequence[str]) -> Iterator[dict[str, Target]]:
    """Every server, started and warm."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        work = WorkDirectory(folder, once=True)
        work.logs.mkdir(parents=True)
        os.environ.update(work.environment())
        environment = {**os.environ, **_site_environment()}
        _prepare_site(environment)
        children = stack.enter_context(Children())
        ports = {name: _free_port() for name in ("serve", "site", "pipeline", "bert_base")}

        def start(name: str, *command: str) -> None:
            log = work.logs / f"{name}.log"
            children.start(name, [sys.executable, *command], log, environment=environment)

        start("serve", "-m", "toxicity_ml", "serve", "--quiet", "--port", str(ports["serve"]))
        gunicorn = ("-m", "gunicorn", "--config", str(ROOT / "deploy/gunicorn.conf.py"))
        start("site", *gunicorn, "--bind", f"127.0.0.1:{ports['site']}", "mysite.wsgi")
        for name in ("pipeline", "bert_base"):
            server = str(ROOT / "benchmarks/tutorial_server.py")
            start(name, server, name, str(ports[name]), str(PRETRAINED))
        targets = _targets(ports, texts)
        for target in targets.values():
            _wait_until_it_answers(target, children)
        yield targets


def _site_environment() -> dict[str, str]:
    opened = {
        "CLASSIFY_PERMISSION": "rest_framework.permissions.AllowAny",
        "CLASSIFY_MAX_IN_FLIGHT": CONNECTIONS // 2,
        "PERSPECTIVE_KEY_REQUIRED": False,
    }
    return {
        "DJANGO_SETTINGS_MODULE": "benchmarks.site_settings",
        "BENCHMARK_MODERATION": json.dumps(opened),
        "BENCHMARK_THROTTLES": "off",
        "WEB_CONCURRENCY": "2",
        "WEB_THREADS": str(CONNECTIONS),
        "LOG_LEVEL": "ERROR",
    }


def _prepare_site(environment: Mapping[str, str]) -> None:
    import subprocess

    command = [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"]
    subprocess.run(command, env=dict(environment), check=True, cwd=ROOT)


def _targets(ports: Mapping[str, int], texts: Sequence[str]) -> dict[str, Target]:
    plain = [json.dumps({"text": text}).encode() for text in texts]
    asked = [
        json.dumps(
            {"comment": {"text": text}, "languages": ["en"], "requestedAttributes": {"TOXICITY": {}}}
        ).encode()
        for text in texts
    ]
    analyze = "/v1alpha1/comments:analyze"
    return {
        "serve classify": Target(ports["serve"], "/classify", plain),
        "serve analyze": Target(ports["serve"], analyze, asked),
        "site classify": Target(ports["site"], "/api/moderation/classify/", plain),
        "site analyze": Target(ports["site"], f"/perspective{analyze}", asked),
        TUTORIAL: Target(ports["pipeline"], "/classify", plain),
        BERT_BASE: Target(ports["bert_base"], "/classify", plain),
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait_until_it_answers(target: Target, children: Children) -> None:
    """Ask until each process behind the address has loaded its model."""
    deadline = time.monotonic() + SECONDS_TO_START
    url = f"http://127.0.0.1:{target.port}{target.path}"
    good = 0
    while good < 2 * CONNECTIONS:
        children.check()
        request = urllib.request.Request(url, target.bodies[0], {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60):  # noqa: S310
                good += 1
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503) or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _round(targets: Mapping[str, Target], seconds: float, number: int) -> dict[str, dict[str, Any]]:
    measured: dict[str, dict[str, Any]] = {}
    for name, target in targets.items():
        command_line.progress(f"Round {number + 1}: {name}")
        is_ours = name in OURS
        capacity = _capacity(target, seconds)
        time.sleep(PAUSE)
        calm = load.at_rate(target, rate=capacity / 2, seconds=seconds, seed=number)
        measured[name] = {"rate": capacity, **_percentiles(calm)}
        if is_ours:
            time.sleep(PAUSE)
            flood = load.at_rate(target, rate=OVERLOAD * capacity, seconds=seconds, seed=number)
            measured[name] |= _under_flood(flood)
        time.sleep(PAUSE)
    return measured


def _capacity(target: Target, seconds: float) -> float:
    """Good answers a second with eight requests under way."""
    answers = load.as_fast_as_it_can(target, connections=CONNECTIONS, seconds=seconds)
    return len(answers.good) / answers.elapsed


def _percentiles(answers: Answers) -> dict[str, float]:
    if not answers.good:
        raise SystemExit("error: no request was answered")
    p50, p95, p99 = np.percentile(answers.good, [50, 95, 99]) * 1000
    return {
        "p50_ms": float(p50),
        "p95_ms": float(p95),
        "p99_ms": float(p99),
        "refused_share": len(answers.refused) / _count(answers),
        "other_answers": answers.others,
    }


def _under_flood(answers: Answers) -> dict[str, float]:
    refused = np.array(answers.refused or [0.0]) * 1000
    good = np.array(answers.good or [0.0]) * 1000
    return {
        "flood_rate": len(answers.good) / answers.elapsed,
        "flood_refused_share": len(answers.refused) / _count(answers),
        "flood_refused_p50_ms": float(np.percentile(refused, 50)),
        "flood_refused_p99_ms": float(np.percentile(refused, 99)),
        "flood_good_p99_ms": float(np.percentile(good, 99)),
        "flood_other_answers": answers.others,
    }


def _count(answers: Answers) -> int:
    return sum(map(len, answers.seconds.values()))


def _figures(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}


def _ratios(rates: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Our rate over a baseline's, the median over the rounds."""
    return {
        f"{ours} / {baseline}": statistics.median(each[ours] / each[baseline] for each in rates)
        for ours in OURS
        for baseline in (TUTORIAL, BERT_BASE)
    }


def _show(report: Mapping[str, Any]) -> None:
    figures = report["figures"]
    command_line.print_table(
        command_line.described(f"{report['rounds']} round(s)", dict(report)),
        ["", "a second", "p50 ms", "p95 ms", "p99 ms", "x same weights", "x bert-base"],
        [
            [
                name,
                f"{of['rate']:.1f}",
                *(f"{of[key]:.0f}" for key in ("p50_ms", "p95_ms", "p99_ms")),
                *(
                    f"{report['ratios'][f'{name} / {baseline}']:.1f}" if name in OURS else ""
                    for baseline in (TUTORIAL, BERT_BASE)
                ),
            ]
            for name, of in figures.items()
        ],
    )
    command_line.print_table(
        f"At {OVERLOAD:.0f} times that rate",
        ["", "good a second", "good p99 ms", "refused", "refused p50 ms", "refused p99 ms", "other answers"],
        [
            [
                name,
                f"{of['flood_rate']:.1f}",
                f"{of['flood_good_p99_ms']:.0f}",
                f"{of['flood_refused_share']:.0%}",
                f"{of['flood_refused_p50_ms']:.0f}",
                f"{of['flood_refused_p99_ms']:.0f}",
                f"{of['flood_other_answers']:.0f}",
            ]
            for name, of in figures.items()
            if name in OURS
        ],
    )
    command_line.print_machine(report["machine"])


if __name__ == "__main__":
    sys.exit(main())
