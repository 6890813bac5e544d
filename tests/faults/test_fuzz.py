"""Random frames — valid, mutated, hostile — against a live server, as ``make fuzz`` sends them."""

import json
import os
import subprocess
import sys

FRAMES = 20_000


def test_random_frames_are_answered_or_end_with_the_documented_code(data_dir):
    path = data_dir / "report.json"
    done = subprocess.run(
        [sys.executable, "-m", "load.fuzz",
         "--frames", str(FRAMES), "--seed", "1", "--seconds", "240", "--report", str(path)],
        capture_output=True, text=True, timeout=270, env={**os.environ, "TMPDIR": str(data_dir)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(path.read_text())
    assert report["frames"] >= FRAMES
    assert report["broken_connections"] == 0
    assert report["faults"] == []
    # It came to where it was to come: commands done and refused, goodbyes of every kind.
    assert min(report["families"][family] for family in ("valid", "mutated", "hostile")) > 2000
    assert {"ack", "duplicate", "bad_request", "forbidden", "not_found", "rate_limited",
            "unknown_op", "conflict"} <= report["answers"].keys()  # fmt: skip
    assert {"left", "1002", "1009", "4500", "4501", "4502", "4507",
            "4513"} <= report["ends"].keys()  # fmt: skip
    assert report["verified_events"] > 500
