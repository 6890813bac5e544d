-- Webhooks: what each endpoint is told of, from a cursor over the log of every session.

SET LOCAL ROLE :prefix_owner;

ALTER TABLE webhook_endpoints
    ADD COLUMN description          text NOT NULL DEFAULT '',
    -- It hears what happens from here on: made, or enabled again.
    ADD COLUMN since                timestamptz NOT NULL DEFAULT now(),
    -- While a new secret spreads, the one before signs too.
    ADD COLUMN previous_secret_ref  text,
    ADD COLUMN previous_until       timestamptz,
    -- Since when nothing has been delivered although it was tried.
    ADD COLUMN failing_since        timestamptz,
    ADD COLUMN disabled_reason      text CHECK (disabled_reason IN ('asked', 'failing', 'gone')),
    ADD CHECK ((status = 'disabled') = (disabled_reason IS NOT NULL)),
    ADD UNIQUE (tenant_id, url);

-- A delivery names its event and holds nothing of it: what is sent is read from the log, so that
-- whoever is erased there is erased here. One without a session is a ping.
ALTER TABLE webhook_deliveries
    DROP COLUMN body,
    ADD COLUMN session_id   uuid,
    ADD COLUMN sequence     bigint,
    ADD COLUMN event_id     uuid NOT NULL,
    ADD COLUMN last_status  int,
    ADD COLUMN tried_at     timestamptz,
    ADD CHECK ((session_id IS NULL) = (sequence IS NULL)),
    ADD UNIQUE (endpoint_id, session_id, sequence),
    ADD FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
        ON DELETE CASCADE;
DROP INDEX webhook_deliveries_next_at_idx;
CREATE INDEX ON webhook_deliveries (endpoint_id, next_at) WHERE status = 'pending';
CREATE INDEX ON webhook_deliveries (endpoint_id, session_id, sequence) WHERE status = 'pending';
CREATE INDEX ON webhook_deliveries (endpoint_id, id);
CREATE INDEX ON webhook_deliveries (session_id);
CREATE INDEX ON webhook_deliveries (created_at) WHERE status <> 'pending';

-- How far the log of a session has been looked through for what its tenant's endpoints want.
CREATE TABLE webhook_cursors (
    session_id  uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL,
    sequence    bigint NOT NULL DEFAULT 0,
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE
);
ALTER TABLE webhook_cursors ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON webhook_cursors TO :prefix_app
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY everyone ON webhook_cursors TO :prefix_hub USING (true);

GRANT UPDATE ON webhook_deliveries TO :prefix_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_deliveries, webhook_cursors TO :prefix_hub;
GRANT SELECT,
    UPDATE (status, failing_since, disabled_reason, previous_secret_ref, previous_until)
    ON webhook_endpoints TO :prefix_hub;
-- A secret that signs no more is forgotten.
GRANT DELETE ON secrets TO :prefix_hub;

RESET ROLE;
