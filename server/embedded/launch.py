"""Become another program that ends when the process that started this one ends.

Run by path, with ``python -I -S``; imports nothing of ours, so that it starts in
milliseconds and needs no readable package once it has dropped its privileges::

    launch.py PARENT SIGNAL UID GID CWD PROGRAM ARGUMENT…

Linux delivers SIGNAL on the parent's death (``PR_SET_PDEATHSIG``), so this process simply
becomes PROGRAM. Elsewhere it stays as a watcher, and the end of its standard input, a pipe
that only the parent holds open, is the parent's death. UID -1 keeps the user.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Drop privileges, tie this process to its parent, and run the program."""
    parent, number, uid, gid = (int(argument) for argument in sys.argv[1:5])
    cwd, program = sys.argv[5], sys.argv[6:]
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.umask(0o077)
    os.chdir(cwd)
    # Set after the change of user, which would clear it.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            sys.exit(f"process {parent} ended before {program[0]} began")
        os.execv(program[0], program)  # noqa: S606  no shell is the point
    sys.exit(_watch(program, number))


def _watch(program: list[str], number: int) -> int:
    child = subprocess.Popen(program, stdin=subprocess.DEVNULL)  # noqa: S603  our own command line

    def end_with_parent() -> None:
        os.read(0, 1)
        child.send_signal(number)

    threading.Thread(target=end_with_parent, daemon=True).start()
    for forwarded in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(forwarded, lambda received, _: child.send_signal(received))
    return child.wait()


if __name__ == "__main__":
    main()
