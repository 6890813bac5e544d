"""What systemd is told."""

import socket

import pytest

from server.ops.systemd import notify


@pytest.mark.parametrize("name", ["{0}/notify", "@{0}/notify"])
def test_it_is_told(tmp_path, monkeypatch, name) -> None:
    name = name.format(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name.replace("@", "\0"))
        systemd.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        notify("READY=1")
        assert systemd.recv(100) == b"READY=1"


@pytest.mark.parametrize("name", [None, "", "vsock:2:1", "/nowhere/at/all"])
def test_without_it_nothing_happens(monkeypatch, name) -> None:
    if name is None:
        monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    else:
        monkeypatch.setenv("NOTIFY_SOCKET", name)
    notify("READY=1")
