"""What a message says: the event as the staff of its class see it, made when it is sent.

Nothing of it is stored, so that whoever is erased from the log is in no message from then on.
"""

from typing import Any

import msgspec

from protocol import codec
from server.classroom.view import Rewritten, view
from server.store.heads import sign
from server.store.installation import Installation
from server.store.log import StoredEvent

PING = "webhook.ping"


def ping(at_ms: int, *, tenant: str) -> bytes:
    """Return the body of the message that only says that messages arrive."""
    return _body(PING, at_ms, {"tenant": tenant})


def of_event(
    stored: StoredEvent, *, tenant: str, session: str, identity: Installation
) -> bytes | None:
    """Return the body for an event of the log, or None if it is not for anybody's eyes.

    The end of a class carries the head of its log at that event, signed: whoever keeps it can
    tell later whether the log still begins like that.

    Raises:
        MalformedFrameError: If the event is not of its type.

    """
    event = codec.decode_event(stored.type, stored.payload, stored.version)
    if event is None:
        return None
    shown = view(event, "staff")
    if shown == "hidden":
        return None
    data = {
        "tenant": tenant,
        "session": session,
        "sequence": stored.sequence,
        **msgspec.to_builtins(shown.event if isinstance(shown, Rewritten) else event),
    }
    if stored.type == "session.ended":
        data["head"] = msgspec.to_builtins(
            sign(identity, session=session, sequence=stored.sequence, digest=stored.digest)
        )
    return _body(stored.type, stored.at_ms, data)


def _body(kind: str, at_ms: int, data: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"type": kind, "timestamp": codec.timestamp(at_ms), "data": data})
