"""The program that draws, and how whoever started it takes what it says."""

import asyncio
import signal
import struct
import zlib

import pytest

from server.assets import renderer, rendering
from server.assets.rendering import HEIGHT, WIDTH, UnusableError
from tests.documents import picture, text_pdf


@pytest.mark.parametrize(
    ("size", "drawn"),
    [
        ((612, 792), (1600, 2071)),
        ((1, 1), (1600, 1600)),
        ((1, 1_000_000), (0, 3200)),
        ((1e30, 1e30), (1600, 1600)),
    ],
)
def test_a_page_fits_whatever_it_says_of_its_size(size, drawn):
    scale = rendering._fitting(*size)
    assert (round(size[0] * scale), round(size[1] * scale)) == drawn
    assert drawn[0] <= WIDTH
    assert drawn[1] <= HEIGHT


@pytest.mark.parametrize("size", [(0, 1), (1, -1), (float("nan"), 1), (float("inf"), 1)])
def test_a_page_without_a_size_is_refused(size):
    with pytest.raises(UnusableError):
        rendering._fitting(*size)


def test_text_is_what_a_table_can_keep():
    assert rendering._readable("a\0b\ud800 \r\n\t c\ufffe") == "a b c"


@pytest.fixture
def run(tmp_path):
    async def run(data, take=None, kind="pdf"):
        pages = []

        async def keep(page):
            pages.append(page)

        (tmp_path / "source").write_bytes(data)
        into = tmp_path / "pages"
        into.mkdir(exist_ok=True)
        await renderer.render(kind, tmp_path / "source", into, take or keep)
        assert list(into.iterdir()) == [], "what is taken is gone"
        return pages

    return run


async def test_pages_come_one_by_one(run):
    first, second = await run(text_pdf(2))
    assert (first.number, second.number, first.of) == (1, 2, 2)
    assert first.text == "Hello fractions"
    assert first.picture[8:12] == b"WEBP"


async def test_a_picture_of_too_many_pixels_is_not_even_read(run):
    data = bytearray(picture())
    data[16:24] = struct.pack("!II", 30_000, 2_500)
    data[29:33] = struct.pack("!I", zlib.crc32(data[12:29]))
    with pytest.raises(renderer.RenderError, match="60 million"):
        await run(data, kind="image")


def saying(text, then=""):
    return f"import os, sys, time\nprint({text!r}, flush=True)\n{then}"


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (saying('{"pages": 501}'), "damaged"),
        (saying('{"pages": 2}\n{"page": 2}'), "damaged"),
        (saying('{"page": 1}'), "damaged"),
        (saying('{"pages": 1}\n{"page": 1}'), "damaged"),  # and there is no such file
        (saying('{"pages": 2}'), "damaged"),
        (saying("nonsense"), "damaged"),
        ("print('x' * (2 << 20), flush=True)", "damaged"),
        (saying('{"error": "Why."}', "time.sleep(60)"), "Why"),
        (saying('{"pages": 1}', "os.abort()"), "damaged"),
        (saying('{"pages": 1}', "time.sleep(60)"), "too long"),
        ("while True: pass", "too long"),
    ],
)
async def test_a_process_is_believed_nothing_and_always_ended(run, monkeypatch, program, message):
    monkeypatch.setattr(renderer, "PAGE_SECONDS", 1.0 if message == "too long" else 30.0)
    start, started = asyncio.create_subprocess_exec, []

    async def instead(python, *_, **more):
        started.append(await start(python, "-I", "-c", program, **more))
        return started[0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", instead)
    with pytest.raises(renderer.RenderError, match=message):
        await run(b"")
    assert started[0].returncode is not None


async def test_a_process_that_is_killed_is_an_error_of_its_file(run, monkeypatch):
    start, started = asyncio.create_subprocess_exec, []

    async def remembered(*args, **more):
        # Nothing of ours is given to it.
        assert set(more["env"]) == {"LC_ALL"}
        started.append(await start(*args, **more))
        return started[0]

    async def kill(page):
        started[0].send_signal(signal.SIGKILL)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", remembered)
    with pytest.raises(renderer.RenderError):
        await run(text_pdf(100), kill)
    assert started[0].returncode == -signal.SIGKILL


async def test_it_has_bounds(tmp_path):
    program = (
        "from server.assets import rendering; import resource; rendering._confine(); "
        "print(*(resource.getrlimit(each)[1] for each in "
        "(resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)));"
        "bytearray(2 << 30)"
    )
    process = await asyncio.create_subprocess_exec(
        renderer.sys.executable, "-I", "-c", program,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, error = await process.communicate()
    assert [int(each) for each in out.split()] == [
        rendering.MEMORY_BYTES, rendering.CPU_SECONDS, rendering.FILE_BYTES, 0,
    ]  # fmt: skip
    assert b"MemoryError" in error
