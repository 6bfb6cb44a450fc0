"""The last lines of `python -m tests` say how each run ended and which tests failed, whatever came before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mysite.demo.environment import BASE_DIR

SCRIPT = """
import sys
from tests.__main__ import main

names, directories = sys.argv[1::2], sys.argv[2::2]
pytest = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:django", "-c", "pytest.ini")
sys.exit(main({
    name: ("sqlite", (*pytest, directory)) for name, directory in zip(names, directories)
}))
"""
GREEN = "def test_well(): pass"
NOISY = "def test_loud():\n    for line in range(500): print(line)\n    assert 0"
FAILING = """
import pytest
print("\\n".join(map(str, range(500))))
class TestSum:
    @pytest.mark.parametrize("right", [3, 2])
    def test_two(self, right): assert 1 + 1 == right, "a sum\\nthat is wrong"
@pytest.fixture
def broken(): raise OSError("no disk")
def test_disk(broken): pass
"""
CRASHING = "import os, signal\ndef test_crash(): os.kill(os.getpid(), signal.SIGKILL)"


def run_all(tmp_path: Path, **sources: str) -> tuple[int, list[str]]:
    """The exit code, and the lines after all outputs, of runs with one test file each."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    arguments = []
    for name, source in sources.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / f"test_{name}.py").write_text(source)
        arguments += [name, name]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        cwd=tmp_path,
        env={"PATH": "", "PYTHONPATH": str(BASE_DIR)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout.rpartition("\n\n")[2].splitlines()


def without_seconds(line: str) -> str:
    """A run's line up to how long it took, which no two runs have in common."""
    assert line.endswith(" s)")
    return line.rpartition(" (")[0]


def test_green_runs_take_a_line_each(tmp_path: Path) -> None:
    code, lines = run_all(tmp_path, first=GREEN, second=GREEN)
    assert code == 0
    assert [without_seconds(line) for line in lines] == [
        "first: green, 1 tests, 0 failed or erred",
        "second: green, 1 tests, 0 failed or erred",
    ]


def test_failed_tests_are_named_with_their_reasons(tmp_path: Path) -> None:
    code, lines = run_all(tmp_path, first=NOISY, second=FAILING)
    assert code == 1
    assert without_seconds(lines[0]) == "first: FAILED, exit code 1, 1 tests, 1 failed or erred"
    assert lines[1] == "  first/test_first.py::test_loud: assert 0"
    assert without_seconds(lines[2]) == "second: FAILED, exit code 1, 3 tests, 2 failed or erred"
    assert lines[3:] == [
        "  second/test_second.py::TestSum::test_two[3]: AssertionError: a sum",
        '  second/test_second.py::test_disk: failed on setup with "OSError: no disk"',
    ]


def test_a_run_that_crashed_is_named(tmp_path: Path) -> None:
    code, lines = run_all(tmp_path, first=GREEN, second=CRASHING)
    assert code != 0
    assert [without_seconds(line) for line in lines] == [
        "first: green, 1 tests, 0 failed or erred",
        "second: CRASHED, exit code -9, no results written",
    ]


def test_a_file_that_can_not_be_imported_is_named(tmp_path: Path) -> None:
    code, lines = run_all(tmp_path, first=GREEN, second="import no_such_module")
    assert code == 2
    assert without_seconds(lines[1]) == "second: FAILED, exit code 2, 1 tests, 1 failed or erred"
    assert lines[2:] == [
        "  second.test_second: ModuleNotFoundError: No module named 'no_such_module'",
    ]


def test_the_end_of_the_log_has_room_for_every_run(tmp_path: Path) -> None:
    many = "import pytest\n@pytest.mark.parametrize('n', range(30))\ndef test_many(n): assert n < 0"
    _, lines = run_all(tmp_path, first=many, second=many, third=many)
    assert len(lines) <= 25
    assert [line.partition(":")[0] for line in lines if not line.startswith(" ")] == [
        "first",
        "second",
        "third",
    ]
    assert lines.count("  and 24 more, in the output above") == 3
