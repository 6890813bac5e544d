"""The states of what is left of a class: its replay and its report."""

from typing import Any

import msgspec

from protocol import codec
from protocol import events as ev
from protocol.rest import Replay, ReplayEvent, ReplayGap, ReplayMedia, ReplayPlayback, Session
from tests.gallery import film
from tests.gallery.states import (
    ANN,
    ASKING,
    CROWD,
    DEE,
    EVERYBODY,
    POLL,
    SHOWING,
    TEACHER,
    TITLE,
    State,
    identifier,
    session_of,
)
from tests.gallery.story import NOW_MS, Somebody, Story, Told

STARTED_MS = NOW_MS - film.DURATION_MS
_MINUTE_MS = 60_000

SAID = (
    "Good morning, everybody. Last time we asked what it means to come close to something.",
    "Today we make that precise: a limit is a promise about every distance, however small.",
    "You name a distance from L. I answer with a distance from a, and then the promise holds.",
    "It does not matter what happens at a itself. The function need not even be defined there.",
    "Look at the slide: the curve has a hole, and yet the limit is there for all to see.",
    "Who can tell me why we may divide by h, although h goes to zero?",
)
CHAPTERS = (
    (0, "Limits & continuity"), (6, "Limits, part 1.pdf · 7"), (19, "Why may we divide by h?"),
    (31, "Which of these is continuous at 0?"), (44, "The squeeze theorem"),
)  # fmt: skip

DONE = ASKING.then(
    Told(ev.PollClosed(POLL), TEACHER.user),
    Told(ev.PollPublished(POLL, (2, 0, 1, 0), (0,)), TEACHER.user),
)


def _vtt(cues: list[tuple[int, int, str]]) -> str:
    lines = (f"{_clock(start)} --> {_clock(end)}\n{text}" for start, end, text in cues)
    return "WEBVTT\n\n" + "\n\n".join(lines).replace("&", "&amp;") + "\n"


def _clock(ms: int) -> str:
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


def _summary(**changes: Any) -> Replay:
    known = Replay(
        id=identifier(1), course=identifier(2), title=TITLE, language="en", status="published",
        publish_at=None, started_at=codec.timestamp(STARTED_MS), ended_at=codec.timestamp(NOW_MS),
        has_media=True, is_finalizing=False, recordings_deleted_at=None, artifacts=5,
        chapters=len(CHAPTERS), captions=("en",), processing=None,
    )  # fmt: skip
    return msgspec.structs.replace(known, **changes)


def _replay(
    name: str, story: Story = DONE, who: Somebody = ANN, *, url: str | None = "/film/index.m3u8",
    gaps: tuple[ReplayGap, ...] = (), also: tuple[ReplayEvent, ...] = (),
    query: str = "&t=1890", captions: tuple[str, ...] = ("en",), **changes: Any,
) -> State:  # fmt: skip
    """Return a replay that is told to ``who`` as it is at the end of ``story``."""
    recording = ReplayMedia(
        identifier(50), url or "", codec.timestamp(NOW_MS + 3_600_000), 0, film.DURATION_MS
    )
    events = [
        ReplayEvent(number * _MINUTE_MS, msgspec.Raw(msgspec.json.encode(event)))
        for number, event in enumerate(story.log(who))
    ]
    events = sorted((*events, *also), key=lambda event: event.t)
    sentences = [(m * _MINUTE_MS, m * _MINUTE_MS + 55_000, SAID[m % len(SAID)]) for m in range(60)]
    chapters = [(m * _MINUTE_MS, (m + 1) * _MINUTE_MS, title) for m, title in CHAPTERS]
    of = "student" if who.role == "student" else "staff"
    return State(
        "replay",
        name,
        rest={
            "replay": _summary(id=session_of("replay", name), captions=captions, **changes),
            "replay/playback": ReplayPlayback(
                film.DURATION_MS, (recording,) if url else (), gaps, captions
            ),
            "replay/state": {
                "t": 0, "at": codec.timestamp(NOW_MS), "sequence": len(story.events), "view": of,
                "state": story.seen(who),
            },
            "replay/events": {"items": events, "next": None},
            "replay/chapters.vtt": _vtt(chapters),
            "replay/captions/en.vtt": _vtt(sentences),
        },
        query=query,
    )  # fmt: skip


_STOPPED = ReplayEvent(
    719_400,
    msgspec.Raw(
        msgspec.json.encode(
            {
                "sequence": 90, "type": "recording.stopped", "version": 1,
                "at": codec.timestamp(STARTED_MS + 719_400), "by": TEACHER.user,
                "data": {"recording": identifier(50)},
            }
        )
    ),
)  # fmt: skip


