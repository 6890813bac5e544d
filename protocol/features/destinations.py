"""Where the class is streamed to; what happens there is reported by the media worker."""

from typing import Literal, TypeAlias

from protocol.ids import DestinationId
from protocol.messages import Command, Event


class DestinationEnable(Command, frozen=True):
    """Stream to this destination while the class is live."""

    op = "destination.enable"
    destination: DestinationId


class DestinationDisable(Command, frozen=True):
    """Stop streaming to this destination."""

    op = "destination.disable"
    destination: DestinationId


class DestinationRetry(Command, frozen=True):
    """Try a destination that failed, or waits for its next attempt, again at once."""

    op = "destination.retry"
    destination: DestinationId


class DestinationEnabled(Event, frozen=True):
    """Stream there while the class is live."""

    type = "destination.enabled"
    destination: DestinationId


class DestinationDisabled(Event, frozen=True):
    """Stream there no more."""

    type = "destination.disabled"
    destination: DestinationId


class DestinationRetryRequested(Event, frozen=True):
    """Somebody asked to connect again at once."""

    type = "destination.retry_requested"
    destination: DestinationId


class DestinationConnecting(Event, frozen=True):
    """A connection to the platform is being made."""

    type = "destination.connecting"
    destination: DestinationId
    attempt: int


class DestinationLive(Event, frozen=True):
    """The platform takes our media. ``ttff_ms``: from the attempt to the first keyframe taken."""

    type = "destination.live"
    destination: DestinationId
    ttff_ms: int


class DestinationDegraded(Event, frozen=True):
    """The platform takes our media too slowly."""

    type = "destination.degraded"
    destination: DestinationId
    code: str


class DestinationRecovered(Event, frozen=True):
    """All media reaches the platform again."""

    type = "destination.recovered"
    destination: DestinationId


class DestinationSwitched(Event, frozen=True):
    """The other of the primary and the backup address is in use."""

    type = "destination.switched"
    destination: DestinationId
    to: Literal["primary", "backup"]


class DestinationRetryScheduled(Event, frozen=True):
    """The connection was lost or refused; the next attempt comes after ``delay_ms``."""

    type = "destination.retry_scheduled"
    destination: DestinationId
    attempt: int
    code: str
    delay_ms: int


class DestinationFailed(Event, frozen=True):
    """Given up: only a person can start it again."""

    type = "destination.failed"
    destination: DestinationId
    code: str
    attempts: int


class DestinationStopped(Event, frozen=True):
    """The stream to the platform ended as wished."""

    type = "destination.stopped"
    destination: DestinationId


DestinationCommand: TypeAlias = DestinationEnable | DestinationDisable | DestinationRetry
DestinationEvent: TypeAlias = (
    DestinationEnabled
    | DestinationDisabled
    | DestinationRetryRequested
    | DestinationConnecting
    | DestinationLive
    | DestinationDegraded
    | DestinationRecovered
    | DestinationSwitched
    | DestinationRetryScheduled
    | DestinationFailed
    | DestinationStopped
)
