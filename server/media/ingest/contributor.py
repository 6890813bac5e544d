"""What the programme needs: of those who contribute to it, and of what encodes their sound."""

from typing import Protocol


class Contributor(Protocol):
    """What the programme knows of a publisher's connection."""

    @property
    def user(self) -> str:
        """Who publishes."""

    @property
    def codec(self) -> str:
        """In what the picture comes; of sound alone, in what the sound does."""

    @property
    def has_picture(self) -> bool:
        """Whether a picture was announced, beside the sound."""

    @property
    def last_rtp(self) -> float | None:
        """When the last packet arrived, by the monotonic clock."""

    def settled(self) -> bool:
        """Say whether sound and picture are in step, or waiting longer makes no sense."""

    def restart(self, origin: float) -> None:
        """Take what comes next as a beginning; ``origin`` is the time line's zero."""


class Sound(Protocol):
    """What makes AAC, in order and without a hole, of the sound that is on air."""

    def put(self, opus: bytes, at: int) -> None:
        """Take one packet that begins at session sample ``at``."""

    def fill(self, until: int) -> None:
        """Be silent up to session sample ``until``, where no sound came."""
