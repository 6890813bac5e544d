"""A viewer: WHEP (draft-ietf-wish-whep), the bus out to one peer, packetized once for all."""

from collections.abc import Callable

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from server.media import aiortc_seam, h264, sdp
from server.media.aiortc_seam import Payloads
from server.media.bus import VIEWER_LIMITS, Bus, EncodedUnit, Kind, Subscription
from server.media.peer import Peer


def _rtp(unit: EncodedUnit) -> Payloads:
    if unit.kind is Kind.OPUS:
        return Payloads([unit.data], unit.dts_ms * 48)
    nals = list(h264.split_lengths(unit.data))
    if unit.key and unit.parameters is not None:
        # In band with every keyframe: a viewer may join at any of them.
        nals = [unit.parameters.sps, unit.parameters.pps, *nals]
    return Payloads(aiortc_seam.packetize_h264(nals), unit.dts_ms * 90)


class _BusTrack(MediaStreamTrack):
    """A track that yields what the bus carries."""

    def __init__(self, kind: str, subscription: Subscription) -> None:
        super().__init__()
        self.kind = kind
        self._subscription = subscription

    async def recv(self) -> Payloads:  # type: ignore[override]  # aiortc passes it on as it is
        """Return the payloads of the next unit.

        Raises:
            MediaStreamError: When the subscription is over.

        """
        unit = await self._subscription.get()
        if unit is None:
            raise MediaStreamError
        return unit.once(_rtp)


class Viewer(Peer):
    """One viewer's connection."""

    def __init__(
        self,
        user: str,
        created_at: float,
        *,
        bus: Bus,
        on_closed: Callable[[], None],
    ) -> None:
        super().__init__(user, created_at, on_closed)
        self._bus = bus
        self._subscriptions = [
            bus.subscribe(frozenset({Kind.VIDEO}), VIEWER_LIMITS),
            bus.subscribe(frozenset({Kind.OPUS}), VIEWER_LIMITS, from_keyframe=False),
        ]

    def prepare(self, kinds: frozenset[str]) -> None:
        """Send what is asked for."""
        for kind, subscription in zip(("video", "audio"), self._subscriptions, strict=True):
            if kind not in kinds:
                continue
            transceiver = self.pc.addTransceiver(kind, direction="sendonly")
            transceiver.sender.replaceTrack(_BusTrack(kind, subscription))
            aiortc_seam.send_payloads(transceiver.sender)
            if kind == "video":
                aiortc_seam.on_keyframe_request(transceiver.sender, self._bus.want_keyframe)
        self.prefer_codecs()

    def check(self) -> None:
        """Refuse a viewer that cannot show H.264."""
        if self.negotiated_video() not in ("H264", None):
            raise sdp.UnacceptableOfferError(
                422, "unsupported_codec", "H.264 is required: offer to receive H.264."
            )

    def _changed(self) -> None:
        was = self.connected
        super()._changed()
        if self.connected and not was:
            self._bus.want_keyframe()

    def _end(self) -> None:
        for subscription in self._subscriptions:
            self._bus.unsubscribe(subscription)
        super()._end()
