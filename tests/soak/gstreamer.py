"""Publish by WHIP with GStreamer's webrtcbin, which says what becomes of it on standard output.

For the system's Python, which has GStreamer's bindings (python3-gi, gir1.2-gst-plugins-bad-1.0):
``/usr/bin/python3 gstreamer.py URL TOKEN``. It is no part of the tests' own process.
"""

import sys
import urllib.request

import gi

for _name in ("Gst", "GstSdp", "GstWebRTC"):
    gi.require_version(_name, "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

PIPELINE = """
webrtcbin name=peer bundle-policy=max-bundle
videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=15/1
  ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30 bframes=0 bitrate=800
  ! video/x-h264,profile=constrained-baseline ! h264parse
  ! rtph264pay config-interval=-1 aggregate-mode=zero-latency
  ! application/x-rtp,media=video,encoding-name=H264,payload=96 ! peer.
audiotestsrc is-live=true wave=ticks ! audioconvert ! audioresample ! opusenc ! rtpopuspay
  ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! peer.
"""


def main(url: str, token: str) -> None:
    """Publish until killed."""
    Gst.init(None)
    pipeline = Gst.parse_launch(PIPELINE)
    peer = pipeline.get_by_name("peer")

    def offer(*_: object) -> None:
        for number in range(2):
            transceiver = peer.emit("get-transceiver", number)
            transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
        peer.emit("create-offer", None, Gst.Promise.new_with_change_func(offered))

    def offered(promise: Gst.Promise, *_: object) -> None:
        promise.wait()
        # Kept by a name while it is used: it owns the offer.
        reply = promise.get_reply()
        peer.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

    def gathered(*_: object) -> None:
        complete = GstWebRTC.WebRTCICEGatheringState.COMPLETE
        if peer.get_property("ice-gathering-state") == complete:
            GLib.idle_add(post)

    def post() -> None:
        sdp = peer.get_property("local-description").sdp.as_text()
        headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {token}"}
        request = urllib.request.Request(url, sdp.encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            _, answer = GstSdp.SDPMessage.new_from_text(response.read().decode())
            print("resource", response.headers["Location"], flush=True)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, answer)
        peer.emit("set-remote-description", description, Gst.Promise.new())

    def changed(*_: object) -> None:
        print("state", peer.get_property("connection-state").value_nick, flush=True)

    peer.connect("on-negotiation-needed", offer)
    peer.connect("notify::ice-gathering-state", gathered)
    peer.connect("notify::connection-state", changed)
    pipeline.set_state(Gst.State.PLAYING)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:3])
