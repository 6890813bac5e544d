"""One place in a class, and why somebody gets none."""

from collections.abc import Callable

from protocol.errors import CloseCode
from protocol.ids import ViewName
from server.hub.asks import Who
from server.hub.peer import Peer
from server.hub.welcome import Recovery


class Seat:
    """One connection of one person in the room.

    ``welcome`` says welcome to it, with what its seating has set before: ``who`` with the role
    that holds here, and ``view``. Both change while it is connected.
    """

    __slots__ = ("peer", "view", "welcome", "who")

    def __init__(self, peer: Peer, who: Who, welcome: Callable[[Recovery], bytes]) -> None:
        self.peer = peer
        self.who = who
        self.view: ViewName = "lobby"
        self.welcome = welcome


class RejectedError(Exception):
    """This person may not enter; ``code`` says why."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(code.reason)
        self.code = code
