"""A viewer: WHEP (draft-ietf-wish-whep), one peer that the session's fan-out sends to."""

from collections.abc import Callable
from typing import ClassVar

from aiortc.rtcdtlstransport import RTCDtlsTransport

from server.clock import Clock
from server.media import sdp
from server.media.aiortc_link import Link
from server.media.aiortc_sender import RtpSender
from server.media.network import EVERYWHERE, Network
from server.media.offer import Use
from server.media.peer import Peer
from server.media.viewers.fanout import Fanout
from server.media.viewers.feed import Feed
from server.media.viewers.packetizer import Frame


class Viewer(Peer):
    """One viewer's connection."""

    use: ClassVar[Use] = "watch"

    def __init__(
        self,
        user: str,
        *,
        clock: Clock,
        fanout: Fanout,
        want_keyframe: Callable[[], None],
        on_connected: Callable[[], None],
        on_closed: Callable[[], None],
        network: Network = EVERYWHERE,
    ) -> None:
        super().__init__(user, clock.monotonic(), on_closed, network)
        self.feed: Feed | None = None
        self._clock = clock
        self._fanout = fanout
        self._want_keyframe = want_keyframe
        self._on_connected = on_connected
        self._link: Link | None = None
        self._senders: dict[bool, RtpSender] = {}

    def prepare(self, kinds: frozenset[str]) -> None:
        """Send what is asked for."""
        for kind in ("video", "audio"):
            if kind in kinds:
                transceiver = self.pc.addTransceiver(kind, direction="sendonly")
                self._senders[kind == "video"] = RtpSender(
                    transceiver.sender,
                    on_started=self._started,
                    on_keyframe_request=self._want_keyframe,
                )
        self.prefer_codecs()

    def check(self) -> None:
        """Refuse a viewer that cannot show H.264."""
        if self.negotiated_video() not in ("H264", None):
            raise sdp.UnacceptableOfferError(
                422, "unsupported_codec", "H.264 is required: offer to receive H.264."
            )

    def flush(self) -> bool:
        """Send what did not go out before; return whether nothing is left."""
        return self._link is None or self._link.flush()

    def send(self, frame: Frame) -> None:
        """Send a frame, if it is of a kind that this viewer takes."""
        sender = self._senders.get(frame.is_video)
        if sender is not None and sender.link is not None:
            sender.send(frame.payloads, frame.timestamp, self._fanout.ntp(frame.ms))

    def _started(self, transport: RTCDtlsTransport) -> Link:
        if self._link is None:
            self._link = Link(transport)
            self._on_connected()
        if self.feed is not None:
            # Sound and picture start one after the other, and a keyframe may have come between.
            self._fanout.remove(self.feed)
        self.feed = Feed(self, self._clock.monotonic())
        self._fanout.add(self.feed, self._end)
        return self._link

    def _end(self) -> None:
        if self.feed is not None:
            self._fanout.remove(self.feed)
        if self._link is not None:
            self._link.close()
        super()._end()
