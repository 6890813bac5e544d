// @ts-check
/** What other systems can be told of, as protocol/rest/webhooks.py has it. */

export const EVENTS = [
  "session.started", "session.ended", "session.archived", "recording.finalized", "recording.failed", "replay.published",
  "replay.unpublished", "destination.live", "destination.failed", "participant.joined", "participant.left",
];
/** These name people: only who asks is told. */
export const PERSONAL = ["participant.joined", "participant.left"];
