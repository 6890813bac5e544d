"""The vectors of the fold: one class from its first event to its last, and what is trimmed."""

import json
from typing import Any

import msgspec

from protocol import events as ev
from protocol.codec import decode_event
from protocol.commands import SceneItem, SceneLayout
from protocol.snapshot import State, fold

TEACHER = "01900000-0000-7000-8000-000000000001"
ANN = "01900000-0000-7000-8000-00000000000a"
BOB = "01900000-0000-7000-8000-00000000000b"


def identifier(number: int) -> str:
    """Return the id of the thing with this number."""
    return f"01900000-0000-7000-9000-{number:012d}"


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
    """Fold one entry of an ``events`` frame into ``state``; an unknown type changes nothing."""
    event = decode_event(entry["type"], msgspec.json.encode(entry["data"]))
    if event is not None:
        fold(state, event, sequence=entry["sequence"], at=entry["at"], by=entry["by"])


_A_LAYOUT = SceneLayout((SceneItem("slide"), SceneItem("camera", 7_500, 7_500, 2_500, 2_500)))

# A whole class, in chapters. Each chapter is one vector, on the state that the last one left.
_CLASS: list[tuple[str, list[tuple[ev.AnyEvent, str | None]]]] = [
    (
        "people come in and the class starts",
        [
            (ev.ParticipantJoined(TEACHER, "Dr. Okafor", "teacher"), None),
            (ev.SessionStarted(), TEACHER),
            (ev.ParticipantJoined(ANN, "Ann", "student"), None),
            (ev.ParticipantJoined(BOB, "Bob “the quick” Ünal", "student"), None),
        ],
    ),
    (
        "hands keep the order of raising",
        [
            (ev.HandRaised(ANN, "Ann"), ANN),
            (ev.HandRaised(BOB, "Bob"), BOB),
            (ev.HandRaised(TEACHER, "Dr. Okafor"), TEACHER),
            (ev.HandLowered(ANN), TEACHER),
            (ev.HandRaised(ANN, "Ann"), ANN),
        ],
    ),
    ("a hand raised again goes to the end", [(ev.HandRaised(BOB, "Bob"), BOB)]),
    ("lowering a hand that is down changes nothing", [(ev.HandLowered(identifier(404)), TEACHER)]),
    (
        "chat, to everyone and to staff, with a reply",
        [
            (ev.ChatPosted(identifier(1), "Ann", "hello", "everyone"), ANN),
            (
                ev.ChatPosted(identifier(2), "Bob", "hi 👋🏽 <b>", "everyone", identifier(1)),
                BOB,
            ),
            (ev.ChatPosted(identifier(3), "Ann", "I cannot hear", "staff"), ANN),
            (ev.ChatPosted(identifier(4), "", "from the system", "everyone"), None),
        ],
    ),
    (
        "questions, votes and answers",
        [
            (ev.QuestionAsked(identifier(10), "Ann", "Why is x squared?"), ANN),
            (ev.QuestionAsked(identifier(11), "Bob", "What about y?"), BOB),
            (ev.QuestionAsked(identifier(12), "Bob", "And z?"), BOB),
            (ev.QuestionUpvoted(identifier(10)), BOB),
            (ev.QuestionUnvoted(identifier(10)), BOB),
            (ev.QuestionAnswered(identifier(11)), TEACHER),
            (ev.QuestionAnswered(identifier(12), "z is free."), TEACHER),
            (ev.QuestionAnswered(identifier(404)), TEACHER),
        ],
    ),
    (
        "polls open, close and are published",
        [
            (
                ev.PollOpened(identifier(20), "Ready?", ("Yes", "No"), False, False, "live", (0,)),
                TEACHER,
            ),
            (
                ev.PollOpened(
                    identifier(21), "Which?", ("A", "B", "C"), True, True, "published", None
                ),
                TEACHER,
            ),
            (ev.PollVoted(identifier(20), (0,), False), ANN),
            (ev.PollVoted(identifier(21), (0, 2), True), None),
            (ev.PollClosed(identifier(20)), TEACHER),
            (ev.PollPublished(identifier(21), (1, 0, 1)), TEACHER),
            (ev.PollPublished(identifier(20), (1, 0), (0,)), TEACHER),
            (ev.PollClosed(identifier(404)), TEACHER),
        ],
    ),
    (
        "scenes",
        [
            (ev.SceneCreated(identifier(30), "Slides", _A_LAYOUT), TEACHER),
            (ev.SceneCreated(identifier(31), "Me", SceneLayout((SceneItem("camera"),))), TEACHER),
            (ev.SceneChanged(identifier(31)), TEACHER),
        ],
    ),
    (
        "the teacher's media comes, goes and comes again",
        [
            (ev.PublisherConnected(TEACHER, 1280, 720, "h264"), None),
            (ev.PublisherWarning("gop_warning"), None),
            (ev.PublisherLost(TEACHER, "no media for 30 s"), None),
            (ev.PublisherResumed(TEACHER), None),
            (ev.PublisherReplaced(TEACHER), None),
        ],
    ),
    ("the teacher's media is lost", [(ev.PublisherLost(TEACHER, "closed"), None)]),
    (
        "a destination gets live through trouble",
        [
            (ev.DestinationEnabled(identifier(40)), TEACHER),
            (ev.DestinationConnecting(identifier(40), 1), None),
            (ev.DestinationRetryScheduled(identifier(40), 2, "refused", 1_000), None),
            (ev.DestinationConnecting(identifier(40), 2), None),
            (ev.DestinationLive(identifier(40), 850), None),
            (ev.DestinationDegraded(identifier(40), "slow"), None),
        ],
    ),
    (
        "destinations recover, switch, fail and stop",
        [
            (ev.DestinationRecovered(identifier(40)), None),
            (ev.DestinationSwitched(identifier(40), "backup"), None),
            (ev.DestinationEnabled(identifier(41)), TEACHER),
            (ev.DestinationConnecting(identifier(41), 7), None),
            (ev.DestinationFailed(identifier(41), "key_refused", 7), None),
            (ev.DestinationEnabled(identifier(42)), TEACHER),
            (ev.DestinationDisabled(identifier(42)), TEACHER),
            (ev.DestinationStopped(identifier(42)), None),
            (ev.DestinationLive(identifier(404), 1), None),
        ],
    ),
    ("a destination is enabled again", [(ev.DestinationEnabled(identifier(41)), TEACHER)]),
    (
        "recordings: only the newest one counts",
        [
            (ev.RecordingStarted(identifier(50)), TEACHER),
            (ev.RecordingStopped(identifier(50)), TEACHER),
            (ev.RecordingStarted(identifier(51)), TEACHER),
            (
                ev.RecordingFinalized(identifier(50), "recordings/50/index.m3u8", 60_000, 9_000),
                None,
            ),
        ],
    ),
    ("a recording fails", [(ev.RecordingFailed(identifier(51), "disk_full"), None)]),
    (
        "a recording is finalized",
        [
            (ev.RecordingStarted(identifier(52)), TEACHER),
            (ev.RecordingFinalized(identifier(52), "recordings/52/index.m3u8", 1, 1), None),
        ],
    ),
    (
        "people leave, return and are removed with their hand",
        [
            (ev.ParticipantLeft(ANN), None),
            (ev.ParticipantJoined(ANN, "Ann B.", "student"), None),
            (ev.ParticipantRemoved(BOB, "noise"), TEACHER),
            (ev.ParticipantLeft(BOB), None),
            (ev.ParticipantRemoved(BOB), TEACHER),
        ],
    ),
    ("all hands go down", [(ev.HandAllLowered(), TEACHER)]),
    ("the end lowers every hand", [(ev.HandRaised(ANN, "Ann"), ANN), (ev.SessionEnded(), TEACHER)]),
]


def folds() -> list[Any]:
    """Return the class chapter by chapter: ``name``, ``before``, ``events``, ``after``."""
    cases: list[Any] = []
    state, sequence = State(), 0
    for name, chapter in _CLASS:
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
