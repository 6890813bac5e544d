"""The states that the pages can be in, one by one: a name, a page, and what it is told."""

import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import msgspec

from protocol import codec, limits
from protocol import events as ev
from protocol.commands import SceneItem, SceneLayout, Stroke
from protocol.frames import (
    Bye,
    Counters,
    Health,
    Heartbeat,
    Limits,
    Me,
    Mine,
    Presence,
    ServerFrame,
    SnapshotFrame,
    Welcome,
)
from protocol.health import DestinationHealth, UplinkHealth
from protocol.ids import FOREVER
from protocol.rest import Destination, Session
from protocol.snapshot import State as Snapshot
from tests.gallery.home import HOMES, links
from tests.gallery.story import NOW_MS, Somebody, Story, Told

Page = Literal["studio", "room", "replay", "report", "home", "join"]

TITLE = "Limits & continuity"


def identifier(number: int) -> str:
    """Return the id of the thing with this number."""
    return f"01900000-0000-7000-9000-{number:012d}"


TEACHER = Somebody(identifier(900), "Dr. Adaeze Okafor", "teacher")
ANN = Somebody(identifier(901), "Ann Lindqvist", "student")
BOB = Somebody(identifier(902), "Bob “the quick” Ünal", "student")
CY = Somebody(identifier(903), "سيرين الخطيب", "student")
DEE = Somebody(identifier(904), "Dee Wang", "student")
EVERYBODY = (TEACHER, ANN, BOB, CY, DEE)
CROWD = (*EVERYBODY, *(Somebody(identifier(n), f"Student {n}", "student") for n in range(1, 496)))


class State(NamedTuple):
    """One state of one page."""

    page: Page
    name: str
    frames: tuple[ServerFrame, ...] = ()
    """What the server says after ``hello``; nothing: it has not answered yet."""
    is_cut: bool = False
    """The connection is gone after that, and does not come back."""
    rest: Mapping[str, Any] = MappingProxyType({})
    """What REST answers, by what the path ends in: text as it is, a number as a problem."""
    clicks: tuple[str, ...] = ()
    """What one presses to see it, by test id, one after the other."""
    query: str = ""
    """What else the address says."""
    script: str = ""
    """What is different in this browser, as a script that runs before the page's."""

    @property
    def session(self) -> str:
        """The session that the page believes to be in."""
        return session_of(self.page, self.name)


