"""How many files and sockets a process may open."""

import resource


def raise_file_limit() -> int:
    """Take as many as this process is allowed to take; return how many that are.

    The soft limit that systems give (often 1,024) is for programs that use ``select``.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
