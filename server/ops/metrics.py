"""Every metric, declared once: base units, bounded labels, never an id of a session or person."""

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

# Live classes
sessions_live = Gauge("liveclass_sessions_live", "Sessions that this process owns.")
rooms = Gauge(
    "liveclass_rooms",
    "Classes that are open on this process: as owner, as follower, or waiting for the log.",
    ["role"],
)
sockets = Gauge("liveclass_sockets", "Open live sockets, by the role of their people.", ["role"])
sockets_closed = Counter(
    "liveclass_sockets_closed_total", "Live sockets closed, by close code.", ["code"]
)
commands = Counter(
    "liveclass_commands_total",
    "Commands answered: committed, unchanged, duplicate, or the code of a refusal.",
    ["type", "outcome"],
)
command_seconds = Histogram(
    "liveclass_command_seconds", "From the inbox to the answer.", ["type"], buckets=_FAST
)
events = Counter("liveclass_events_total", "Events committed.", ["type"])
fanout_seconds = Histogram(
    "liveclass_fanout_seconds", "Writing one batch to every peer.", buckets=_FAST
)
peers_behind = Gauge("liveclass_peers_behind", "Peers that do not take what is sent fast enough.")
resumes = Counter(
    "liveclass_resumes_total",
    "Welcomes, by the verdict on the position that the client came with: live, replay, snapshot.",
    ["kind"],
)
catch_ups = Counter(
    "liveclass_catch_ups_total",
    "What a peer that was not at the head was given: from the ring, or past it from the log or as "
    "a snapshot.",
    ["source"],
)
inbox_asks = Gauge("liveclass_inbox_asks", "Commands and reports that wait for all rooms.")
inbox_longest = Gauge(
    "liveclass_inbox_longest", "Those that wait for the room with the longest line, of 1,024."
)
presence_errors = Counter("liveclass_presence_errors_total", "Presence updates that failed.")

# Nodes
lease_taken = Counter(
    "liveclass_lease_taken_total",
    "Sessions that this process became the owner of, by who was before: nobody, itself, or another "
    "node, which had left or was dead.",
    ["before"],
)
lease_lost = Counter("liveclass_lease_lost_total", "Sessions that another process took over.")
links = Gauge(
    "liveclass_links",
    "Links to other nodes: connected from here, accepted from there.",
    ["state"],
)
links_lost = Counter("liveclass_links_lost_total", "Links from here that ended or never began.")
beat_age_seconds = Gauge(
    "liveclass_beat_age_seconds",
    "Since this node last renewed its life in the database; after 5 s others take its classes.",
)

# What the process rests on
outages = Counter(
    "liveclass_outages_total",
    "How often a part was away, or did not take what it was given: postgresql, log, redis, "
    "objects, spool, clock.",
    ["part"],
)

# PostgreSQL
store_append_seconds = Histogram(
    "liveclass_store_append_seconds", "One group commit to the log.", buckets=_FAST
)
append_events = Histogram(
    "liveclass_append_events",
    "Events in one group commit.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
)
append_failures = Counter(
    "liveclass_append_failures_total",
    "Batches of rooms that were not stored: fenced, poisoned, or the database was away.",
    ["reason"],
)
append_waiting = Gauge("liveclass_append_waiting", "Batches of rooms in line for a group commit.")
pool_in_use = Gauge(
    "liveclass_pool_in_use", "Connections to PostgreSQL that somebody holds.", ["role"]
)
projector_seconds = Histogram(
    "liveclass_projector_seconds",
    "From the word that a session has new events until its tables show them.",
    buckets=_FAST,
)
projector_lag_events = Gauge(
    "liveclass_projector_lag_events",
    "Committed events that no table shows yet, in the whole installation, looked up every 15 s.",
)
projector_stopped = Gauge(
    "liveclass_projector_stopped", "Sessions whose projection stopped at an event it cannot fold."
)

# Replays
replays_published = Counter(
    "liveclass_replays_published_total", "Replays published by this node when their time came."
)

# Recordings
recording_downloads = Counter(
    "liveclass_recording_downloads_total", "Recordings made one file, by outcome.", ["outcome"]
)

spool_free_bytes = Gauge(
    "liveclass_spool_free_bytes", "Free where recordings wait on the disk to be stored."
)

# Artifacts
artifacts_made = Counter(
    "liveclass_artifacts_made_total", "Artifacts that classes were told to add, change or remove."
)

# People's data
removals = Counter(
    "liveclass_removals_total", "Classes of which something was kept no longer.", ["kind"]
)

# Webhooks
webhook_deliveries = Counter(
    "liveclass_webhook_deliveries_total",
    "Attempts to deliver a message: it was taken, waits for the next try, or was given up.",
    ["outcome"],
)

# What teachers upload
uploads = Counter(
    "liveclass_uploads_total", "Uploads worked on, by what became of it.", ["outcome"]
)

# Media, as the media worker reports it once a second of the classes that this process owns
publishers = Gauge("liveclass_publishers", "Teachers' uplinks, by how they do.", ["state"])
publisher_lost_packets = Counter(
    "liveclass_publisher_lost_packets_total", "Packets of teachers that never came."
)
recordings = Gauge("liveclass_recordings", "Recordings that go on, by how they do.", ["state"])
recording_backlog_seconds = Gauge(
    "liveclass_recording_backlog_seconds",
    "What is recorded and waits on the disk to be stored, in seconds of media.",
)
destinations = Gauge(
    "liveclass_destinations", "Destinations in use, by how they do.", ["provider", "state"]
)
destination_bits = Gauge(
    "liveclass_destination_bits_per_second", "Sent to all destinations of a provider.", ["provider"]
)
destination_lag_seconds = Gauge(
    "liveclass_destination_lag_seconds", "How late the latest of a provider is.", ["provider"]
)
destination_bytes = Counter(
    "liveclass_destination_bytes_total", "Sent to destinations.", ["provider"]
)
destination_dropped = Counter(
    "liveclass_destination_dropped_total",
    "Pictures and sounds that a destination was too slow for.",
    ["provider"],
)
destination_connects = Counter(
    "liveclass_destination_connects_total", "Connections made to destinations.", ["provider"]
)
destination_errors = Counter(
    "liveclass_destination_errors_total",
    "Connections to destinations that failed or were lost, by why.",
    ["provider", "code"],
)

# REST and the process
rest_requests = Counter(
    "liveclass_rest_requests_total", "Requests answered.", ["method", "route", "status"]
)
rest_seconds = Histogram(
    "liveclass_rest_seconds", "Time to answer.", ["method", "route"], buckets=_FAST
)
loop_lag_seconds = Histogram(
    "liveclass_loop_lag_seconds", "How late the event loop runs.", buckets=_FAST
)