def _session(name: str, status: Any, page: Any = "replay") -> Session:
    started = None if status == "scheduled" else codec.timestamp(STARTED_MS)
    return Session(
        id=session_of(page, name), lesson=identifier(3), title=TITLE, language="en", status=status,
        scheduled_at=None, started_at=started,
        ended_at=codec.timestamp(NOW_MS) if status == "ended" else None,
        created_at=codec.timestamp(STARTED_MS - 86_400_000),
    )  # fmt: skip


def _report(
    name: str, people: tuple[Somebody, ...], *, asked: bool = True, status: Any = "ended"
) -> State:
    """Return the report on a class in which some, at two moments, were lost."""
    at = [codec.timestamp(STARTED_MS + minute * _MINUTE_MS) for minute in range(60)]
    attendance = [
        {
            "user": each.user, "name": each.name, "role": each.role,
            "first_joined_at": at[number % 9], "last_left_at": at[59 - number % 14],
            "minutes": 59.0 - number % 14 - number % 9,
            "stays": [{"joined_at": at[number % 9], "left_at": at[59 - number % 14]}],
        }
        for number, each in enumerate(people)
    ]  # fmt: skip
    lost = [
        {"sequence": number, "type": "feedback.marked", "version": 1, "by": each.user,
         "at": at[minute], "data": {"kind": kind}}
        for number, (each, minute, kind) in enumerate(
            (each, minute, kind)
            for minute, share, kind in ((12, 6, "lost"), (33, 2, "lost"), (34, 3, "lost"),
                                        (35, 9, "lost"), (36, 4, "got_it"))
            for each in people[::share]
        )
    ]  # fmt: skip
    none = {"answer": None, "presented_at": None, "answered_at": None, "dismissed_at": None}
    questions = [
        none | {"id": identifier(10), "user": ANN.user, "name": ANN.name, "votes": 14,
                "prompt": "Why may we divide by h if h goes to zero?", "status": "open",
                "created_at": at[12]},
        none | {"id": identifier(11), "user": DEE.user, "name": DEE.name, "votes": 3,
                "prompt": "Is |x| differentiable at 0, and how would one see it?",
                "status": "open", "created_at": at[40]},
        none | {"id": identifier(12), "user": DEE.user, "name": DEE.name, "votes": 2,
                "prompt": "What was the name of the theorem with the two policemen?",
                "status": "answered", "answer": "The squeeze theorem.", "answered_at": at[45],
                "created_at": at[44]},
    ]  # fmt: skip
    polls = [
        {"id": POLL, "prompt": "Which of these is continuous at 0?", "multiple": False,
         "options": ["|x|", "1/x", "sgn x", "None of them"], "anonymous": False, "correct": [0],
         "votes": [21, 4, 9, 2], "voters": 36, "closed_at": at[32], "published_at": at[33],
         "created_at": at[31]},
    ]  # fmt: skip
    return State(
        "report",
        name,
        rest={
            "": _session(name, status, "report"),
            "/attendance": {"items": attendance, "next": None},
            "/questions": {"items": questions if asked else [], "next": None},
            "/polls": {"items": polls if asked else [], "next": None},
            "/events": {"from": 1, "to": 900, "head": 900, "events": lost if asked else []},
        },
    )


OVER: tuple[State, ...] = (
    _replay("ready"),
    _replay("beginning", query=""),
    _replay("slides", SHOWING),
    _replay("staff", who=TEACHER, status="draft"),
    _replay(
        "gaps", gaps=(ReplayGap(720_000, 70_000), ReplayGap(2_400_000, 254_000)), captions=(),
        also=(_STOPPED,),
    ),
    _replay("processing", url=None, who=TEACHER, status="draft", has_media=False,
            is_finalizing=True, processing="The recording is being finalized.", query=""),
    _replay("not-recorded", url=None, has_media=False, query=""),
    _replay("deleted", url=None, has_media=False, query="",
            recordings_deleted_at=codec.timestamp(NOW_MS + 86_400_000 * 90)),
    _replay("broken", url="/film/lost.m3u8"),
    State("replay", "not-published", rest={
        "": _session("not-published", "ended"),
        "/events": {"from": 1, "to": 900, "head": 900, "events": DONE.log(ANN)},
    }),
    State("replay", "early", rest={"": _session("early", "live")}),
    State("replay", "gone"),
    State("replay", "refused", rest={"replay": 403}),
    State("replay", "expired", rest={"replay": 401}),
    State("replay", "failed", rest={"replay": 503}),
    _report("ended", CROWD[:44]),
    _report("crowd", CROWD),
    _report("quiet", EVERYBODY[:1], asked=False),
    _report("so-far", EVERYBODY, status="live"),
    State("report", "early", rest={"": _session("early", "scheduled", "report")}),
    State("report", "not-staff", rest={"": _session("not-staff", "ended", "report"),
                                       "/attendance": 403}),
    State("report", "failed", rest={"": 503}),
)  # fmt: skip
