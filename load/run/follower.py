"""A client that follows a class without keeping its state: what most simulated students are.

It is :class:`protocol.client.Client` in all that a server can notice: it resumes, resyncs, answers
pings with its true position and sends commands again under their keys. Only the fold is left out,
and a range that many get is read once for all of them: the checker compares every byte of it with
what others were told, so that one full client per view vouches for what it means.
"""

from collections.abc import Sequence

import msgspec

from load.ledger import Range
from protocol.client import Client, Received
from protocol.frames import SnapshotFrame
from protocol.snapshot import State

SNAPSHOT = b'{"type":"snapshot"'
_NO_STATE = State()


class _SnapshotHead(msgspec.Struct):
    sequence: int


_head = msgspec.json.Decoder(_SnapshotHead)


class Follower(Client):
    """A client whose ``state`` only says that there is one."""

    __slots__ = ()

    def follow(self, told: Range, data: bytes) -> bool:
        """Take a range of events that has been read already; return whether it fits.

        If not, what is missing is asked for, once: there is something to send.

        Raises:
            MalformedFrameError: If it is no frame of this protocol.

        """
        if self.state is None or told.from_ > self.position + 1:
            super().receive(data)
            return False
        self._resyncing = False
        if told.to > self.position:
            self.position = told.to
        if self.position > self.head:
            self.head = self.position
        return True

    def receive(self, data: bytes | str) -> Sequence[Received]:
        """Take one message of the server, as the client does; of a snapshot only where it is.

        Raises:
            MalformedFrameError: If it is no frame of this protocol.

        """
        if not (isinstance(data, bytes) and data.startswith(SNAPSHOT)):
            return super().receive(data)
        try:
            sequence = _head.decode(data).sequence
        except msgspec.MsgspecError:
            return super().receive(data)
        self.state, self.position, self._resyncing = _NO_STATE, sequence, False
        return (SnapshotFrame(sequence, _NO_STATE),)
