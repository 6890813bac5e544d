-- Who may do what: row level security for requests, one grant per need for the others.

SET LOCAL ROLE :prefix_owner;

-- One policy shape: a request sees and writes the rows of its tenant, or, with no tenant set,
-- none. The other roles see all rows of the tables they are granted.
DO $policies$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY tenant ON %I TO :prefix_app '
            'USING (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)',
            name);
        EXECUTE format(
            'CREATE POLICY everyone ON %I TO :prefix_hub, :prefix_projector, :prefix_eraser '
            'USING (true)', name);
    END LOOP;
END
$policies$;

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tenants TO :prefix_app
    USING (id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY everyone ON tenants TO :prefix_hub, :prefix_projector, :prefix_eraser USING (true);

-- Requests: manage what is managed, read what the log says.
GRANT SELECT, INSERT, UPDATE ON tenants, users, courses, lessons, integrations TO :prefix_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    tenant_domains, roles, user_roles, multistream_destinations, webhook_endpoints, rest_requests
    TO :prefix_app;
GRANT DELETE ON courses, lessons, integrations TO :prefix_app;
GRANT SELECT, INSERT ON sessions, webhook_deliveries TO :prefix_app;
GRANT UPDATE (lesson_id, title, language, scheduled_at) ON sessions TO :prefix_app;
GRANT SELECT ON
    session_state_events, session_hubs, session_media, projections, studio_scenes, studio_assets,
    chat_messages, questions, question_votes, polls, poll_votes, session_destinations, recordings,
    recording_segments, artifacts, replays
    TO :prefix_app;
GRANT SELECT, INSERT ON session_participants TO :prefix_app;
GRANT UPDATE (role, permissions), DELETE ON session_participants TO :prefix_app;
-- Secrets are put and dropped by requests, and never read by them.
GRANT INSERT, DELETE, SELECT (id, tenant_id) ON secrets TO :prefix_app;
GRANT SELECT (one, log_id) ON installation TO :prefix_app;

-- Live classes: append to the log, own sessions, resolve stream keys.
GRANT SELECT, INSERT ON session_state_events TO :prefix_hub;
GRANT SELECT, INSERT, UPDATE, DELETE ON nodes, session_hubs, session_snapshots, session_media
    TO :prefix_hub;
GRANT SELECT ON
    tenants, tenant_domains, users, roles, user_roles, courses, lessons, sessions, integrations,
    multistream_destinations, session_participants, session_destinations, projections, recordings,
    recording_segments, artifacts, replays, installation
    TO :prefix_hub;
GRANT INSERT ON users TO :prefix_hub;
GRANT SELECT, UPDATE (ciphertext) ON secrets TO :prefix_hub;
GRANT INSERT, DELETE ON recording_segments TO :prefix_hub;

-- The projector: read the log, write what it says.
GRANT SELECT ON
    session_state_events, session_hubs, nodes, tenants, integrations, multistream_destinations
    TO :prefix_projector;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    projections, session_participants, studio_scenes, studio_assets, chat_messages, questions,
    question_votes, polls, poll_votes, session_destinations, recordings, recording_segments,
    artifacts, replays
    TO :prefix_projector;
GRANT SELECT, INSERT, UPDATE (display_name) ON users TO :prefix_projector;
GRANT SELECT, UPDATE (status, started_at, ended_at) ON sessions TO :prefix_projector;

-- Erasure: exactly what the trigger on the log lets through, and the person's row.
GRANT SELECT, UPDATE (event_payload, salt, command_digest) ON session_state_events
    TO :prefix_eraser;
GRANT SELECT, UPDATE ON users TO :prefix_eraser;
GRANT SELECT, DELETE ON session_snapshots TO :prefix_eraser;

RESET ROLE;
GRANT SELECT ON schema_migrations TO :prefix_app, :prefix_hub, :prefix_projector;
