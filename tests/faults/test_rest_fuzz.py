"""What schemathesis draws for every REST operation, as ``make fuzz`` sends it."""

import os
import subprocess
import sys


def test_every_operation_answers_as_its_description_says(data_dir):
    done = subprocess.run(
        [sys.executable, "-m", "tests.rest_fuzz",
         "--examples", "2", "--seed", "1", "--phases", "fuzzing"],
        capture_output=True, text=True, timeout=270, env={**os.environ, "TMPDIR": str(data_dir)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout
