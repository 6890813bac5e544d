"""The platforms: where they take streams, what of, and how patient they are. Data, and its reading.

Distilled from what the platforms publish and what OBS's list of services knows; a limit that
nobody publishes is None. A tenant's provider that has no profile here is :data:`CUSTOM`.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import SplitResult, urlsplit, urlunsplit

from protocol.health import StreamWarning

HOLD_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Provider:
    """What one platform takes, and how it behaves."""

    name: str
    """As integrations name it."""
    title: str
    ingest: str | None = None
    """Where it takes streams; None: each account or event has an address of its own."""
    backup: str | None = None
    hosts: tuple[str, ...] = ()
    """Patterns of the hosts that are its own; without any, every host may be."""
    secure_hosts: tuple[tuple[str, str], ...] = ()
    """Hosts that also take RTMPS, as patterns, and the host to use then; "" for the same."""
    video_kbps: int | None = None
    """Most that it takes."""
    audio_kbps: int | None = None
    height: int | None = None
    fps: int | None = None
    gop_seconds: float = 4.0
    """Longest time between keyframes that it takes; it wants two seconds."""
    is_strict: bool = False
    """Whether a change of the picture's size breaks the stream there."""
    hold_seconds: int = HOLD_SECONDS
    """How long it is sent a slate while nobody publishes."""
    hours: int | None = None
    """Longest broadcast."""
    key_page: str = "the platform's streaming settings"
    """Where its stream key is found."""


CUSTOM = Provider("custom", "RTMP server")

PROVIDERS: dict[str, Provider] = {
    each.name: each
    for each in (
        Provider(
            "youtube",
            "YouTube",
            ingest="rtmps://a.rtmps.youtube.com:443/live2",
            backup="rtmps://b.rtmps.youtube.com:443/live2?backup=1",
            hosts=("*.rtmp.youtube.com", "*.rtmps.youtube.com"),
            secure_hosts=(
                ("a.rtmp.youtube.com", "a.rtmps.youtube.com"),
                ("b.rtmp.youtube.com", "b.rtmps.youtube.com"),
            ),
            video_kbps=9_000,
            audio_kbps=160,
            height=1080,
            fps=60,
            is_strict=True,
            hours=12,
            key_page="YouTube Studio → Go live → Stream",
        ),
        Provider(
            "twitch",
            "Twitch",
            ingest="rtmps://ingest.global-contribute.live-video.net:443/app",
            hosts=("live*.twitch.tv", "*.contribute.live-video.net",
                   "*.global-contribute.live-video.net"),
            secure_hosts=(("*.contribute.live-video.net", ""),
                          ("*.global-contribute.live-video.net", "")),
            video_kbps=6_000,
            audio_kbps=320,
            height=1080,
            fps=60,
            hold_seconds=300,
            hours=48,
            key_page="Twitch → Creator Dashboard → Settings → Stream",
        ),
        Provider(
            "facebook",
            "Facebook",
            ingest="rtmps://live-api-s.facebook.com:443/rtmp",
            hosts=("*.facebook.com", "*.fbcdn.net"),
            secure_hosts=(("*.facebook.com", ""), ("*.fbcdn.net", "")),
            video_kbps=6_000,
            audio_kbps=256,
            height=1080,
            fps=60,
            is_strict=True,
            hold_seconds=300,
            hours=8,
            key_page="Facebook → Live Producer → Streaming software",
        ),
        Provider(
            "vimeo",
            "Vimeo",
            ingest="rtmps://rtmp-global.cloud.vimeo.com:443/live",
            hosts=("*.cloud.vimeo.com",),
            secure_hosts=(("*.cloud.vimeo.com", ""),),
            video_kbps=10_000,
            audio_kbps=320,
            height=1080,
            fps=60,
            hours=12,
            key_page="Vimeo → your event → Destinations and encoder",
        ),
        Provider(
            "linkedin",
            "LinkedIn",
            video_kbps=6_000,
            audio_kbps=128,
            height=1080,
            fps=30,
            hours=4,
            key_page="LinkedIn → your event → Live Studio → Get URL",
        ),
        Provider(
            "x",
            "X",
            ingest="rtmps://va.pscp.tv:443/x",
            hosts=("*.pscp.tv",),
            secure_hosts=(("*.pscp.tv", ""),),
            video_kbps=12_000,
            audio_kbps=128,
            height=1080,
            fps=60,
            gop_seconds=3.0,
            key_page="X → Media Studio → Producer → Sources",
        ),
        Provider(
            "kick",
            "Kick",
            hosts=("*.global-contribute.live-video.net", "*.kick.com"),
            secure_hosts=(("*.global-contribute.live-video.net", ""),),
            video_kbps=8_000,
            audio_kbps=160,
            height=1080,
            fps=60,
            hours=48,
            key_page="Kick → Creator Dashboard → Stream URL and key",
        ),
        Provider(
            "restream",
            "Restream",
            ingest="rtmp://live.restream.io/live",
            hosts=("*.restream.io",),
            audio_kbps=320,
            key_page="Restream → RTMP settings",
        ),
        CUSTOM,
    )
}  # fmt: skip


