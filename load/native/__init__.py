"""The load generator in C: thousands of connections on one core, where Python saturates first.

``swarm classes PORT`` holds students of live classes, ``swarm fan …`` the subscribers of any server
that tells everybody the same; both serve the lines of standard input, as the headers beside this
file say, and answer each with a line of JSON. It is for Linux (epoll), and only for servers on the
same machine: every hundred connections come from a loopback address of their own.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SOURCES = Path(__file__).parent
_COMMON = ("swarm.c", "json.c", "histogram.c", "websocket.c")
PROGRAMS = {
    "swarm": ("main.c", "classes.c", "student.c", "tally.c", "fan.c", *_COMMON),
    "sender": ("sender.c", "websocket.c"),
}
_FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror")
_BUILD_SECONDS = 60.0


class BuildError(Exception):
    """There is a compiler, and it refuses the program."""


def compiler() -> str | None:
    """Return the C compiler, or None where there is none, or the system is not Linux."""
    if not sys.platform.startswith("linux"):
        return None
    return shutil.which(os.environ.get("CC", "cc"))


def build(program: str, directory: Path, flags: Sequence[str] = ()) -> Path | None:
    """Compile one of :data:`PROGRAMS` into ``directory``; None without a compiler.

    Raises:
        BuildError: With what the compiler said.

    """
    found = compiler()
    if found is None:
        return None
    target = directory / program
    sources = (str(SOURCES / name) for name in PROGRAMS[program])
    done = subprocess.run(  # noqa: S603
        (found, *_FLAGS, *flags, "-o", str(target), *sources, "-lm"),
        capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode:
        raise BuildError(done.stderr)
    return target
