"""Webhooks: endpoints that are told what happens in the classes of a tenant."""

from typing import Annotated, Literal, TypeAlias, get_args

from msgspec import UNSET, Meta, UnsetType

from protocol.ids import SessionId, Timestamp
from protocol.limits import SHORT_TEXT_LENGTH
from protocol.rest.paging import PageQuery
from protocol.rest.shapes import Answer, Body, Url

EndpointId: TypeAlias = Annotated[SessionId, Meta(description="A webhook endpoint.")]

WebhookEvent: TypeAlias = Literal[
    "session.started",
    "session.ended",
    "session.archived",
    "recording.finalized",
    "recording.failed",
    "replay.published",
    "replay.unpublished",
    "destination.live",
    "destination.failed",
    "participant.joined",
    "participant.left",
]
"""What an endpoint can be told of: types of the log."""

PERSONAL: frozenset[WebhookEvent] = frozenset(("participant.joined", "participant.left"))
"""These name a person: they are told only to an endpoint that asks for them."""

USUAL: tuple[WebhookEvent, ...] = tuple(
    each for each in get_args(WebhookEvent) if each not in PERSONAL
)
"""What an endpoint is told of that asks for nothing in particular."""

WebhookEvents: TypeAlias = Annotated[
    tuple[WebhookEvent, ...],
    Meta(min_length=1, max_length=50, description="The types of events that are told."),
]
Description: TypeAlias = Annotated[str, Meta(max_length=SHORT_TEXT_LENGTH, pattern=r"^[^\x00]*$")]
EndpointStatus: TypeAlias = Literal["active", "disabled"]
DeliveryStatus: TypeAlias = Literal["pending", "delivered", "failed"]


class NewWebhookEndpoint(Body, frozen=True):
    """An endpoint to tell; its URL is https, and leads to a public address."""

    url: Url
    events: WebhookEvents = USUAL
    """``participant.joined`` and ``participant.left`` name people: only who asks is told."""
    description: Description = ""


class WebhookEndpointChange(Body, frozen=True):
    """What to change of an endpoint; ``active`` enables it again."""

    url: Url | UnsetType = UNSET
    events: WebhookEvents | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    status: EndpointStatus | UnsetType = UNSET


class WebhookEndpoint(Answer, frozen=True):
    """An endpoint that is told; its secret is shown when it is made, and never again."""

    id: EndpointId
    url: str
    events: tuple[str, ...]
    description: str
    status: EndpointStatus
    disabled_reason: Literal["asked", "failing", "gone"] | None
    """``failing``: it took nothing for a day; ``gone``: it answered 410."""
    failing_since: Timestamp | None
    """When it first failed since it last took something."""
    previous_secret_until: Timestamp | None
    """Until then the secret before the last rotation signs, too."""
    created_at: Timestamp


class WebhookSecret(Answer, frozen=True):
    """An endpoint with its new secret, shown this once."""

    endpoint: WebhookEndpoint
    secret: str
    """``whsec_…``: what to verify signatures with."""


class WebhookDeliveriesQuery(PageQuery, frozen=True):
    """Which deliveries to list."""

    status: DeliveryStatus | None = None


class WebhookDelivery(Answer, frozen=True):
    """One message to an endpoint."""

    id: Annotated[SessionId, Meta(description="A delivery.")]
    event: Annotated[SessionId, Meta(description="The event; ``webhook-id`` of the message.")]
    type: str
    session: SessionId | None
    sequence: int | None
    status: DeliveryStatus
    attempts: int
    last_status: int | None
    """The HTTP status of the last answer."""
    last_error: str | None
    next_at: Timestamp | None
    """When it is tried next, if it waits."""
    created_at: Timestamp
    delivered_at: Timestamp | None


class WebhookRedrive(Body, frozen=True):
    """What to deliver again: a session's events, or, without one, what has failed."""

    session: SessionId | None = None
    from_sequence: Annotated[int, Meta(ge=1, le=2**53 - 1)] = 1
    """Where in the session's log to begin."""


class WebhookRedriven(Answer, frozen=True):
    """How many deliveries wait because of it."""

    deliveries: int
