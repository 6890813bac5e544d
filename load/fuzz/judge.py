"""What the server owes one connection, checked frame by frame as it comes back.

1. What must be answered is answered once, in order, with a code that is documented.
2. A goodbye has a code of the protocol that something sent, or something that happened, explains;
   the close frame has the same one, and nothing comes after it.
3. Ranges of events join; what follows a welcome comes in its order.
4. Nothing that is for staff alone reaches anybody else.

Pure: bytes in, violations out.
"""

import re
from collections import Counter, deque
from collections.abc import Callable
from typing import Final, get_args

from load.fuzz.due import NOTHING, Due
from protocol import codec
from protocol.errors import CloseCode, ErrorCode, MalformedFrameError
from protocol.frames import (
    Ack,
    Bye,
    Counters,
    EventsFrame,
    Mine,
    Nack,
    Presence,
    ServerFrame,
    ServerPing,
    ServerPong,
    SnapshotFrame,
    Welcome,
)

MARK: Final = "staff-alone-"
"""Followed by the author's id it begins every text that students must never read."""
FENCE: Final = 2**53 - 1
"""The id of the last command on a connection: when it is answered, all is settled."""
_MARKED = re.compile(re.escape(MARK).encode() + rb"([0-9a-f-]{36})")
_CODES: Final = frozenset(get_args(ErrorCode)) - {"internal", "unavailable"}
_CLOSES: Final = frozenset(map(int, CloseCode))
_STAFF_ONLY: Final = frozenset((
    "participant.joined", "participant.left", "participant.waiting", "feedback.marked",
    "question.dismissed", "note.added", "poll.voted", "question.upvoted", "question.unvoted",
))  # fmt: skip
"""Events that the protocol shows to staff alone."""
_PUT_OUT: Final = (
    CloseCode.REMOVED, CloseCode.BANNED, CloseCode.DENIED, CloseCode.SESSION_OVER,
    CloseCode.TOKEN_INVALID, CloseCode.ABUSE,
)  # fmt: skip
_SHOWN_BYTES: Final = 160
LOST: Final = 1006
"""What stands for a connection that ended without a close frame (RFC 6455 §7.1.5)."""


