"""Who is asking: tokens, origins, short-lived grants, and the one rule of who may enter."""
