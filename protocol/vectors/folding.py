"""The vectors of the fold: one class from its first event to its last, and what is trimmed."""

import json
from typing import Any

import msgspec

from protocol import events as ev
from protocol.codec import decode_event
from protocol.commands import SceneItem, SceneLayout, Stroke
from protocol.snapshot import State, fold
from protocol.vectors.a_class import ANN, CLASS, TEACHER, identifier


def logged(sequence: int, event: ev.AnyEvent, by: str | None) -> dict[str, Any]:
    """Return ``event`` as it stands in an ``events`` frame."""
    return {
        "sequence": sequence,
        "type": event.type,
        "version": event.version,
        "at": f"2026-11-22T09:{sequence // 60 % 60:02d}:{sequence % 60:02d}.123Z",
        "by": by,
        "data": msgspec.to_builtins(event),
    }


def apply(state: State, entry: dict[str, Any]) -> None:
    """Fold one entry of an ``events`` frame, of a type that is known, into ``state``."""
    event = decode_event(entry["type"], msgspec.json.encode(entry["data"]))
    assert event is not None
    fold(state, event, sequence=entry["sequence"], at=entry["at"], by=entry["by"])


def folds() -> list[Any]:
    """Return the class chapter by chapter: ``name``, ``before``, ``events``, ``after``."""
    cases: list[Any] = []
    state, sequence = State(), 0
    for name, chapter in CLASS:
        before, entries = msgspec.to_builtins(state), []
        for event, by in chapter:
            sequence += 1
            entries.append(logged(sequence, event, by))
            apply(state, entries[-1])
        after = msgspec.to_builtins(state)
        cases.append({"name": name, "before": before, "events": entries, "after": after})
    return [*cases, _unknown(state, sequence), _for_students()]


def _unknown(state: State, sequence: int) -> dict[str, Any]:
    """Types from the future, and names that every JavaScript object has, change nothing."""
    as_is = msgspec.to_builtins(state)
    entries = [
        {**logged(sequence + index, ev.SessionEnded(), None), "type": kind}
        for index, kind in enumerate(("weather.changed", "constructor", "__proto__"), 1)
    ]
    return {"name": "unknown types change nothing", "before": as_is, "events": entries,
            "after": as_is}  # fmt: skip


def _for_students() -> dict[str, Any]:
    """In the students' view a field may be absent altogether."""
    opened = ev.PollOpened(identifier(20), "Ready?", ("Yes", "No"), False, False, "published", (1,))
    entry = logged(7, opened, TEACHER)
    del entry["data"]["correct"]
    state = State()
    before = msgspec.to_builtins(state)
    apply(state, entry)
    return {"name": "a poll without its correct answers", "before": before, "events": [entry],
            "after": msgspec.to_builtins(state)}  # fmt: skip


def trims() -> list[Any]:
    """Return what many events leave: repeat ``templates`` ``count`` times on an empty state.

    In a template ``{n}`` stands for the number of the round, from 1, in twelve digits; sequences
    count from 1. Then ``list`` of the state has ``length`` items from ``first`` to ``last``; an
    item of an object is a pair of its key and its value, in the order of adding.
    """
    numbered = "01900000-0000-7000-9000-{n}"
    message = ev.ChatPosted(numbered, "Ann", "message {n}", "everyone")
    question = ev.QuestionAsked(numbered, "", "?")
    opened = ev.PollOpened(numbered, "poll {n}", ("Yes", "No"), False, False, "live")
    still_open = ev.PollOpened(
        numbered.replace("019", "029", 1), "open {n}", ("Yes", "No"), False, False, "live"
    )
    return [
        _trim("the last messages", "messages", 203, message),
        _trim("the last questions", "questions", 502, question),
        _trim("the last captions", "captions", 8, ev.CaptionAdded("caption {n}", 0, 1, "en")),
        _trim("the last finished polls", "polls", 23, opened, ev.PollClosed(numbered)),
        _trim("open polls are kept", "polls", 22, opened, still_open, ev.PollClosed(numbered)),
        *_trims_in_bytes(numbered, still_open),
    ]


