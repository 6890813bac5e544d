"""Erasure, pure: which words go, whose they are, and that what is left is still of its type."""

import re
from types import NoneType
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

import msgspec
import orjson
import pytest

from protocol import codec
from protocol.events import EVENTS
from server.classroom.erasure import NAME, TEXT, WORDS, Scrubber, is_scrubbed, without_words

ANN = "0195b0a4-0000-7000-8000-00000000000a"
BOB = "0195b0a4-0000-7000-8000-00000000000b"
THING = "0195b0a4-0000-7000-8000-00000000000c"

# Text that nobody in the class wrote: what software says, and where files are.
NOBODYS_WORDS = {
    ("asset.added", "uri"),
    ("artifact.created", "payload.language"),
    ("artifact.edited", "payload.language"),
    ("board.drawn", "stroke.colour"),
    ("caption.added", "language"),
    ("destination.degraded", "code"),
    ("destination.failed", "code"),
    ("destination.retry_scheduled", "code"),
    ("participant.grants_changed", "grants"),  # names of operations
    ("publisher.connected", "codec"),
    ("publisher.lost", "reason"),
    ("publisher.warning", "code"),
    ("recording.failed", "code"),
    ("recording.finalized", "media_uri"),
}


def texts(hint, path=()):
    """Yield the path of everything in a type that is text, but no id and no time."""
    if get_origin(hint) is Annotated:
        inner, *meta = get_args(hint)
        notes = [m for m in meta if isinstance(m, msgspec.Meta)]
        is_id = any("[0-9a-f]{12}" in (m.pattern or "") for m in notes)
        is_time = any("RFC 3339" in (m.description or "") for m in notes)
        if not is_id and not is_time:
            yield from texts(inner, path)
    elif hint is str:
        yield ".".join(path)
    elif isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        hints = get_type_hints(hint, include_extras=True)
        for name in hint.__struct_fields__:
            yield from texts(hints[name], (*path, name))
    else:
        for inner in get_args(hint):
            if not isinstance(inner, str):
                yield from texts(inner, path)


def test_every_text_of_every_event_is_somebodys_or_nobodys():
    found = {(kind, path) for kind, event in EVENTS.items() for path in texts(event)}
    taken = {(kind, path) for kind, words in WORDS.items() for path in words.marks}
    assert found - taken == NOBODYS_WORDS
    assert taken - found == {("board.drawn", "stroke.points")}


def test_every_event_with_words_says_whose_they_are():
    for kind, words in WORDS.items():
        fields = EVENTS[kind].__struct_fields__
        assert words.of_author or words.of_subject or words.thing, kind
        assert not words.of_subject or "user" in fields, kind
        assert words.thing is None or words.thing in fields, kind


def example(hint, path=""):
    """Return a value of a type, with every optional part there."""
    if get_origin(hint) is Annotated:
        inner, *notes = get_args(hint)
        for note in notes:
            if inner is str and note.pattern and "[0-9a-f]{12}" in note.pattern:
                return THING
            if inner is str and note.pattern and note.pattern.startswith("^#"):
                return "#000000"
            if inner is str and note.pattern and "[A-Za-z]{2,8}" in note.pattern:
                return "en"
            if "RFC 3339" in (note.description or ""):
                return "2026-11-22T09:00:00.123Z"
            if get_origin(inner) is tuple:
                return [example(get_args(inner)[0], path)] * (note.min_length or 1)
        return example(inner, path)
    match get_origin(hint):
        case origin if origin is Literal:
            return get_args(hint)[0]
        case origin if origin is tuple:
            return [example(get_args(hint)[0], path)] * 2
        case origin if origin is dict:
            return {}
        case None:
            pass
        case _:
            return example(next(each for each in get_args(hint) if each is not NoneType), path)
    if issubclass(hint, msgspec.Struct):
        hints = get_type_hints(hint, include_extras=True)
        return {
            field.name: example(hints[field.name], f"{path}.{field.name}")
            for field in msgspec.structs.fields(hint)
        }
    return {str: f"word-of{path}", int: 7, bool: True}[hint]


@pytest.mark.parametrize("kind", EVENTS)
def test_what_is_left_is_of_its_type_and_holds_no_word(kind):
    payload = example(EVENTS[kind])
    if "user" in payload:
        payload["user"] = ANN
    given = orjson.dumps(payload)
    assert codec.decode_event(kind, given) is not None
    ann = Scrubber(ANN)
    ann.scrub("chat.posted", ANN, chat())  # what the others repeat
    left = ann.scrub(kind, ANN, payload)
    assert orjson.dumps(payload) == given, "it was changed in place"
    assert (left is not None) == (kind in WORDS)
    if left is None:
        return
    assert codec.decode_event(kind, orjson.dumps(left)) is not None
    assert is_scrubbed(kind, left)
    assert not is_scrubbed(kind, payload)
    assert Scrubber(ANN).scrub(kind, ANN, left) is None, "a second time there is nothing to do"
    kept = set(re.findall(r"word-of\.([a-z._]+)", str(left)))
    assert kept <= {path for each, path in NOBODYS_WORDS if each == kind}
    assert left.keys() == payload.keys()
    for name in left.keys() - {path.partition(".")[0] for path in WORDS[kind].marks}:
        assert left[name] == payload[name], "more than words went"


def chat(text="secret", name="Ann"):
    return {"message": THING, "name": name, "text": text, "to": "everyone"}


