"""The log as it was told: stored events turned back into what a view sees of them.

Two things are not as they were: an event of an old version has today's shape, and the text of a
message that has been removed since is blank.
"""

from collections.abc import Iterable, Set

import msgspec
import orjson

from protocol import codec
from protocol.ids import ViewName
from server.classroom.view import blank
from server.hub.draft import Recorded
from server.hub.views import Audience, encode, frames, show
from server.hub.wire import Frame, websocket_frame
from server.store.log import StoredEvent

PAGE = 512
"""Events read at once to catch somebody up."""
REPLAY_MOST = 5_000
"""Somebody who missed more gets a snapshot: it is shorter."""


def recall(stored: StoredEvent) -> Recorded | None:
    """Return a stored event typed, or None for a type that this version does not know.

    The key in the log is a digest: what its author chose is told live only.
    """
    event = codec.decode_event(stored.type, stored.payload, stored.version)
    if event is None:
        return None
    recorded = Recorded(
        stored.sequence, event, codec.timestamp(stored.at_ms), stored.actor, None, stored.payload
    )
    return recorded if stored.version == event.version else _rewrite(recorded)


def shown(
    stored: Iterable[StoredEvent], of: ViewName, blanked: Set[int]
) -> list[tuple[int, bytes]]:
    """Return sequence and bytes of each event that the view ``of`` may see.

    ``blanked`` are the sequences of events whose text is not to be seen any more.
    """
    if of == "lobby":
        return []
    audience: Audience = of
    seen = []
    for each in stored:
        recorded = recall(each)
        if recorded is not None and each.sequence in blanked:
            recorded = _rewrite(recorded._replace(event=blank(recorded.event)))
        visible = None if recorded is None else show(recorded, audience)
        if visible is not None:
            seen.append((each.sequence, encode(visible)))
    return seen


def catch_up_frame(stored: list[StoredEvent], of: ViewName, blanked: Set[int]) -> Frame:
    """Return frames, as one piece, that cover the events read: at least one."""
    first, last = stored[0].sequence, stored[-1].sequence
    told = frames(first, last, shown(stored, of, blanked))
    return Frame(first, last, b"".join(websocket_frame(payload) for _, _, payload in told))


def _rewrite(recorded: Recorded) -> Recorded:
    """Return ``recorded`` with the payload that its event has now."""
    data = msgspec.to_builtins(recorded.event)
    return recorded._replace(payload=orjson.dumps(data, option=orjson.OPT_SORT_KEYS))
