"""Media in once, encoded, and out many times."""
