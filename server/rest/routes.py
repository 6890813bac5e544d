"""Every REST route, in one table: method, path, handler, who may, and the types on both sides."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from protocol import rest
from protocol.rest import ProblemCode
from server.auth.access import (
    ADMINISTER,
    ANYBODY,
    ASSIST,
    ATTEND,
    BROWSE,
    LOOK,
    MANAGE,
    OPERATE,
    SEARCH,
    SEE,
    TEACH,
)
from server.auth.policy import OPERATOR
from server.rest import (
    artifacts,
    assets,
    attendance,
    courses,
    credentials,
    destinations,
    join_links,
    live,
    media,
    objects,
    participants,
    people,
    recordings,
    replays,
    reports,
    search,
    sessions,
    signalling,
    tenants,
    webhooks,
)
from server.rest.conventions import Conventions
from server.rest.endpoint import endpoint
from server.rest.route import Route
from server.rest.tables import CSV

_FIND: tuple[ProblemCode, ...] = ("not_found",)
_WRITE: tuple[ProblemCode, ...] = (
    "not_found",
    "bad_request",
    "too_large",
    "unsupported_media_type",
)
_CREATE: tuple[ProblemCode, ...] = (*_WRITE, "idempotency_conflict")
_OFFER: tuple[ProblemCode, ...] = ("unsupported_codec", "overloaded")
_RESTART: tuple[ProblemCode, ...] = (
    "precondition_required",
    "precondition_failed",
    "conflict",
    "overloaded",
)
_COMMAND: tuple[ProblemCode, ...] = (
    *_WRITE,
    "unknown_op",
    "conflict",
    "idempotency_conflict",
    "muted",
    "locked",
    "session_ended",
    "rate_limited",
    "overloaded",
)

# fmt: off
ROUTES: tuple[Route, ...] = (
    # Tenants: the operator's, and one's own
    Route("POST", "/v1/tenants", tenants.found, OPERATE, rest.FoundedTenant, rest.NewTenant,
          status=201, scope=OPERATOR, errors=("conflict",)),
    Route("GET", "/v1/tenants", tenants.index, OPERATE, rest.Page[rest.Tenant],
          query=rest.PageQuery, scope=OPERATOR),
    Route("GET", "/v1/tenants/{tenant}", tenants.show, OPERATE, rest.Tenant, scope=OPERATOR),
    Route("PATCH", "/v1/tenants/{tenant}", tenants.set_status, OPERATE, rest.Tenant,
          rest.TenantStatus, scope=OPERATOR),
    Route("GET", "/v1/tenant", tenants.show_own, ADMINISTER, rest.Tenant),
    Route("PATCH", "/v1/tenant", tenants.change_own, ADMINISTER, rest.Tenant, rest.TenantChange),
    Route("POST", "/v1/domains", tenants.add_domain, ADMINISTER, rest.Domain, rest.NewDomain,
          status=201, idempotent=True, errors=("conflict",)),
    Route("GET", "/v1/domains", tenants.domains, ADMINISTER, rest.Page[rest.Domain],
          query=rest.PageQuery),
    Route("GET", "/v1/domains/{domain}", tenants.show_domain, ADMINISTER, rest.Domain),
    Route("DELETE", "/v1/domains/{domain}", tenants.remove_domain, ADMINISTER, status=204),

    # People, their roles, and what is known about them
    Route("GET", "/v1/me", people.me, SEARCH, rest.Me),
    Route("POST", "/v1/users", people.create, MANAGE, rest.User, rest.NewUser, status=201,
          idempotent=True, errors=("conflict",)),
    Route("GET", "/v1/users", people.index, MANAGE, rest.Page[rest.User], query=rest.UsersQuery),
    Route("GET", "/v1/users/{user}", people.show, MANAGE, rest.User),
    Route("PATCH", "/v1/users/{user}", people.change, ADMINISTER, rest.User, rest.UserChange,
          errors=("conflict",)),
    Route("DELETE", "/v1/users/{user}", people.erase, ADMINISTER, rest.Erasure, status=202,
          errors=("conflict",)),
    Route("GET", "/v1/users/{user}/erasure", people.show_erasure, ADMINISTER, rest.Erasure),
    Route("GET", "/v1/users/{user}/export", people.export, ADMINISTER, produces=people.NDJSON),
    Route("POST", "/v1/users/{user}/sign-in-links", credentials.make_link, ADMINISTER,
          rest.SignInLink, rest.NewSignInLink, status=201, errors=("conflict",)),
    Route("GET", "/v1/roles", people.roles, LOOK, rest.Page[rest.KnownRole]),
    Route("POST", "/v1/users/{user}/roles", people.give, MANAGE, rest.Assignment,
          rest.NewAssignment, status=201, idempotent=True),
    Route("GET", "/v1/users/{user}/roles", people.given, MANAGE, rest.Page[rest.Assignment],
          query=rest.PageQuery),
    Route("GET", "/v1/users/{user}/roles/{assignment}", people.show_given, MANAGE,
          rest.Assignment),
    Route("DELETE", "/v1/users/{user}/roles/{assignment}", people.take, MANAGE, status=204,
          errors=("conflict",)),

    # Courses and lessons
    Route("POST", "/v1/courses", courses.create, MANAGE, rest.Course, rest.NewCourse,
          status=201, idempotent=True, errors=_CREATE),
    Route("GET", "/v1/courses", courses.index, BROWSE, rest.Page[rest.Course],
          query=rest.PageQuery, errors=("bad_request",)),
    Route("GET", "/v1/courses/{course}", courses.show, LOOK.of("course"), rest.Course,
          errors=_FIND),
    Route("PATCH", "/v1/courses/{course}", courses.change, MANAGE.of("course"), rest.Course,
          rest.CourseChange, errors=_WRITE),
    Route("DELETE", "/v1/courses/{course}", courses.delete, MANAGE.of("course"), status=204,
          errors=("conflict",)),
    Route("GET", "/v1/courses/{course}/attendance", attendance.of_course, LOOK.of("course"),
          rest.Page[rest.CourseAttendance], query=rest.PageQuery),
    Route("GET", "/v1/courses/{course}/attendance.csv", attendance.of_course_csv,
          LOOK.of("course"), produces=CSV),
    Route("GET", "/v1/courses/{course}/lesson-order", courses.lesson_order, LOOK.of("course"),
          rest.LessonOrder),
    Route("PUT", "/v1/courses/{course}/lesson-order", courses.order_lessons, MANAGE.of("course"),
          rest.LessonOrder, rest.LessonOrder, errors=("conflict",)),
    Route("POST", "/v1/courses/{course}/lessons", courses.create_lesson, MANAGE.of("course"),
          rest.Lesson, rest.NewLesson, status=201, idempotent=True, errors=_CREATE),
    Route("GET", "/v1/courses/{course}/lessons", courses.lessons, LOOK.of("course"),
          rest.Page[rest.Lesson], query=rest.PageQuery, errors=(*_FIND, "bad_request")),

    Route("GET", "/v1/lessons/{lesson}", courses.show_lesson, LOOK.of("lesson"), rest.Lesson),
    Route("PATCH", "/v1/lessons/{lesson}", courses.change_lesson, MANAGE.of("lesson"),
          rest.Lesson, rest.LessonChange),
    Route("DELETE", "/v1/lessons/{lesson}", courses.delete_lesson, MANAGE.of("lesson"),
          status=204, errors=("conflict",)),

    # Sessions and who comes to them
    Route("POST", "/v1/sessions", sessions.create_alone, MANAGE, rest.Session, rest.NewSession,
          status=201, idempotent=True),
    Route("POST", "/v1/lessons/{lesson}/sessions", sessions.create, MANAGE.of("lesson"),
          rest.Session, rest.NewSession, status=201, idempotent=True, errors=_CREATE),
    Route("GET", "/v1/lessons/{lesson}/sessions", sessions.of_lesson, LOOK.of("lesson"),
          rest.Page[rest.Session], query=rest.PageQuery, errors=(*_FIND, "bad_request")),
    Route("GET", "/v1/sessions", sessions.index, BROWSE, rest.Page[rest.Session],
          query=rest.SessionsQuery),
    Route("GET", "/v1/sessions/{session}", sessions.show, SEE, rest.Session, projected=True),
    Route("PATCH", "/v1/sessions/{session}", sessions.change, TEACH, rest.Session,
          rest.SessionChange, errors=("conflict",)),
    Route("DELETE", "/v1/sessions/{session}", sessions.delete, TEACH, status=204,
          errors=("conflict",)),
    Route("GET", "/v1/sessions/{session}/participants", participants.index, ASSIST,
          rest.Page[rest.SessionParticipant], query=rest.ParticipantsQuery, projected=True),
    Route("GET", "/v1/sessions/{session}/participants/{user}", participants.show, ASSIST,
          rest.SessionParticipant, projected=True),
    Route("PUT", "/v1/sessions/{session}/participants/{user}", participants.put_down, ASSIST,
          rest.SessionParticipant, rest.ParticipantRole, errors=("conflict",)),
    Route("DELETE", "/v1/sessions/{session}/participants/{user}", participants.strike, ASSIST,
          status=204, errors=("conflict",)),
    Route("GET", "/v1/sessions/{session}/attendance", attendance.of_session, ASSIST,
          rest.Page[rest.SessionAttendance], query=rest.PageQuery),
    Route("GET", "/v1/sessions/{session}/attendance.csv", attendance.of_session_csv, ASSIST,
          produces=CSV),
    Route("GET", "/v1/sessions/{session}/scenes", reports.scenes, ASSIST, rest.Page[rest.Scene],
          query=rest.PageQuery, projected=True),
    Route("GET", "/v1/sessions/{session}/polls", reports.polls, ASSIST, rest.Page[rest.Poll],
          query=rest.PageQuery, projected=True),
    Route("GET", "/v1/sessions/{session}/polls.csv", reports.polls_csv, ASSIST, produces=CSV,
          projected=True),
    Route("GET", "/v1/sessions/{session}/questions", reports.questions, ASSIST,
          rest.Page[rest.Question], query=rest.PageQuery, projected=True),
    Route("GET", "/v1/sessions/{session}/questions.csv", reports.questions_csv, ASSIST,
          produces=CSV, projected=True),
    Route("POST", "/v1/sessions/{session}/join-tokens", sessions.join_token, ASSIST,
          rest.JoinToken, rest.NewJoinToken, status=201, errors=_WRITE),

    # One link for a whole class
    Route("POST", "/v1/sessions/{session}/join-links", join_links.create, ASSIST,
          rest.IssuedJoinLink, rest.NewJoinLink, status=201, errors=("session_ended",)),
    Route("GET", "/v1/sessions/{session}/join-links", join_links.index, ASSIST,
          rest.Page[rest.JoinLink], query=rest.PageQuery),
    Route("DELETE", "/v1/sessions/{session}/join-links/{join_link}", join_links.revoke, ASSIST,
          status=204),
    Route("POST", "/v1/join-link", join_links.look_up, ANYBODY, rest.JoinLinkOpened,
          rest.JoinLinkToOpen, errors=("not_found", "forbidden", "rate_limited")),
    Route("POST", "/v1/join", join_links.join, ANYBODY, rest.Joined, rest.Join,
          errors=("not_found", "forbidden", "conflict", "session_ended", "rate_limited")),

    # Tokens of encoders, and signing in
    Route("POST", "/v1/sessions/{session}/publish-tokens", credentials.create, TEACH,
          rest.IssuedPublishToken, rest.NewPublishToken, status=201),
    Route("GET", "/v1/sessions/{session}/publish-tokens", credentials.index, TEACH,
          rest.Page[rest.PublishToken], query=rest.PageQuery),
    Route("DELETE", "/v1/sessions/{session}/publish-tokens/{publish_token}", credentials.revoke,
          TEACH, status=204),
    Route("POST", "/v1/sign-in", credentials.sign_in, ANYBODY, rest.SignedIn, rest.SignIn,
          errors=("unauthorized",)),

    # Finding it again
    Route("GET", "/v1/search", search.search, SEARCH, rest.SearchResults,
          query=rest.SearchQuery, errors=("bad_request",)),

    # What happens in a session
    Route("POST", "/v1/sessions/{session}/commands", live.perform, ATTEND, rest.CommandDone,
          rest.CommandRequest, errors=_COMMAND),
    Route("GET", "/v1/sessions/{session}/events", live.events, ATTEND, rest.EventsPage,
          query=rest.EventsQuery, errors=(*_FIND, "bad_request")),
    Route("GET", "/v1/sessions/{session}/events.ndjson", live.log, ATTEND, query=rest.LogQuery,
          produces=live.NDJSON),

    # Slides, boards and media
    Route("POST", "/v1/sessions/{session}/uploads", assets.create_upload, ASSIST, rest.Upload,
          rest.NewUpload, status=201, idempotent=True,
          errors=(*_CREATE, "conflict", "session_ended")),
    Route("GET", "/v1/sessions/{session}/uploads", assets.list_uploads, ASSIST,
          rest.Page[rest.Upload], query=rest.PageQuery, errors=(*_FIND, "bad_request")),
    Route("GET", "/v1/sessions/{session}/uploads/{upload}", assets.show_upload, ASSIST,
          rest.Upload, errors=_FIND),
    Route("POST", "/v1/sessions/{session}/uploads/{upload}/commit", assets.commit_upload, ASSIST,
          rest.Upload, errors=(*_FIND, "bad_request", "conflict")),
    Route("POST", "/v1/sessions/{session}/assets", assets.create, ASSIST, rest.CommandDone,
          rest.NewAsset, idempotent=True, command=True, errors=_COMMAND),
    Route("GET", "/v1/sessions/{session}/assets", assets.index, ATTEND, rest.Page[rest.Asset],
          query=rest.PageQuery, projected=True, errors=(*_FIND, "bad_request")),
    Route("GET", "/v1/sessions/{session}/assets/{asset}", assets.show, ATTEND, rest.Asset,
          projected=True, errors=_FIND),
    Route("DELETE", "/v1/sessions/{session}/assets/{asset}", assets.remove, ASSIST,
          rest.CommandDone, errors=_COMMAND),
    Route("GET", "/v1/sessions/{session}/assets/{asset}/pages/{page}", assets.page, ATTEND,
          produces=assets.PAGE_IS, projected=True, errors=_FIND),
    Route("GET", "/v1/sessions/{session}/assets/{asset}/board.svg", assets.board, ATTEND,
          produces=assets.BOARD_IS, query=rest.BoardQuery, projected=True,
          errors=(*_FIND, "bad_request")),

    # Where to stream to
    Route("GET", "/v1/providers", destinations.providers, LOOK, rest.Page[rest.Provider]),
    Route("POST", "/v1/integrations", destinations.create_integration, MANAGE, rest.Integration,
          rest.NewIntegration, status=201, idempotent=True, errors=_CREATE),
    Route("GET", "/v1/integrations", destinations.integrations, LOOK,
          rest.Page[rest.Integration], query=rest.PageQuery, errors=("bad_request",)),
    Route("GET", "/v1/integrations/{integration}", destinations.show_integration, LOOK,
          rest.Integration),
    Route("PATCH", "/v1/integrations/{integration}", destinations.change_integration, MANAGE,
          rest.Integration, rest.IntegrationChange, errors=("conflict", "overloaded")),
    Route("DELETE", "/v1/integrations/{integration}", destinations.delete_integration, MANAGE,
          status=204, errors=("conflict",)),
    Route("POST", "/v1/destinations", destinations.create, MANAGE, rest.Destination,
          rest.NewDestination, status=201, idempotent=True, errors=_CREATE),
    Route("GET", "/v1/destinations", destinations.index, LOOK, rest.Page[rest.Destination],
          query=rest.PageQuery, errors=("bad_request",)),
    Route("GET", "/v1/destinations/{destination}", destinations.show, LOOK, rest.Destination,
          errors=_FIND),
    Route("DELETE", "/v1/destinations/{destination}", destinations.delete, MANAGE, status=204,
          errors=("conflict",)),
    Route("PUT", "/v1/destinations/{destination}/stream-key", destinations.replace_key, MANAGE,
          body=rest.NewStreamKey, status=204, errors=_WRITE),
    Route("POST", "/v1/destinations/{destination}/test", destinations.test, MANAGE,
          produces=destinations.NDJSON, errors=("conflict", "overloaded")),
    Route("GET", "/v1/sessions/{session}/destinations", destinations.of_session, ASSIST,
          rest.Page[rest.SessionDestination], query=rest.PageQuery, projected=True),
    Route("POST", "/v1/sessions/{session}/destinations", live.enable_destination, TEACH,
          rest.DestinationEnabled, rest.EnableDestination, idempotent=True, command=True,
          errors=_COMMAND),

    # Picture and sound
    Route("POST", "/v1/sessions/{session}/whip", media.publish, ASSIST, status=201,
          takes=signalling.SDP, produces=signalling.SDP, scope="publish", errors=_OFFER),
    Route("PATCH", "/v1/sessions/{session}/whip/{resource}", media.trickle, ASSIST, status=204,
          takes=signalling.FRAGMENT, scope="publish", errors=_RESTART),
    Route("DELETE", "/v1/sessions/{session}/whip/{resource}", media.end, ASSIST,
          scope="publish", errors=_FIND),
    Route("POST", "/v1/sessions/{session}/whep", media.watch, ATTEND, status=201,
          takes=signalling.SDP, produces=signalling.SDP, errors=_OFFER),
    Route("PATCH", "/v1/sessions/{session}/whep/{resource}", media.trickle, ATTEND, status=204,
          takes=signalling.FRAGMENT, errors=_RESTART),
    Route("DELETE", "/v1/sessions/{session}/whep/{resource}", media.end, ATTEND, errors=_FIND),
    Route("GET", "/v1/sessions/{session}/ice-servers", media.ice_servers, ATTEND, rest.IceServers),
    Route("GET", "/v1/sessions/{session}/playback", media.playback, ATTEND,
          rest.Page[rest.Playback], projected=True),
    Route("GET", "/v1/sessions/{session}/recordings", media.recordings, ASSIST,
          rest.Page[rest.SessionRecording], projected=True),
    Route("POST", "/v1/sessions/{session}/recordings/{recording}/download", recordings.ask,
          ATTEND, rest.RecordingDownload, status=202, errors=_FIND),
    Route("GET", "/v1/sessions/{session}/recordings/{recording}/download", recordings.show,
          ATTEND, rest.RecordingDownload, errors=_FIND),
    Route("GET", "/v1/sessions/{session}/recordings/{recording}/{file}", media.recording_file,
          ASSIST, produces="application/octet-stream", errors=_FIND),

    # What a class leaves behind
    Route("GET", "/v1/sessions/{session}/artifacts", artifacts.index, ATTEND,
          rest.Page[rest.Artifact], query=rest.ArtifactsQuery, projected=True),
    Route("POST", "/v1/sessions/{session}/artifacts", artifacts.create, ASSIST, rest.Artifact,
          rest.NewArtifact, status=201, idempotent=True, command=True, errors=_COMMAND),
    Route("POST", "/v1/sessions/{session}/artifact-runs", artifacts.generate, ASSIST,
          rest.ArtifactsMade, rest.ArtifactsToMake, errors=("conflict",)),
    Route("GET", "/v1/sessions/{session}/artifacts/{artifact}", artifacts.show, ATTEND,
          rest.Artifact, projected=True),
    Route("PATCH", "/v1/sessions/{session}/artifacts/{artifact}", artifacts.change, ASSIST,
          rest.Artifact, rest.ArtifactChange, errors=_COMMAND),
    Route("DELETE", "/v1/sessions/{session}/artifacts/{artifact}", artifacts.remove, ASSIST,
          status=204, errors=_COMMAND),
    Route("POST", "/v1/sessions/{session}/transcripts", artifacts.upload_transcript, ASSIST,
          rest.Transcript, query=rest.TranscriptQuery, status=201, takes=artifacts.VTT,
          idempotent=True, command=True, errors=_COMMAND),
    Route("GET", "/v1/sessions/{session}/captions.vtt", artifacts.captions, ATTEND,
          query=rest.CaptionsQuery, produces=artifacts.VTT, projected=True, errors=_FIND),
    Route("GET", "/v1/sessions/{session}/chapters.vtt", artifacts.chapters, ATTEND,
          produces=artifacts.VTT, projected=True),

    # Replays
    Route("GET", "/v1/replays", replays.index, SEARCH, rest.Page[rest.Replay],
          query=rest.ReplaysQuery),
    Route("GET", "/v1/replays/{replay}", replays.show, ATTEND.of("replay"), rest.Replay),
    Route("PATCH", "/v1/replays/{replay}", replays.change, TEACH.of("replay"), rest.Replay,
          rest.ReplayChange, errors=_COMMAND),
    Route("POST", "/v1/replays/{replay}/publish", replays.publish, TEACH.of("replay"),
          rest.Replay, idempotent=True, command=True, errors=_COMMAND),
    Route("POST", "/v1/replays/{replay}/unpublish", replays.unpublish, TEACH.of("replay"),
          rest.Replay, idempotent=True, command=True, errors=_COMMAND),
    Route("GET", "/v1/replays/{replay}/state", replays.state, ATTEND.of("replay"),
          rest.ReplayState, query=rest.ReplayStateQuery),
    Route("GET", "/v1/replays/{replay}/events", replays.events, ATTEND.of("replay"),
          rest.ReplayEvents, query=rest.ReplayEventsQuery),
    Route("GET", "/v1/replays/{replay}/playback", replays.playback, ATTEND.of("replay"),
          rest.ReplayPlayback),
    Route("GET", "/v1/replays/{replay}/captions/{language}.vtt", replays.captions,
          ATTEND.of("replay"), produces=replays.VTT),
    Route("GET", "/v1/replays/{replay}/chapters.vtt", replays.chapters, ATTEND.of("replay"),
          produces=replays.VTT),
    Route("GET", "/v1/replays/{replay}/archive", replays.download, ASSIST.of("replay"),
          produces=replays.ZIP),
    Route("GET", "/v1/sessions/{session}/replay", replays.show, ATTEND, rest.Replay,
          projected=True),

    # Webhooks
    Route("POST", "/v1/webhook-endpoints", webhooks.create, ADMINISTER, rest.WebhookSecret,
          rest.NewWebhookEndpoint, status=201, errors=("conflict",)),
    Route("GET", "/v1/webhook-endpoints", webhooks.index, ADMINISTER,
          rest.Page[rest.WebhookEndpoint], query=rest.PageQuery),
    Route("GET", "/v1/webhook-endpoints/{endpoint}", webhooks.show, ADMINISTER,
          rest.WebhookEndpoint),
    Route("PATCH", "/v1/webhook-endpoints/{endpoint}", webhooks.change, ADMINISTER,
          rest.WebhookEndpoint, rest.WebhookEndpointChange, errors=("conflict",)),
    Route("DELETE", "/v1/webhook-endpoints/{endpoint}", webhooks.delete, ADMINISTER, status=204),
    Route("POST", "/v1/webhook-endpoints/{endpoint}/rotate-secret", webhooks.rotate_secret,
          ADMINISTER, rest.WebhookSecret),
    Route("POST", "/v1/webhook-endpoints/{endpoint}/ping", webhooks.ping, ADMINISTER,
          rest.WebhookDelivery, status=202, errors=("conflict",)),
    Route("GET", "/v1/webhook-endpoints/{endpoint}/deliveries", webhooks.deliveries, ADMINISTER,
          rest.Page[rest.WebhookDelivery], query=rest.WebhookDeliveriesQuery),
    Route("POST", "/v1/webhook-endpoints/{endpoint}/redrive", webhooks.redrive, ADMINISTER,
          rest.WebhookRedriven, rest.WebhookRedrive),
)
# fmt: on


def table() -> list[web.RouteDef]:
    """Return all routes, for :meth:`aiohttp.web.Application.add_routes`.

    The application needs :func:`server.rest.problems.middleware`, and what the handlers use under
    the keys of their owners: settings, tokens, grants, pools, signer, and :mod:`server.rest.ports`.
    """
    conventions = Conventions(ROUTES)
    return [
        *(_defined(each, endpoint(each, conventions)) for each in ROUTES),
        # Without a token: the grant in the path is all that a player can carry.
        web.get(
            "/v1/sessions/{session}/recordings/{recording}/{grant}/{file}",
            media.granted_file,
            allow_head=False,
        ),
        web.get("/v1/sessions/{session}/live/{grant}/{file}", media.live_file, allow_head=False),
        *signalling.table(ROUTES),
        *objects.table(),
    ]


def _defined(
    route: Route, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.RouteDef:
    if route.method == "GET":
        return web.get(route.path, handler)  # and HEAD
    return web.route(route.method, route.path, handler)
