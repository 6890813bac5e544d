-- After an erasure, what a class leaves behind by itself is made anew.

SET LOCAL ROLE :prefix_owner;

CREATE POLICY projector ON artifact_runs TO :prefix_projector USING (true);
GRANT SELECT, DELETE ON artifact_runs TO :prefix_projector;

RESET ROLE;
