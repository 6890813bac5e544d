-- What classes leave behind by themselves: of which it was made, and what an edit is up to date with.

SET LOCAL ROLE :prefix_owner;

-- The sequence of the last event about it: a change may ask for it to be the last still.
ALTER TABLE artifacts ADD COLUMN touched bigint NOT NULL DEFAULT 0;
UPDATE artifacts SET touched = source_sequence;

-- Made of the log up to ``sequence``; while that is null, by whoever has claimed it.
CREATE TABLE artifact_runs (
    session_id     uuid PRIMARY KEY,
    tenant_id      uuid NOT NULL,
    claimed_until  timestamptz NOT NULL,
    sequence       bigint,
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE
);
ALTER TABLE artifact_runs ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON artifact_runs TO :prefix_app
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY everyone ON artifact_runs TO :prefix_hub USING (true);
GRANT SELECT, INSERT, UPDATE ON artifact_runs TO :prefix_hub;
CREATE INDEX ON sessions (ended_at) WHERE status = 'ended';

RESET ROLE;
