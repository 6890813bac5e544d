"""What a server says when it refuses, as a code of the closed set. Pure.

Servers agree on a few status codes and use them loosely; what is meant stands in the description,
in words that have not changed for years. Neither is kept or logged: a description may repeat the
stream's name, which is the key.
"""

import re

from server.media.codes import Code

START = "NetStream.Publish.Start"
RECONNECT = "NetConnection.Connect.ReconnectRequest"

_STATUSES = {
    "NetStream.Publish.BadName": Code.NAME_IN_USE,
    "NetStream.Publish.Denied": Code.PUBLISH_DENIED,
    "NetStream.Publish.Rejected": Code.PUBLISH_DENIED,
    "NetStream.Publish.Unauthorized": Code.AUTH_REJECTED,
    "NetStream.Unpublish.Success": Code.PROVIDER_CLOSE,
    "NetStream.Publish.Idle": Code.PROVIDER_CLOSE,
    "NetStream.Failed": Code.PROVIDER_CLOSE,
    "NetConnection.Connect.Rejected": Code.AUTH_REJECTED,
    "NetConnection.Connect.InvalidApp": Code.AUTH_REJECTED,
    "NetConnection.Connect.AppShutdown": Code.PROVIDER_CLOSE,
    "NetConnection.Connect.Closed": Code.PROVIDER_CLOSE,
    "NetConnection.Connect.Failed": Code.PROVIDER_CLOSE,
    "NetConnection.Connect.IdleTimeOut": Code.PROVIDER_CLOSE,
}
_SAYINGS = (
    # Facebook and Instagram: the broadcast is over, its key with it.
    (r"TERMINAL_ENT_STATE", Code.PUBLISH_DENIED),
    # nginx-rtmp, Node-Media-Server, Wowza, SRS, Twitch: an earlier connection is still held.
    (r"already (publish|in use|exist|connected)|stream.{0,9}\bbusy|StreamBusy", Code.NAME_IN_USE),
    # Adobe's and Limelight's challenges, which we do not answer: the key is all that we have.
    (r"authmod=|need ?auth|auth(entication|orization)? ?(failed|required)|unauthori[sz]ed",
     Code.AUTH_REJECTED),
)  # fmt: skip
_SAYING = tuple((re.compile(pattern, re.IGNORECASE), code) for pattern, code in _SAYINGS)
_MOST_TEXT = 1024


def refusal(status: str, description: str, otherwise: Code) -> Code:
    """Return what a status with its description means; ``otherwise`` if nobody knows."""
    text = description[:_MOST_TEXT]
    for pattern, code in _SAYING:
        if pattern.search(text):
            return code
    return _STATUSES.get(status, otherwise)


def is_refusal(status: str, level: str) -> bool:
    """Say whether a status ends what it is about: by its level, or by what it is known for."""
    return level == "error" or status in _STATUSES
