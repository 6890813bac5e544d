"""Where to stream to."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from protocol.health import StreamWarning
from protocol.ids import DestinationId, ShortText, Timestamp
from protocol.limits import STREAM_KEY_LENGTH
from protocol.rest.live import CommandDone
from protocol.rest.shapes import UNBROKEN, Answer, Body, IntegrationId, Url


class NewIntegration(Body, frozen=True):
    """An account with a streaming platform to register."""

    provider: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}(?!\n)$")]


class IntegrationChange(Body, frozen=True):
    """Revoke an integration: nothing is streamed through it any more."""

    status: Literal["active", "revoked"]


class Integration(Answer, frozen=True):
    """An account with a streaming platform."""

    id: IntegrationId
    provider: str
    status: Literal["active", "revoked"]
    created_at: Timestamp


StreamKeyText: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=STREAM_KEY_LENGTH, pattern=UNBROKEN)
]
StreamKeyRef: TypeAlias = Annotated[
    str,
    Meta(
        max_length=1000,
        pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:/[^\x00\n]+|aws-sm:arn:[^\x00\s]+)(?!\n)$",
        description="env:NAME, file:/path or aws-sm:arn:…, where the operator allows it.",
    ),
]


class NewDestination(Body, frozen=True):
    """A destination to register, with its key or with where the key is kept. Write-only."""

    integration: IntegrationId
    name: ShortText
    url: Url
    backup_url: Url | None = None
    profile: Literal["tolerant", "strict"] = "tolerant"
    stream_key: StreamKeyText | None = None
    stream_key_ref: StreamKeyRef | None = None

    def __repr__(self) -> str:
        return f"NewDestination(name={self.name!r})"


class NewStreamKey(Body, frozen=True):
    """Another key for a destination, or another place where it is kept. Write-only."""

    stream_key: StreamKeyText | None = None
    stream_key_ref: StreamKeyRef | None = None

    def __repr__(self) -> str:
        return "NewStreamKey()"


Warnings: TypeAlias = Annotated[
    tuple[StreamWarning, ...],
    Meta(description="What to know of it before it is streamed to; none of it prevents that."),
]


class Destination(Answer, frozen=True):
    """A place to stream to; its key is never shown."""

    id: DestinationId
    integration: IntegrationId
    provider: str
    name: str
    url: str
    backup_url: str | None
    profile: str
    created_at: Timestamp
    warnings: Warnings


class Provider(Answer, frozen=True):
    """What a platform takes, and how it behaves; what nobody publishes is null."""

    name: Annotated[str, Meta(description="As integrations name it.")]
    title: str
    ingest: Annotated[
        str | None,
        Meta(description="Where it takes streams; null: each account or event has its own."),
    ]
    backup: Annotated[str | None, Meta(description="Where else.")]
    hosts: Annotated[
        tuple[str, ...], Meta(description="Patterns of its hosts; without any, every host may be.")
    ]
    video_kbps: Annotated[int | None, Meta(description="Most that it takes, in kbit/s.")]
    audio_kbps: Annotated[int | None, Meta(description="Most that it takes, in kbit/s.")]
    height: Annotated[int | None, Meta(description="Most lines of a picture.")]
    fps: Annotated[int | None, Meta(description="Most pictures a second.")]
    gop_seconds: Annotated[float, Meta(description="Longest time between keyframes.")]
    is_strict: Annotated[
        bool, Meta(description="Whether a change of the picture's size breaks the stream there.")
    ]
    hold_seconds: Annotated[
        int, Meta(description="How long it is sent a slate while nobody publishes.")
    ]
    hours: Annotated[int | None, Meta(description="Longest broadcast.")]
    key_page: Annotated[str, Meta(description="Where its stream key is found, for people.")]


class EnableDestination(Body, frozen=True):
    """Stream a session to this destination: the command ``destination.enable``."""

    destination: DestinationId


class SessionDestination(Answer, frozen=True):
    """A destination as a session uses it."""

    id: DestinationId
    name: str
    provider: str
    status: Literal["enabled", "disabled", "failed"]
    warnings: Warnings


class DestinationEnabled(CommandDone, frozen=True):
    """The command is committed; what to know of streaming there."""

    warnings: Warnings
