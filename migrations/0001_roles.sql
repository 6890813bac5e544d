-- Roles and extensions.
--
-- ":prefix" stands for the prefix of the role names (default "liveclass"): roles belong to the
-- whole cluster, so two installations in one cluster take two prefixes. The runner
-- (server/store/migrate.py) puts it in before it sends a file.
--
--   :prefix_owner      owns every table; only migrations act as it
--   :prefix_app        requests: bound to one tenant by row level security
--   :prefix_hub        live classes: the only one that may append to the log
--   :prefix_projector  folds the log into tables
--   :prefix_eraser     a person's right to erasure; nobody can log in as it
--
-- Whoever runs this file needs CREATEROLE and CREATE on the database, and becomes a member of
-- all of them. Where the server shall have a login of its own, grant it app, hub and projector.

DO $roles$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        ':prefix_owner', ':prefix_app', ':prefix_hub', ':prefix_projector', ':prefix_eraser'
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of this cluster was first
            END;
        END IF;
        -- Said even when it is so already: PostgreSQL 16 gives a role's creator the right to
        -- hand it on, but not yet the right to act as it.
        IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
            BEGIN
                EXECUTE format('GRANT %I TO %I', name, current_user);
            EXCEPTION WHEN unique_violation THEN
                NULL;
            END;
        END IF;
    END LOOP;
END
$roles$;

CREATE EXTENSION IF NOT EXISTS citext;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO :prefix_owner;
GRANT USAGE ON SCHEMA public TO :prefix_app, :prefix_hub, :prefix_projector, :prefix_eraser;
