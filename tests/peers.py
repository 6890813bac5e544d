"""The real peers of the tests: Debian's nginx with its RTMP module, Chromium, and Node.js.

``python -m tests.peers`` installs what is missing where it can (root, or sudo without a password,
on a system with apt; npm for the one library of the example client), and else says which tests
will be skipped and how to get them.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MODULES = (
    Path("/usr/lib/nginx/modules/ngx_rtmp_module.so"),
    Path("/usr/share/nginx/modules/ngx_rtmp_module.so"),
)
EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "node-client"
INSTALL_SECONDS = 600


def nginx() -> tuple[str, Path] | None:
    """Return nginx and its RTMP module, or None."""
    binary = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    module = next((each for each in MODULES if each.exists()), None)
    return (binary, module) if binary and module else None


def chromium() -> str | None:
    """Return the browser, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


def node() -> tuple[str, str] | None:
    """Return Node.js and npm, or None."""
    binary, npm = shutil.which("node"), shutil.which("npm")
    return (binary, npm) if binary and npm else None


def node_modules() -> Path | None:
    """Return what the example client depends on, as its lock file has it, or None."""
    place = _libraries()
    return place / "node_modules" if place.exists() else None


def _libraries() -> Path:
    """Return where they are kept: outside the tree, by what the lock file says."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    lock = (EXAMPLE / "package-lock.json").read_bytes()
    return cache / "liveclass" / f"node-client-{hashlib.sha256(lock).hexdigest()[:16]}"


PEERS = {
    "nginx with its RTMP module": (nginx, ("nginx-light", "libnginx-mod-rtmp"), "tests/media"),
    "Chromium": (chromium, ("chromium",), "tests/pages"),
    "Node.js with npm": (node, ("nodejs", "npm"), "tests/contract and tests/integration"),
}


def main() -> int:
    """Install what is missing; return 1 in CI if something still is."""
    missing = {name: peer for name, peer in PEERS.items() if peer[0]() is None}
    packages = [package for _, names, _ in missing.values() for package in names]
    if missing and shutil.which("apt-get"):
        _install(packages)
    if node_modules() is None and (found := node()):
        _install_libraries(found[1])
    missing = {name: peer for name, peer in missing.items() if peer[0]() is None}
    for name, (_, packages, tests) in missing.items():
        print(f"{name} is missing: the tests in {tests} that need it are skipped.")
        print(f"  To run them: sudo apt-get install {' '.join(packages)}")
    if node_modules() is None:
        print("The library of the example client is missing: the test that runs it is skipped.")
    is_whole = not missing and node_modules() is not None
    return 1 if not is_whole and os.environ.get("CI") == "true" else 0


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


def _install_libraries(npm: str) -> None:
    """Install what the lock file says, hashes and all, from the registry that npm is set to."""
    place = _libraries()
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as directory:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(EXAMPLE / name, directory)
        command = (npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
        done = subprocess.run(command, cwd=directory, timeout=INSTALL_SECONDS)
        if done.returncode == 0 and not place.exists():
            shutil.copytree(directory, place)


if __name__ == "__main__":
    sys.exit(main())
