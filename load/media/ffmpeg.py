"""FFmpeg, which reads a file in real time and sends it to many platforms without encoding."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from load.bench.processes import stopping


def find() -> str | None:
    """Return the program, or None."""
    return shutil.which("ffmpeg")


@contextlib.asynccontextmanager
async def tee(program: str, source: Path, urls: Sequence[str]) -> AsyncIterator[int]:
    """Send ``source`` over and over to all ``urls`` while the block lasts; yield the process id."""
    outputs = "|".join(f"[f=flv:flvflags=no_duration_filesize]{url}" for url in urls)
    process = await asyncio.create_subprocess_exec(
        *(program, "-hide_banner", "-loglevel", "error", "-nostdin"),
        *("-re", "-stream_loop", "-1", "-i", str(source)),
        *("-c", "copy", "-map", "0", "-f", "tee", outputs),
        stdin=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    async with stopping(process):
        yield process.pid
