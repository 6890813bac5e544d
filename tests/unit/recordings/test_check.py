"""A copy of a recording, and what may be wrong with it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from server.cli_record import verify
from server.recordings.check import faults
from tests.unit.media.test_recording import PREFIX, Class, MemoryObjects, Pictures, stream


@pytest.fixture
async def copy(tmp_path: Path) -> Path:
    objects = MemoryObjects()
    work = Class(objects, tmp_path / "spool")
    await work.record(stream(Pictures(160, 90), *range(0, 3_000, 100)))
    await work.end()
    directory = tmp_path / "copy"
    directory.mkdir()
    for key, data in objects.objects.items():
        (directory / key.removeprefix(f"{PREFIX}/")).write_bytes(data)
    return directory


def test_a_copy_is_what_was_recorded(copy: Path) -> None:
    assert faults(copy) == []
    said = CliRunner().invoke(verify, ["--recording", str(copy)])
    assert (said.exit_code, said.stdout) == (0, "It is what was recorded.\n")


def test_what_differs_is_named(copy: Path) -> None:
    (first, second) = sorted(copy.glob("*.m4s"))
    *whole, last = first.read_bytes()
    first.write_bytes(bytes((*whole, last ^ 1)))
    second.unlink()
    assert faults(copy) == [
        f"{first.name} is not what was recorded.",
        f"{second.name} is missing.",
    ]
    said = CliRunner().invoke(verify, ["--recording", str(copy)])
    assert (said.exit_code, said.stdout) == (3, "")
    assert first.name in said.stderr
    index = copy / "index.m3u8"
    index.write_text(index.read_text().replace(second.name, "other.m4s"))
    assert "other.m4s is not in the manifest." in faults(copy)
    (copy / "manifest.json").write_text("{}")
    (fault,) = faults(copy)
    assert fault.startswith("It cannot be read")
    (copy / "manifest.json").unlink()
    assert faults(copy) == ["manifest.json is missing."]
