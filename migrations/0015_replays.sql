-- Whose time to be published has come: asked once a second on every node.

SET LOCAL ROLE :prefix_owner;

CREATE INDEX ON replays (publish_at) WHERE status = 'draft' AND publish_at IS NOT NULL;
