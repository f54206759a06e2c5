"""How many cores this process may use, which is not how many the machine has."""

import functools
import os
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUP = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """Cores that the process may keep busy: its affinity, cut to its container's share of time.

    At least one. A share of 2.5 cores counts as 2: a third thread would be stopped half the time.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores, int(_container_limit(_GROUPS, _OWN_GROUP))))


@functools.cache
def _container_limit(groups: Path, own: Path) -> float:
    """Cores' worth of time that control groups (Linux, version 2) allow, at most 2³⁰: the least of
    the process's own group and those above it."""
    limit = 2.0**30
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return limit
    name = next((line[3:] for line in lines if line.startswith("0::")), "/")
    group = groups / name.lstrip("/")
    for folder in (group, *group.parents):
        if not folder.is_relative_to(groups):
            break
        limit = min(limit, _quota(folder / "cpu.max"))
    return limit


def _quota(file: Path) -> float:
    """Cores of a line such as "150000 100000" (microseconds a period) or "max 100000"."""
    try:
        quota, period = file.read_text().split()
        return float(quota) / float(period)
    except (OSError, ValueError):  # no such file, or no limit
        return 2.0**30
