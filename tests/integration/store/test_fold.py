"""The tables say of a class what its rules know: both are folds of one log."""

from contextlib import suppress
from random import Random

import orjson
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from protocol import codec
from protocol import commands as cmd
from protocol import events as ev
from protocol.commands import COMMANDS
from protocol.errors import Refusal
from protocol.ids import FOREVER
from server.classroom.people import arrive
from server.classroom.state import Actor
from server.ids import new_id
from server.store.projector import Projector
from tests.patience import PATIENCE
from tests.strategies import UNKNOWN, commands, identifier
from tests.unit.classroom.lesson import ANN, BOB, ROLES, TEACHER, Lesson, refolded

DESTINATIONS = (identifier(101), identifier(102))
MADE = (*DESTINATIONS, UNKNOWN)  # that one exists was checked before the rules are asked
STRANGER = identifier(201)
PEOPLE = sorted(ROLES)
ROUNDS = 4
DURING = sorted(set(COMMANDS) - {"session.start", "session.end"})
AFTERWARDS = [op for op in DURING if op.split(".")[0] in ("replay", "artifact", "chapter")]


@st.composite
def lessons(draw):
    """A class that runs as it likes; then it is over, mostly, and something is made of it."""
    lesson, rng = Lesson(), Random(draw(st.integers(0, 2**32)))
    lesson.arrives(TEACHER, ANN, BOB)
    lesson.does(TEACHER, cmd.SessionStart())
    for _ in range(ROUNDS):
        for op in rng.sample(DURING, len(DURING)):
            _does(lesson, rng.choice((*[TEACHER] * 9, *PEOPLE)), op, draw)
            _happens(lesson, rng)
    if rng.random() < 0.8:
        attempt(lesson, TEACHER, cmd.RecordingStart())
        attempt(lesson, TEACHER, cmd.SessionEnd())
        lesson.reports(*(_done(each, rng) for each in sorted(lesson.state.recordings)))
        for _ in range(ROUNDS):
            for op in rng.sample(AFTERWARDS, len(AFTERWARDS)):
                _does(lesson, TEACHER, op, draw)
    return lesson


def _happens(lesson, rng):
    """What nobody commands."""
    recordings = sorted(lesson.state.recordings)
    match rng.randrange(20):
        case 0 | 1:
            lesson.happens(*arrive(lesson.state, Actor(STRANGER, "New", "student")))
        case 2 | 3 | 4:
            lesson.arrives(rng.choice(PEOPLE))
        case 5 | 6:
            lesson.departs(rng.choice((*PEOPLE, STRANGER)))
        case 7 | 8 | 9 if recordings:
            lesson.reports(_done(rng.choice(recordings), rng))
        case 10:
            lesson.reports(ev.DestinationFailed(rng.choice(DESTINATIONS), "refused", 9))


def _done(recording, rng):
    if rng.random() < 0.7:
        return ev.RecordingFinalized(recording, "a/index.m3u8", 1_000, 5)
    return ev.RecordingFailed(recording, "disk_full")


def _does(lesson, user, op, draw):
    state = lesson.state
    things = {
        "users": (*PEOPLE, STRANGER),
        "messages": tuple(state.messages),
        "questions": tuple(state.questions),
        "polls": tuple(state.polls),
        "scenes": tuple(state.scenes),
        "assets": tuple(state.assets),
        "artifacts": tuple(state.artifacts),
        "destinations": DESTINATIONS,
    }
    attempt(lesson, user, draw(commands(op, **things)))


def attempt(lesson, user, command):
    with suppress(Refusal):
        lesson.does(user, command)


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],  # to shrink a class takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lesson=lessons())
async def test_the_tables_and_the_rules_agree_on_every_class(pools, rooms, writer, owner, lesson):
    room = await rooms.open(pools)
    world = new_id()[:23]  # ids are of one class alone
    log = [elsewhere(row, world) for row in lesson.log]
    await make_destinations(owner, room.tenant, world)
    said = [
        room.command(
            (row.kind, orjson.loads(row.data)), actor=row.by, at_ms=codec.milliseconds(row.at)
        )
        for row in log
    ]
    await writer.append(room.session, room.epoch, said)
    async with Projector(pools) as projector, pools.projector() as connection:
        assert await projector.wait_for(room.session, room.sequence, timeout=PATIENCE)
        known = of_rules(refolded(log))
        assert await of_tables(connection, room.session) == known
        await projector.rebuild(room.session)
        assert await projector.wait_for(room.session, room.sequence, timeout=PATIENCE)
        assert await of_tables(connection, room.session) == known


def elsewhere(row, world):
    """The row, with other ids."""
    here = identifier(0)[:23]
    return row._replace(
        data=row.data.replace(here.encode(), world.encode()),
        by=row.by and row.by.replace(here, world),
    )


