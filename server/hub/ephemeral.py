"""What is felt, not kept: presence, counters, typing, reactions, health.

Everything here is the latest value, told together after a short pause, and missed without harm:
a peer that lags gets the full picture when it has caught up.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated

import msgspec

from protocol import codec
from protocol.errors import Refusal
from protocol.frames import Counters, Health, Signal, SignalSent
from protocol.health import DestinationHealth, RecordingHealth, UplinkHealth
from protocol.ids import ViewName
from protocol.limits import COUNTERS_COALESCE_MS, PRESENCE_COALESCE_MS, SIGNAL_COALESCE_MS
from server.classroom.state import Classroom
from server.classroom.view import counters
from server.hub.fanout import Feed
from server.hub.followers import Followers
from server.hub.pauses import Pauses
from server.hub.roster import Roster
from server.hub.views import AUDIENCES, Audience

LISTENERS: tuple[Audience, ...] = AUDIENCES
"""The views that are told anything here: who waits in the lobby is not in the class."""
MOST_REACTIONS = 32
"""Different reactions that a class counts."""
MOST_SIGNALS = 64
"""Different people whose signals one pause gathers; the rest are dropped."""
SIGNAL_BYTES = 512


_Text = Annotated[str, msgspec.Meta(pattern=r"^[^\x00]*$")]
_Data = dict[_Text, _Text | int | bool | None]
"""What a signal holds: flat, without floating-point numbers."""


class _Reaction(msgspec.Struct):
    emoji: str


class Ephemeral:
    """The ephemeral lane of one session.

    ``now`` gives the committed state and its sequence at the moment of telling.
    """

    def __init__(
        self,
        feeds: Mapping[str, Feed],
        roster: Roster,
        now: Callable[[], tuple[Classroom, int]],
        followers: Followers,
        pauses: Pauses,
    ) -> None:
        self.forward: Callable[[str, SignalSent], None] | None = None
        """Where signals are gathered, if another node owns the class."""
        self._followers = followers
        self._feeds = feeds
        self._roster = roster
        self._now = now
        self._reactions: dict[str, int] = {}
        self._have_reacted = False
        self._signals: dict[tuple[str, str], Signal] = {}
        self._pauses = pauses
        self._is_due: set[str] = set()

    def presence_changed(self) -> None:
        """Tell the roster's changes soon."""
        self._soon("presence", PRESENCE_COALESCE_MS, self._tell_presence)

    def counters_changed(self) -> None:
        """Tell the counters soon."""
        self._soon("counters", COUNTERS_COALESCE_MS, self._tell_counters)

    def signal(self, user: str, sent: SignalSent) -> None:
        """Pass on that somebody types or points, or count a reaction.

        Raises:
            Refusal: ``bad_request`` if the data does not fit the kind.

        """
        raw = bytes(sent.data)
        emoji = _emoji(raw) if sent.kind == "reaction" else ""
        data = {} if emoji else _data(raw)
        if self.forward is not None:
            self.forward(user, sent)
        elif emoji:
            self._react(emoji)
        elif len(self._signals) < MOST_SIGNALS or (user, sent.kind) in self._signals:
            self._signals[user, sent.kind] = Signal(sent.kind, user, data)
            self._soon("signals", SIGNAL_COALESCE_MS, self._tell_signals)

    def health(
        self,
        uplink: UplinkHealth,
        destinations: dict[str, DestinationHealth],
        recording: RecordingHealth | None = None,
    ) -> None:
        """Tell staff how the media does."""
        self._tell("staff", codec.encode(Health(uplink, destinations, recording)))

    def feel(self, view: ViewName, frame: bytes) -> None:
        """Pass on what the node that owns the class tells those who have this view."""
        if view != "lobby":
            self._feeds[view].tell(frame)

    def show_reactions(self, counts: Mapping[str, int]) -> None:
        """Take the word of the node that owns the class for the reactions."""
        self._reactions = dict(counts)
        self.counters_changed()

    @property
    def reactions(self) -> Mapping[str, int]:
        """How often each reaction was given."""
        return self._reactions

    def counters(self, audience: str) -> Counters:
        """Return the numbers that a view may see now."""
        state, sequence = self._now()
        return counters(
            state,
            "staff" if audience == "staff" else "student",
            sequence=sequence,
            online=len(self._roster),
            reactions=self._reactions,
        )

    def _react(self, emoji: str) -> None:
        if emoji in self._reactions or len(self._reactions) < MOST_REACTIONS:
            self._reactions[emoji] = self._reactions.get(emoji, 0) + 1
            self._have_reacted = True
            self.counters_changed()

    def _soon(self, what: str, milliseconds: int, tell: Callable[[], None]) -> None:
        if what not in self._is_due:
            self._is_due.add(what)
            self._pauses.after(milliseconds, partial(self._due, what, tell))

    def _due(self, what: str, tell: Callable[[], None]) -> None:
        self._is_due.remove(what)
        tell()

    def _tell_presence(self) -> None:
        self._followers.list_people(self._roster.touched)
        changes = self._roster.changes()
        if changes is not None:
            staff, students = changes
            self._feeds["staff"].tell(codec.encode(staff))
            self._feeds["student"].tell(codec.encode(students))
            self.counters_changed()

    def _tell_counters(self) -> None:
        if self._have_reacted:
            self._have_reacted = False
            self._followers.react(self._reactions)
        for audience in LISTENERS:
            self._feeds[audience].tell(codec.encode(self.counters(audience)))

    def _tell_signals(self) -> None:
        signals, self._signals = self._signals, {}
        for signal in signals.values():
            data = codec.encode(signal)
            for audience in LISTENERS:
                self._tell(audience, data)

    def _tell(self, audience: Audience, frame: bytes) -> None:
        self._feeds[audience].tell(frame)
        self._followers.feel(audience, frame)


def _emoji(raw: bytes) -> str:
    try:
        emoji = msgspec.json.decode(raw, type=_Reaction).emoji
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise codec.bad_request(error, raw, "data") from None
    # An emoji is one to a few code points, none of them plain text or white space.
    if not 0 < len(emoji) <= 8 or any(char.isascii() or char.isspace() for char in emoji):
        raise Refusal("bad_request", "A reaction is one emoji.", field="emoji")
    return emoji


def _data(raw: bytes) -> _Data:
    if len(raw) > SIGNAL_BYTES:
        raise Refusal("bad_request", f"A signal holds at most {SIGNAL_BYTES} bytes.")
    try:
        return msgspec.json.decode(raw, type=_Data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise codec.bad_request(error, raw, "data") from None
