"""Every number that both sides rely on. What an operator may set is in ``server.config``."""

SUBPROTOCOL = "liveclass.v1.json"

# Frames
FRAME_BYTES = 65_536
"""A larger frame from a client is a protocol error (4501)."""
WEBSOCKET_BYTES = 1 << 20
"""A larger message is closed by the WebSocket layer itself (1009)."""
EVENTS_PER_FRAME = 64
EVENTS_FRAME_BYTES = 256 * 1024
SNAPSHOT_BYTES = 256 * 1024

# How long a text may be, in characters
SHORT_TEXT_LENGTH = 200
"""A name, a title, an option of a poll, what is looked for."""
TEXT_LENGTH = 2_000
"""A message, an answer, a description."""
PROMPT_LENGTH = 1_000
"""A question, a student's or a poll's, and a note."""
EMAIL_LENGTH = 254
URL_LENGTH = 2_000
STREAM_KEY_LENGTH = 1_000

# What a snapshot keeps; the fold trims as it goes, on both sides alike: first by number, …
SNAPSHOT_MESSAGES = 200
SNAPSHOT_QUESTIONS = 500
SNAPSHOT_FINISHED_POLLS = 20
SNAPSHOT_STROKES = 2_000
SNAPSHOT_CAPTIONS = 5

# … then by weight (``protocol.trimming``), so that the whole never exceeds SNAPSHOT_BYTES.
MESSAGES_BYTES = 40 * 1024
PINNED_BYTES = 14 * 1024
QUESTIONS_BYTES = 48 * 1024
POLLS_BYTES = 20 * 1024
SCENES_BYTES = 12 * 1024
HANDS_BYTES = 11 * 1024
PEOPLE_BYTES = 22 * 1024
DESTINATIONS_BYTES = 3 * 1024
ASSETS_BYTES = 8 * 1024
STROKES_BYTES = 64 * 1024
ARTIFACTS_BYTES = 8 * 1024
CAPTIONS_BYTES = 4 * 1024

# What an item weighs before its free texts: at least the rest of its JSON, comma included.
MESSAGE_WEIGHT = 226
PINNED_WEIGHT = 160
QUESTION_WEIGHT = 184
POLL_WEIGHT = 320
SCENE_WEIGHT = 110
SCENE_ITEM_WEIGHT = 80
HAND_WEIGHT = 90
PERSON_WEIGHT = 160
GRANT_WEIGHT = 10
DESTINATION_WEIGHT = 130
ASSET_WEIGHT = 140
STROKE_WEIGHT = 230
ARTIFACT_WEIGHT = 150
CAPTION_WEIGHT = 116

# Phases and liveness
HELLO_SECONDS = 10.0
CONNECTIONS_WITHOUT_HELLO = 5_000
"""A whole school may come back at once behind one address; each costs some 15 kB for so long."""
HEARTBEAT_INTERVAL_MS = 25_000
HEARTBEAT_TIMEOUT_MS = 10_000
TOKEN_GRACE_SECONDS = 25.0
STALLED_SECONDS = 15.0
END_GRACE_SECONDS = 10.0

# Input
COMMANDS_PER_SECOND = 10
COMMAND_BURST = 20
IN_FLIGHT = 32
SIGNALS_PER_SECOND = 10
SIGNAL_BURST = 20
ABUSE_FACTOR = 10
"""A client this many times over its rate is closed with 4513."""

# The ephemeral lane
PRESENCE_COALESCE_MS = 500
SIGNAL_COALESCE_MS = 250
COUNTERS_COALESCE_MS = 250
DROPPED_SECONDS = 30.0
"""How long somebody who lost every connection is shown as ``dropped`` before they left."""
ROSTER_FULL_PEOPLE = 200
"""Above this, students get counts and staff only."""
ROSTER_FULL_STAFF = 500
"""Above this, staff do too, and page through the rest: a frame stays below 1 MiB, whatever the
names."""
ROSTER_PAGE = 200
