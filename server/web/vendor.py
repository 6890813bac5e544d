"""Refresh ``static/vendor``: ``python -m server.web.vendor`` (for developers: their npm).

Packages are packed by name and version, their one ESM file is copied, and the bare names it
imports are rewritten to its neighbours, so that browsers need neither a build nor an import map.
``VENDOR.toml`` says what each file is and where in its package it was.
"""

import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

VENDOR = Path(__file__).parent / "static" / "vendor"


class Library(NamedTuple):
    """One vendored file: what others import it as, and where it comes from."""

    imported_as: str
    package: str
    version: str
    licence: str
    path: str
    file: str


_CORE, _SIGNALS = "@preact/signals-core", "@preact/signals"

LIBRARIES = (
    Library("preact", "preact", "11.2.0", "MIT", "dist/preact.mjs", "preact.js"),
    Library("preact/hooks", "preact", "11.2.0", "MIT", "hooks/dist/hooks.mjs", "hooks.js"),
    Library(_CORE, _CORE, "1.14.5", "MIT", "dist/signals-core.mjs", "signals-core.js"),
    Library(_SIGNALS, _SIGNALS, "2.11.4", "MIT", "dist/signals.mjs", "signals.js"),
    Library("htm", "htm", "3.1.1", "Apache-2.0", "dist/htm.mjs", "htm.js"),
    # Where a browser does not play HLS itself; loaded when a picture needs it.
    Library("hls.js", "hls.js", "1.7.4", "Apache-2.0", "dist/hls.light.min.mjs", "hls.js"),
    # A link as a picture, for those who sit in front of it with a phone; loaded when asked for.
    Library("lean-qr", "lean-qr", "2.7.4", "MIT", "index.mjs", "lean-qr.js"),
)

SPRITE = Library("", "lucide-static", "1.62.0", "ISC", "icons", "icons.svg")
ICONS = (
    "calendar-plus", "captions", "check", "chevron-left", "chevron-right", "circle",
    "circle-question-mark", "download", "ellipsis", "eraser", "fast-forward", "film", "hand",
    "headphones", "highlighter", "link", "lock", "lock-open", "maximize", "messages-square",
    "mic", "mic-off", "monitor-up", "monitor-x", "pause", "pen-line", "picture-in-picture-2",
    "pin", "play",
    "presentation", "radio", "rewind", "settings", "share-2", "smile", "square",
    "trash-2", "triangle-alert", "undo-2", "upload", "user-check", "video", "video-off", "volume-2",
    "volume-x", "x",
)  # fmt: skip
"""What the pages draw; the sprite holds no more."""

_SHAPES = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_IMPORT = re.compile(r"""(\bfrom|\bimport)\s*(["'])([^"'./$ ][^"'$ ]*)\2""")
_SOURCE_MAP = re.compile(r"\s*//# sourceMappingURL=\S+\s*$")


def browser_ready(source: str) -> str:
    """Return ``source`` with its bare imports rewritten and no reference to a source map.

    Raises:
        KeyError: If it imports a package that is not vendored.

    """
    files = {library.imported_as: library.file for library in LIBRARIES}
    rewritten = _IMPORT.sub(lambda found: f'{found[1]}"./{files[found[3]]}"', source)
    return _SOURCE_MAP.sub("", rewritten) + "\n"


def sprite(shapes: dict[str, str]) -> str:
    """Return one SVG with a symbol per icon, from the SVG of each."""
    symbols = "".join(
        f'<symbol id="{name}" viewBox="0 0 24 24">{_inside(svg)}</symbol>\n'
        for name, svg in sorted(shapes.items())
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{symbols}</svg>\n'


def _inside(svg: str) -> str:
    shapes = _SHAPES.search(svg)
    if shapes is None:
        raise ValueError(svg)
    return re.sub(r"\s+", " ", shapes[1]).replace("> <", "><").strip()


def refresh() -> None:
    """Write every vendored file, its licence and ``VENDOR.toml`` anew."""
    entries = []
    with tempfile.TemporaryDirectory() as directory:
        for library in LIBRARIES:
            archive = _pack(library, Path(directory))
            entries.append(_keep(library, archive, browser_ready(_read(archive, library.path))))
        archive = _pack(SPRITE, Path(directory))
        shapes = {name: _read(archive, f"{SPRITE.path}/{name}.svg") for name in ICONS}
        entries.append(_keep(SPRITE, archive, sprite(shapes)))
    head = "# Written by python -m server.web.vendor; bare imports are rewritten to neighbours.\n\n"
    (VENDOR / "VENDOR.toml").write_text(head + "\n".join(entries), encoding="utf-8")


def _keep(library: Library, archive: Path, text: str) -> str:
    """Write a file and its licence; return what ``VENDOR.toml`` says of it."""
    content = text.encode()
    (VENDOR / library.file).write_bytes(content)
    name = library.package.removeprefix("@").removesuffix(".js").replace("/", "-")
    (VENDOR / f"LICENSE-{name}").write_text(_read(archive, "LICENSE"), encoding="utf-8")
    return (
        f'[[file]]\nname = "{library.file}"\npackage = "{library.package}"\n'
        f'version = "{library.version}"\nlicence = "{library.licence}"\n'
        f'from = "{library.path}"\nsha256 = "{hashlib.sha256(content).hexdigest()}"\n'
    )


def _pack(library: Library, directory: Path) -> Path:
    """Return the package's archive, from the registry that npm is configured for."""
    spec = f"{library.package}@{library.version}"
    done = subprocess.run(  # noqa: S603 - the names are constants of this module
        [Path(sys.executable).with_name("npm"), "pack", "--silent", spec],
        cwd=directory,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=True,
    )
    return directory / done.stdout.split()[-1]


def _read(archive: Path, path: str) -> str:
    with tarfile.open(archive) as package:
        member = package.extractfile(f"package/{path}")
        if member is None:
            raise FileNotFoundError(path)
        return member.read().decode()


if __name__ == "__main__":
    VENDOR.mkdir(parents=True, exist_ok=True)
    refresh()
    sys.stdout.write(f"{len(LIBRARIES) + 1} files written to {VENDOR}\n")