def _trims_in_bytes(numbered: str, still_open: ev.PollOpened) -> list[Any]:
    """Return what is left where the budget in bytes, not the number, is the limit."""
    tricky = '{n} é 名 👋🏽 "\\ \n\t \x01\x1f\x7f\u2028 '
    message = ev.ChatPosted(numbered, tricky, tricky * 9, "everyone")
    asked = ev.QuestionAsked(numbered, tricky, tricky * 9)
    again = ev.QuestionAsked(numbered.replace("019", "029", 1), "Ann", "still open {n}")
    answered = ev.QuestionAnswered(numbered, tricky * 3)
    options = tuple(tricky * 2 + letter for letter in "ABC")
    opened = ev.PollOpened(numbered, tricky, options, False, False, "live")
    layout = SceneLayout((SceneItem("slide"), SceneItem("title", text=tricky)))
    scene = ev.SceneCreated(numbered, tricky, layout)
    on_air = ev.SceneChanged("01900000-0000-7000-9000-000000000003")
    joined = ev.ParticipantJoined(numbered, tricky, "student")
    came_and_went = ev.ParticipantJoined(numbered.replace("019", "029", 1), "Bob", "student")
    went = ev.ParticipantLeft(came_and_went.user)
    enabled = ev.DestinationEnabled(numbered)
    failed = ev.DestinationFailed(numbered, tricky, 7)
    still_enabled = ev.DestinationEnabled(numbered.replace("019", "029", 1))
    return [
        _trim("the budget of messages", "messages", 220, message),
        _trim("the budget of questions", "questions", 300, asked),
        _trim("answered questions go first", "questions", 150, again, asked, answered),
        _trim("the budget of open polls", "polls", 80, opened),
        _trim("closed polls go first", "polls", 30, still_open, opened, ev.PollClosed(numbered)),
        _trim("the budget of scenes keeps the one on air", "scenes", 60, scene, on_air),
        _trim("the budget of hands keeps the first", "hands", 300, ev.HandRaised(numbered, tricky)),
        _trim("the budget of people", "people", 400, joined),
        _trim("who has left goes first", "people", 300, joined, came_and_went, went),
        _trim("the budget of destinations", "destinations", 50, enabled),
        _trim("failed ones go first", "destinations", 12, still_enabled, enabled, failed),
        *_trims_of_more(numbered, tricky),
    ]


def _trims_of_more(numbered: str, tricky: str) -> list[Any]:
    """Return the same for the lists of pinned messages, assets, strokes, captions, artifacts."""
    at = "2026-11-22T09:00:00.123Z"
    pinned = ev.ChatPinned(numbered, ANN, tricky, tricky * 9, "everyone", at)
    removed = ev.ChatRemoved("01900000-0000-7000-9000-000000000010", "everyone")
    message = ev.ChatPosted(numbered, "Ann", tricky * 9, "everyone")
    asset = ev.AssetAdded(numbered, "whiteboard", 'b/"{n}', tricky)
    shown = ev.AssetShown("01900000-0000-7000-9000-000000000003", 1)
    here, there = shown.asset, "01900000-0000-7000-9000-000000000004"
    points = tuple(range(0, 10_000, 100))
    drawn = ev.BoardDrawn(here, numbered, Stroke(points))
    elsewhere = ev.BoardDrawn(there, numbered.replace("019", "029", 1), Stroke(points[:9]))
    undone = ev.BoardUndone(here, "01900000-0000-7000-9000-000000000100")
    said = ev.CaptionAdded(tricky * 12, 0, 1, "en")
    chapter = ev.ChapterMarked(numbered, tricky, 7)
    granted = ev.ParticipantGrantsChanged(numbered, {"board.draw": True, "caption.add": True})
    joined = ev.ParticipantJoined(numbered, "Ann", "student")
    return [
        _trim("the budget of pinned messages", "pinned", 60, pinned),
        _trim("a removed message weighs less", "messages", 90, message, removed),
        _trim("the budget of assets keeps the shown one", "assets", 60, asset, shown),
        _trim("the budget of strokes", "strokes", 150, shown, drawn),
        _trim("strokes on what is not shown go first", "strokes", 130, shown, elsewhere, drawn),
        _trim("an undone stroke weighs nothing", "strokes", 120, shown, drawn, undone),
        _trim("the budget of captions", "captions", 12, said),
        _trim("the budget of artifacts", "artifacts", 80, chapter),
        _trim("grants weigh, too", "people", 200, joined, granted),
    ]


def _trim(name: str, part: str, count: int, *events: ev.AnyEvent) -> dict[str, Any]:
    templates = [
        {key: value for key, value in logged(0, event, ANN).items() if key != "sequence"}
        for event in events
    ]
    state, sequence = State(), 0
    for number in range(1, count + 1):
        text = json.dumps(templates).replace("{n}", f"{number:012d}")
        for entry in json.loads(text):
            sequence += 1
            apply(state, {**entry, "sequence": sequence})
    left = msgspec.to_builtins(state)[part]
    if isinstance(left, dict):
        left = [[key, value] for key, value in left.items()]
    return {"name": name, "templates": templates, "count": count, "list": part,
            "length": len(left), "first": left[0], "last": left[-1]}  # fmt: skip
