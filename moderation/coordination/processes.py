"""Names a process for other processes, which read the name in the database, and tells if it still runs."""

from __future__ import annotations

import os
import socket
import uuid
from functools import lru_cache
from pathlib import Path


def here() -> str:
    """The name of this process: `host[boot/namespace]:pid`.

    In two containers the same number may name two processes, and two machines may have the same name: then
    their kernels' boots differ.
    """
    return f"{_place()}:{os.getpid()}"


def is_known_to_be_gone(name: str) -> bool:
    """True where the process of that name has ended; False where it runs or that can't be told from here."""
    place, _, number = name.rpartition(":")
    return place == _place() and number.isdecimal() and not is_alive(int(number))


def is_known_to_run(name: str) -> bool:
    """True where the process of that name runs on this machine."""
    place, _, number = name.rpartition(":")
    return place == _place() and number.isdecimal() and is_alive(int(number))


def is_alive(number: int) -> bool:
    """True where a process has this number, on this machine and in this namespace."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _place() -> str:
    try:
        namespace = os.readlink("/proc/self/ns/pid").removeprefix("pid:").strip("[]")
    except OSError:  # no Linux
        namespace = ""
    return f"{socket.gethostname()[:150]}[{_boot()}/{namespace}]"


@lru_cache(maxsize=1)
def _boot() -> str:
    """An id of this boot of the machine's kernel, which no other has; without Linux, its network address."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:18]
    except OSError:  # no Linux
        return f"{uuid.getnode():x}"
