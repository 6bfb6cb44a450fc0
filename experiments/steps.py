"""Steps of an experiment, each done where what it makes is there: a run that was killed goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Step:
    """One script with its arguments."""

    name: str
    script: Callable[[Sequence[str]], None]
    arguments: Sequence[object]
    makes: Path | None = None
    """What is there when it is done; None where the script itself sees what is left to do."""


def take(steps: Iterable[Step]) -> None:
    """Take the steps that are not done, in order.

    Raises SystemExit where a step stops, as a training does that gets a SIGTERM, or makes nothing.
    """
    for step in steps:
        if step.makes is not None and step.makes.exists():
            print(f"{step.name}: done before", flush=True)
            continue
        began = time.time()
        print(f"{step.name}: {' '.join(map(str, step.arguments))}", flush=True)
        step.script([str(argument) for argument in step.arguments])
        if step.makes is not None and not step.makes.exists():
            raise SystemExit(f"{step.name} did not make {step.makes}.")
        print(f"{step.name}: {time.time() - began:.0f} s", flush=True)


def same_options(file: Path, options: dict[str, Any]) -> None:
    """Note the options of a run in a file, or compare them with those noted.

    Raises SystemExit where they differ: a run goes on from steps that other options made.
    """
    text = json.dumps(options, indent=1, sort_keys=True, default=str)
    if not file.exists():
        file.write_text(text, encoding="utf-8")
    elif file.read_text(encoding="utf-8") != text:
        raise SystemExit(f"{file} is of a run with other options: name another folder with --runs.")
