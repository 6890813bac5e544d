"""The pages: a small HTML shell each, and the static files that they are made of."""
