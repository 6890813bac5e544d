"""The program that draws one file: ``python -I -m server.assets.rendering pdf|image FILE INTO``.

It is fed what strangers made, so it is a process of its own with nothing of ours in it: no
connection, no secret, and bounds on memory, time and files. It writes ``INTO/<n>.webp`` and then a
line of JSON for each page; whoever started it (:mod:`server.assets.renderer`) believes none of it
without looking.
"""

import json
import math
import os
import resource
import sys
from pathlib import Path
from typing import Any, Final

WIDTH: Final = 1600
HEIGHT: Final = 3200
"""A page is drawn as large as fits into this: a page that is a mile high is small, not a bomb."""
QUALITY: Final = 80
MOST_PAGES: Final = 500
MOST_PIXELS: Final = 60_000_000
"""Of a picture, before it is made smaller."""
TEXT_CHARACTERS: Final = 20_000
"""Kept of the text of a page."""

WRONG_PASSWORD: Final = 4
"""``FPDF_ERR_PASSWORD`` of PDFium's fpdfview.h."""

MEMORY_BYTES: Final = 1 << 30
CPU_SECONDS: Final = 300
FILE_BYTES: Final = 16 << 20
NICE: Final = 10


class UnusableError(Exception):
    """The file cannot be drawn, for a reason that its owner can do something about."""


def main() -> None:
    """Draw the file that the arguments name."""
    _confine()
    kind, source, into = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    try:
        if kind == "pdf":
            _draw_pdf(source, into)
        else:
            _draw_image(source, into)
    except UnusableError as error:
        _say(error=str(error))


def _confine() -> None:
    """Give up what is not needed, for good."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    # A class that is on air comes first.
    os.nice(NICE)


def _draw_pdf(source: Path, into: Path) -> None:
    import pypdfium2 as pdfium  # after _confine: what it reserves counts

    try:
        document = pdfium.PdfDocument(source)  # type: ignore[no-untyped-call]
    except pdfium.PdfiumError as error:
        if error.err_code == WRONG_PASSWORD:
            raise UnusableError("This PDF is protected by a password.") from None
        raise UnusableError("This is not a whole PDF.") from None
    pages = len(document)
    if not 1 <= pages <= MOST_PAGES:
        raise UnusableError(f"A PDF has 1 to {MOST_PAGES} pages; this one has {pages}.")
    _say(pages=pages)
    for index in range(pages):
        try:
            page = document[index]
            scale = _fitting(*page.get_size())
            picture = page.render(scale=scale, limit_image_cache=True).to_pil()
            text_page = page.get_textpage()
            most = min(text_page.count_chars(), TEXT_CHARACTERS)
            text = text_page.get_text_range(0, most) if most else ""
            text_page.close()
            page.close()
        except pdfium.PdfiumError:
            raise UnusableError(f"Page {index + 1} cannot be drawn.") from None
        _save(picture, into / f"{index + 1}.webp")
        _say(page=index + 1, text=_readable(text))


def _draw_image(source: Path, into: Path) -> None:
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # MOST_PIXELS is asked for first
    try:
        with Image.open(source, formats=("PNG", "JPEG", "WEBP")) as image:
            if image.width * image.height > MOST_PIXELS:
                text = f"A picture has at most {MOST_PIXELS // 1_000_000} million pixels."
                raise UnusableError(text)
            _say(pages=1)
            image.draft("RGB", (WIDTH, HEIGHT))
            picture = ImageOps.exif_transpose(image)
            is_plain = picture.mode in ("RGB", "L", "CMYK", "YCbCr", "1", "I;16")
            picture = picture.convert("RGB" if is_plain else "RGBA")
            picture.thumbnail((WIDTH, HEIGHT))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise UnusableError("This is not a whole picture.") from None
    _save(picture, into / "1.webp")
    _say(page=1, text="")


def _fitting(width: float, height: float) -> float:
    """Return by how much a page of this size is drawn larger.

    Raises:
        UnusableError: If it has no size.

    """
    if not (math.isfinite(width) and math.isfinite(height) and width > 0 and height > 0):
        raise UnusableError("A page of this PDF has no size.")
    return min(WIDTH / width, HEIGHT / height)


def _save(picture: Any, path: Path) -> None:
    # New from its pixels: no metadata comes along.
    picture.save(path, "WEBP", quality=QUALITY, method=4, exif=b"", icc_profile=b"")


def _readable(text: str) -> str:
    """Return ``text`` as PostgreSQL can keep it, with single spaces."""
    visible = "".join(each if each.isprintable() or each.isspace() else " " for each in text)
    return " ".join(visible.encode("utf-8", "ignore").decode().split())


def _say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
