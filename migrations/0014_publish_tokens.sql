-- A class that never began goes with the publish tokens that were made for it.

SET LOCAL ROLE :prefix_owner;

ALTER TABLE publish_tokens
    DROP CONSTRAINT publish_tokens_tenant_id_session_id_fkey,
    ADD FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE;
