"""How streams do, in words and numbers: what a ``health`` frame says."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from protocol.ids import RecordingId, Timestamp

HealthState: TypeAlias = Literal["good", "unstable", "failing", "no_data"]
Side: TypeAlias = Literal["uplink", "server", "platform"]


class HealthError(Struct, frozen=True):
    """What went wrong last."""

    code: Annotated[str, Meta(description="Of the closed set of codes.")]
    at: Timestamp


class StreamWarning(Struct, frozen=True):
    """Something that the platform does not take well."""

    code: str
    text: Annotated[str, Meta(description="A sentence for people.")]


class UplinkHealth(Struct, frozen=True, omit_defaults=True):
    """How the studio's way to this server is; what is not known is left out."""

    state: Annotated[HealthState, Meta(description="The verdict.")]
    text: Annotated[str, Meta(description="What happens and what to do, for people.")]
    kbps: Annotated[int, Meta(description="Received in the last seconds, in kbit/s.")] = 0
    fps: Annotated[int, Meta(description="Pictures received per second.")] = 0
    lost: Annotated[int, Meta(description="Packets that never came, of this publisher.")] = 0
    loss_percent: Annotated[
        float, Meta(description="Of the packets of the last seconds, those that never came.")
    ] = 0.0


class RecordingHealth(Struct, frozen=True):
    """How well the class is recorded."""

    recording: RecordingId
    state: Annotated[HealthState, Meta(description="The verdict.")]
    text: Annotated[str, Meta(description="What happens, for people.")]
    waiting_ms: Annotated[int, Meta(description="What waits on the server's disk to be stored.")]


class DestinationHealth(Struct, frozen=True, omit_defaults=True):
    """How the way to one destination is; what is not known is left out."""

    state: Annotated[HealthState, Meta(description="The verdict.")]
    side: Annotated[
        Side,
        Meta(description="Whose side it is about: the studio's, this server's, the platform's."),
    ]
    text: Annotated[str, Meta(description="What happens and what to do, for people.")]
    kbps: Annotated[int, Meta(description="Sent in the last seconds, in kbit/s.")]
    phase: Annotated[
        str,
        Meta(
            description="armed, resolving, connecting, priming, live, degraded, backoff, failed, "
            "stopping or stopped."
        ),
    ]
    provider: Annotated[str, Meta(description="The profile that applies.")] = "custom"
    source: Annotated[
        Literal["live", "slate"] | None,
        Meta(description="What is sent: the publisher, or the slate in its place."),
    ] = None
    on_backup: Annotated[bool, Meta(description="Whether the backup address is in use.")] = False
    uptime_s: Annotated[int | None, Meta(description="Seconds since it is live.")] = None
    kbps_10s: Annotated[int, Meta(description="Sent in the last ten seconds, in kbit/s.")] = 0
    fps: Annotated[int, Meta(description="Pictures sent per second.")] = 0
    gop_ms: Annotated[int, Meta(description="Between the last two keyframes.")] = 0
    longest_gop_ms: Annotated[int, Meta(description="The longest of this connection.")] = 0
    last_keyframe_age_s: Annotated[
        int | None, Meta(description="Seconds since it was sent a keyframe.")
    ] = None
    lag_ms: Annotated[int, Meta(description="How late it is: what waits here and on the way.")] = 0
    queue_ms: Annotated[int, Meta(description="How long the oldest of what waits here waits.")] = 0
    queue_bytes: Annotated[int, Meta(description="What waits here.")] = 0
    dropped: Annotated[int, Meta(description="Pictures and sounds dropped since enabling.")] = 0
    bytes: Annotated[int, Meta(description="Sent since enabling.")] = 0
    rtt_ms: Annotated[int | None, Meta(description="Round-trip time of the connection.")] = None
    retransmits: Annotated[
        int | None, Meta(description="Segments that this connection sent again.")
    ] = None
    notsent_bytes: Annotated[int | None, Meta(description="What waits in the kernel.")] = None
    connects: Annotated[int, Meta(description="Connections made since enabling.")] = 0
    retries: Annotated[int, Meta(description="Attempts that failed since enabling.")] = 0
    attempt: Annotated[int, Meta(description="Attempts since it was last stable.")] = 0
    last_error: HealthError | None = None
    next_retry_at: Annotated[Timestamp | None, Meta(description="When the next attempt comes.")] = (
        None
    )
    ttff_ms: Annotated[
        int | None, Meta(description="From the attempt to the first keyframe taken.")
    ] = None
    skew_ms: Annotated[int, Meta(description="How far the sound sent is ahead of the picture.")] = 0
    warnings: tuple[StreamWarning, ...] = ()
