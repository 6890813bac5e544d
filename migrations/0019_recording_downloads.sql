-- Recordings as one file each, made when somebody asks for it. What a recording's segments are is
-- in the object store, beside them: no table repeats it.

SET LOCAL ROLE :prefix_owner;

DROP TABLE recording_segments;

-- Not a projection: a log that is folded again leaves it as it is.
CREATE TABLE recording_downloads (
    recording_id  uuid PRIMARY KEY,
    tenant_id     uuid NOT NULL,
    session_id    uuid NOT NULL,
    status        text NOT NULL DEFAULT 'queued'
                  CHECK (status IN ('queued', 'working', 'ready', 'failed')),
    progress      int NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
    reason        text CHECK ((status = 'failed') = (reason IS NOT NULL)),
    bytes         bigint CHECK ((status = 'ready') = (bytes IS NOT NULL)),
    attempts      int NOT NULL DEFAULT 0,
    lease         uuid,
    leased_until  timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX ON recording_downloads (session_id);
CREATE INDEX ON recording_downloads (created_at) WHERE status IN ('queued', 'working');

ALTER TABLE recording_downloads ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON recording_downloads TO :prefix_app
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY everyone ON recording_downloads TO :prefix_hub, :prefix_projector USING (true);

GRANT SELECT, INSERT, UPDATE (status, progress, reason, attempts) ON recording_downloads
    TO :prefix_app;
GRANT SELECT, UPDATE ON recording_downloads TO :prefix_hub;
-- Whoever removes recordings ends what is made of them.
GRANT SELECT, DELETE ON recording_downloads TO :prefix_projector;

RESET ROLE;
