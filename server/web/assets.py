"""The static files, read once: addressed by the hash of them all, so they never change.

One hash for the whole tree lets modules import each other by relative names without a build, and
an old page keeps no file of a new one. Browsers get our modules and styles without their comments,
which are a quarter of the modules, and nothing of ours with its indentation; in modules, each line
is where it was.
"""

import gzip
import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import NamedTuple

TREE = Path(__file__).parent / "static"

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


# Comments as we write them: on lines of their own, or the type of what stands in parentheses.
_BLOCK = r"/\*\*(?:(?!\*/).)*\*/"
_COMMENT = re.compile(
    rf"^[ \t]*{_BLOCK}[ \t]*$|^[ \t]*//[^\n]*$|/\*\* @type (?:(?!\*/).)*\*/",
    re.MULTILINE | re.DOTALL,
)
_REMARK = re.compile(r"/\*.*?\*/", re.DOTALL)
"""A comment in a style sheet: there are no others, and no text that looks like one."""
_INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)
_IMPORT = re.compile(r'(?:\bfrom|^import)\s*"(\.[^"]+)"', re.M)


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

    def needed(self, module: str) -> tuple[str, ...]:
        """Return what ``module`` imports, and those theirs, but for what is loaded when needed."""
        found: dict[str, None] = {}
        looking = [module]
        while looking:
            name = looking.pop()
            if name not in found and name in self.files:
                found[name] = None
                here = PurePosixPath(name).parent
                imports = _IMPORT.findall(self.files[name].plain.decode())
                looking += [normpath(here / each) for each in imports]
        return tuple(found)

    def first(self, page: str) -> tuple[str, ...]:
        """Return what a browser needs of ``page`` before it shows anything."""
        looks = ("shared/tokens.css", "shared/base.css", f"{page}/page.css", "vendor/icons.svg")
        return (*looks, *self.needed(f"{page}/index.js"))


def load(tree: Path = TREE) -> Assets:
    """Read every file that a browser may ask for."""
    digest = hashlib.sha256()
    files: dict[str, Asset] = {}
    for path in _servable(tree):
        name, content = path.relative_to(tree).as_posix(), path.read_bytes()
        if path.parent.name != "vendor":
            text = content.decode()
            if path.suffix == ".js":
                text = without_comments(text)
            elif path.suffix == ".css":
                text = _REMARK.sub("", text)
            content = _INDENTATION.sub("", text).encode()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
        files[name] = Asset(_TYPES[path.suffix], content, gzip.compress(content, mtime=0))
    return Assets(digest.hexdigest()[:16], files)


def without_comments(source: str) -> str:
    """Return a module of ours without its comments; what is left stands on the lines it had."""
    return _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), source)


def _servable(tree: Path) -> Iterator[Path]:
    for path in sorted(tree.rglob("*")):
        if path.is_file() and path.suffix in _TYPES and path.name != "package.json":
            yield path
