"""The schema, as plain SQL files applied in the order of their numbers."""
