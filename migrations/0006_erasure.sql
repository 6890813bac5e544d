-- A person's right to erasure (server/store/erasure.py): their words go, that it was done stays.

SET LOCAL ROLE :prefix_owner;

-- Without words. One that is not finished marks its person until it is.
CREATE TABLE erasures (
    id           uuid PRIMARY KEY,
    tenant_id    uuid NOT NULL REFERENCES tenants (id),
    user_id      uuid NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    sessions     int NOT NULL DEFAULT 0,
    events       int NOT NULL DEFAULT 0,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE UNIQUE INDEX ON erasures (user_id) WHERE finished_at IS NULL;

ALTER TABLE erasures ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON erasures TO :prefix_app
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
CREATE POLICY everyone ON erasures TO :prefix_projector, :prefix_eraser USING (true);
GRANT SELECT ON erasures TO :prefix_app, :prefix_projector;
GRANT SELECT, INSERT, UPDATE (finished_at, sessions, events) ON erasures TO :prefix_eraser;

GRANT SELECT (tenant_id, user_id), DELETE ON rest_requests TO :prefix_eraser;
GRANT SELECT (session_id, epoch), UPDATE (epoch) ON session_hubs TO :prefix_eraser;

RESET ROLE;
GRANT CREATE ON SCHEMA public TO :prefix_eraser;
SET LOCAL ROLE :prefix_eraser;

-- Make the person nobody, and return their erasure: a new one, or the one that was not finished.
-- Null if the tenant has no such person.
CREATE FUNCTION begin_erasure(of_tenant uuid, person uuid, new_id uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE users
    SET display_name = 'Erased person', email = NULL, status = 'inactive', updated_at = now()
    WHERE tenant_id = of_tenant AND id = person;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    DELETE FROM rest_requests WHERE tenant_id = of_tenant AND user_id = person;
    INSERT INTO erasures (id, tenant_id, user_id) VALUES (new_id, of_tenant, person)
    ON CONFLICT (user_id) WHERE finished_at IS NULL DO NOTHING;
    RETURN (SELECT id FROM erasures WHERE user_id = person AND finished_at IS NULL);
END
$$;

-- Put what is left of these events in their place. With the salt gone, the payload's digest tells
-- nothing; the digest of the command, which has no salt, goes with its first event's.
CREATE FUNCTION erase_words(
    erasure uuid, of_session uuid, sequences bigint[], payloads jsonb[]
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    of_tenant uuid;
    erased int;
BEGIN
    SELECT tenant_id INTO of_tenant FROM erasures WHERE id = erasure AND finished_at IS NULL;
    UPDATE session_state_events e
    SET event_payload = scrubbed.payload, salt = NULL, command_digest = NULL
    FROM unnest(sequences, payloads) AS scrubbed (sequence, payload)
    WHERE e.session_id = of_session AND e.tenant_id = of_tenant
      AND e.sequence = scrubbed.sequence;
    GET DIAGNOSTICS erased = ROW_COUNT;
    IF erased <> cardinality(sequences) THEN
        RAISE EXCEPTION 'erasure %: % of % events of session % are there',
            erasure, erased, cardinality(sequences), of_session
            USING ERRCODE = 'no_data_found';
    END IF;
    UPDATE session_state_events first SET command_digest = NULL
    FROM session_state_events e
    WHERE e.session_id = of_session AND e.sequence = ANY (sequences)
      AND first.session_id = of_session AND first.sequence = e.command_sequence
      AND first.command_digest IS NOT NULL;
    UPDATE erasures SET events = events + erased WHERE id = erasure;
END
$$;

-- Whoever still has the old words must take them from the log again: no saved fold is left, and
-- the epoch fences the room and whatever it would save. Last in its transaction: appends wait.
CREATE FUNCTION forget_session(erasure uuid, of_session uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE erasures SET sessions = sessions + 1 WHERE id = erasure AND finished_at IS NULL;
    UPDATE session_hubs SET epoch = epoch + 1 WHERE session_id = of_session;
    DELETE FROM session_snapshots WHERE session_id = of_session;
    PERFORM pg_notify('liveclass_erased', of_session::text);
END
$$;

CREATE FUNCTION finish_erasure(erasure uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE erasures SET finished_at = now() WHERE id = erasure AND finished_at IS NULL
$$;

REVOKE EXECUTE ON FUNCTION
    begin_erasure(uuid, uuid, uuid), erase_words(uuid, uuid, bigint[], jsonb[]),
    forget_session(uuid, uuid), finish_erasure(uuid)
    FROM PUBLIC;
-- It writes the tables anew in the same transaction.
GRANT EXECUTE ON FUNCTION
    begin_erasure(uuid, uuid, uuid), erase_words(uuid, uuid, bigint[], jsonb[]),
    forget_session(uuid, uuid), finish_erasure(uuid)
    TO :prefix_projector;

RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM :prefix_eraser;
