"""What is said, in words; together they become the transcript."""

from protocol.ids import CaptionText, Language, Milliseconds
from protocol.messages import Command, Event


class CaptionAdd(Command, frozen=True):
    """Add what was said between two moments, in milliseconds since the class started."""

    op = "caption.add"
    text: CaptionText
    start_ms: Milliseconds
    end_ms: Milliseconds
    language: Language


class CaptionAdded(Event, frozen=True):
    """What was said between two moments of the class."""

    type = "caption.added"
    text: str
    start_ms: int
    end_ms: int
    language: str
