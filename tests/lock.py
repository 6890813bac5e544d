"""``make lock``: resolve the dependencies again, with hashes and without any address.

uv is fetched for this alone, into a throw-away environment.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

COMPILE = (
    "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11", "--upgrade",
    "--generate-hashes", "--no-emit-index-url", "--no-header", "--quiet", "--extra", "embedded",
    "--group", "build",
)  # fmt: skip


def main() -> None:
    """Write both lock files; the developers' one agrees with the other."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        scripts = Path(place) / "bin"
        subprocess.run([scripts / "pip", "install", "--quiet", "uv"], check=True)
        uv = scripts / "uv"
        subprocess.run([uv, *COMPILE, "--output-file", "requirements.lock"], check=True)
        dev = ("--group", "dev", "--constraints", "requirements.lock")
        subprocess.run([uv, *COMPILE, *dev, "--output-file", "requirements-dev.lock"], check=True)


if __name__ == "__main__":
    main()
