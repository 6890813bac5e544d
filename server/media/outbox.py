"""Events that the hub has not committed yet. Pure."""

from server.media.fabric import MediaEvent

MAX_EVENTS = 10_000
RESEND_SECONDS = 5.0
# What may be forgotten first: it describes a moment, no later event rests on it.
_EXPENDABLE = frozenset(
    {"publisher.warning", "destination.retry_scheduled", "destination.connecting"}
)


class Outbox:
    """Keep events until they are acked; when there are too many, forget the expendable ones."""

    def __init__(self) -> None:
        self._events: dict[str, MediaEvent] = {}
        self._sent_at: dict[str, float] = {}
        self._expendable: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: MediaEvent) -> None:
        """Keep an event. State events are never dropped, whatever their number."""
        self._events[event.id] = event
        if event.type in _EXPENDABLE:
            self._expendable[event.id] = None
        if len(self._events) > MAX_EVENTS and self._expendable:
            self.ack(next(iter(self._expendable)))

    def ack(self, event: str) -> None:
        """Forget an event that is committed. Idempotent."""
        self._events.pop(event, None)
        self._sent_at.pop(event, None)
        self._expendable.pop(event, None)

    def due(self, now: float) -> list[MediaEvent]:
        """Return, in order, what was not sent in the last five seconds, and note it as sent."""
        due = []
        for identity, event in self._events.items():
            sent = self._sent_at.get(identity)
            if sent is None or now - sent >= RESEND_SECONDS:
                self._sent_at[identity] = now
                due.append(event)
        return due

    def unsend(self, event: str | None = None) -> None:
        """Consider ``event``, or everything, unsent: the one it was sent to is gone."""
        if event is None:
            self._sent_at.clear()
        else:
            self._sent_at.pop(event, None)
