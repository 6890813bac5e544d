// @ts-check
/** Publish the teacher's picture and sound (WHIP). */

import { Peer } from "./peer.js";

const MAX_BITRATE = 2_500_000;
const MAX_FRAMERATE = 30;

/**
 * @param {{session: string, token: string, stream: () => MediaStream,
 *   onState: (state: import("./peer.js").PeerState) => void}} options
 */
export function publisher({ session, token, stream, onState }) {
  return new Peer({
    url: `/v1/sessions/${session}/whip`,
    token,
    onState,
    prepare: async (connection) => {
      const media = stream();
      for (const track of media.getAudioTracks()) {
        connection.addTransceiver(track, { direction: "sendonly", streams: [media] });
      }
      for (const track of media.getVideoTracks()) {
        const transceiver = connection.addTransceiver(track, {
          direction: "sendonly",
          streams: [media],
          sendEncodings: [{ maxBitrate: MAX_BITRATE, maxFramerate: MAX_FRAMERATE }],
        });
        preferH264(transceiver);
        await keepResolution(transceiver.sender);
      }
    },
  });
}

/**
 * Send these tracks from now on, each in the place of the last one of its kind. A kind that the
 * connection does not carry needs another connection.
 * @param {Peer} peer @param {MediaStreamTrack[]} tracks
 */
export async function sendInstead(peer, tracks) {
  const places = peer.transceivers;
  for (const { receiver, sender } of places) {
    const track = tracks.find(({ kind }) => kind === receiver.track.kind) ?? null;
    if (sender.track !== track) await sender.replaceTrack(track);
  }
  if (tracks.some(({ kind }) => !places.some(({ receiver }) => receiver.track.kind === kind))) peer.renew();
}

/** H.264 goes to every platform as it is; VP8 costs a transcode. @param {RTCRtpTransceiver} transceiver */
function preferH264(transceiver) {
  const codecs = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
  const rank = (/** @type {RTCRtpCodec} */ { mimeType, sdpFmtpLine = "" }) =>
    ({ "video/h264": sdpFmtpLine.includes("packetization-mode=1") ? 0 : 1, "video/vp8": 2, "video/rtx": 3 })[
      mimeType.toLowerCase()
    ];
  const usable = codecs.filter((codec) => rank(codec) !== undefined);
  transceiver.setCodecPreferences(usable.sort((a, b) => Number(rank(a)) - Number(rank(b))));
}

/** A change of size in mid-stream breaks platforms: rather fewer bits per frame. @param {RTCRtpSender} sender */
async function keepResolution(sender) {
  for (const preference of ["maintain-framerate-and-resolution", "maintain-resolution"]) {
    try {
      const parameters = sender.getParameters();
      parameters.degradationPreference = /** @type {RTCDegradationPreference} */ (preference);
      await sender.setParameters(parameters);
      return;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // a name that this browser does not know
    }
  }
}
