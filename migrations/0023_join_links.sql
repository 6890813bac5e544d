-- Links that let a whole class in: each makes whoever opens it, and says a name, a student of it.

SET LOCAL ROLE :prefix_owner;

-- The code of a link is computed from its id (server/auth/join_links.py): nothing secret is here.
-- Revoking one deletes it.
CREATE TABLE join_links (
    id          uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL,
    session_id  uuid NOT NULL,
    -- Who made it, and is named to those who open it.
    user_id     uuid NOT NULL,
    -- Null: with the class.
    expires_at  timestamptz,
    max_uses    int NOT NULL CHECK (max_uses > 0),
    uses        int NOT NULL DEFAULT 0 CHECK (uses <= max_uses),
    created_at  timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ON join_links (session_id);

ALTER TABLE join_links ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON join_links TO :prefix_app
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY everyone ON join_links TO :prefix_hub USING (true);

GRANT SELECT, INSERT, DELETE ON join_links TO :prefix_app;
-- Whose one is is known only once it is found.
GRANT SELECT, UPDATE (uses) ON join_links TO :prefix_hub;

RESET ROLE;
