"""Every number that both sides rely on. What an operator may set is in ``server.config``."""

SUBPROTOCOL = "liveclass.v1.json"

# Frames (PROTOCOL §1, §2)
FRAME_BYTES = 65_536
"""A larger frame from a client is a protocol error (4501)."""
WEBSOCKET_BYTES = 1 << 20
"""A larger message is closed by the WebSocket layer itself (1009)."""
EVENTS_PER_FRAME = 64
EVENTS_FRAME_BYTES = 256 * 1024
SNAPSHOT_BYTES = 256 * 1024

# What a snapshot keeps; the fold trims as it goes, on both sides alike.
SNAPSHOT_MESSAGES = 200
SNAPSHOT_QUESTIONS = 500
SNAPSHOT_FINISHED_POLLS = 20

# Phases and liveness
HELLO_SECONDS = 10.0
CONNECTIONS_WITHOUT_HELLO = 200
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

# The ephemeral lane (PROTOCOL §4)
PRESENCE_COALESCE_MS = 500
SIGNAL_COALESCE_MS = 250
COUNTERS_COALESCE_MS = 250
DROPPED_SECONDS = 30.0
"""How long somebody who lost every connection is shown as ``dropped`` before they left."""
ROSTER_FULL_PEOPLE = 200
"""Above this, students get counts and staff only."""
ROSTER_PAGE = 200
