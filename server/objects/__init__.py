"""Blobs: recordings, slides, whatever is too large for a table."""
