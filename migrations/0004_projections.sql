-- What the log says, as tables: written by the projector alone, rebuilt at any time.

SET LOCAL ROLE :prefix_owner;

CREATE TABLE session_participants (
    tenant_id    uuid NOT NULL,
    session_id   uuid NOT NULL,
    user_id      uuid NOT NULL,
    -- An admin is recorded as a teacher.
    role         text NOT NULL CHECK (role IN ('teacher', 'student', 'assistant')),
    status       text NOT NULL DEFAULT 'admitted'
                 CHECK (status IN ('admitted', 'waiting', 'removed', 'banned')),
    join_time    timestamptz,
    leave_time   timestamptz,
    muted_until  timestamptz,
    permissions  jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (session_id, user_id),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ON session_participants (user_id);

CREATE TABLE studio_scenes (
    id          uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL,
    session_id  uuid NOT NULL,
    name        text NOT NULL,
    layout      jsonb NOT NULL,
    created_at  timestamptz NOT NULL,
    -- When it was last put on air.
    shown_at    timestamptz,
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
);
CREATE INDEX ON studio_scenes (session_id);

CREATE TABLE studio_assets (
    id          uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL,
    session_id  uuid NOT NULL,
    asset_type  text NOT NULL CHECK (asset_type IN ('slide', 'whiteboard', 'media')),
    uri         text NOT NULL,
    name        text NOT NULL DEFAULT '',
    pages       int,
    created_at  timestamptz NOT NULL,
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
);
CREATE INDEX ON studio_assets (session_id);

CREATE TABLE chat_messages (
    id          uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL,
    session_id  uuid NOT NULL,
    user_id     uuid NOT NULL,
    message     text NOT NULL,
    to_staff    boolean NOT NULL DEFAULT false,
    -- May name a message that is not here: folds ignore unknown references.
    reply_to    uuid,
    removed_at  timestamptz,
    pinned_at   timestamptz,
    search      tsvector,
    created_at  timestamptz NOT NULL,
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ON chat_messages (session_id, created_at, id);
CREATE INDEX ON chat_messages USING gin (search);

CREATE TABLE questions (
    id            uuid PRIMARY KEY,
    tenant_id     uuid NOT NULL,
    session_id    uuid NOT NULL,
    user_id       uuid NOT NULL,
    prompt        text NOT NULL,
    status        text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'answered')),
    answer        text,
    presented_at  timestamptz,
    answered_at   timestamptz,
    dismissed_at  timestamptz,
    search        tsvector,
    created_at    timestamptz NOT NULL,
    UNIQUE (session_id, id),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ON questions USING gin (search);

CREATE TABLE question_votes (
    tenant_id    uuid NOT NULL,
    session_id   uuid NOT NULL,
    question_id  uuid NOT NULL,
    user_id      uuid NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (question_id, user_id),
    FOREIGN KEY (session_id, question_id) REFERENCES questions (session_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);

CREATE TABLE polls (
    id            uuid PRIMARY KEY,
    tenant_id     uuid NOT NULL,
    session_id    uuid NOT NULL,
    prompt        text NOT NULL,
    options       jsonb NOT NULL,
    multiple      boolean NOT NULL DEFAULT false,
    anonymous     boolean NOT NULL DEFAULT false,
    results       text NOT NULL DEFAULT 'live' CHECK (results IN ('live', 'published')),
    correct       jsonb,
    closed_at     timestamptz,
    published_at  timestamptz,
    created_at    timestamptz NOT NULL,
    UNIQUE (session_id, id),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
);

CREATE TABLE poll_votes (
    tenant_id   uuid NOT NULL,
    session_id  uuid NOT NULL,
    poll_id     uuid NOT NULL,
    user_id     uuid NOT NULL,
    choices     int[] NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (poll_id, user_id),
    FOREIGN KEY (session_id, poll_id) REFERENCES polls (session_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);

CREATE TABLE session_destinations (
    tenant_id       uuid NOT NULL,
    session_id      uuid NOT NULL,
    destination_id  uuid NOT NULL,
    status          text NOT NULL CHECK (status IN ('enabled', 'disabled', 'failed')),
    error           text,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (session_id, destination_id),
    -- One tenant for session, destination and (by the destination's own key) integration.
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id),
    FOREIGN KEY (tenant_id, destination_id) REFERENCES multistream_destinations (tenant_id, id)
);
CREATE INDEX ON session_destinations (destination_id);

CREATE TABLE recordings (
    id            uuid PRIMARY KEY,
    tenant_id     uuid NOT NULL,
    session_id    uuid NOT NULL,
    status        text NOT NULL CHECK (status IN ('recording', 'finalized', 'failed')),
    media_uri     text,
    started_at    timestamptz,
    finalized_at  timestamptz,
    duration_ms   bigint,
    bytes         bigint,
    error         text,
    -- Pairs of wall clock and media time, so that the replay shows an event at its moment.
    clock         jsonb,
    created_at    timestamptz NOT NULL,
    UNIQUE (session_id, id),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
);

CREATE TABLE recording_segments (
    tenant_id     uuid NOT NULL,
    session_id    uuid NOT NULL,
    recording_id  uuid NOT NULL,
    number        int NOT NULL,
    media_uri     text NOT NULL,
    start_ms      bigint NOT NULL,
    duration_ms   bigint NOT NULL,
    bytes         bigint NOT NULL,
    PRIMARY KEY (recording_id, number),
    FOREIGN KEY (session_id, recording_id) REFERENCES recordings (session_id, id)
        ON DELETE CASCADE
);

CREATE TABLE artifacts (
    id               uuid PRIMARY KEY,
    tenant_id        uuid NOT NULL,
    session_id       uuid NOT NULL,
    artifact_type    text NOT NULL
                     CHECK (artifact_type IN ('transcript', 'chapter', 'highlight', 'note')),
    payload          jsonb NOT NULL,
    source_sequence  bigint NOT NULL,
    version          int NOT NULL DEFAULT 1,
    search           tsvector,
    created_at       timestamptz NOT NULL,
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
);
CREATE INDEX ON artifacts (session_id, artifact_type);
CREATE INDEX ON artifacts USING gin (search);

CREATE TABLE replays (
    id          uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL,
    session_id  uuid NOT NULL UNIQUE,
    status      text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'published')),
    publish_at  timestamptz,
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
);

-- No artifact without the event it comes from.
CREATE FUNCTION require_event_of_artifact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM session_state_events
        WHERE session_id = NEW.session_id AND sequence = NEW.source_sequence
    ) THEN
        RAISE EXCEPTION 'artifact %: session % has no event %',
            NEW.id, NEW.session_id, NEW.source_sequence USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER event_of_artifact AFTER INSERT OR UPDATE ON artifacts
    FOR EACH ROW EXECUTE FUNCTION require_event_of_artifact();

