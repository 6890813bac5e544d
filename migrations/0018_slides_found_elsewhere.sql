-- Slides are found in ``findable`` since 0016: nothing reads the words beside their text.

SET LOCAL ROLE :prefix_owner;

ALTER TABLE asset_pages DROP COLUMN search;

RESET ROLE;
