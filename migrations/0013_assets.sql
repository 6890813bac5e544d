-- What teachers upload: its way to becoming an asset, and the text of slides.

SET LOCAL ROLE :prefix_owner;

CREATE TABLE uploads (
    id            uuid PRIMARY KEY,
    tenant_id     uuid NOT NULL,
    session_id    uuid NOT NULL,
    -- In whose name, and in which role, the asset is added.
    user_id       uuid NOT NULL,
    role          text NOT NULL CHECK (role IN ('assistant', 'teacher', 'admin')),
    name          text NOT NULL,
    content_type  text NOT NULL,
    bytes         bigint NOT NULL CHECK (bytes > 0),
    status        text NOT NULL DEFAULT 'pending'
                  CHECK (status IN ('pending', 'processing', 'ready', 'failed')),
    reason        text CHECK ((status = 'failed') = (reason IS NOT NULL)),
    pages         int,
    pages_done    int NOT NULL DEFAULT 0,
    asset_id      uuid CHECK ((status = 'ready') = (asset_id IS NOT NULL)),
    attempts      int NOT NULL DEFAULT 0,
    lease         uuid,
    leased_until  timestamptz,
    expires_at    timestamptz NOT NULL,
    -- When nothing was left any more of where it had been sent.
    emptied_at    timestamptz,
    -- When it was decided what remains of an asset that was taken out of its class.
    settled_at    timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ON uploads (session_id, id);
CREATE INDEX ON uploads (asset_id);
CREATE INDEX ON uploads (created_at) WHERE status = 'processing';
CREATE INDEX ON uploads (expires_at) WHERE emptied_at IS NULL;
CREATE INDEX ON uploads (id) WHERE status = 'ready' AND settled_at IS NULL;

-- Not a projection: a log that is folded again leaves it as it is.
CREATE TABLE asset_pages (
    tenant_id   uuid NOT NULL,
    session_id  uuid NOT NULL,
    asset_id    uuid NOT NULL,
    page        int NOT NULL,
    text        text NOT NULL,
    search      tsvector,
    PRIMARY KEY (asset_id, page),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX ON asset_pages (session_id);
CREATE INDEX ON asset_pages USING gin (search);

ALTER TABLE uploads ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON uploads TO :prefix_app
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY everyone ON uploads TO :prefix_hub USING (true);
ALTER TABLE asset_pages ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON asset_pages TO :prefix_app
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY everyone ON asset_pages TO :prefix_hub, :prefix_projector USING (true);

GRANT SELECT, INSERT, UPDATE (status) ON uploads TO :prefix_app;
GRANT SELECT ON asset_pages TO :prefix_app;
GRANT SELECT, UPDATE, DELETE ON uploads TO :prefix_hub;
GRANT SELECT, INSERT, DELETE ON asset_pages TO :prefix_hub;
-- Whoever removes a class removes its words.
GRANT SELECT, DELETE ON asset_pages TO :prefix_projector;
GRANT SELECT ON studio_assets TO :prefix_hub;

RESET ROLE;
