"""Hypothesis strategies for what the protocol speaks of, shared by every test that needs them."""

import msgspec
from hypothesis import strategies as st

from protocol.commands import (
    COMMANDS,
    ArtifactPayload,
    SceneItem,
    SceneLayout,
    Segment,
    Stroke,
)
from protocol.snapshot import State

# What a student must never read; the tests look for these words in their frames.
FOR_STAFF = "for-staff-alone"
REASON = "reason-of-removal"


def identifier(number):
    """Return the id of the thing with this number."""
    return f"01900000-0000-7000-9000-{number:012d}"


UNKNOWN = identifier(999_999)

characters = st.characters(codec="utf-8", exclude_characters="\0")
words = st.text(characters, min_size=1, max_size=20).filter(str.strip)
options = st.lists(words, min_size=2, max_size=4, unique=True).map(tuple)
indexes = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple)
layouts = st.builds(
    SceneLayout,
    st.lists(
        st.builds(SceneItem, st.sampled_from(("camera", "slide", "title")), text=st.none() | words),
        min_size=1,
        max_size=2,
    ).map(tuple),
)


strokes = st.builds(
    Stroke,
    st.lists(st.integers(0, 10_000), min_size=2, max_size=6).map(tuple),
    page=st.integers(1, 3),
)
payloads = st.sampled_from(
    (
        ArtifactPayload(title="Limits", start_ms=1_000),
        ArtifactPayload(start_ms=1_000, end_ms=2_000),
        ArtifactPayload(text=f"{FOR_STAFF} a note"),
        ArtifactPayload(language="en", segments=(Segment(0, 900, "Welcome."),)),
        ArtifactPayload(start_ms=2_000, end_ms=1_000),
    )
)
SOON, PAST = "2126-01-01T00:00:00.000Z", "2006-01-01T00:00:00.000Z"


def commands(
    op,
    *,
    users=(),
    messages=(),
    questions=(),
    polls=(),
    scenes=(),
    assets=(),
    artifacts=(),
    destinations=(),
):
    """Return the strategy of commands of ``op`` that speak of these things, or of unknown ones."""

    def one_of(ids):
        return st.sampled_from((*ids, UNKNOWN)) if ids else st.just(UNKNOWN)

    fields = {
        "user": one_of(users),
        "message": one_of(messages),
        "reply_to": st.none() | one_of(messages),
        "question": one_of(questions),
        "poll": one_of(polls),
        "scene": one_of(scenes),
        "asset": one_of(assets),
        "artifact": one_of(artifacts),
        "destination": one_of(destinations),
        "reason": st.none() | st.just(REASON),
        "to": st.sampled_from(("everyone", "staff")),
        "text": words,
        "prompt": words,
        "name": words,
        "title": words,
        "options": options,
        "multiple": st.booleans(),
        "anonymous": st.booleans(),
        "results": st.sampled_from(("live", "published")),
        "correct": st.none() | indexes,
        "choices": indexes,
        "layout": layouts,
        "until": st.sampled_from((None, SOON, PAST)),
        "publish_at": st.sampled_from((None, SOON, PAST)),
        "role": st.sampled_from(("teacher", "assistant", "student")),
        "grants": st.dictionaries(
            st.sampled_from(("board.draw", "board.undo", "caption.add", "chat.post", "poll.open")),
            st.booleans(),
            min_size=1,
        ),
        "enabled": st.none() | st.booleans(),
        "slow_mode_s": st.sampled_from((None, 0, 0, 3)),
        "staff_only": st.none() | st.booleans(),
        "before_start": st.none() | st.booleans(),
        "asset_type": st.sampled_from(("slide", "whiteboard", "media")),
        "uri": st.just("slides/1.pdf"),
        "pages": st.sampled_from((None, 2)),
        "page": st.sampled_from((None, 1, 2, 3)),
        "stroke": strokes,
        "kind": st.sampled_from(("lost", "got_it", "slower", "faster")),
        "start_ms": st.integers(0, 5_000),
        "end_ms": st.integers(0, 9_000),
        "language": st.just("en"),
        "artifact_type": st.sampled_from(("transcript", "chapter", "highlight", "note")),
        "payload": payloads,
    }
    kind = COMMANDS[op]
    wanted = {field.name: fields[field.name] for field in msgspec.structs.fields(kind)}
    return st.builds(kind, **wanted).map(_marked)


def _marked(command):
    if command.op == "note.add" or getattr(command, "to", "everyone") == "staff":
        return msgspec.structs.replace(command, text=f"{FOR_STAFF} {command.text}")
    return command


_VALUES = {
    "user": identifier(4), "name": "Ann", "role": "student", "message": identifier(4),
    "text": "a", "to": "everyone", "question": identifier(4), "prompt": "?",
    "poll": identifier(4), "options": ("a", "b"), "multiple": False, "anonymous": False,
    "results": "live", "choices": (0,), "tally": (1, 0), "scene": identifier(4),
    "layout": SceneLayout((SceneItem("camera"),)), "destination": identifier(4), "attempt": 1,
    "ttff_ms": 1, "code": "c", "delay_ms": 1, "attempts": 1, "width": 1, "height": 1,
    "codec": "h264", "reason": "r", "recording": identifier(4), "media_uri": "m",
    "duration_ms": 1, "bytes": 1, "grants": {"board.draw": True}, "author": identifier(4),
    "posted_at": SOON, "enabled": True, "slow_mode_s": 5, "staff_only": False,
    "before_start": True, "asset": identifier(4), "asset_type": "slide", "uri": "slides/1.pdf",
    "page": 1, "id": identifier(5), "stroke": Stroke((0, 0, 9, 9)), "kind": "lost",
    "start_ms": 0, "end_ms": 900, "language": "en", "artifact": identifier(4), "title": "t",
    "artifact_type": "chapter", "payload": ArtifactPayload(title="t", start_ms=0),
    "replay": identifier(4),
}  # fmt: skip


def event_of(kind):
    """Return an event of this type, with what it must hold and nothing else."""
    fields = msgspec.structs.fields(kind)
    return kind(**{field.name: _VALUES[field.name] for field in fields if field.required})


states = st.from_type(State)
