"""How many files a process may open."""

import subprocess
import sys

TRY = """
import resource
from server.ops.limits import raise_file_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
print(raise_file_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_a_process_takes_what_it_may_have() -> None:
    done = subprocess.run([sys.executable, "-c", TRY], capture_output=True, text=True, timeout=120)
    assert done.stdout == "200 200 200\n", done.stderr
