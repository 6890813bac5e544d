-- Whose pages may show a tenant's rooms and replays in a frame: nobody's, unless told.

SET LOCAL ROLE :prefix_owner;

ALTER TABLE tenants ADD COLUMN embed_origins text[] NOT NULL DEFAULT '{}';

RESET ROLE;
