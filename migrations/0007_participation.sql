-- What moderation and marks need of the tables that follow the log.

SET LOCAL ROLE :prefix_owner;

ALTER TABLE session_participants
    DROP CONSTRAINT session_participants_status_check,
    ADD CONSTRAINT session_participants_status_check
        CHECK (status IN ('admitted', 'waiting', 'denied', 'removed', 'banned'));

-- Who made it; null for the system.
ALTER TABLE artifacts
    ADD COLUMN user_id uuid,
    ADD FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id);
