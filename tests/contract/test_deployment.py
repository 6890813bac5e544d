"""Dockerfile, compose.yaml and the unit: as far as they can be judged without running them.

What the Dockerfile does is run by ``tests/soak/test_install.py``; nothing here builds an image.
"""

import configparser
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator
from msgspec.structs import fields

from protocol.limits import HEARTBEAT_INTERVAL_MS, HEARTBEAT_TIMEOUT_MS
from server.config import Settings, variable

ROOT = Path(__file__).parents[2]
OPERATIONS = ROOT / "docs" / "operations"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE_TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
SETTINGS = {variable(field.name) for field in fields(Settings)}
REQUIRED = {"DATABASE_URL", "REDIS_URL", "OBJECTS_URL", "TOKEN_SECRET", "SECRET_KEYS"}


# ---------------------------------------------------------------- Dockerfile


def test_hadolint_finds_nothing():
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, "--failure-threshold", "info", ROOT / "Dockerfile"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


def test_what_is_copied_is_there_and_is_not_ignored():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    assert patterns[0] == "*"
    kept = {pattern[1:] for pattern in patterns if pattern.startswith("!")}
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert kept == {*copied}
    for source in copied:
        assert (ROOT / source).exists(), source
    # And it is what the script takes.
    script = (ROOT / "docker" / "install.sh").read_text()
    (taken,) = re.findall(r"tar -cf - (.+)\)", script)
    assert {*taken.split()} | {"requirements.lock", "docker/install.sh"} == kept
    assert not any(fnmatch.fnmatch("server/app.py", p) for p in patterns if p[0] not in "!*")


def test_it_runs_as_nobody_special_and_is_looked_after():
    stages = DOCKERFILE.split("\nFROM ")
    assert len(stages) == 3, "one that installs, one that runs"
    last = stages[-1]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert re.search(r"^STOPSIGNAL SIGTERM$", last, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["liveclass"\]$', last, re.MULTILINE), "no shell"
    usual = next(field.default for field in fields(Settings) if field.name == "ops_port")
    assert f"http://127.0.0.1:{usual}/healthz/live" in last
    assert {*re.findall(r"LIVECLASS_[A-Z_]+(?==)", last)} <= SETTINGS


@pytest.mark.parametrize("script", ["docker/install.sh"])
def test_scripts_are_sound(script):
    assert os.access(ROOT / script, os.X_OK)
    done = subprocess.run(["sh", "-n", ROOT / script], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr


# ---------------------------------------------------------------- compose.yaml


def test_compose_is_of_its_schema():
    """The schema is the Compose Specification's (Apache-2.0), as published."""
    path = Path(__file__).with_name("schemas") / "compose-spec.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    faults = [(list(e.path), e.message) for e in Draft7Validator(schema).iter_errors(COMPOSE)]
    assert faults == []


def test_every_service_has_what_it_needs():
    services = COMPOSE["services"]
    ours = {name for name, service in services.items() if "build" in service}
    assert ours == {"node-1", "node-2", "migrate", "bucket", "check"}
    for name, service in services.items():
        for needed in service.get("depends_on", ()):
            assert needed in services, (name, needed)
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), source
            else:
                assert source in COMPOSE["volumes"], source
        if name in ours:
            assert service["read_only"] is True
            given = {key for key in service["environment"] if key.startswith("LIVECLASS_")}
            assert given <= SETTINGS
            assert {f"LIVECLASS_{each}" for each in REQUIRED} <= given
        else:
            image, _, tag = service["image"].rpartition(":")
            assert image
            assert tag != "latest"
    nodes = [services["node-1"], services["node-2"]]
    ranges = [node["environment"]["LIVECLASS_MEDIA_PORTS"] for node in nodes]
    assert ranges[0] != ranges[1]
    for node, ports in zip(nodes, ranges, strict=True):
        assert node["ports"] == [f"{ports}:{ports}/udp"]
        assert node["environment"]["LIVECLASS_LINK_HOST"] == node["hostname"]


def test_proxies_wait_longer_than_sockets_are_silent():
    silent = (HEARTBEAT_INTERVAL_MS + HEARTBEAT_TIMEOUT_MS) / 1000
    for path in (ROOT / "docker" / "nginx.conf", OPERATIONS / "nginx.conf"):
        text = path.read_text(encoding="utf-8")
        waits = re.findall(r"proxy_(?:read|send)_timeout (\d+)s;", text)
        assert len(waits) == 2
        assert min(map(int, waits)) > 2 * silent


def test_no_secret_is_in_the_file():
    for name in ("TOKEN_SECRET", "SECRET_KEY", "S3_SECRET", "POSTGRES_PASSWORD"):
        assert f"${{{name}:?" in COMPOSE_TEXT
        assert f"{name}=%s" in COMPOSE_TEXT, "the head says how to make it"


# ---------------------------------------------------------------- systemd


def unit():
    read = configparser.RawConfigParser(strict=False, delimiters=("=",))
    read.optionxform = str
    read.read(OPERATIONS / "liveclass.service", encoding="utf-8")
    return read


def test_the_unit_starts_what_is_installed_and_gives_it_time():
    service = unit()["Service"]
    assert service["ExecStart"] == "/opt/liveclass/bin/liveclass serve"
    assert service["Type"] == "notify"
    drain = next(field.default for field in fields(Settings) if field.name == "drain_seconds")
    assert int(service["TimeoutStopSec"]) >= drain + 20
    names = re.findall(r"(LIVECLASS_[A-Z_]+)=", service["Environment"])
    assert {*names} <= SETTINGS


def test_systemd_understands_the_unit_and_finds_it_closed():
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        # Elsewhere than on Linux there is none: what it says of the file does not change.
        assert sys.platform != "linux" or not Path("/run/systemd/system").exists()
        return
    path = OPERATIONS / "liveclass.service"
    done = subprocess.run([analyze, "verify", path], capture_output=True, text=True, timeout=120)
    said = [line for line in done.stderr.splitlines() if "liveclass.service" in line]
    assert all("liveclass is not executable" in line for line in said), said
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=15", path],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-300:]