-- A published replay has a finalized recording and an artifact. Publishing locks two rows it
-- rests on, removing such a row locks the replay: whichever commits first, the other sees it.
CREATE FUNCTION require_content_of_replay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'published' THEN
        PERFORM FROM recordings
            WHERE session_id = NEW.session_id AND status = 'finalized' LIMIT 1 FOR SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the replay of session % has no finalized recording', NEW.session_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'replay_needs_recording';
        END IF;
        PERFORM FROM artifacts WHERE session_id = NEW.session_id LIMIT 1 FOR SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the replay of session % has no artifact', NEW.session_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'replay_needs_artifact';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER content_of_replay BEFORE INSERT OR UPDATE ON replays
    FOR EACH ROW EXECUTE FUNCTION require_content_of_replay();

CREATE FUNCTION keep_content_of_replay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM replays
        WHERE session_id = OLD.session_id AND status = 'published' FOR UPDATE;
    IF FOUND THEN
        IF TG_TABLE_NAME = 'recordings' AND NOT EXISTS (
            SELECT FROM recordings
            WHERE session_id = OLD.session_id AND id <> OLD.id AND status = 'finalized'
        ) THEN
            RAISE EXCEPTION 'the published replay of session % needs recording %',
                OLD.session_id, OLD.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'replay_needs_recording';
        ELSIF TG_TABLE_NAME = 'artifacts' AND NOT EXISTS (
            SELECT FROM artifacts WHERE session_id = OLD.session_id AND id <> OLD.id
        ) THEN
            RAISE EXCEPTION 'the published replay of session % needs artifact %',
                OLD.session_id, OLD.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'replay_needs_artifact';
        END IF;
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER kept_by_replay BEFORE DELETE ON artifacts
    FOR EACH ROW EXECUTE FUNCTION keep_content_of_replay();
CREATE TRIGGER moved_from_replay BEFORE UPDATE OF session_id ON artifacts
    FOR EACH ROW WHEN (OLD.session_id <> NEW.session_id)
    EXECUTE FUNCTION keep_content_of_replay();
CREATE TRIGGER kept_by_replay BEFORE DELETE ON recordings
    FOR EACH ROW WHEN (OLD.status = 'finalized')
    EXECUTE FUNCTION keep_content_of_replay();
CREATE TRIGGER unfinalized_from_replay BEFORE UPDATE ON recordings
    FOR EACH ROW WHEN (
        OLD.status = 'finalized'
        AND (NEW.status <> 'finalized' OR NEW.session_id <> OLD.session_id))
    EXECUTE FUNCTION keep_content_of_replay();
