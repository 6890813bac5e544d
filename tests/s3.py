"""An S3 that is moto's server in a process of its own, on a free port of loopback."""

import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.demo import free_port
from tests.patience import PATIENCE


@pytest.fixture(scope="session")
def moto_url(tmp_path_factory):
    port = free_port()
    log = (tmp_path_factory.mktemp("moto") / "log").open("wb")
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=log, stderr=log,
    )  # fmt: skip
    deadline = time.monotonic() + 2 * PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
            break
        except OSError:
            assert server.poll() is None, "moto ended"
            assert time.monotonic() < deadline, "moto does not answer"
            time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(PATIENCE)
    log.close()


@pytest.fixture
def aws(moto_url, monkeypatch):
    """The environment in which AWS clients find moto."""
    for name, value in {
        "AWS_ENDPOINT_URL": moto_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return moto_url


@pytest.fixture
def bucket(aws):
    """An empty bucket; not asynchronous, so that other fixtures may ask for it by name."""
    call("PUT", f"{aws}/liveclass-test")
    yield "liveclass-test"
    call("POST", f"{aws}/moto-api/reset")


def call(method, url):
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=PATIENCE):
        pass
