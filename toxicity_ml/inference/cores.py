"""Counts the cores that this process may use, by its affinity and the quota of its control groups."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/proc/self/cgroup")
HIERARCHY = Path("/sys/fs/cgroup")


def available_cores() -> int:
    """The cores that this process may use, at least 1. A quota of one and a half cores counts as two."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cgroup_quota()
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def cgroup_quota(cgroups: Path = CGROUPS, hierarchy: Path = HIERARCHY) -> float | None:
    """CPU seconds a second that the process's control groups allow it, the least of all that apply; None:
    as much as there is. Both versions of control groups (kernel documentation, cgroup-v2, "cpu.max", and
    cgroup-v1, "cpu.cfs_quota_us")."""
    try:
        lines = cgroups.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    quotas = [quota for line in lines for quota in _quotas(line, hierarchy)]
    return min(quotas, default=None)


def _quotas(line: str, hierarchy: Path) -> Iterator[float]:
    """Of one line of /proc/self/cgroup, `number:controllers:path`, and of the groups above it."""
    number, _, rest = line.partition(":")
    controllers, _, path = rest.partition(":")
    if number == "0" and not controllers:
        roots, read = [hierarchy], _quota_v2
    elif "cpu" in controllers.split(","):
        roots, read = [hierarchy / "cpu", hierarchy / controllers], _quota_v1
    else:
        return
    for root in roots:
        group = root / path.lstrip("/")
        # inside a container the path may be the host's, and the container's own group the root
        for directory in (group, *group.parents):
            if directory.is_relative_to(root) and (quota := read(directory)) is not None:
                yield quota


def _quota_v2(directory: Path) -> float | None:
    try:
        quota, period = (directory / "cpu.max").read_text(encoding="utf-8").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_v1(directory: Path) -> float | None:
    try:
        quota = int((directory / "cpu.cfs_quota_us").read_text(encoding="utf-8"))
        period = int((directory / "cpu.cfs_period_us").read_text(encoding="utf-8"))
        return None if quota < 0 else quota / period
    except (OSError, ValueError, ZeroDivisionError):
        return None