def provider(name: str) -> Provider:
    """Return the profile of a provider; one that nobody knows is treated like a plain server."""
    return PROVIDERS.get(name, CUSTOM)


def owns(provider: Provider, url: str) -> bool:
    """Say whether ``url`` leads to the provider: to one of its hosts, if they are known."""
    host = (_split(url).hostname or "").rstrip(".")
    return not provider.hosts or any(fnmatchcase(host, each) for each in provider.hosts)


def _split(url: str) -> SplitResult:
    """Take a URL apart, which may be anything: a server may have sent it."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def secured(provider: Provider, url: str) -> str:
    """Return ``url`` with RTMPS instead of RTMP where the provider offers it."""
    parts = _split(url)
    if parts.scheme != "rtmp":
        return url
    host = parts.hostname or ""
    for pattern, secure in provider.secure_hosts:
        if fnmatchcase(host, pattern):
            return urlunsplit(parts._replace(scheme="rtmps", netloc=f"{secure or host}:443"))
    return url


def most_kbps(names: list[str]) -> int | None:
    """Return the video bitrate that every one of these providers takes; None: any."""
    limits = [limit for name in names if (limit := provider(name).video_kbps) is not None]
    return min(limits, default=None)


@dataclass(frozen=True, slots=True)
class Picture:
    """What is published, as far as it is known."""

    width: int
    height: int
    kbps: int = 0
    fps: int = 0
    gop_seconds: float = 0.0


KBPS_SLACK = 1.1
GOP_SLACK = 1.25


def warnings_of(provider: Provider, *, url: str, profile: str) -> list[StreamWarning]:
    """Return what to know of a destination before it is streamed to."""
    found = []
    if secured(provider, url) != url:
        text = f"{provider.title} offers an encrypted connection: it is used instead."
        found.append(StreamWarning("secured", text))
    elif url.startswith("rtmp:"):
        found.append(
            StreamWarning("plain", "The stream and its key are sent unencrypted (rtmp://).")
        )
    if provider.is_strict and profile != "strict":
        text = (
            f"{provider.title} does not take a change of the picture's size: "
            "when it changes, the stream begins anew there."
        )
        found.append(StreamWarning("strict", text))
    if provider.video_kbps is not None:
        text = f"{provider.title} takes at most {provider.video_kbps:,} kbit/s of video."
        found.append(StreamWarning("max_kbps", text))
    if provider.hours is not None:
        text = f"{provider.title} ends a broadcast after {provider.hours} hours."
        found.append(StreamWarning("max_hours", text))
    return found


def objections(provider: Provider, picture: Picture) -> list[StreamWarning]:
    """Return what of the picture the provider does not take well."""
    found = []
    small = min(picture.width, picture.height)
    if provider.height is not None and small > provider.height:
        text = f"{provider.title} takes at most {provider.height}p; the studio sends {small}p."
        found.append(StreamWarning("picture_too_large", text))
    if provider.video_kbps is not None and picture.kbps > KBPS_SLACK * provider.video_kbps:
        text = (
            f"{provider.title} takes at most {provider.video_kbps:,} kbit/s; "
            f"the studio sends {picture.kbps:,}."
        )
        found.append(StreamWarning("bitrate_too_high", text))
    if provider.fps is not None and picture.fps > provider.fps + 1:
        text = (
            f"{provider.title} takes at most {provider.fps} pictures a second; "
            f"the studio sends {picture.fps}."
        )
        found.append(StreamWarning("fps_too_high", text))
    if picture.gop_seconds > GOP_SLACK * provider.gop_seconds:
        text = (
            f"{provider.title} wants a keyframe every 2 seconds; the studio sends one every "
            f"{picture.gop_seconds:.0f}. Set the keyframe interval of your encoder to 2 s."
        )
        found.append(StreamWarning("gop_too_long", text))
    return found
