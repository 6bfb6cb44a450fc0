"""A process that stands still where it is about to open a certain file; on its PYTHONPATH, before all else.

STAND_AT: a regular expression of "write PATH" or "read PATH". Whoever comes to such a file first writes its
process id into the file STANDS and goes no step further, until it is killed; its children inherit that.
"""

import os
import re
import sys
import time
from typing import Any

_AT, _STANDS = re.compile(os.environ["STAND_AT"]), os.environ["STANDS"]
_is_standing = False


def _stand(event: str, given: tuple[Any, ...]) -> None:
    global _is_standing
    if event != "open" or _is_standing or isinstance(given[0], int):
        return
    path, mode, flags = given
    is_writing = set(mode or "") & set("wax+") if mode is not None else flags & (os.O_WRONLY | os.O_RDWR)
    if not _AT.fullmatch(f"{'write' if is_writing else 'read'} {os.fsdecode(path)}"):
        return
    _is_standing = True
    with open(f"{_STANDS}.new", "w") as file:
        file.write(str(os.getpid()))
    os.replace(f"{_STANDS}.new", _STANDS)  # whole, for whoever waits for it
    while True:
        time.sleep(3600)


sys.addaudithook(_stand)
