"""How many cores there are for us, read from what the kernel says in files."""

import os
from pathlib import Path

import pytest

from toxicity_ml.inference.cores import available_cores, cgroup_quota


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("groups", "files", "quota"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/site/worker\n", {"site/cpu.max": "400000 100000\n"}, 4.0),
        ("0::/site/worker\n", {"cpu.max": "100000 50000", "site/worker/cpu.max": "400000 100000"}, 2.0),
        ("0::/docker/0a1b\n", {"cpu.max": "50000 100000\n"}, 0.5),
        (
            "4:cpu,cpuacct:/a\n",
            {"cpu/a/cpu.cfs_quota_us": "300000", "cpu/a/cpu.cfs_period_us": "100000"},
            3.0,
        ),
        ("4:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("5:memory:/a\n", {"memory/a/cpu.max": "100000 100000"}, None),
        ("0::/\n", {"cpu.max": "garbled"}, None),
        ("0::/\n", {}, None),
        ("", {}, None),
    ],
)
def test_the_quota_is_that_of_the_tightest_group(
    tmp_path: Path, groups: str, files: dict[str, str], quota: float | None
) -> None:
    write(tmp_path / "cgroup", groups)
    for name, text in files.items():
        write(tmp_path / "hierarchy" / name, text)
    assert cgroup_quota(tmp_path / "cgroup", tmp_path / "hierarchy") == quota


def test_where_the_kernel_says_nothing_there_is_no_quota(tmp_path: Path) -> None:
    assert cgroup_quota(tmp_path / "not-there", tmp_path) is None


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no process to cores")
def test_a_process_that_is_bound_to_one_core_has_one() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert available_cores() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert 1 <= available_cores() <= len(before)