def test_only_the_persons_own_words_go():
    ann = Scrubber(ANN)
    assert ann.scrub("chat.posted", ANN, chat()) == chat(TEXT, NAME)
    assert ann.scrub("chat.posted", BOB, chat() | {"message": ANN}) is None
    assert ann.scrub("chat.posted", None, chat() | {"message": BOB}) is None
    assert ann.scrub("hand.lowered", ANN, {"user": ANN}) is None
    assert ann.scrub("of.the.future", ANN, {"name": "Ann"}) is None
    raised = {"user": ANN, "name": "Ann"}
    assert ann.scrub("hand.raised", ANN, raised) == {"user": ANN, "name": NAME}
    assert ann.scrub("hand.raised", BOB, {"user": BOB, "name": "Bob"}) is None


def test_a_reason_is_of_who_gives_it_and_of_who_it_is_about():
    removed = {"user": ANN, "reason": "shouting"}
    for kind in ("participant.removed", "participant.banned"):
        assert Scrubber(ANN).scrub(kind, BOB, removed) == {"user": ANN, "reason": TEXT}
        assert Scrubber(BOB).scrub(kind, BOB, removed) == {"user": ANN, "reason": TEXT}
        assert Scrubber(THING).scrub(kind, BOB, removed) is None
        assert Scrubber(ANN).scrub(kind, BOB, {"user": ANN, "reason": None}) is None


def test_words_that_somebody_else_repeats_go_too():
    ann, bob = Scrubber(ANN), Scrubber(BOB)
    pinned = chat() | {"author": ANN, "posted_at": "2026-11-22T09:00:00.000Z"}
    log = [
        ("chat.posted", ANN, chat()),
        ("chat.pinned", BOB, pinned),
        ("chat.restored", BOB, {"message": THING, "text": "secret", "to": "everyone"}),
    ]
    assert all("secret" not in str(ann.scrub(*event)) for event in log)
    assert all(ann.scrub(*event) for event in log)
    assert not any(bob.scrub(*event) for event in log), "to pin is not to write"


def test_what_was_made_of_the_persons_artifact_goes_too():
    payload = {"text": "mine", "segments": [{"start_ms": 0, "end_ms": 1, "text": "said"}]}
    edited = {"artifact": THING, "payload": payload}
    ann = Scrubber(ANN)
    assert ann.scrub("artifact.edited", BOB, edited) is None, "not hers yet"
    assert ann.scrub("note.added", ANN, {"artifact": THING, "name": "Ann", "text": "mine"})
    left = ann.scrub("artifact.edited", BOB, edited)
    assert left["payload"] == {
        "text": TEXT, "segments": [{"start_ms": 0, "end_ms": 1, "text": TEXT}],
    }  # fmt: skip


def test_votes_still_refer_to_the_options_of_an_erased_poll():
    poll = {
        "poll": THING, "prompt": "How many?", "options": ["one", "two", "three"],
        "multiple": False, "anonymous": False, "results": "live", "correct": [2],
    }  # fmt: skip
    left = Scrubber(ANN).scrub("poll.opened", ANN, poll)
    assert left == poll | {"prompt": TEXT, "options": [TEXT] * 3}


def test_what_no_erasure_leaves_is_not_taken_for_one():
    assert not is_scrubbed("chat.posted", chat(TEXT))
    assert not is_scrubbed("poll.voted", {"poll": THING, "choices": [1], "anonymous": False})
    assert is_scrubbed("of.the.future", {"anything": 1})
    for odd in (7, "words", None, [], {"text": ["words"]}, {"text": {"x": "words"}}):
        assert not is_scrubbed("chat.posted", odd)
    for odd in ("words", 7, {"items": "words"}, {"items": ["words"]}, [["words"]]):
        assert not is_scrubbed("scene.created", {"name": TEXT, "layout": odd})


def test_all_words_of_an_event_may_go_whoever_said_them():
    said = {"message": THING, "name": "Ann", "text": "hello", "to": "everyone", "reply_to": None}
    left = without_words("chat.posted", said)
    assert (left["name"], left["text"], left["message"]) == (NAME, TEXT, THING)
    assert without_words("chat.posted", left) is None, "nothing is left to go"
    assert without_words("hand.all_lowered", {}) is None


def made(kind, text, by=None, type_="artifact.created", thing=THING):
    payload = {"title": text} if kind == "chapter" else {"segments": [{"text": text}]}
    return type_, by, {"artifact": thing, "artifact_type": kind, "payload": payload}


def test_what_was_made_by_itself_of_their_words_goes_whole():
    chapter, transcript, other = (
        made("chapter", "secret?"),
        made("transcript", "secret and more"),
        made("transcript", "Bob's own", BOB, thing=ANN),
    )
    silent = Scrubber(ANN)
    assert not any(silent.scrub(*event) for event in (chapter, transcript, other))
    ann = Scrubber(ANN)
    assert ann.scrub("question.asked", ANN, {"name": "Ann", "prompt": "secret?"})
    assert ann.scrub(*transcript) is None, "none of it is hers"
    left = ann.scrub(*chapter)
    assert left["payload"] == {"title": TEXT}
    assert is_scrubbed("artifact.created", left)
    assert ann.scrub(*made("chapter", "Bob's", BOB, "artifact.edited")) is None
    assert ann.scrub("caption.added", ANN, {"text": "secret"})
    assert ann.scrub(*transcript)["payload"] == {"segments": [{"text": TEXT}]}
    assert ann.scrub(*made("transcript", "secret!", BOB, "artifact.edited")), "still hers"
    assert ann.scrub(*other) is None
    again = Scrubber(ANN)
    again.scrub("caption.added", ANN, {"text": TEXT})
    assert again.scrub(*transcript), "also one that was on its way when the words went"
