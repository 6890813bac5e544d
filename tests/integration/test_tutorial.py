"""``docs/tutorial.md`` as a stranger would follow it: every line, in an empty directory.

What a block prints is what the page shows below it, where ``…`` stands for anything. On the page
the server has its usual port; here it has a free one.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.demo import free_port

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(<!-- background -->\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [("background" if before else kind, text) for before, kind, text in BLOCK.findall(PAGE)]
START_SECONDS = 90.0
SECONDS = 150.0
END_OF_BLOCK = "\x1e"


def matches(shown, printed):
    """Say whether ``printed`` begins like ``shown``."""
    pattern = ".*?".join(re.escape(part) for part in shown.strip().split("…"))
    return re.match(pattern, printed.strip(), re.DOTALL) is not None


def shown_below(blocks):
    """Yield each block that is run, with what the page shows below it."""
    for (kind, text), (next_kind, next_text) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if kind in ("bash", "background"):
            yield kind, text, next_text if next_kind == "text" else None


@pytest.fixture
def place(data_dir):
    """An empty directory, the page for a free port, and what a terminal has in its environment."""
    port = str(free_port())
    environ = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LIVECLASS_PORT": port,
        "LIVECLASS_OPS_PORT": "0",
        "LIVECLASS_PUBLIC_URL": f"http://localhost:{port}",
    }
    return data_dir, [(kind, text.replace("8080", port)) for kind, text in BLOCKS], environ


@pytest.fixture
def server(place):
    """The terminal in which the server runs."""
    directory, blocks, environ = place
    ((_, command, shown),) = [each for each in shown_below(blocks) if each[0] == "background"]
    said, noted = directory / "said", directory / "noted"
    with said.open("wb") as out, noted.open("wb") as err:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=directory, env=environ, stdout=out, stderr=err, start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + START_SECONDS
        while not matches(shown, said.read_text()):
            assert process.poll() is None, noted.read_text()
            assert time.monotonic() < deadline, said.read_text() + noted.read_text()
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(START_SECONDS) == 0, noted.read_text()


def test_every_line_of_the_tutorial(server, place):
    directory, blocks, environ = place
    for kind, text in blocks:
        if kind == "python":
            name = text.partition("\n")[0].removeprefix("# ")
            (directory / name).write_text(text)
    told = [each for each in shown_below(blocks) if each[0] == "bash"]
    script = "".join(f"{text}\nprintf '{END_OF_BLOCK}'\n" for _, text, _ in told)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=directory, env=environ, capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    printed = done.stdout.split(END_OF_BLOCK)
    for (_, text, shown), output in zip(told, printed, strict=False):
        assert matches(shown or "", output), (text, output, done.stderr)
    assert done.returncode == 0, (printed[-1], done.stderr)
    assert len(printed) == len(told) + 1


def test_every_block_of_the_page_is_known():
    assert PAGE.count("```") == 2 * len(BLOCKS)
    assert {kind for kind, _ in BLOCKS} == {"background", "bash", "python", "text"}


def test_what_is_shown_is_compared():
    assert matches('{"id":"…","name":"Ann"…}', '{"id":"1","name":"Ann","x":1}\n')
    assert not matches('{"id":"…","name":"Ann"}', '{"id":"1","name":"Bob"}')
    assert not matches("one", "")
