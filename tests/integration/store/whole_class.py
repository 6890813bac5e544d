"""A class in which everything happens: each type of event at least once, in a possible order."""

from typing import Any, NamedTuple

from server.ids import new_id
from server.store import integrations
from tests.patience import PATIENCE

AT_MS = 1_795_302_000_000
SOON = "2126-01-01T00:00:00.000Z"

TABLES = (
    "sessions", "session_participants", "chat_messages", "questions", "question_votes", "polls",
    "poll_votes", "studio_scenes", "studio_assets", "session_destinations", "recordings",
    "artifacts", "replays", "users", "findable", "class_words",
)  # fmt: skip


class Told(NamedTuple):
    """An event: by whom, of what type, with which data."""

    by: str | None
    kind: str
    data: dict[str, Any]


class WholeClass:
    """The ids of a class, and its events."""

    def __init__(self, destination):
        self.destination = destination
        self.ann, self.bob, self.cy = new_id(), new_id(), new_id()
        self.message, self.question, self.poll, self.scene = (new_id() for _ in range(4))
        self.asset, self.recording, self.failed, self.replay = (new_id() for _ in range(4))
        self.chapter, self.highlight, self.note, self.transcript = (new_id() for _ in range(4))
        self.told = self._told()

    @classmethod
    async def of(cls, pools, tenant):
        """A class of this tenant, which streams to one destination."""
        async with pools.tenant(tenant) as connection:
            account = await integrations.create(connection, tenant, provider="youtube")
            place = await integrations.create_destination(
                connection, tenant, account.id, name="x", url="rtmp://a/b", stream_key_ref="env:A"
            )
        return cls(place.id)

    def commands(self, room, told=None):
        """The class as commands of ``room``, one per event, a millisecond apart."""
        return [
            room.command((kind, data), actor=by, at_ms=AT_MS + room.sequence)
            for by, kind, data in (self.told if told is None else told)
        ]

    def _told(self):
        ann, bob, cy = self.ann, self.bob, self.cy
        message, question, poll = {"message": self.message}, {"question": self.question}, self.poll
        layout = {"items": [{"source": "camera"}]}
        wide = {"items": [{"source": "screen", "width": 5000}]}
        spare_scene, spare_asset, spare = new_id(), new_id(), new_id()
        where, asset = {"destination": self.destination}, {"asset": self.asset}
        stroke = {"points": [1, 2, 3, 4]}
        told = [
            (None, "participant.joined", {"user": ann, "name": "Ann", "role": "admin"}),
            (None, "participant.joined", {"user": bob, "name": "Bob", "role": "student"}),
            (ann, "session.started", {}),
            # The door.
            (ann, "session.locked", {}),
            (None, "participant.waiting", {"user": cy, "name": "Cy", "role": "student"}),
            (ann, "participant.denied", {"user": cy}),
            (ann, "participant.admitted", {"user": cy}),
            (None, "participant.joined", {"user": cy, "name": "Cy", "role": "student"}),
            (ann, "session.unlocked", {}),
            (ann, "participant.role_changed", {"user": cy, "role": "assistant"}),
            (ann, "participant.grants_changed",
             {"user": bob, "grants": {"poll.open": True, "chat.post": False}}),
            (ann, "participant.muted", {"user": bob}),
            (ann, "participant.unmuted", {"user": bob}),
            (ann, "participant.muted", {"user": bob, "until": SOON}),
            # The stage.
            (ann, "scene.created", {"scene": self.scene, "name": "Desk", "layout": layout}),
            (ann, "scene.created", {"scene": spare_scene, "name": "Spare", "layout": layout}),
            (ann, "scene.updated", {"scene": self.scene, "name": "Screen", "layout": wide}),
            (ann, "scene.changed", {"scene": self.scene}),
            (ann, "scene.removed", {"scene": spare_scene}),
            (ann, "asset.added",
             {**asset, "asset_type": "slide", "uri": "a/b.pdf", "name": "Sums", "pages": 3}),
            (ann, "asset.added",
             {"asset": spare_asset, "asset_type": "media", "uri": "a/c.mp4", "name": "Film"}),
            (ann, "asset.shown", {**asset, "page": 2}),
            (ann, "board.drawn", {**asset, "id": new_id(), "stroke": stroke}),
            (ann, "board.undone", {**asset, "id": new_id()}),
            (ann, "board.cleared", asset),
            (ann, "asset.hidden", asset),
            (ann, "asset.removed", {"asset": spare_asset}),
            (None, "publisher.connected",
             {"user": ann, "width": 1280, "height": 720, "codec": "h264"}),
            (None, "publisher.warning", {"code": "gop"}),
            (None, "publisher.lost", {"user": ann, "reason": "ice"}),
            (None, "publisher.resumed", {"user": ann}),
            (None, "publisher.replaced", {"user": ann}),
            # Words.
            (bob, "hand.raised", {"user": bob, "name": "Bob"}),
            (bob, "hand.lowered", {"user": bob}),
            (ann, "hand.all_lowered", {}),
            (bob, "feedback.marked", {"kind": "lost"}),
            (bob, "chat.posted",
             {**message, "name": "Bob", "text": "two lessons", "to": "everyone"}),
            (ann, "chat.posted", {"message": new_id(), "name": "Ann", "text": "hm", "to": "staff",
                                  "reply_to": self.message}),
            (ann, "chat.pinned", {**message, "author": bob, "name": "Bob", "text": "two lessons",
                                  "to": "everyone", "posted_at": "2026-11-22T09:00:00.123Z"}),
            (ann, "chat.unpinned", {**message, "to": "everyone"}),
            (ann, "chat.removed", {**message, "to": "everyone"}),
            (ann, "chat.restored", {**message, "to": "everyone", "text": "two lessons"}),
            (ann, "chat.configured", {"enabled": True, "slow_mode_s": 5, "staff_only": False,
                                      "before_start": False}),
            (bob, "question.asked", {**question, "name": "Bob", "prompt": "why?"}),
            (ann, "question.upvoted", question),
            (bob, "question.upvoted", question),
            (bob, "question.unvoted", question),
            (ann, "question.dismissed", question),
            (ann, "question.reopened", question),
            (ann, "question.presented", question),
            (ann, "question.answered", {**question, "text": "because"}),
            (ann, "poll.opened", {"poll": poll, "prompt": "?", "options": ["a", "b"],
                                  "multiple": False, "anonymous": True, "results": "live",
                                  "correct": [1]}),
            (bob, "poll.voted", {"poll": poll, "choices": [0], "anonymous": True}),
            (bob, "poll.voted", {"poll": poll, "choices": [1], "anonymous": True}),
            (ann, "poll.closed", {"poll": poll}),
            (ann, "poll.published", {"poll": poll, "tally": [0, 1], "correct": [1]}),
            # What goes out.
            (ann, "destination.enabled", where),
            (None, "destination.connecting", {**where, "attempt": 1}),
            (None, "destination.live", {**where, "ttff_ms": 400}),
            (None, "destination.degraded", {**where, "code": "slow"}),
            (None, "destination.recovered", where),
            (None, "destination.switched", {**where, "to": "backup"}),
            (None, "destination.retry_scheduled",
             {**where, "attempt": 2, "code": "refused", "delay_ms": 1000}),
            (None, "destination.failed", {**where, "code": "refused", "attempts": 9}),
            (ann, "destination.retry_requested", where),
            (None, "destination.stopped", where),
            (ann, "destination.disabled", where),
            (ann, "destination.enabled", where),
            (None, "destination.failed", {**where, "code": "bad_key", "attempts": 3}),
            (ann, "recording.started", {"recording": self.recording}),
            (ann, "recording.stopped", {"recording": self.recording}),
            (None, "recording.finalized", {"recording": self.recording, "media_uri": "a/b",
                                           "duration_ms": 9000, "bytes": 77}),
            (ann, "recording.started", {"recording": self.failed}),
            (None, "recording.failed", {"recording": self.failed, "code": "disk"}),
            # What stays.
            (ann, "caption.added",
             {"text": "Welcome.", "start_ms": 0, "end_ms": 900, "language": "en"}),
            (ann, "chapter.marked", {"artifact": self.chapter, "title": "Sums", "start_ms": 1000}),
            (ann, "highlight.marked",
             {"artifact": self.highlight, "title": None, "start_ms": 2000}),
            (bob, "note.added",
             {"artifact": self.note, "name": "Bob", "text": "my notes", "start_ms": 3000}),
            (ann, "artifact.created",
             {"artifact": self.transcript, "artifact_type": "transcript",
              "payload": {"language": "de", "segments": [
                  {"start_ms": 0, "end_ms": 900, "text": "Die Häuser"},
                  {"start_ms": 900, "end_ms": 1800, "text": "stehen."}]}}),
            (ann, "artifact.edited", {"artifact": self.chapter, "artifact_type": "chapter",
                                      "payload": {"title": "Adding sums", "start_ms": 1500}}),
            (ann, "artifact.created", {"artifact": spare, "artifact_type": "note",
                                       "payload": {"text": "spare"}}),
            (ann, "artifact.removed", {"artifact": spare, "artifact_type": "note"}),
            # The end.
            (ann, "participant.removed", {"user": bob, "reason": "noise"}),
            (ann, "participant.banned", {"user": cy, "reason": "more noise"}),
            (ann, "participant.unbanned", {"user": cy}),
            (None, "participant.left", {"user": ann}),
            (ann, "session.ended", {}),
            (ann, "replay.scheduled", {"replay": self.replay, "publish_at": SOON}),
            (ann, "replay.published", {"replay": self.replay}),
            (ann, "replay.unpublished", {"replay": self.replay}),
            (None, "replay.published", {"replay": self.replay}),
            (ann, "session.archived", {}),
            (ann, "of.the.future", {"anything": [1]}),
        ]  # fmt: skip
        return [Told(*each) for each in told]


async def dump(owner):
    """Every row of the tables that the projector writes."""
    return {
        table: [
            tuple(row) for row in await owner.fetch(f"SELECT * FROM {table} AS t ORDER BY t::text")
        ]
        for table in TABLES
    }


async def tell(room, writer, projector, commands):
    """Put commands into the log and wait until the tables have them."""
    await writer.append(room.session, room.epoch, commands)
    assert await projector.wait_for(room.session, room.sequence, timeout=PATIENCE)
