// @ts-check
/** Watch the teacher's picture and sound, or the sound alone (WHEP). */

import { Peer } from "./peer.js";

/**
 * @param {{session: string, token: string, stream: MediaStream, isOnAir: () => boolean,
 *   wantsPicture: () => boolean,
 *   onState: (state: import("./peer.js").PeerState) => void}} options `stream` gets the tracks;
 *   while `isOnAir()`, a connection whose picture stands still is started anew.
 */
export function watcher({ session, token, stream, isOnAir, wantsPicture, onState }) {
  return new Peer({
    url: `/v1/sessions/${session}/whep`,
    token,
    onState,
    mustFlow: () => isOnAir() && wantsPicture(),
    prepare: (connection) => {
      if (wantsPicture()) connection.addTransceiver("video", { direction: "recvonly" });
      else for (const track of stream.getVideoTracks()) stream.removeTrack(track);
      connection.addTransceiver("audio", { direction: "recvonly" });
      connection.ontrack = ({ track }) => {
        // A new connection's tracks replace the last one's; its last picture stays until then.
        for (const old of stream.getTracks()) if (old.kind === track.kind) stream.removeTrack(old);
        stream.addTrack(track);
      };
    },
  });
}
