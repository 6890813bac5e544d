-- Where the links of other nodes are taken: an address that only they reach.

SET LOCAL ROLE :prefix_owner;

ALTER TABLE nodes ADD COLUMN link text;

RESET ROLE;
