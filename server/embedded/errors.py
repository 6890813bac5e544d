"""What can go wrong with embedded services, in one sentence for the person at the terminal."""

from server.errors import LiveClassError


class EmbeddedError(LiveClassError):
    """The embedded services could not start."""
