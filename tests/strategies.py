"""Hypothesis strategies for what the protocol speaks of, shared by every test that needs them."""

import msgspec
from hypothesis import strategies as st

from protocol.commands import COMMANDS, SceneItem, SceneLayout
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


def commands(op, *, users=(), messages=(), questions=(), polls=(), scenes=(), destinations=()):
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
        "destination": one_of(destinations),
        "reason": st.none() | st.just(REASON),
        "to": st.sampled_from(("everyone", "staff")),
        "text": words,
        "prompt": words,
        "name": words,
        "options": options,
        "multiple": st.booleans(),
        "anonymous": st.booleans(),
        "results": st.sampled_from(("live", "published")),
        "correct": st.none() | indexes,
        "choices": indexes,
        "layout": layouts,
    }
    kind = COMMANDS[op]
    wanted = {field.name: fields[field.name] for field in msgspec.structs.fields(kind)}
    return st.builds(kind, **wanted).map(_marked)


def _marked(command):
    if getattr(command, "to", "everyone") == "staff":
        return msgspec.structs.replace(command, text=f"{FOR_STAFF} {command.text}")
    return command


states = st.from_type(State)
