"""Logs to make artifacts of, written down shortly."""

from protocol import events as ev
from server.artifacts.history import Happened

SESSION = "01900000-0000-7000-8000-000000000001"
TESS = "01900000-0000-7000-8000-00000000000a"
START_MS = 1_790_000_000_000


class Log:
    """A class that starts at once; ``at`` is in seconds since then."""

    def __init__(self):
        self.events = []
        self.add(0, ev.SessionStarted(), by=TESS)

    def add(self, at, event, by=TESS):
        sequence = len(self.events) + 1
        self.events.append(Happened(sequence, event, START_MS + round(at * 1000), by))
        return sequence

    def caption(self, start_ms, end_ms, text, language="en", at=0):
        return self.add(at, ev.CaptionAdded(text, start_ms, end_ms, language))

    def end(self, at):
        return self.add(at, ev.SessionEnded())

    def take(self, changes):
        """Let the class keep what was reported, as it does."""
        known = {each.event.artifact for each in self.events if hasattr(each.event, "payload")}
        for change in changes:
            event = change.event
            if isinstance(event, ev.ArtifactCreated) and event.artifact in known:
                event = ev.ArtifactEdited(event.artifact, event.artifact_type, event.payload)
            self.add(9_999, event, by=None)


def person(number):
    return f"01900000-0000-7000-8000-0000000001{number:02}"
