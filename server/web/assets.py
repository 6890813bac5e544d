"""The static files, read once: addressed by the hash of them all, so they never change.

One hash for the whole tree lets modules import each other by relative names without a build, and
an old page keeps no file of a new one.
"""

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

TREE = Path(__file__).parent / "static"

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


class Asset(NamedTuple):
    """One file, as it is and compressed."""

    content_type: str
    plain: bytes
    compressed: bytes


class Assets(NamedTuple):
    """All files by their path in the tree, and the hash that stands for them."""

    digest: str
    files: Mapping[str, Asset]

    def path(self, name: str) -> str:
        """Return where a page finds the file ``name``."""
        return f"/static/{self.digest}/{name}"


def load(tree: Path = TREE) -> Assets:
    """Read every file that a browser may ask for."""
    digest = hashlib.sha256()
    files: dict[str, Asset] = {}
    for path in _servable(tree):
        name, content = path.relative_to(tree).as_posix(), path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
        files[name] = Asset(_TYPES[path.suffix], content, gzip.compress(content, mtime=0))
    return Assets(digest.hexdigest()[:16], files)


def _servable(tree: Path) -> Iterator[Path]:
    for path in sorted(tree.rglob("*")):
        if path.is_file() and path.suffix in _TYPES and path.name != "package.json":
            yield path