async def make_destinations(owner, tenant, world):
    account = new_id()
    await owner.execute(
        "INSERT INTO integrations (id, tenant_id, provider) VALUES ($1, $2, 'youtube')",
        account, tenant,
    )  # fmt: skip
    await owner.executemany(
        "INSERT INTO multistream_destinations "
        "(id, tenant_id, integration_id, destination_name, url, stream_key_ref) "
        "VALUES ($1, $2, $3, 'x', 'rtmp://a/b', 'env:A')",
        [(world + each[23:], tenant, account) for each in MADE],
    )


def of_rules(state):
    """What the rules know, in the words of the tables."""
    time = codec.milliseconds
    return {
        "session": [(state.status, time(state.started_at))],
        "people": {
            (
                user,
                "teacher" if member.role == "admin" else member.role,
                member.status,
                member.present,
                time(member.muted_until or FOREVER) if member.is_muted else None,
                *sorted(member.grants.items()),
            )
            for user, member in state.people.items()
        },
        "chat": {
            (name, said.by, said.text, said.to, time(said.at), said.removed, name in state.pinned)
            for name, said in state.messages.items()
        },
        "questions": {(name, question.status) for name, question in state.questions.items()},
        "upvotes": {
            (name, user) for name, question in state.questions.items() for user in question.voters
        },
        "polls": {
            (name, poll.status, poll.multiple, poll.anonymous, poll.results, poll.correct)
            for name, poll in state.polls.items()
        },
        "votes": {
            (name, user, choices)
            for name, poll in state.polls.items()
            for user, choices in poll.votes.items()
        },
        "scenes": set(state.scenes),
        "on air": state.scene,
        "assets": {(name, each.asset_type, each.pages) for name, each in state.assets.items()},
        "destinations": set(state.destinations.items()),
        "recordings": {
            *((name, "recording") for name in state.recordings),
            *((name, "finalized") for name in state.finalized),
        },
        "artifacts": {(name, each.artifact_type) for name, each in state.artifacts.items()},
        "notes": {
            (note.artifact, user, note.text)
            for user, notes in state.notes.items()
            for note in notes
        },
        "replay": [
            (each.replay, each.status, each.publish_at and time(each.publish_at))
            for each in (state.replay,)
            if each is not None
        ],
    }


async def of_tables(connection, session):
    """What the tables say, in the same form."""

    async def rows(columns, table, more=""):
        sql = f"SELECT {columns} FROM {table} WHERE session_id = $1 {more}"
        return [tuple(row) for row in await connection.fetch(sql, session)]

    on_air = await rows(
        "id", "studio_scenes", "AND shown_at IS NOT NULL ORDER BY shown_at DESC LIMIT 1"
    )
    return {
        "session": await rows(
            "status, started_at", "(SELECT *, id AS session_id FROM sessions) AS s"
        ),
        "people": {
            (*row, *sorted(orjson.loads(permissions).items()))
            for *row, permissions in await rows(
                "user_id, role, status, leave_time IS NULL, muted_until, permissions",
                "session_participants",
            )
        },
        "chat": set(
            await rows(
                "id, user_id, message, CASE WHEN to_staff THEN 'staff' ELSE 'everyone' END, "
                "created_at, removed_at IS NOT NULL, pinned_at IS NOT NULL",
                "chat_messages",
            )
        ),
        "questions": set(
            await rows(
                "id, CASE WHEN dismissed_at IS NULL THEN status ELSE 'dismissed' END", "questions"
            )
        ),
        "upvotes": set(await rows("question_id, user_id", "question_votes")),
        "polls": {
            (*row, None if correct is None else tuple(orjson.loads(correct)))
            for *row, correct in await rows(
                "id, CASE WHEN published_at IS NOT NULL THEN 'published' "
                "WHEN closed_at IS NOT NULL THEN 'closed' ELSE 'open' END, "
                "multiple, anonymous, results, correct",
                "polls",
            )
        },
        "votes": {
            (poll, user, tuple(choices))
            for poll, user, choices in await rows("poll_id, user_id, choices", "poll_votes")
        },
        "scenes": {scene for (scene,) in await rows("id", "studio_scenes")},
        "on air": on_air[0][0] if on_air else None,
        "assets": set(await rows("id, asset_type, pages", "studio_assets")),
        "destinations": set(await rows("destination_id, status", "session_destinations")),
        "recordings": set(await rows("id, status", "recordings", "AND status <> 'failed'")),
        "artifacts": set(await rows("id, artifact_type", "artifacts")),
        "notes": {
            (name, user, orjson.loads(payload)["text"])
            for name, user, payload in await rows(
                "id, user_id, payload", "artifacts a",
                "AND EXISTS (SELECT FROM session_state_events e WHERE e.session_id = a.session_id "
                "AND sequence = source_sequence AND event_type = 'note.added')",
            )
        },
        "replay": await rows("id, status, publish_at", "replays"),
    }  # fmt: skip
