"""Run the program that draws a file, and take its pages one by one as they are ready."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import msgspec
import structlog

from server.assets.rendering import FILE_BYTES, MOST_PAGES, TEXT_CHARACTERS
from server.errors import LiveClassError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

JOB_SECONDS = 300.0
PAGE_SECONDS = 20.0
"""No page takes longer: PDFium draws most in less than a tenth of a second."""
_LINE_BYTES = 1 << 20


class RenderError(LiveClassError):
    """The file cannot be drawn; the message is for who uploaded it."""


class Drawn(msgspec.Struct, frozen=True):
    """A page that is ready: its number, of how many, its picture (WebP) and its text."""

    number: int
    of: int
    picture: bytes
    text: str


class _Line(msgspec.Struct, frozen=True):
    pages: int | None = None
    page: int | None = None
    text: str = ""
    error: str | None = None


_decode = msgspec.json.Decoder(_Line).decode


async def render(
    kind: Literal["pdf", "image"],
    source: Path,
    into: Path,
    take: Callable[[Drawn], Awaitable[None]],
) -> int:
    """Draw ``source`` into the empty directory ``into``; return how many pages it has.

    Every page is given to ``take`` and forgotten. When this returns or raises, the process is
    gone.

    Raises:
        RenderError: If the file is damaged, protected, too long, or takes too much of anything.

    """
    # Nothing of our environment: there are secrets in it.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-m", "server.assets.rendering", kind, str(source), str(into),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=into, env={"LC_ALL": "C.UTF-8"}, limit=_LINE_BYTES,
    )  # fmt: skip
    try:
        async with asyncio.timeout(JOB_SECONDS):
            pages = await _follow(process, into, take)
    except TimeoutError:
        raise RenderError("Drawing this file takes too long.") from None
    finally:
        if process.returncode is None:
            process.kill()
        code = await process.wait()
    if pages is None or code != 0:
        log.info("rendering_ended_early", code=code)
        raise RenderError("This file is damaged, or asks for too much memory or time.")
    return pages


async def _follow(
    process: asyncio.subprocess.Process, into: Path, take: Callable[[Drawn], Awaitable[None]]
) -> int | None:
    """Take what the process draws until it ends; return the number of pages if it drew all."""
    pages, done = None, 0
    while line := await _read_line(process):
        if line.error is not None:
            raise RenderError(line.error[:500])
        if line.pages is not None:
            pages = line.pages
            if not 1 <= pages <= MOST_PAGES:
                return None
        elif pages is not None and line.page == done + 1 <= pages:
            done += 1
            try:
                picture = await asyncio.to_thread(_take_file, into / f"{done}.webp")
            except OSError:
                return None
            await take(Drawn(done, pages, picture, line.text[:TEXT_CHARACTERS]))
        else:
            return None
    # The end of its output comes before its own; a process that goes on is killed in time.
    async with asyncio.timeout(PAGE_SECONDS):
        await process.wait()
    return pages if done == pages else None


async def _read_line(process: asyncio.subprocess.Process) -> _Line | None:
    assert process.stdout is not None, "it was asked for"
    async with asyncio.timeout(PAGE_SECONDS):
        try:
            line = await process.stdout.readline()
            return _decode(line) if line else None
        except (ValueError, msgspec.MsgspecError):  # too long, or not what we wait for
            return None


def _take_file(path: Path) -> bytes:
    """Return what is in a file, which is gone then."""
    with path.open("rb") as file:
        data = file.read(FILE_BYTES)
    os.unlink(path)
    return data
