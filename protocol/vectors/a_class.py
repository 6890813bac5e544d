"""A whole class, event by event: it shows every type of event in the staff's view."""

from protocol import events as ev
from protocol.commands import ArtifactPayload, SceneItem, SceneLayout, Segment, Stroke

TEACHER = "01900000-0000-7000-8000-000000000001"
ANN = "01900000-0000-7000-8000-00000000000a"
BOB = "01900000-0000-7000-8000-00000000000b"
CY = "01900000-0000-7000-8000-00000000000c"
DEE = "01900000-0000-7000-8000-00000000000d"


def identifier(number: int) -> str:
    """Return the id of the thing with this number."""
    return f"01900000-0000-7000-9000-{number:012d}"


_A_LAYOUT = SceneLayout((SceneItem("slide"), SceneItem("camera", 7_500, 7_500, 2_500, 2_500)))

# A whole class, in chapters. Each chapter is one vector, on the state that the last one left.
CLASS: list[tuple[str, list[tuple[ev.AnyEvent, str | None]]]] = [
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
            (ev.PublisherWarning("gop"), None),
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
            (ev.DestinationRetryRequested(identifier(41)), TEACHER),
            (ev.DestinationFailed(identifier(41), "key_refused", 8), None),
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
        "newcomers wait while the class is locked, and some are let in",
        [
            (ev.SessionLocked(), TEACHER),
            (ev.ParticipantWaiting(CY, "Cy", "student"), None),
            (ev.ParticipantWaiting(DEE, "Dee", "student"), None),
            (ev.ParticipantAdmitted(CY), TEACHER),
            (ev.ParticipantJoined(CY, "Cy", "student"), None),
            (ev.ParticipantDenied(DEE), TEACHER),
        ],
    ),
    ("the class is unlocked", [(ev.SessionUnlocked(), TEACHER)]),
    (
        "people are muted, banned and given roles and grants",
        [
            (ev.ParticipantMuted(ANN), TEACHER),
            (ev.ParticipantMuted(BOB, "2026-11-22T10:00:00.000Z"), TEACHER),
            (ev.ParticipantUnmuted(ANN), TEACHER),
            (ev.ParticipantRoleChanged(ANN, "assistant"), TEACHER),
            (ev.ParticipantGrantsChanged(BOB, {"board.draw": True, "chat.post": False}), TEACHER),
            (ev.ParticipantBanned(DEE, "noise"), TEACHER),
            (ev.ParticipantBanned(CY), TEACHER),
            (ev.ParticipantUnbanned(CY), TEACHER),
            (ev.ParticipantMuted(identifier(404)), TEACHER),
            (ev.ParticipantAdmitted(identifier(404)), TEACHER),
        ],
    ),
    (
        "messages are removed, restored and pinned",
        [
            (ev.ChatRemoved(identifier(1), "everyone"), ANN),
            (ev.ChatRemoved(identifier(2), "everyone"), TEACHER),
            (ev.ChatRestored(identifier(2), "hi 👋🏽 <b>", "everyone"), TEACHER),
            (
                ev.ChatPinned(
                    identifier(2),
                    BOB,
                    "Bob",
                    "hi 👋🏽 <b>",
                    "everyone",
                    "2026-11-22T09:00:11.123Z",
                ),
                TEACHER,
            ),
            (
                ev.ChatPinned(
                    identifier(3), ANN, "Ann", "I cannot hear", "staff", "2026-11-22T09:00:12.123Z"
                ),
                TEACHER,
            ),
            (ev.ChatUnpinned(identifier(2), "everyone"), TEACHER),
            (ev.ChatRemoved(identifier(404), "everyone"), TEACHER),
        ],
    ),
    (
        "a pinned message is removed, and the chat is slowed down",
        [
            (ev.ChatRemoved(identifier(3), "staff"), TEACHER),
            (ev.ChatConfigured(True, 10, False, True), TEACHER),
        ],
    ),
    (
        "a question is presented, and others are dismissed and reopened",
        [
            (ev.QuestionPresented(identifier(10)), TEACHER),
            (ev.QuestionAsked(identifier(13), "Cy", "Is this on?"), CY),
            (ev.QuestionDismissed(identifier(13)), TEACHER),
            (ev.QuestionReopened(identifier(12)), TEACHER),
        ],
    ),
    ("the answer clears the stage", [(ev.QuestionAnswered(identifier(10), "It is."), TEACHER)]),
    (
        "a reopened question leaves the stage",
        [
            (ev.QuestionPresented(identifier(12)), TEACHER),
            (ev.QuestionReopened(identifier(12)), TEACHER),
        ],
    ),
    (
        "scenes are changed and removed",
        [
            (
                ev.SceneUpdated(
                    identifier(31),
                    "Me and a title",
                    SceneLayout((SceneItem("camera"), SceneItem("title", text="Limits"))),
                ),
                TEACHER,
            ),
            (ev.SceneRemoved(identifier(30)), TEACHER),
            (ev.SceneUpdated(identifier(404), "?", _A_LAYOUT), TEACHER),
        ],
    ),
    (
        "slides and a board are shown, and drawn on",
        [
            (ev.AssetAdded(identifier(60), "slide", "slides/60.pdf", "Week 1", 12), TEACHER),
            (ev.AssetAdded(identifier(61), "whiteboard", "boards/61", "Board"), TEACHER),
            (ev.AssetShown(identifier(60), 1), TEACHER),
            (ev.AssetShown(identifier(60), 2), TEACHER),
            (
                ev.BoardDrawn(identifier(60), identifier(65), Stroke((0, 0, 99, 5), page=2)),
                TEACHER,
            ),
            (ev.AssetShown(identifier(61), 1), TEACHER),
            (
                ev.BoardDrawn(
                    identifier(61),
                    identifier(66),
                    Stroke((10, 20, 10_000, 0), "#c0ffee", 120, "highlighter"),
                ),
                ANN,
            ),
            (ev.BoardDrawn(identifier(61), identifier(67), Stroke((1, 1))), TEACHER),
            (ev.BoardUndone(identifier(61), identifier(67)), TEACHER),
            (ev.AssetHidden(identifier(60)), TEACHER),
        ],
    ),
    (
        "boards are wiped and assets go",
        [
            (ev.BoardCleared(identifier(61)), TEACHER),
            (ev.AssetHidden(identifier(61)), TEACHER),
            (ev.AssetRemoved(identifier(60)), TEACHER),
            (ev.AssetRemoved(identifier(404)), TEACHER),
        ],
    ),
    (
        "how the class follows, and what is said",
        [
            (ev.FeedbackMarked("lost"), ANN),
            (ev.FeedbackMarked("lost"), BOB),
            (ev.FeedbackMarked("faster"), CY),
            (ev.CaptionAdded("Welcome to week one.", 0, 1_800, "en"), None),
        ],
    ),
    (
        "moments are marked, and artifacts edited",
        [
            (ev.ChapterMarked(identifier(80), "Limits", 60_000), TEACHER),
            (ev.HighlightMarked(identifier(81), None, 61_000), TEACHER),
            (ev.NoteAdded(identifier(82), "Ann", "look this up", 62_000), ANN),
            (
                ev.ArtifactCreated(
                    identifier(83),
                    "transcript",
                    ArtifactPayload(language="en", segments=(Segment(0, 1_800, "Welcome."),)),
                ),
                TEACHER,
            ),
            (
                ev.ArtifactEdited(
                    identifier(80), "chapter", ArtifactPayload(title="Limits, again", start_ms=1)
                ),
                TEACHER,
            ),
            (ev.ArtifactRemoved(identifier(81), "highlight"), TEACHER),
            (ev.ArtifactEdited(identifier(404), "note", ArtifactPayload(text="?")), TEACHER),
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
    (
        "the replay is planned",
        [(ev.ReplayScheduled(identifier(90), "2026-11-23T09:00:00.000Z"), TEACHER)],
    ),
    ("the replay is published", [(ev.ReplayPublished(identifier(90)), TEACHER)]),
    ("the replay is a draft again", [(ev.ReplayUnpublished(identifier(90)), TEACHER)]),
    ("the class is put away", [(ev.SessionArchived(), TEACHER)]),
]
