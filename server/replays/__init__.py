"""The replay of a class: its moments in media time, its tracks, its publication, its archive."""
