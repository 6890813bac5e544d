"""A load run with everything at once, picture and sound too, for as long as told."""

import asyncio
import json
import os
import sys

from tests.demo import Demo
from tests.directories import reachable_directory

SHARE = 0.6
"""Of the time: starting, coming to rest and comparing take the rest."""


async def test_a_load_run_with_everything(tmp_path, seconds, report):
    out, ready_file = tmp_path / "report.json", tmp_path / "ready.json"
    lasts = max(30, int(seconds * SHARE))
    with reachable_directory() as place:
        demo = await Demo(place / "class", "--teacher", "none", "--students", "0").start()
        try:
            ready_file.write_text(json.dumps(demo.ready))
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "load", "run", "--ready-file", ready_file),
                *("--classes", "4", "--students", "50", "--duration", f"{lasts}s"),
                *("--profile", "qna", "--pace", "5", "--churn", "30%/min", "--slow", "4%"),
                *("--storm", f"100%@{lasts // 3}s", "--storm", f"50%@{lasts * 2 // 3}s"),
                *("--stall", "4%", "--dup-retry", "5%", "--bad-token", "5%", "--full", "10%"),
                *("--media", "whep", "--viewers", "3", "--procs", "2", "--max-lateness", "1h"),
                *("--seed", os.environ.get("SEED", "1"), "--out", out),
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            async with asyncio.timeout(lasts + 180):
                printed, _ = await process.communicate()
        finally:
            await demo.stop()
    assert process.returncode == 0, printed.decode()
    told = json.loads(out.read_text())
    assert told["media"]["viewers"] == 3
    report(
        deliveries=told["counts"]["events applied"],
        acks=told["counts"]["acks"],
        storms_ms=[round(storm["recovered_ms"]) for storm in told["storms"]],
        worst_picture=told["media"]["pictures"],
        **{f"{name}_p99_ms": each.get("p99") for name, each in told["latencies_ms"].items()},
    )
