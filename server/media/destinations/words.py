"""What went wrong at a destination, in words a teacher understands: for each code one entry."""

from dataclasses import dataclass

from protocol.health import Side
from server.media.codes import Code
from server.media.destinations.providers import Provider


@dataclass(frozen=True, slots=True)
class Words:
    """What happened, and what to do about it. ``{title}`` and ``{key_page}`` are the provider's."""

    happened: str
    remedy: str
    side: Side = "platform"

    def tell(self, provider: Provider) -> str:
        """Return both, of one provider."""
        text = f"{self.happened} {self.remedy}"
        return text.format(title=provider.title, key_page=provider.key_page)

    def tell_happened(self, provider: Provider) -> str:
        """Return what happened, at one provider."""
        return self.happened.format(title=provider.title)


_COPY_KEY = "Copy it again from {key_page}."

WORDS: dict[Code, Words] = {
    Code.DNS: Words(
        "The address of {title} does not exist.",
        "Compare it with the one on {key_page}.",
    ),
    Code.SSRF_BLOCKED: Words(
        "This address may not be streamed to.",
        "It is private, its port is not allowed, or it is none of {title}'s: compare it with the "
        "one on {key_page}.",
        side="server",
    ),
    Code.TCP_REFUSED: Words(
        "{title} refused the connection.",
        "Check the address; if it is right, the platform is down.",
    ),
    Code.TCP_TIMEOUT: Words(
        "{title} did not answer.",
        "Check the address; if it is right, the platform or the way to it is down.",
    ),
    Code.TLS_VERIFY: Words(
        "{title} did not prove who it is.",
        "Its certificate is not valid for this address: check the address, or ask who runs it.",
    ),
    Code.HANDSHAKE: Words(
        "What answered there is no streaming server.",
        "Check the address, its port, and whether it begins with rtmp:// or rtmps://.",
    ),
    Code.AUTH_REJECTED: Words("{title} refused the stream key.", _COPY_KEY),
    Code.NAME_IN_USE: Words(
        "{title} says that this stream key is already in use.",
        "Stop the other encoder that streams with it. An earlier connection ends by itself "
        "within about a minute.",
    ),
    Code.PUBLISH_DENIED: Words(
        "{title} did not accept the stream.",
        "Check that the event there is open and that the stream key is its own: {key_page}.",
    ),
    Code.RESET: Words(
        "The connection to {title} broke.",
        "If it happens again and again, the network of the server or the platform is unstable.",
    ),
    Code.STALL: Words(
        "{title} stopped taking the stream.",
        "If it happens again and again, use another address of the platform.",
    ),
    Code.OVERFLOW: Words(
        "The way to {title} is too slow for the stream.",
        "Send less: choose a lower quality in the studio.",
    ),
    Code.PROVIDER_CLOSE: Words(
        "{title} ended the stream.",
        "Check there whether the event is over, or the stream was stopped.",
    ),
    Code.SECRET_MISSING: Words(
        "There is no stream key for {title}.", "Enter it again: it is on {key_page}.", side="server"
    ),
    Code.INTEGRATION_REVOKED: Words(
        "The account with {title} was revoked here.",
        "An administrator can take that back.",
        side="server",
    ),
    Code.CODEC_UNSUPPORTED: Words(
        "{title} does not take this kind of video.",
        "Let the encoder send H.264 without B-frames.",
        side="uplink",
    ),
    Code.PARAMS_CHANGED_STRICT: Words(
        "The picture changed its size, which {title} does not take.",
        "The stream begins anew there. Keep the size of the picture while you teach.",
        side="uplink",
    ),
    Code.INTERNAL: Words(
        "Something went wrong on this server.",
        "Try again; if it stays, tell who runs the server.",
        side="server",
    ),
}
