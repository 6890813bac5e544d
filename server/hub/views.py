"""The views of one session: their state, their snapshot frames, and their feeds.

An event is encoded once per view at most, and once for all views that see it the same. What shows
a view nothing moves only its position, and that is told with what comes next, or after a pause:
when thousands vote in a few seconds, students see none of it but the counters.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
import orjson

from protocol import codec
from protocol.events import AnyEvent
from protocol.limits import COUNTERS_COALESCE_MS, EVENTS_FRAME_BYTES, EVENTS_PER_FRAME
from protocol.snapshot import State, fold
from server.classroom.view import Rewritten, view
from server.hub.draft import Recorded
from server.hub.fanout import Feed
from server.hub.pauses import Pauses

Audience = Literal["staff", "student"]
AUDIENCES: tuple[Audience, ...] = ("staff", "student")


def show(recorded: Recorded, of: Audience) -> Recorded | None:
    """Return the event as the view ``of`` sees it, or None if it does not."""
    shown = view(recorded.event, of)
    if shown == "same":
        return recorded
    if not isinstance(shown, Rewritten):
        return None
    payload = orjson.dumps(msgspec.to_builtins(shown.event), option=orjson.OPT_SORT_KEYS)
    rewritten = recorded._replace(event=shown.event, payload=payload)
    return rewritten if shown.has_author else rewritten._replace(by=None, key=None)


def fold_shown(state: State, recorded: Recorded, of: Audience) -> Recorded | None:
    """Fold into ``state`` what its view ``of`` sees of the event; return that, or None."""
    shown = show(recorded, of)
    if shown is not None:
        fold(state, shown.event, sequence=shown.sequence, at=shown.at, by=shown.by)
    return shown


def encode(recorded: Recorded) -> bytes:
    """Return one event as it stands in an ``events`` frame."""
    event: AnyEvent = recorded.event
    return codec.encode_event(
        sequence=recorded.sequence,
        kind=event.type,
        version=event.version,
        at=recorded.at,
        by=recorded.by,
        key=recorded.key,
        data=recorded.payload,
    )


def frames(
    first: int, last: int, encoded: Iterable[tuple[int, bytes]]
) -> Iterable[tuple[int, int, bytes]]:
    """Yield ``events`` frames that cover ``first``…``last``, each within the limits of one frame.

    ``encoded`` are the sequence and bytes of the events that are shown.
    """
    start, size = first, 0
    held: list[bytes] = []
    covered = first - 1
    for sequence, data in encoded:
        if held and (len(held) >= EVENTS_PER_FRAME or size + len(data) > EVENTS_FRAME_BYTES):
            yield start, covered, codec.encode_events(start, covered, held)
            start, size, held = covered + 1, 0, []
        held.append(data)
        size += len(data)
        covered = sequence
    yield start, last, codec.encode_events(start, last, held)


class View:
    """One view of one session."""

    def __init__(self, audience: Audience, feed: Feed, pauses: Pauses) -> None:
        self.audience = audience
        self.feed = feed
        self._pauses = pauses
        self.sequence = 0
        self._told = 0  # what is between the two shows nothing
        self._state = State()
        self._encoded: bytes | None = None
        self._snapshot = 0, b""

    @property
    def snapshot(self) -> bytes:
        """The ``snapshot`` frame at :attr:`sequence`, encoded once however many ask for it.

        The state in it is encoded again only when something has been shown: whoever comes is not,
        to students, and when a whole class comes at once each of them needs a snapshot.
        """
        if self._encoded is None:
            self._encoded = codec.encode_state(self._state)
        elif self._snapshot[0] == self.sequence:
            return self._snapshot[1]
        self._snapshot = self.sequence, codec.encode_snapshot(self.sequence, self._encoded)
        return self._snapshot[1]

    def restart(self, state: State, sequence: int) -> None:
        """Begin at ``sequence`` with ``state``, which is this view's from now on."""
        self._state, self._encoded = state, None
        self.sequence = self._told = sequence
        self.feed.restart(sequence)

    def commit(self, recorded: Sequence[Recorded], last: int, encoded: dict[int, bytes]) -> None:
        """Fold a committed batch that ends at ``last``, and tell it.

        ``encoded`` shares the bytes of what is the same for several views.
        """
        told: list[tuple[int, bytes]] = []
        for each in recorded:
            shown = fold_shown(self._state, each, self.audience)
            if shown is None:
                continue
            if shown is each:
                data = encoded.get(each.sequence)
                if data is None:
                    data = encoded[each.sequence] = encode(each)
            else:
                data = encode(shown)
            told.append((each.sequence, data))
        is_waiting, self.sequence = self._told < self.sequence, last
        if told:
            self._encoded = None
            self._publish(told)
        elif not is_waiting:
            # As long as the counters' pause, which such events begin, too: both in one write.
            self._pauses.after(COUNTERS_COALESCE_MS, self.catch_up)

    def catch_up(self) -> None:
        """Tell the position, if nothing else has told it meanwhile."""
        if self._told < self.sequence:
            self._publish(())

    def _publish(self, told: Iterable[tuple[int, bytes]]) -> None:
        first, self._told = self._told + 1, self.sequence
        for start, end, payload in frames(first, self.sequence, told):
            self.feed.publish(start, end, payload)
