"""What the log tells of a class, as far as its artifacts are made of it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from protocol import events as ev
from protocol.features.artifacts import ArtifactPayload, ArtifactType

KINDS: tuple[type[ev.AnyEvent], ...] = (
    ev.SessionStarted,
    ev.SessionEnded,
    ev.AssetAdded,
    ev.AssetShown,
    ev.AssetHidden,
    ev.AssetRemoved,
    ev.PollOpened,
    ev.QuestionAsked,
    ev.QuestionPresented,
    ev.QuestionUpvoted,
    ev.HandRaised,
    ev.ChatPosted,
    ev.FeedbackMarked,
    ev.CaptionAdded,
    ev.ChapterMarked,
    ev.HighlightMarked,
    ev.NoteAdded,
    ev.ArtifactCreated,
    ev.ArtifactEdited,
    ev.ArtifactRemoved,
)
"""The events that artifacts are made of, or are."""


class Happened(NamedTuple):
    """An event, with its place in the log, when it was and by whom; by nobody: by the system."""

    sequence: int
    event: ev.AnyEvent
    at_ms: int
    by: str | None


class History(NamedTuple):
    """What happened in a class that is over; ``at_ms`` counts from then."""

    events: Sequence[Happened]
    started: int
    """The sequence of its start."""
    length_ms: int
    """Until it ended."""


class Known(NamedTuple):
    """An artifact that is there."""

    artifact_type: ArtifactType
    payload: ArtifactPayload
    touched: int
    by_hand: bool


class Shelf(NamedTuple):
    """The artifacts of a class, and what people have decided about them."""

    known: Mapping[str, Known]
    taken_away: Mapping[str, int]
    """What a person has removed, and when: it is not made again."""
    languages: frozenset[str]
    """The languages (in lower case) whose transcript people have taken into their hands."""

    def by_hand(self, kind: ArtifactType) -> list[int]:
        """Return the moments that people have chosen for artifacts of this kind."""
        return [
            each.payload.start_ms
            for each in self.known.values()
            if each.artifact_type == kind and each.by_hand and each.payload.start_ms is not None
        ]


def history(log: Iterable[Happened]) -> History | None:
    """Return what happened from the start on, or None if the class is not over.

    What was prepared before, as assets, is kept as if it had happened at the start.
    """
    log = list(log)
    start = next((each for each in log if isinstance(each.event, ev.SessionStarted)), None)
    if start is None:
        return None
    events = [each._replace(at_ms=max(0, each.at_ms - start.at_ms)) for each in log]
    end = next((each for each in events if isinstance(each.event, ev.SessionEnded)), None)
    return None if end is None else History(events, start.sequence, end.at_ms)


def shelf(log: Iterable[Happened]) -> Shelf:
    """Return the artifacts that there are after ``log``."""
    known: dict[str, Known] = {}
    taken_away: dict[str, int] = {}
    languages: set[str] = set()
    for sequence, event, _, by in log:
        match event:
            case ev.ChapterMarked():
                payload = ArtifactPayload(title=event.title, start_ms=event.start_ms)
                known[event.artifact] = Known("chapter", payload, sequence, by_hand=True)
            case ev.HighlightMarked():
                payload = ArtifactPayload(title=event.title, start_ms=event.start_ms)
                known[event.artifact] = Known("highlight", payload, sequence, by_hand=True)
            case ev.ArtifactCreated() | ev.ArtifactEdited():
                known[event.artifact] = Known(
                    event.artifact_type, event.payload, sequence, by_hand=by is not None
                )
            case ev.ArtifactRemoved():
                gone = known.pop(event.artifact, None)
                if by is None or gone is None:
                    continue
                taken_away[event.artifact] = sequence
                if gone.payload.language is not None:
                    languages.add(gone.payload.language.lower())
            case _:
                pass
    languages.update(
        each.payload.language.lower()
        for each in known.values()
        if each.by_hand and each.payload.language is not None
    )
    return Shelf(known, taken_away, frozenset(languages))
