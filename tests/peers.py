"""The real peers of the tests: nginx with its RTMP module, FFmpeg and Chromium.

``python -m tests.peers`` installs what is missing where it can (root, or sudo without a password,
on a system with apt), and else says which tests will be skipped and how to get it. With ``CI=true``
in the environment what would be skipped fails.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

MODULES = (
    Path("/usr/lib/nginx/modules/ngx_rtmp_module.so"),
    Path("/usr/share/nginx/modules/ngx_rtmp_module.so"),
)
INSTALL_SECONDS = 600


def nginx() -> tuple[str, Path] | None:
    """Return nginx and its RTMP module, or None."""
    binary = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    module = next((each for each in MODULES if each.exists()), None)
    return (binary, module) if binary and module else None


def chromium() -> str | None:
    """Return the browser, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


def ffmpeg() -> str | None:
    """Return FFmpeg's command line program, or None."""
    return shutil.which("ffmpeg")


PEERS: dict[str, tuple[Callable[[], Any], str]] = {
    "nginx with its RTMP module": (nginx, "nginx-light libnginx-mod-rtmp"),
    "FFmpeg": (ffmpeg, "ffmpeg"),
    "Chromium": (chromium, "chromium"),
}


def require(*names: str) -> None:
    """Skip the test that needs these peers, or fail it in CI, unless they are here."""
    for name in names:
        find, packages = PEERS[name]
        if find() is None:
            miss(name, packages)


def miss(name: str, packages: str) -> NoReturn:
    """Skip a test for want of ``name``, or fail it where skipping hides something."""
    how = f"{name} is missing: sudo apt-get install {packages}"
    if in_ci():
        pytest.fail(how)
    pytest.skip(how)


def in_ci() -> bool:
    """Say whether a test that is skipped is a test that failed."""
    return os.environ.get("CI") == "true"


def main() -> int:
    """Install what is missing; return 1 in CI if something still is."""
    if shutil.which("apt-get"):
        _install([packages for find, packages in PEERS.values() if find() is None])
    missing = {name: packages for name, (find, packages) in PEERS.items() if find() is None}
    for name, packages in missing.items():
        print(f"{name} is missing: the tests that need it {'fail' if in_ci() else 'are skipped'}.")
        print(f"  To run them: sudo apt-get install {packages}")
    return 1 if missing and in_ci() else 0


def _install(peers: list[str]) -> None:
    prefix = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if not peers or (prefix and not shutil.which("sudo")):
        return
    print(f"Installing {' '.join(peers)} for the tests …", flush=True)
    # Only the programs are wanted: the tests start them themselves, on loopback.
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    install = ("install", "-y", "-qq", "--no-install-recommends")
    # Each by itself: a system that has not got one may have the others.
    for command in (("update", "-qq"), *((*install, *packages.split()) for packages in peers)):
        subprocess.run(
            [*prefix, "apt-get", *command],
            env=env,
            timeout=INSTALL_SECONDS,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )


if __name__ == "__main__":
    sys.exit(main())
