"""The log as it was told: stored events turned back into what a view sees of them."""

from protocol import codec
from protocol.ids import ViewName
from server.hub.draft import Recorded
from server.hub.fanout import Frame, websocket_frame
from server.hub.views import Audience, encode, frames, show
from server.store.log import StoredEvent

PAGE = 512
"""Events read at once to catch somebody up."""
REPLAY_MOST = 5_000
"""Somebody who missed more gets a snapshot: it is shorter."""


def recall(stored: StoredEvent) -> Recorded | None:
    """Return a stored event typed, or None for a type that this version does not know.

    The key in the log is a digest: what its author chose is told live only.
    """
    event = codec.decode_event(stored.type, stored.payload)
    if event is None:
        return None
    at = codec.timestamp(stored.at_ms)
    return Recorded(stored.sequence, event, at, stored.actor, None, stored.payload)


def shown(stored: list[StoredEvent], of: ViewName) -> list[tuple[int, bytes]]:
    """Return sequence and bytes of each event that the view ``of`` may see."""
    if of == "lobby":
        return []
    audience: Audience = of
    seen = []
    for each in stored:
        recorded = recall(each)
        visible = None if recorded is None else show(recorded, audience)
        if visible is not None:
            seen.append((each.sequence, encode(visible)))
    return seen


def catch_up_frame(stored: list[StoredEvent], of: ViewName) -> Frame:
    """Return frames, as one piece, that cover the events read: at least one."""
    first, last = stored[0].sequence, stored[-1].sequence
    told = frames(first, last, shown(stored, of))
    return Frame(first, last, b"".join(websocket_frame(payload) for _, _, payload in told))
