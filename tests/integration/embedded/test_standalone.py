"""``liveclass serve --data``: nothing to set up, and a way in for whoever runs it."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request

SECONDS = 60


def post(url, body):
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as response:
        return json.load(response)


def sign_in(link):
    """Whom a link signs in, or the status of the refusal."""
    base, _, code = link.strip().partition("/sign-in#")
    try:
        return post(f"{base}/v1/sign-in", {"code": code})
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def run(*words, **more):
    return subprocess.Popen(
        [sys.executable, "-m", "server", *words],
        env={**os.environ, "LIVECLASS_PORT": "0", "LIVECLASS_OPS_PORT": "0"},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **more,
    )  # fmt: skip


def test_the_first_start_prints_a_link_that_signs_its_admin_in_once(data_dir) -> None:
    with run("serve", "--data", str(data_dir)) as server:
        try:
            link = next(line for line in server.stdout if "/sign-in#" in line)
            first = sign_in(link)
            assert first["role"] == "admin"
            assert sign_in(link) == 401
            with run("admin-link", "--data", str(data_dir)) as command:
                again, _ = command.communicate(timeout=SECONDS)
            assert sign_in(again)["user"] == first["user"]
        finally:
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=SECONDS)
    assert not (data_dir / "running.json").exists()
    with run("admin-link", "--data", str(data_dir)) as command:
        assert command.wait(timeout=SECONDS) == 1
