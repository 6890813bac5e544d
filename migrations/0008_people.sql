-- People's data: how long a tenant keeps it, what was removed, and by what a given role is named.

SET LOCAL ROLE :prefix_owner;

-- Days after the end of a class; null: for as long as the tenant is there.
ALTER TABLE tenants
    ADD COLUMN recordings_days int CHECK (recordings_days BETWEEN 1 AND 36500),
    ADD COLUMN chat_days int CHECK (chat_days BETWEEN 1 AND 36500),
    ADD COLUMN sessions_days int CHECK (sessions_days BETWEEN 1 AND 36500);
CREATE INDEX ON sessions (tenant_id, ended_at) WHERE ended_at IS NOT NULL;

ALTER TABLE user_roles ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid(), ADD UNIQUE (id);

-- A class that never began goes with what was put down for it; its log, if it has one, keeps it.
ALTER TABLE session_participants
    DROP CONSTRAINT session_participants_tenant_id_session_id_fkey,
    ADD FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE session_hubs
    DROP CONSTRAINT session_hubs_tenant_id_session_id_fkey,
    ADD FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE session_media
    DROP CONSTRAINT session_media_tenant_id_session_id_fkey,
    ADD FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE session_snapshots
    DROP CONSTRAINT session_snapshots_tenant_id_session_id_fkey,
    ADD FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE;
ALTER TABLE projections
    DROP CONSTRAINT projections_tenant_id_session_id_fkey,
    ADD FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE;
GRANT DELETE ON sessions TO :prefix_app;

-- An erasure is of a person, or of what a tenant keeps of a class no longer.
ALTER TABLE erasures
    ALTER COLUMN user_id DROP NOT NULL,
    ADD COLUMN session_id uuid,
    ADD COLUMN kind text NOT NULL DEFAULT 'person'
        CHECK (kind IN ('person', 'recordings', 'chat', 'session')),
    ADD COLUMN objects int NOT NULL DEFAULT 0,
    ADD CHECK ((kind = 'person') = (user_id IS NOT NULL)),
    ADD CHECK ((kind = 'person') = (session_id IS NULL)),
    ADD FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id);
CREATE UNIQUE INDEX ON erasures (session_id, kind);
CREATE INDEX ON erasures (user_id);
GRANT UPDATE (objects) ON erasures TO :prefix_eraser;

-- What one person has said is looked for when they ask for it.
CREATE INDEX ON chat_messages (user_id);
CREATE INDEX ON questions (user_id);
CREATE INDEX ON question_votes (user_id);
CREATE INDEX ON poll_votes (user_id);
CREATE INDEX ON artifacts (user_id);

RESET ROLE;
GRANT CREATE ON SCHEMA public TO :prefix_eraser;
SET LOCAL ROLE :prefix_eraser;

-- Return the erasure of what a class leaves of this kind: a new one, or the one that there is.
CREATE FUNCTION begin_removal(of_tenant uuid, of_session uuid, what text, new_id uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO erasures (id, tenant_id, session_id, kind)
    VALUES (new_id, of_tenant, of_session, what)
    ON CONFLICT (session_id, kind) DO NOTHING;
    RETURN (SELECT id FROM erasures WHERE session_id = of_session AND kind = what);
END
$$;

CREATE FUNCTION count_removed(erasure uuid, removed int) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE erasures SET objects = objects + removed WHERE id = erasure
$$;

REVOKE EXECUTE ON FUNCTION begin_removal(uuid, uuid, text, uuid), count_removed(uuid, int)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_removal(uuid, uuid, text, uuid), count_removed(uuid, int)
    TO :prefix_projector;

RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM :prefix_eraser;
