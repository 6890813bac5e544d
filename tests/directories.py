"""Directories for services: short, and open to the user that root lends them.

pytest's own are closed to everybody else, and are kept after the run.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

MEMORY = Path("/dev/shm")
"""Making a database is making hundreds of files: in memory that takes a tenth of the time."""


@contextmanager
def reachable_directory() -> Iterator[Path]:
    """Give a directory that goes with the block."""
    place = MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None
    with TemporaryDirectory(prefix="lc-", dir=place, ignore_cleanup_errors=True) as name:
        os.chmod(name, 0o711)
        yield Path(name)
