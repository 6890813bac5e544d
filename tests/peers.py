"""The real peers of the media and page tests: nginx with its RTMP module, FFmpeg and Chromium.

``python -m tests.peers`` installs what is missing where it can (root, or sudo without a password,
on a system with apt), and else says which tests will be skipped and how to get them.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

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


PEERS = {
    "nginx with its RTMP module": (nginx, ("nginx-light", "libnginx-mod-rtmp"), "tests/media"),
    "FFmpeg": (ffmpeg, ("ffmpeg",), "tests/media"),
    "Chromium": (chromium, ("chromium",), "tests/pages"),
}


def main() -> int:
    """Install what is missing; return 1 in CI if something still is."""
    missing = {name: peer for name, peer in PEERS.items() if peer[0]() is None}
    packages = [package for _, names, _ in missing.values() for package in names]
    if missing and shutil.which("apt-get"):
        _install(packages)
    missing = {name: peer for name, peer in missing.items() if peer[0]() is None}
    for name, (_, packages, tests) in missing.items():
        print(f"{name} is missing: the tests in {tests} that need it are skipped.")
        print(f"  To run them: sudo apt-get install {' '.join(packages)}")
    return 1 if missing and os.environ.get("CI") == "true" else 0


def _install(packages: list[str]) -> None:
    prefix = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if prefix and not shutil.which("sudo"):
        return
    print(f"Installing {', '.join(packages)} for the tests …")
    # Only the programs are wanted: the tests start them themselves, on loopback.
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(
            [*prefix, *command], env=env, timeout=INSTALL_SECONDS, stdout=subprocess.DEVNULL
        )
        if done.returncode != 0:
            return


if __name__ == "__main__":
    sys.exit(main())
