"""Who is taken for dead: a process of this very machine and namespace, and no namesake's."""

from __future__ import annotations

import os
import socket

from moderation.coordination import processes

NUMBER_OF_NOBODY = 2**22 + 1


def test_process_of_this_machine_is_known_to_run_or_to_be_gone() -> None:
    here = processes.here()
    assert processes.is_known_to_run(here) and not processes.is_known_to_be_gone(here)
    place = here.rpartition(":")[0]
    assert processes.is_known_to_be_gone(f"{place}:{NUMBER_OF_NOBODY}")


def test_machines_of_one_name_do_not_take_each_other_s_processes_for_dead() -> None:
    """In the initial namespace of processes, whose number is the same everywhere."""
    place, _, number = processes.here().rpartition(":")
    name, _, rest = place.partition("[")
    boot, _, namespace = rest.rstrip("]").partition("/")
    assert name == socket.gethostname() and boot and int(number) == os.getpid()
    other = f"{name}[{boot[::-1]}/{namespace}]:{NUMBER_OF_NOBODY}"
    assert not processes.is_known_to_be_gone(other)
    assert not processes.is_known_to_run(f"{name}[{boot[::-1]}/{namespace}]:{number}")
