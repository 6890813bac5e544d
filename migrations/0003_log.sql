-- The log: one immutable, gapless, fenced sequence of events per session.

SET LOCAL ROLE :prefix_owner;

CREATE TABLE session_state_events (
    id                uuid PRIMARY KEY,
    tenant_id         uuid NOT NULL,
    session_id        uuid NOT NULL,
    sequence          bigint NOT NULL CHECK (sequence > 0),
    event_type        text NOT NULL,
    event_version     smallint NOT NULL DEFAULT 1,
    event_payload     jsonb NOT NULL,
    actor_id          uuid,
    -- Of the first event of a command: its key, hashed with its user. Of the others: null,
    -- and the sequence of the first.
    idempotency_key   text,
    command_sequence  bigint,
    command_digest    bytea,
    salt              bytea,
    payload_digest    bytea NOT NULL,
    digest            bytea NOT NULL,
    created_at        timestamptz NOT NULL,
    UNIQUE (session_id, sequence),
    UNIQUE (session_id, idempotency_key),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
);

CREATE FUNCTION refuse_change_of_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A person's right to erasure is the one exception: their words and the salts go, and what
    -- the digests are made of stays.
    IF TG_OP = 'UPDATE' AND current_user = ':prefix_eraser' THEN
        OLD.event_payload := NEW.event_payload;
        OLD.salt := NEW.salt;
        OLD.command_digest := NEW.command_digest;
        IF OLD IS NOT DISTINCT FROM NEW THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'session_state_events is append-only: % refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON session_state_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_log();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON session_state_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_log();

-- One row per process; it also holds the advisory lock (1279477588, incarnation).
CREATE TABLE nodes (
    node         text PRIMARY KEY,
    incarnation  int NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    url          text NOT NULL,
    expires_at   timestamptz NOT NULL
);

-- Who may append. Changes only on take-over: appends hold it FOR SHARE.
CREATE TABLE session_hubs (
    session_id  uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL,
    epoch       bigint NOT NULL CHECK (epoch > 0),
    node        text NOT NULL,
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
) WITH (fillfactor = 50);
CREATE INDEX ON session_hubs (node);

-- Which media worker has a session.
CREATE TABLE session_media (
    session_id  uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL,
    worker      text NOT NULL,
    url         text NOT NULL,
    epoch       bigint NOT NULL,
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
);

-- The newest saved fold of each session, so that opening a room need not read its whole log.
CREATE TABLE session_snapshots (
    session_id  uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL,
    sequence    bigint NOT NULL,
    version     int NOT NULL,
    state       bytea NOT NULL,
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
);

-- How far each session's tables follow its log; a session with an error waits for a person.
CREATE TABLE projections (
    session_id  uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL,
    sequence    bigint NOT NULL DEFAULT 0,
    error       text,
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
);

-- The identity of this log, and the Ed25519 key (seed) that signs the heads of its chains.
-- A copy that goes on separately (a restored backup) takes a new log_id.
CREATE TABLE installation (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    log_id  uuid NOT NULL,
    key     bytea NOT NULL CHECK (octet_length(key) = 32)
);
INSERT INTO installation (log_id, key)
SELECT gen_random_uuid(),
       sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
              || uuid_send(gen_random_uuid()));
