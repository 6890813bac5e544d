-- What lets somebody in besides a signed token. Of the secrets only digests are kept.

SET LOCAL ROLE :prefix_owner;

-- For an encoder that publishes into one class; revoking one deletes it.
CREATE TABLE publish_tokens (
    id            uuid PRIMARY KEY,
    tenant_id     uuid NOT NULL,
    session_id    uuid NOT NULL,
    -- In whose name, and in which role, it publishes.
    user_id       uuid NOT NULL,
    role          text NOT NULL CHECK (role IN ('assistant', 'teacher', 'admin')),
    name          text NOT NULL,
    digest        bytea NOT NULL,
    -- What it published last: the publisher ends with it.
    resource      text,
    used_at       timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ON publish_tokens (session_id);

-- Links that sign somebody in once.
CREATE TABLE sign_in_codes (
    digest      bytea PRIMARY KEY,
    tenant_id   uuid NOT NULL,
    user_id     uuid NOT NULL,
    expires_at  timestamptz NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);

ALTER TABLE publish_tokens ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON publish_tokens TO :prefix_app
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY everyone ON publish_tokens TO :prefix_hub USING (true);
ALTER TABLE sign_in_codes ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON sign_in_codes TO :prefix_app
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY everyone ON sign_in_codes TO :prefix_hub USING (true);

GRANT SELECT, INSERT, UPDATE (resource, used_at), DELETE ON publish_tokens TO :prefix_app;
GRANT INSERT ON sign_in_codes TO :prefix_app;
-- Whose they are is known only once they are found.
GRANT SELECT ON publish_tokens TO :prefix_hub;
GRANT SELECT, DELETE ON sign_in_codes TO :prefix_hub;
