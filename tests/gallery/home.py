"""The states of the teachers' page: who is signed in, where in it they are, and what REST says."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from protocol.health import StreamWarning
from protocol.ids import Role
from protocol.rest import (
    Course,
    Destination,
    FacetCount,
    Integration,
    JoinLink,
    JoinToken,
    Lesson,
    Me,
    MyRole,
    Problem,
    PublishToken,
    Replay,
    SearchFacets,
    SearchHit,
    SearchResults,
    Session,
)
from server.media.destinations.providers import PROVIDERS
from server.rest import answers
from tests.gallery import school
from tests.gallery.answers import DAY, HOUR
from tests.gallery.answers import at as _at
from tests.gallery.answers import identifier as _id
from tests.gallery.answers import page as _page


def _me(role: Role = "teacher", scope: Literal["tenant", "course"] = "tenant") -> Any:
    roles = (
        () if role == "student" else (MyRole(role, scope, None if scope == "tenant" else COURSE),)
    )
    name = "Dr. Adaeze Okafor" if role != "student" else "سيرين الخطيب"
    return Me(_id(900), name, _id(800), "Maple School", role, roles, _at(12 * HOUR))


COURSE, LESSON = _id(100), _id(110)
COURSES = (
    Course(COURSE, "Mathematics 11c", "published", _at(-9 * DAY)),
    Course(
        _id(101), "علم الأحياء – Biology for everybody who wants to know it", "draft", _at(-DAY)
    ),
)
LESSONS = (
    Lesson(LESSON, COURSE, "Limits", 0, _at(-9 * DAY)),
    Lesson(_id(111), COURSE, "Derivatives, and what they are good for", 1, _at(-8 * DAY)),
)


def _session(
    number: int,
    title: str,
    status: Literal["scheduled", "live", "ended"],
    scheduled: int | None,
    lesson: str | None = LESSON,
) -> Session:
    return Session(
        _id(number), lesson, title, "en", status,
        None if scheduled is None else _at(scheduled),
        _at(-HOUR) if status != "scheduled" else None,
        _at(-HOUR // 2) if status == "ended" else None,
        _at(-2 * DAY),
    )  # fmt: skip


LIVE = _session(120, "Limits & continuity", "live", -HOUR)
PLANNED = (
    _session(121, "Limits & continuity, part 2", "scheduled", DAY),
    _session(122, "The derivative", "scheduled", DAY + 3 * HOUR, _id(111)),
    _session(123, "Office hours", "scheduled", None, None),
)


def _replay(number: int, title: str, **more: Any) -> Replay:
    whole = {
        "id": _id(number), "course": COURSE, "title": title, "language": "en",
        "status": "draft", "publish_at": None, "started_at": _at((121 - number) * DAY),
        "ended_at": _at((121 - number) * DAY + 58 * 60_000), "has_media": True,
        "is_finalizing": False, "recordings_deleted_at": None, "artifacts": 3,
        "chapters": 2, "captions": ("en",), "processing": None,
    }  # fmt: skip
    return Replay(**{**whole, **more})


PAST = (
    _replay(130, "What a function is", processing="The recording is being finalized.",
            has_media=False),
    _replay(131, "Composing functions"),
    _replay(132, "Sets", publish_at=_at(DAY)),
    _replay(140, "Welcome!", status="published"),
    _replay(150, "A test", has_media=False),
)  # fmt: skip
YOUTUBE, CUSTOM = _id(160), _id(161)
INTEGRATIONS = (
    Integration(YOUTUBE, "youtube", "active", _at(-DAY)),
    Integration(CUSTOM, "custom", "revoked", _at(-DAY)),
)
DESTINATIONS = (
    Destination(_id(170), YOUTUBE, "youtube", "School channel",
                "rtmps://a.rtmps.youtube.com:443/live2",
                "rtmps://b.rtmps.youtube.com:443/live2?backup=1", "strict", _at(-DAY), ()),
    Destination(_id(171), CUSTOM, "custom", "Auditorium B", "rtmp://10.4.1.20/live", None,
                "tolerant", _at(-DAY),
                (StreamWarning("plain", "The stream and its key are sent unencrypted."),)),
)  # fmt: skip


def _hit(kind: Any, snippet: str, marked: tuple[int, int], start_ms: int | None) -> SearchHit:
    return SearchHit(
        kind, _id(180), 0, _id(140), "Welcome!", LESSON, "Limits", COURSE, "Mathematics 11c",
        _id(900), "Dr. Adaeze Okafor", _at(-3 * DAY), start_ms,
        f"https://class.example/sessions/{_id(140)}/replay?at={start_ms}", snippet, (marked,),
    )  # fmt: skip


HITS = (
    _hit("transcript", "… and so the limit from the left is the limit from the right …", (13, 18),
         754_000),
    _hit("question", "هل النهاية limit موجودة؟", (11, 16), 1_203_000),
    _hit("lesson", "Limits", (0, 6), None),
)  # fmt: skip
FACETS = SearchFacets(
    (FacetCount("transcript", None, 12), FacetCount("question", None, 3),
     FacetCount("lesson", None, 1)),
    (FacetCount(COURSE, "Mathematics 11c", 14), FacetCount(_id(101), "علم الأحياء", 2)),
    (),
    (FacetCount("2026-11", None, 16),),
)  # fmt: skip


def links(count: int = 1) -> dict[str, Any]:
    """Return the links of a class for all who come to it."""
    url = f"https://class.example/join#lcjoin_{'AZqrAAAAcACAAAAAAAAABxJ0b4lkTq2nRkm1zQ3vWw8'}"
    return _page(
        *(
            JoinLink(_id(192 + n), PLANNED[0].id, url, _id(900), None, 1000, 23, _at(-DAY))
            for n in range(count)
        )
    )


SCHOOL: dict[str, Any] = {
    "/v1/me": _me(),
    "/v1/sessions?status=live": _page(LIVE),
    "/v1/sessions?status=scheduled": _page(*PLANNED),
    f"/v1/sessions?course={COURSE}": _page(LIVE, *PLANNED[:2]),
    "/v1/replays": _page(*PAST),
    "/v1/courses": _page(*COURSES),
    f"/v1/courses/{COURSE}": COURSES[0],
    f"/v1/courses/{COURSE}/lessons": _page(*LESSONS),
    **{f"/v1/lessons/{each.id}": each for each in LESSONS},
    "/v1/providers": _page(*map(answers.profile, PROVIDERS.values())),
    "/v1/integrations": _page(*INTEGRATIONS),
    "/v1/destinations": _page(*DESTINATIONS),
    "/v1/search": SearchResults(HITS, None, 16, True, None, FACETS),
    f"/v1/sessions/{PLANNED[0].id}/publish-tokens": _page(
        PublishToken(_id(190), PLANNED[0].id, "OBS in room 4", _id(900), None, _at(-DAY))
    ),
    f"/v1/sessions/{LIVE.id}/join-links": links(0),
    f"/v1/sessions/{PLANNED[0].id}/join-links": links(),
    f"/v1/sessions/{PLANNED[0].id}/join-tokens": JoinToken(
        "t", "https://class.example/sessions/…/room#token=…", _id(191), _at(DAY)
    ),
}
NOTHING: dict[str, Any] = {
    "/v1/me": _me("admin"),
    "/v1/sessions": _page(),
    "/v1/replays": _page(),
    "/v1/courses": _page(),
    f"/v1/courses/{COURSE}": COURSES[0],
    f"/v1/courses/{COURSE}/lessons": _page(),
    "/v1/providers": SCHOOL["/v1/providers"],
    "/v1/integrations": _page(),
    "/v1/destinations": _page(),
    "/v1/search": SearchResults((), None, 0, True, None, SearchFacets((), (), (), ())),
}
AWAY = Problem("unavailable", "Unavailable", 503, "The database cannot be reached just now.")
BROKEN = {"/v1/me": _me(), "/v1/sessions": AWAY, "/v1/replays": AWAY, "/v1/destinations": AWAY}

TRIAL = b"""{"said":"Resolved 10.4.1.20 to 10.4.1.20; connecting to port 1935."}
{"said":"Connected."}
{"said":"FAILED (auth_rejected): The platform refused the stream key. Copy it again."}
{"taken":false}
"""


class Home(NamedTuple):
    """A state of the page: which part of it, what REST answers, and what is clicked there."""

    path: str
    rest: Mapping[str, Any] | None
    """None: nobody is signed in."""
    clicks: tuple[str, ...] = ()
    """The test ids of buttons, one after the other."""


HOMES: Mapping[str, Home] = {
    "door": Home("/sign-in", None),
    "classes": Home("/", SCHOOL),
    "first-day": Home("/", NOTHING),
    "assistant": Home("/", {**SCHOOL, "/v1/me": _me("assistant")}),
    "teacher-of-a-course": Home("/", {**SCHOOL, "/v1/me": _me("teacher", "course")}),
    "student": Home("/", {**SCHOOL, "/v1/me": _me("student"), "/v1/replays": _page(PAST[3])}),
    "schedule": Home("/?new=class", SCHOOL),
    "links": Home("/", SCHOOL, ("invite",)),
    "link-of-a-class": Home("/", {**SCHOOL, "/v1/sessions?status=live": _page()}, ("invite",)),
    "encoder": Home(
        "/", {**SCHOOL, "/v1/sessions?status=live": _page()}, ("session-actions", "encoder")
    ),
    "delete-class": Home(
        "/", {**SCHOOL, "/v1/sessions?status=live": _page()}, ("session-actions", "delete")
    ),
    "plan": Home("/", {**SCHOOL, "/v1/replays": _page(*PAST[1:])}, ("past-actions", "plan")),
    "unavailable": Home("/", BROKEN),
    "unreachable": Home("/", {"/v1/me": AWAY}),
    "courses": Home("/courses", SCHOOL),
    "no-courses": Home("/courses", NOTHING),
    "course": Home(f"/courses/{COURSE}", SCHOOL),
    "course-empty": Home(f"/courses/{COURSE}", NOTHING),
    "destinations": Home("/destinations", SCHOOL),
    "no-destinations": Home("/destinations", NOTHING),
    "new-destination": Home("/destinations?new=destination", SCHOOL),
    "new-key": Home("/destinations", SCHOOL, ("destination-key",)),
    "trial": Home(
        "/destinations",
        {**SCHOOL, f"/v1/destinations/{DESTINATIONS[0].id}/test": TRIAL},
        ("destination-test",),
    ),
    "search": Home("/search?q=limit", SCHOOL),
    "search-nothing": Home("/search?q=zebra", NOTHING),
    **{name: Home(*state) for name, state in school.STATES.items()},
}
"""Each state by its name."""
