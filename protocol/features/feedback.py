"""How the class follows: told to staff at the moment it is felt."""

from typing import Literal, TypeAlias

from protocol.messages import Command, Event

FeedbackKind: TypeAlias = Literal["lost", "got_it", "slower", "faster"]


class FeedbackMark(Command, frozen=True):
    """Say how one follows."""

    op = "feedback.mark"
    kind: FeedbackKind


class FeedbackMarked(Event, frozen=True):
    """Somebody said how they follow (staff only)."""

    type = "feedback.marked"
    kind: FeedbackKind
