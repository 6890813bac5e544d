"""Events as a server tells them."""

import msgspec

from protocol import codec
from protocol.frames import EventsFrame, LogEvent

ANN = "00000000-0000-7000-8000-00000000000a"
POLL = "00000000-0000-7000-8000-00000000000c"
Q1 = "00000000-0000-7000-8000-000000000001"
Q2 = "00000000-0000-7000-8000-000000000002"
AT = "2026-11-22T09:00:00.100Z"


def event(sequence, kind, key=None, by=ANN, **data):
    raw = msgspec.Raw(msgspec.json.encode(data))
    return LogEvent(sequence, kind, 1, AT, by, raw, msgspec.UNSET if key is None else key)


def said(sequence, text="Hi", key=None):
    return event(sequence, "chat.posted", key, message=POLL, name="Ann", text=text, to="everyone")


def asked(sequence, question, key=None):
    return event(sequence, "question.asked", key, question=question, name="Ann", prompt="Why?")


def opened(sequence, key=None):
    return event(
        sequence, "poll.opened", key, poll=POLL, prompt="?", options=["a", "b", "c"],
        multiple=False, anonymous=False, results="live", correct=None,
    )  # fmt: skip


def frame(first, last, *events):
    return codec.encode(EventsFrame(first, last, events))
