"""Looks for a CUDA device without torch, whose import takes seconds and much memory."""

from __future__ import annotations

import ctypes
import sys


def is_cuda_there() -> bool:
    """True where the driver's own library has a device; CUDA_VISIBLE_DEVICES counts. Don't fork afterwards:
    CUDA forbids it."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = ctypes.c_int(0)
        is_up = driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
    except (OSError, AttributeError):  # no driver, or a library of this name that is none
        return False
    return is_up and count.value > 0