def session_of(page: str, name: str) -> str:
    """Return the id of the session that stands for a state."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{page}/{name}"))


def _said(who: Somebody, number: int, text: str, to: Literal["everyone", "staff"] = "everyone"):
    return Told(ev.ChatPosted(identifier(number), who.name, text, to), who.user)


def _asked(who: Somebody, number: int, text: str) -> Told:
    return Told(ev.QuestionAsked(identifier(number), who.name, text), who.user)


def _by_teacher(event: ev.AnyEvent) -> Told:
    return Told(event, TEACHER.user)


POLL, OTHER_POLL = identifier(20), identifier(21)
YOUTUBE, TWITCH, SCHOOL = identifier(40), identifier(41), identifier(42)

PLANNED = Story().then(
    *(ev.ParticipantJoined(who.user, who.name, who.role) for who in EVERYBODY),
    _by_teacher(
        ev.SceneCreated(
            identifier(30),
            "Slides and me",
            SceneLayout((SceneItem("slide"), SceneItem("camera", 7_400, 7_400, 2_500, 2_500))),
        )
    ),
    _by_teacher(ev.SceneCreated(identifier(31), "Just me", SceneLayout((SceneItem("camera"),)))),
    _by_teacher(ev.SceneChanged(identifier(30))),
)
BEGUN = PLANNED.then(_by_teacher(ev.SessionStarted()))
ON_AIR = BEGUN.then(
    ev.PublisherConnected(TEACHER.user, 1280, 720, "h264"),
    _said(ANN, 1, "Good morning! I can see and hear you well 👋🏽"),
    _said(BOB, 2, "Is this the same notation as in the book?"),
    _said(TEACHER, 3, "Yes: chapter 3, page 41. https://school.example/calculus/3"),
    _said(CY, 4, "هل هذا هو نفس الرمز؟"),
    _said(DEE, 5, "My sound was gone for a moment, all fine now", "staff"),
    _by_teacher(
        ev.ChatPinned(
            identifier(3),
            TEACHER.user,
            TEACHER.name,
            "Chapter 3, page 41.",
            "everyone",
            codec.timestamp(NOW_MS - 900_000),
        )
    ),
    _asked(ANN, 10, "Why may we divide by h if h goes to zero?"),
    _asked(BOB, 11, "Does every continuous function have a limit?"),
    _asked(DEE, 12, "What was the name of the theorem with the two policemen?"),
    *(Told(ev.QuestionUpvoted(identifier(10)), who.user) for who in (BOB, CY, DEE)),
    Told(ev.QuestionUpvoted(identifier(11)), ANN.user),
    _by_teacher(ev.QuestionAnswered(identifier(12), "The squeeze theorem.")),
    Told(ev.HandRaised(BOB.user, BOB.name), BOB.user),
    Told(ev.HandRaised(ANN.user, ANN.name), ANN.user),
)
ASKING = ON_AIR.then(
    _by_teacher(
        ev.PollOpened(
            POLL,
            "Which of these is continuous at 0?",
            ("|x|", "1/x", "sgn x", "None of them"),
            False,
            False,
            "live",
            (0,),
        )
    ),
    *(Told(ev.PollVoted(POLL, (choice,), False), who.user)
      for who, choice in ((BOB, 0), (CY, 0), (DEE, 2))),
)  # fmt: skip
STREAMING = ON_AIR.then(
    *(_by_teacher(ev.DestinationEnabled(each)) for each in (YOUTUBE, TWITCH, SCHOOL)),
    ev.DestinationConnecting(YOUTUBE, 1),
    ev.DestinationLive(YOUTUBE, 850),
    ev.DestinationConnecting(TWITCH, 1),
    ev.DestinationRetryScheduled(TWITCH, 2, "reset", 4_000),
    ev.DestinationConnecting(SCHOOL, 1),
    ev.DestinationFailed(SCHOOL, "auth_rejected", 2),
    _by_teacher(ev.RecordingStarted(identifier(50))),
)
SLIDES, BOARD = identifier(70), identifier(71)
SHOWING = ON_AIR.then(
    _by_teacher(ev.AssetAdded(SLIDES, "slide", "slides", "Limits, part 1.pdf", 24)),
    _by_teacher(ev.AssetAdded(BOARD, "whiteboard", "board:", "Board 2", 1)),
    _by_teacher(ev.AssetShown(SLIDES, 7)),
    _by_teacher(
        ev.BoardDrawn(
            SLIDES,
            identifier(72),
            Stroke((1500, 6200, 3000, 5400, 5200, 6400), "#d92d20", 40, "pen", 7),
        )
    ),
    _by_teacher(
        ev.BoardDrawn(
            SLIDES,
            identifier(73),
            Stroke((1200, 3000, 6800, 3000), "#1d4ed8", 220, "highlighter", 7),
        )
    ),
)
CAPTIONS = (
    _by_teacher(
        ev.CaptionAdded("Let us look at what happens near zero.", 2_380_000, 2_384_000, "en")
    ),
    _by_teacher(
        ev.CaptionAdded(
            "The value itself does not matter: only where the function goes.",
            2_384_000,
            2_390_000,
            "en",
        )
    ),
)
NOTES = (
    Told(ev.NoteAdded(identifier(80), ANN.name, "Look up: epsilon and delta", 900_000), ANN.user),
    Told(ev.NoteAdded(identifier(81), ANN.name, "|x| is continuous but has a corner", 1_500_000),
         ANN.user),
)  # fmt: skip
DRAWING = SHOWING.then(
    _by_teacher(ev.AssetShown(BOARD, 1)),
    _by_teacher(
        ev.BoardDrawn(
            BOARD, identifier(74), Stroke((1000, 8000, 3000, 3000, 5000, 7000, 9000, 1000))
        )
    ),
)
STARTING = PLANNED.then(
    *(_by_teacher(ev.DestinationEnabled(each)) for each in (YOUTUBE, TWITCH)),
    ev.PublisherConnected(TEACHER.user, 1280, 720, "h264"),
    _by_teacher(ev.SessionStarted()),
    ev.DestinationConnecting(YOUTUBE, 1),
)
ORDERLY = ASKING.then(
    _by_teacher(ev.ChatConfigured(enabled=False, slow_mode_s=0, staff_only=False,
                                  before_start=False)),
    _by_teacher(ev.ChatRemoved(identifier(2), "everyone")),
    _by_teacher(ev.ParticipantMuted(BOB.user, FOREVER)),
    _by_teacher(ev.ParticipantRoleChanged(DEE.user, "assistant")),
    _by_teacher(ev.ParticipantGrantsChanged(ANN.user, {"chat.post": False})),
    _by_teacher(ev.ParticipantBanned(CY.user)),
    _by_teacher(ev.QuestionPresented(identifier(10))),
    _by_teacher(ev.QuestionDismissed(identifier(11))),
)  # fmt: skip
ORDERED = (TEACHER, ANN, BOB, DEE._replace(role="assistant"))
OVER = ASKING.then(_by_teacher(ev.PollClosed(POLL)), _by_teacher(ev.SessionEnded()))

FINISHING = ON_AIR.then(
    _by_teacher(ev.RecordingStarted(identifier(50))),
    _by_teacher(ev.SessionEnded()),
    ev.RecordingStopped(identifier(50)),
)
STREAMING_SOON = PLANNED.then(
    *(_by_teacher(ev.DestinationEnabled(each)) for each in (YOUTUBE, SCHOOL)),
    ev.DestinationFailed(SCHOOL, "secret_missing", 1),
)

HEALTH = Health(
    UplinkHealth("unstable", "Your connection loses 3 % of what it sends.", 2_410, 29, 118, 3.1),
    {
        YOUTUBE: DestinationHealth("good", "platform", "YouTube takes the stream.", 2_490, "live",
                                   provider="youtube"),
        TWITCH: DestinationHealth("failing", "platform", "Twitch closed the connection; "
                                  "the next attempt comes in 4 s.", 0, "backoff", attempt=2),
        SCHOOL: DestinationHealth("failing", "platform", "The server refused the stream key: "
                                  "check it and set it again.", 0, "failed", attempt=2),
    },
)  # fmt: skip


def _rest(status: Literal["scheduled", "live", "ended"]) -> dict[str, Any]:
    """Return what REST says of the session."""
    started = None if status == "scheduled" else codec.timestamp(NOW_MS - 2_537_000)
    session = Session(
        id=identifier(1), lesson=None, title=TITLE, language="en", status=status,
        scheduled_at=codec.timestamp(NOW_MS + 720_000), started_at=started,
        ended_at=codec.timestamp(NOW_MS) if status == "ended" else None,
        created_at=codec.timestamp(NOW_MS - 86_400_000),
    )  # fmt: skip
    destinations = [
        Destination(
            id=number, integration=identifier(60), provider=provider, name=name,
            url=f"rtmps://{provider}.example/live", backup_url=None, profile=provider,
            created_at=codec.timestamp(NOW_MS), warnings=(),
        )
        for number, provider, name in (
            (YOUTUBE, "youtube", "School channel"),
            (TWITCH, "twitch", "Twitch"),
            (SCHOOL, "custom", "Auditorium B"),
        )
    ]  # fmt: skip
    return {
        "/destinations": {"items": msgspec.to_builtins(destinations), "next": None},
        "/playback": {"items": []},
        "": msgspec.to_builtins(session),
    }


def _studio(
    name: str,
    story: Story,
    status: Any = "live",
    *clicks: str,
    rest: Mapping[str, Any] = MappingProxyType({}),
    **more: Any,
) -> State:
    frames = story.frames(
        TEACHER, session=session_of("studio", name), **{"here": EVERYBODY, **more}
    )
    # Which panel was in front before is remembered.
    clicks = clicks or ("tab-questions",)
    return State("studio", name, tuple(frames), rest={**_rest(status), **rest}, clicks=clicks)


def _marks(kind: str, *people: Somebody) -> dict[str, Any]:
    """Return what the log says of how people follow."""
    events = [
        {
            "sequence": number, "type": "feedback.marked", "version": 1, "by": who.user,
            "at": codec.timestamp(NOW_MS), "data": {"kind": kind},
        }
        for number, who in enumerate(people, 1)
    ]  # fmt: skip
    return {"from": 1, "to": 900, "head": 900, "events": events}


def _room(
    name: str, story: Story, status: Any = "live", *clicks: str, is_cut: bool = False
) -> State:
    frames = story.frames(ANN, session=session_of("room", name), here=EVERYBODY)
    return State("room", name, tuple(frames), is_cut, rest=_rest(status), clicks=clicks)


def _goodbye(page: Page, name: str, code: int) -> State:
    frames = BEGUN.frames(ANN if page == "room" else TEACHER, session=session_of(page, name))
    return State(page, name, (*frames, Bye(code, name)), rest=_rest("live"))


def _lobby(name: str) -> State:
    """Return the page of somebody who waits to be let in."""
    beat = Heartbeat(limits.HEARTBEAT_INTERVAL_MS, limits.HEARTBEAT_TIMEOUT_MS)
    now, later = codec.timestamp(NOW_MS), codec.timestamp(NOW_MS + 3_600_000)
    frames = (
        Welcome("c1", session_of("room", name), "gallery", 1, 9,
                Me(ANN.user, ANN.name, "student", ()), "lobby", "snapshot", beat,
                Limits(limits.FRAME_BYTES, 10, 20, 32), later, now),
        SnapshotFrame(9, Snapshot(status="live", title=TITLE, teacher=TEACHER.name)),
        Mine(9, "student", (), True, None, None, {}, (), (), ()),
        Presence(1, 0, full=()),
        Counters(9, 0, 0, {}, {}, {}),
    )  # fmt: skip
    return State("room", name, frames)


def _desk(name: str, story: Story, status: Any, *clicks: str, script: str = "") -> State:
    """Return the page of a teacher who has done something with camera and scenes."""
    return _studio(name, story, status, *clicks)._replace(script=script)


def _camera_is(problem: str) -> str:
    """Return a browser that has no camera to give, and says so with this exception."""
    return (
        "navigator.mediaDevices.getUserMedia ="
        f" async () => {{ throw new DOMException('', '{problem}'); }};"
    )


GOODBYES = {
    "expired": 4105, "invalid": 4500, "removed": 4503, "banned": 4504, "denied": 4505,
    "not_found": 4507, "abuse": 4513, "outdated": 4501,
}  # fmt: skip

STATES: tuple[State, ...] = (
    _studio("scheduled", PLANNED, "scheduled"),
    _studio(
        "waiting",
        PLANNED.then(
            _by_teacher(ev.SessionLocked()),
            *(ev.ParticipantWaiting(identifier(n), f"Newcomer {n}", "student") for n in (1, 2)),
        ),
        "scheduled",
    ),
    _studio("live", ON_AIR),
    _studio("lost", ON_AIR, rest={"/events": _marks("lost", BOB, CY, DEE)}),
    _studio("poll", ASKING),
    _studio("slides", SHOWING),
    _studio("streaming", STREAMING, health=HEALTH),
    _studio("ended", OVER, "ended"),
    _studio("starting", STARTING),
    _studio("go-live", PLANNED, "scheduled", "go-live"),
    _studio("go-live-destinations", STREAMING_SOON, "scheduled", "go-live"),
    _studio("end", ON_AIR, "live", "end-class"),
    _studio("leave", ON_AIR, "live", "more", "leave"),
    _studio("left", ON_AIR, "live", "more", "leave", "confirm"),
    _studio("keys", ON_AIR, "live", "more", "keys-list"),
    _studio("invite", ON_AIR, "live", "invite", rest={"/join-links": links()}),
    _studio(
        "invite-code",
        ON_AIR,
        "live",
        "invite",
        "classlink-qr",
        "classlink-revoke",
        rest={"/join-links": links()},
    ),
    _studio("invite-first", ON_AIR, "live", "invite", rest={"/join-links": links(0)}),
    _studio("quiet", BEGUN, rest={"/destinations": {"items": [], "next": None}}),
    _studio("reply", ON_AIR, "live", "tab-questions", "question-menu", "reply"),
    _studio("answering", ORDERLY, "live", "tab-questions", "tab-questions-answering", here=ORDERED),
    _studio("hidden", ORDERLY, "live", "tab-questions", "tab-questions-hidden", here=ORDERED),
    _studio("chat", ORDERLY, "live", "tab-chat", "chat-settings", here=ORDERED),
    _studio("chat-menu", ON_AIR, "live", "tab-chat", "message-menu"),
    _studio("people", ORDERLY, "live", "tab-people", here=ORDERED),
    _studio("person", ORDERLY, "live", "tab-people", "person-menu", here=ORDERED),
    _studio(
        "permissions", ORDERLY, "live", "tab-people", "person-menu", "permissions", here=ORDERED
    ),
    _studio("ban", ON_AIR, "live", "tab-people", "person-menu", "ban"),
    _studio("polls", ASKING, "live", "tab-polls"),
    _studio("poll-form", ASKING, "live", "tab-polls", "poll-compose", "poll-template-letters"),
    _studio("details", STREAMING, "live", "details", health=HEALTH),
    _studio("uplink", STREAMING, "live", "uplink", health=HEALTH),
    _studio("edit-key", STREAMING, "live", "destination-key", health=HEALTH),
    _studio("finishing", FINISHING, "ended"),
    _desk("checking", PLANNED, "scheduled", "camera-on"),
    _desk("denied", PLANNED, "scheduled", "camera-on", script=_camera_is("NotAllowedError")),
    _desk("in-use", PLANNED, "scheduled", "camera-on", script=_camera_is("NotReadableError")),
    _desk("no-camera", SHOWING, "live", "camera-on", script=_camera_is("NotFoundError")),
    _desk("slides-only", SHOWING, "live", "slides-only"),
    _desk("previewing", SHOWING, "live", "camera-on", "devices", "scene-careful", "scene"),
    State("studio", "joining"),
    State(
        "studio",
        "crowd",
        tuple(ASKING.frames(TEACHER, session=session_of("studio", "crowd"), here=CROWD)),
        rest=_rest("live"),
    ),
    State(
        "studio",
        "not-staff",
        tuple(BEGUN.frames(ANN, session=session_of("studio", "not-staff"), here=EVERYBODY)),
        rest=_rest("live"),
    ),
    _room("scheduled", PLANNED, "scheduled"),
    _room(
        "scheduled-chat",
        PLANNED.then(
            _by_teacher(ev.ChatConfigured(True, 0, False, before_start=True)),
            _said(BOB, 1, "I am early!"),
        ),
        "scheduled",
        "sound-check",
    ),
    _room("live", BEGUN),
    _room("busy", ON_AIR),
    _room("questions", ON_AIR, "live", "tab-questions"),
    _room("poll", ASKING, "live", "tab-polls"),
    _room(
        "voted", ASKING.then(Told(ev.PollVoted(POLL, (1,), False), ANN.user)), "live", "tab-polls"
    ),
    _room(
        "published",
        ASKING.then(
            _by_teacher(ev.PollClosed(POLL)),
            _by_teacher(ev.PollPublished(POLL, (2, 0, 1, 0), (0,))),
        ),
        "live",
        "tab-polls",
    ),
    _room("reactions", ON_AIR, "live", "react"),
    _room("lost", ON_AIR, "live", "lost"),
    _room("captions", SHOWING.then(*CAPTIONS), "live", "captions-on"),
    _room("notes", ON_AIR.then(*NOTES), "live", "tab-notes"),
    _room("settings", ON_AIR, "live", "settings"),
    _room("keys", ON_AIR, "live", "settings", "list-keys"),
    _room("large-teacher", SHOWING, "live", "swap"),
    _room("presented", ON_AIR.then(_by_teacher(ev.QuestionPresented(identifier(10))))),
    _room("slides", SHOWING),
    _room("board", DRAWING),
    _room("muted", ON_AIR.then(_by_teacher(ev.ParticipantMuted(ANN.user, FOREVER)))),
    _room("teacher-gone", ON_AIR.then(ev.PublisherLost(TEACHER.user, "no media for 30 s"))),
    _room("reconnecting", ON_AIR, is_cut=True),
    _room("ended", OVER, "ended"),
    _lobby("lobby"),
    State("room", "joining"),
    State("room", "full", (Bye(4129, "the room is full", 3_600_000),)),
    *(_goodbye("room", name, code) for name, code in GOODBYES.items()),
    *(
        State("home", name, rest=home.rest or {}, clicks=home.clicks)
        for name, home in HOMES.items()
    ),
)
BY_TOKEN = {state.session: state for state in STATES if state.page == "home"}
"""A state of the teachers' page, by the token that it is opened with."""
