"""Directories for services: short, and open to the user that root lends them.

pytest's own are closed to everybody else, and are kept after the run.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def reachable_directory() -> Iterator[Path]:
    """Give a directory that goes with the block."""
    with TemporaryDirectory(prefix="lc-", ignore_cleanup_errors=True) as name:
        os.chmod(name, 0o711)
        yield Path(name)
