"""A hub worker that cannot start says why, as every other line of its log."""

import asyncio
import base64
import json
import os
import sys

from server.processes import MEDIA_SOCKET
from server.serve import worker_environment
from tests.patience import PATIENCE


async def test_a_worker_whose_database_is_away_says_so_in_one_line(tmp_path):
    environ = worker_environment(
        os.environ,
        database_url="postgresql://nobody@127.0.0.1:1/none",
        redis_url="redis://127.0.0.1:1/0",
        objects_url=tmp_path.as_uri(),
        token_secret="x" * 48,
        secret_keys=base64.b64encode(bytes(32)).decode(),
        port="0",
        ops_port="0",
        log_format="json",
    )
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server.app",
        env=environ | {MEDIA_SOCKET: str(tmp_path / "media.sock")},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE):
        said, _ = await worker.communicate()
    assert worker.returncode == 1
    (line,) = map(json.loads, said.splitlines())
    assert (line["level"], line["event"]) == ("error", "hub_worker_cannot_start")
    assert "refused" in line["reason"]