class Judge:
    """One connection of one person.

    ``explains`` says whether something that others did is the reason of a close code; ``view``
    is what the person sees now, as the server says.
    """

    def __init__(
        self, user: str, explains: Callable[[int, str], bool], *, resumed: int | None = None
    ) -> None:
        self.violations: list[str] = []
        self.answers: Counter[str] = Counter()
        self.frames = 0
        self.view = ""
        self.position: int | None = None
        self.highest = 0
        self.bye: int | None = None
        self.code: int | None = None
        self.is_settled = False
        self.outcomes: dict[int, str] = {}
        """How each command was answered."""
        self._user = user.encode()
        self._explains = explains
        self._resumed = resumed
        self._claimed = -1
        self._due: deque[tuple[Due, bytes]] = deque()
        self._lane: list[type[ServerFrame]] = []
        self._pings = self._spare_pongs = 0

    # ------------------------------------------------------------ what we do

    def sent(self, due: Due, payload: bytes = b"") -> None:
        """Hear what a frame may lead to, before it is sent."""
        if due is not NOTHING:
            self._due.append((due, payload[:_SHOWN_BYTES]))
        self._pings += due.pongs
        self._spare_pongs += due.spare_pongs
        if due.claims is not None:
            self._claimed = max(self._claimed, due.claims)

    # ------------------------------------------------------------ what comes back

    def text(self, payload: bytes) -> ServerFrame | None:
        """Take a text frame; return it if it is one."""
        self.frames += 1
        if self.bye is not None:
            self._violate(f"a frame after the goodbye: {payload[:200]!r}")
        self._look_for_secrets(payload)
        try:
            frame = codec.decode_server(payload)
        except MalformedFrameError as error:
            self._violate(f"no frame of the protocol: {error}: {payload[:200]!r}")
            return None
        if not self.view and not isinstance(frame, Welcome | Bye):
            self._violate(f"before the welcome: {payload[:200]!r}")
        match frame:
            case Welcome():
                self._welcomed(frame)
            case SnapshotFrame():
                self._in_lane(frame)
                self.position = frame.sequence
                self.highest = max(self.highest, frame.sequence)
            case EventsFrame():
                self._ranged(frame)
            case Mine() | Presence() | Counters():
                self._in_lane(frame)
            case Ack():
                if frame.sequence is not None and frame.sequence[0] > frame.sequence[1]:
                    self._violate(f"an ack of {frame.sequence}")
                self._answered(frame.id, "duplicate" if frame.duplicate else "ack")
            case Nack():
                self._refused(frame)
            case ServerPong():
                if self._pings:
                    self._pings -= 1
                elif self._spare_pongs:
                    self._spare_pongs -= 1
                else:
                    self._violate("a pong without a ping")
            case ServerPing():
                pass
            case Bye():
                self._said_goodbye(frame)
            case _:
                pass
        return frame

    def closed(self, code: int) -> None:
        """Take the code of the server's close frame."""
        self.code = code
        if self.bye is not None:
            if code != self.bye:
                self._violate(f"said goodbye with {self.bye} and closed with {code}")
        elif code in _CLOSES or not self._is_due(code):
            self._violate(f"closed with {code}, without a goodbye or a reason")

    def lost(self) -> None:
        """Hear that the connection is gone, without a close frame and without our doing.

        The goodbye to somebody who goes on sending may be lost to a reset of TCP: the kernel
        throws away what they have not read yet. They come back, and hear it then. It must stay
        rare: the report counts it.
        """
        is_put_out = any(self._is_due(code) for code in _PUT_OUT)
        if not is_put_out and not self._may_be_cut():
            self._violate(f"lost without a close frame; due: {self.due_now()}")

    # ------------------------------------------------------------ rules

    def _welcomed(self, frame: Welcome) -> None:
        self.view = frame.view
        self._lane = [Mine, Presence, Counters]
        if frame.recovery == "snapshot":
            self._lane.insert(0, SnapshotFrame)
        elif self._resumed is None:
            self._violate(f"recovery {frame.recovery} without a position")
        else:
            self.position = self._resumed
        if frame.view == "lobby":
            self._lane = []
        if self._due and self._due[0][0].is_hello:
            self._due.popleft()

    def _in_lane(self, frame: ServerFrame) -> None:
        """Hold what follows a welcome to its order."""
        if not self._lane or type(frame) not in self._lane:
            return
        if type(frame) is not self._lane[0]:
            self._violate(f"{type(frame).__name__} before {self._lane[0].__name__}")
            self._lane = []
            return
        del self._lane[0]
        if isinstance(frame, Presence) and frame.full is None:
            self._violate("the first presence is not full")

    def _ranged(self, frame: EventsFrame) -> None:
        if self._lane[:1] == [SnapshotFrame]:
            self._violate("events before the snapshot")
        at = max(-1 if self.position is None else self.position, self._claimed)
        if frame.from_ > at + 1:
            self._violate(f"a gap: at {at}, then {frame.from_}…{frame.to}")
        sequences = [event.sequence for event in frame.events]
        if (
            frame.from_ > frame.to + 1
            or sequences != sorted(set(sequences))
            or (sequences and not frame.from_ <= sequences[0] <= sequences[-1] <= frame.to)
        ):
            self._violate(f"{frame.from_}…{frame.to} holds {sequences}")
        self.position = max(self.position or 0, frame.to)
        self.highest = max(self.highest, frame.to)
        if self.view == "lobby" and frame.events:
            self._violate("events in the lobby")
        if self.view == "student":
            for event in frame.events:
                if event.type in _STAFF_ONLY:
                    self._violate(f"a student is shown {event.type}")

    def _refused(self, frame: Nack) -> None:
        if frame.code not in _CODES:
            self._violate(f"refused with {frame.code}: {frame.message}")
        if frame.code in ("rate_limited", "overloaded") and not frame.retry_ms:
            self._violate(f"{frame.code} without retry_ms")
        if frame.code == "bad_request" and frame.field is None:
            self._violate(f"bad_request without a field: {frame.message}")
        self._answered(frame.id, frame.code)

    def _answered(self, number: int, outcome: str) -> None:
        self.answers[outcome] += 1
        self.outcomes[number] = outcome
        self._settle(number)
        if number == FENCE:
            self.is_settled = True
            if self._pings:
                self._violate(f"{self._pings} pings without a pong")

    def _settle(self, number: int) -> None:
        """Settle all that is due up to this answer; what is passed over must be optional."""
        passed = 0
        for due, payload in self._due:
            passed += 1
            if number in due.ids:
                break
            if not due.silence:
                self._violate(f"answer {number} comes before {_shown(due, payload)}")
                return
        else:
            self._violate(f"answer {number} comes, and nothing asked for it")
            return
        for _ in range(passed):
            self._due.popleft()

    def _said_goodbye(self, frame: Bye) -> None:
        self.bye = frame.code
        if frame.code not in _CLOSES:
            self._violate(f"goodbye with {frame.code}")
        elif not self._is_due(frame.code):
            self._violate(f"goodbye with {frame.code} {frame.reason}, due was {self.due_now()}")
        if (frame.retry_ms is None) == (frame.code < 4500):
            self._violate(f"goodbye with {frame.code} and retry_ms {frame.retry_ms}")

    def _is_due(self, code: int) -> bool:
        # What must be answered may wait for its answer still; what must end it ends it.
        return any(code in due.codes for due, _ in self._due) or self._explains(code, self.view)

    def _may_be_cut(self) -> bool:
        return any(due.is_cut for due, _ in self._due)

    def _look_for_secrets(self, payload: bytes) -> None:
        if self.view != "staff" and MARK.encode() in payload:
            authors = set(_MARKED.findall(payload))
            if authors - {self._user}:
                self._violate(f"{self.view or 'nobody'} reads what is for staff: {payload[:300]!r}")

    def due_now(self) -> str:
        """Return what is owed, in words."""
        return ", ".join(_shown(*each) for each in list(self._due)[:3]) or "nothing"

    def _violate(self, what: str) -> None:
        self.violations.append(what)


def _shown(due: Due, payload: bytes) -> str:
    parts = ["a welcome"] if due.is_hello else []
    if due.ids:
        parts.append("an answer to " + "/".join(map(str, sorted(due.ids))))
    if due.codes:
        parts.append("the end with " + "/".join(map(str, sorted(due.codes))))
    if due.silence:
        parts.append("nothing")
    return " or ".join(parts) + (f" (for {payload!r})" if payload else "")
