"""Telling systemd how the service does (sd_notify(3)); elsewhere nothing happens."""

import os
import socket
from contextlib import suppress


def notify(state: str) -> None:
    """Say ``READY=1``, ``STOPPING=1`` or ``STATUS=…``, if systemd wants to hear it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):  # of the abstract namespace
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.connect(address)
        told.send(state.encode())
