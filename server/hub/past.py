"""What a room knows of its session's past: the fold of the log for rules, views and keys.

It is the same whether it was folded from the first event on, or a saved one was read on.
"""

from collections.abc import Iterable

from protocol.snapshot import State
from server.classroom.evolve import evolve
from server.classroom.state import Classroom
from server.hub.draft import Head
from server.hub.history import recall
from server.hub.keys import KeyHashes
from server.hub.views import AUDIENCES, Audience, fold_shown
from server.store import chain
from server.store.log import StoredEvent


class Past:
    """The fold of one session's log up to ``head``."""

    def __init__(self, session: str) -> None:
        self.head = Head(0, chain.genesis(session), 0)
        self.saved = 0
        """The sequence up to which it was saved."""
        self.state = Classroom()
        self.views: dict[Audience, State] = {audience: State() for audience in AUDIENCES}
        self.keys = KeyHashes()

    def fold(self, events: Iterable[StoredEvent]) -> None:
        """Go on with ``events``, the next ones of the log.

        Raises:
            MalformedFrameError: If one of them is not of its type.

        """
        for stored in events:
            if stored.key is not None:
                self.keys.add(stored.key)
            recorded = recall(stored)
            if recorded is not None:
                self.state = evolve(
                    self.state,
                    recorded.event,
                    sequence=recorded.sequence,
                    at=recorded.at,
                    by=recorded.by,
                )
                for audience, state in self.views.items():
                    fold_shown(state, recorded, audience)
            self.head = Head(stored.sequence, stored.digest, stored.at_ms)
