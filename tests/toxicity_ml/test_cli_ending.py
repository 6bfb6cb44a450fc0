"""How a command of the library ends when a service manager ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

COMMAND = """
import os, sys, tempfile, time, types
from toxicity_ml import cli

def run(options):
    with tempfile.TemporaryDirectory(prefix=".half-", dir=sys.argv[1]):
        said = "ready"
        if sys.argv[2] == "forked":
            ready, is_ready = os.pipe()
            child = os.fork()
            if child == 0:
                os.write(is_ready, b"!")  # Python forgets signals that come while it forks
                time.sleep(60)
                os._exit(1)
            os.read(ready, 1)
            os.kill(child, 15)
            said = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(said, flush=True)
        time.sleep(60)

module = types.ModuleType("slow")
module.run, module.add_arguments = run, lambda parser: None
sys.modules["slow"] = module
cli.COMMANDS["slow"] = ("slow", "writes, and takes its time")
sys.exit(cli.main(["slow"]))
"""
"""A command that is in the midst of writing a folder."""


def _ended(tmp_path: Path, kind: str) -> tuple[str, int]:
    """Run it and send it SIGTERM; what it said before, and its exit code."""
    command = [sys.executable, "-c", COMMAND, str(tmp_path), kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline().strip()
        assert list(tmp_path.glob(".half-*"))
        process.send_signal(signal.SIGTERM)
        return said, process.wait(60)


def test_sigterm_removes_what_was_half_written_and_ends_the_process_as_it_should(tmp_path: Path) -> None:
    assert _ended(tmp_path, "alone") == ("ready", -signal.SIGTERM)
    assert not list(tmp_path.iterdir())


def test_sigterm_of_a_forked_child_ends_that_child_and_removes_nothing_of_the_others(tmp_path: Path) -> None:
    assert _ended(tmp_path, "forked") == (str(-signal.SIGTERM), -signal.SIGTERM)
    assert not list(tmp_path.iterdir())
