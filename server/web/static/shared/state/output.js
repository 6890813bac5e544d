// @ts-check
/**
 * What leaves the class: streams, recordings, captions, artifacts, the replay.
 *
 * @typedef {{status: "enabled"|"disabled"|"failed", phase: string, code: string|null,
 *   attempt: number}} Destination
 * @typedef {{recording: string, status: "recording"|"stopped"|"finalized"|"failed"}} Recording
 * @typedef {{text: string, start_ms: number, end_ms: number, language: string}} Caption
 * @typedef {{artifact: string, artifact_type: "transcript"|"chapter"|"highlight"|"note",
 *   title: string|null, start_ms: number|null, touched: number}} Artifact
 * @typedef {{replay: string, status: "draft"|"published", publish_at: string|null}} Replay
 * @typedef {import("../state.js").Change} Change
 */

import * as limits from "./limits.js";
import { fit, fitValues, jsonBytes } from "./trimming.js";

/** @type {Record<string, Change>} */
export const output = {
  "destination.enabled": ({ destinations }, { destination }) => ({
    destinations: fitDestinations({
      ...destinations,
      [destination]: { status: "enabled", phase: "enabled", code: null, attempt: 0 },
    }),
  }),
  "destination.disabled": moves({ status: "disabled" }),
  "destination.retry_requested": moves({ status: "enabled" }),
  "destination.connecting": moves(),
  "destination.live": moves(),
  "destination.degraded": moves(),
  "destination.recovered": moves(),
  "destination.retry_scheduled": moves(),
  "destination.failed": moves({ status: "failed" }),
  "destination.stopped": moves(),
  "destination.switched": () => ({}), // told once and not kept

  "recording.started": (_state, { recording }) => ({
    recording: { recording, status: "recording" },
  }),
  "recording.stopped": recordingBecomes("stopped"),
  "recording.finalized": recordingBecomes("finalized"),
  "recording.failed": recordingBecomes("failed"),

  "caption.added": ({ captions }, { text, start_ms, end_ms, language }) => ({
    captions: fit([...captions, { text, start_ms, end_ms, language }], {
      budget: limits.CAPTIONS_BYTES,
      weight: (caption) => limits.CAPTION_WEIGHT + jsonBytes(caption.text),
      most: limits.SNAPSHOT_CAPTIONS,
    }),
  }),

  "chapter.marked": marks("chapter"),
  "highlight.marked": marks("highlight"),
  "note.added": ({ artifacts }, { artifact, start_ms }, { sequence }) => ({
    artifacts: kept(artifacts, { artifact, artifact_type: "note", title: null, start_ms, touched: sequence }),
  }),
  "artifact.created": ({ artifacts }, { artifact, artifact_type, payload }, { sequence }) => ({
    artifacts: kept(artifacts, { artifact, artifact_type, ...described(payload), touched: sequence }),
  }),
  "artifact.edited": ({ artifacts }, { artifact, payload }, { sequence }) => ({
    artifacts: fitArtifacts(artifacts.map((each) =>
      each.artifact === artifact ? { ...each, ...described(payload), touched: sequence } : each,
    )),
  }),
  "artifact.removed": ({ artifacts }, { artifact }) => ({
    artifacts: artifacts.filter((each) => each.artifact !== artifact),
  }),

  "replay.scheduled": replayed(({ publish_at }) => ({ publish_at: publish_at ?? null })),
  "replay.published": replayed(() => ({ status: "published", publish_at: null })),
  "replay.unpublished": replayed(() => ({ status: "draft" })),
};

/**
 * A destination that is known takes the phase its event is named after.
 * @param {Partial<Destination>} [change]
 * @returns {Change}
 */
function moves(change = {}) {
  return ({ destinations }, { destination, code, attempt }, { type }) => {
    if (!Object.hasOwn(destinations, destination)) return {};
    const known = destinations[destination];
    const phase = type.slice("destination.".length);
    const moved = { ...known, ...change, phase, code: code ?? null, attempt: attempt ?? known.attempt };
    return { destinations: fitDestinations({ ...destinations, [destination]: moved }) };
  };
}

/** @param {Recording["status"]} status @returns {Change} */
function recordingBecomes(status) {
  return ({ recording: newest }, { recording }) =>
    newest?.recording === recording ? { recording: { recording, status } } : {};
}

/** A moment became an artifact. @param {"chapter"|"highlight"} artifact_type @returns {Change} */
function marks(artifact_type) {
  return ({ artifacts }, { artifact, title, start_ms }, { sequence }) => ({
    artifacts: kept(artifacts, { artifact, artifact_type, title: title ?? null, start_ms, touched: sequence }),
  });
}

/** What is shown of an artifact's content. @param {{title?: string, start_ms?: number}} payload */
function described({ title, start_ms }) {
  return { title: title ?? null, start_ms: start_ms ?? null };
}

/** @param {(data: any) => Partial<Replay>} change @returns {Change} */
function replayed(change) {
  return ({ replay }, data) => ({
    replay: {
      ...(replay ?? { replay: data.replay, status: "draft", publish_at: null }),
      ...change(data),
    },
  });
}

/** @param {Artifact[]} artifacts @param {Artifact} added */
function kept(artifacts, added) {
  const others = artifacts.filter(({ artifact }) => artifact !== added.artifact);
  return fitArtifacts([...others, added]);
}

/** @param {Artifact[]} artifacts */
function fitArtifacts(artifacts) {
  return fit(artifacts, {
    budget: limits.ARTIFACTS_BYTES,
    weight: ({ title }) => limits.ARTIFACT_WEIGHT + jsonBytes(title),
  });
}

/** @param {Record<string, Destination>} destinations */
function fitDestinations(destinations) {
  return fitValues(destinations, {
    budget: limits.DESTINATIONS_BYTES,
    weight: ({ code }) => limits.DESTINATION_WEIGHT + jsonBytes(code),
    last: ({ status }) => status === "enabled",
  });
}
