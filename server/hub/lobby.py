"""Where newcomers to a locked class wait.

They see its title, its status and who teaches it; of the log they learn no more than that it
grows, and that at most once a second, however many come and however much is said inside.
"""

from collections.abc import Callable

from protocol import codec
from protocol.frames import Counters, Presence, SnapshotFrame
from protocol.snapshot import State
from server.classroom.state import Classroom
from server.hub.fanout import Feed
from server.hub.wire import Frame, websocket_frame
from server.tasks import Supervisor

LOBBY_CONNECTIONS = 1_000
"""How many may wait at once."""


class Lobby:
    """The lobby of one session: its view, and nobody's names.

    ``committed`` gives the class and the head of its log. While nobody waits it costs nothing.
    """

    def __init__(
        self, *, committed: Callable[[], tuple[Classroom, int]], tasks: Supervisor
    ) -> None:
        self.feed = Feed(head=0, read=self._read, tasks=tasks)
        self.title: str | None = None
        """The session's, as it was when somebody last came to wait."""
        self._committed = committed
        self._sequence = 0
        self._state = State()
        self._snapshot = b""

    @property
    def is_full(self) -> bool:
        """Whether no more may wait."""
        return len(self.feed) >= LOBBY_CONNECTIONS

    @property
    def sequence(self) -> int:
        """The end of the log as far as the lobby has been told."""
        self._follow_log()
        return self._sequence

    @property
    def snapshot(self) -> bytes:
        """The ``snapshot`` frame at :attr:`sequence`."""
        self._follow_log()
        return self._snapshot

    def commit(self, before: Classroom) -> None:
        """Tell what the lobby sees of a batch, if that changed; ``before`` is the state it did."""
        state, _ = self._committed()
        if state.people is not before.people or state.status != before.status:
            self._tell_change()

    def catch_up(self) -> None:
        """Let the position follow the log. Called once a second."""
        if not len(self.feed):
            return
        head = self._committed()[1]
        if not self._tell_change() and head > self._sequence:
            first, self._sequence = self._sequence + 1, head
            self._encode()
            self.feed.publish(first, head, codec.encode_events(first, head, []))

    def restart(self) -> None:
        """Begin where the log is now; whoever follows needs a snapshot."""
        state, self._sequence = self._committed()
        self._state = self._show(state)
        self._encode()
        self.feed.restart(self._sequence)

    def counters(self) -> Counters:
        """Return the numbers that the lobby sees: none."""
        return Counters(self._sequence, 0, 0, {}, {}, {})

    def presence(self) -> Presence:
        """Return who the lobby sees: nobody."""
        return Presence(revision=0, count=0, full=())

    def _follow_log(self) -> None:
        """Let the next to come find what there is now: while nobody waits, nobody is told."""
        if not len(self.feed):
            self.restart()

    def _tell_change(self) -> bool:
        """Tell everybody who waits a new snapshot, if it differs; say whether it does."""
        if not len(self.feed):
            return False
        state, head = self._committed()
        shown = self._show(state)
        if shown == self._state:
            return False
        first, self._state, self._sequence = self._sequence + 1, shown, head
        self._encode()
        if first <= head:
            # A snapshot covers every range: who lags gets it in the place of what it missed.
            self.feed.publish(first, head, self._snapshot)
        else:
            self.feed.tell(self._snapshot)
        return True

    def _show(self, state: Classroom) -> State:
        teachers = (
            member.name
            for member in state.people.values()
            if member.role == "teacher" and member.status == "admitted" and member.present
        )
        return State(status=state.status, title=self.title, teacher=next(teachers, None))

    def _encode(self) -> None:
        self._snapshot = codec.encode(SnapshotFrame(self._sequence, self._state))

    async def _read(self, _after: int, _head: int) -> Frame:
        """Return what continues any position."""
        return Frame(0, self._sequence, websocket_frame(self._snapshot))
