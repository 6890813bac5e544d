-- Which media worker has a session is asked of the workers themselves by the node that owns it; a
-- table of it would be a second truth, wrong from the moment that a worker dies. Other nodes find
-- the owner (session_hubs, nodes.link), and the owner's engine answers for it.

SET LOCAL ROLE :prefix_owner;

DROP TABLE session_media;

RESET ROLE;
