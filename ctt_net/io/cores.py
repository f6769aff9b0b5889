"""How many processors this process may use."""

import os


def cores() -> int:
    """Fewer than the machine has where a scheduler, a container or `taskset` gives fewer."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
