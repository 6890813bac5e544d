"""Whose streams end with a change of their standing, and what the engine is asked for."""

import asyncio

import pytest

from protocol import commands as cmd
from protocol.events import RecordingFailed
from protocol.frames import Ack
from server.broadcast import Broadcast
from server.hub.asks import Committed, Perform, Report, Who
from server.hub.seating import Place
from server.ids import new_id
from server.media.fabric import DestinationTarget, MediaEvent
from server.store import integrations
from tests.patience import eventually


class Engine:
    """In the media engine's place: what it is told."""

    def __init__(self):
        self.desired, self.announced = [], []
        self.epochs = {}
        self.broadcast = None

    async def apply(self, session, epoch, desired):
        self.desired.append(desired)
        self.epochs[session] = epoch

    async def release(self, session):
        self.epochs.pop(session, None)


@pytest.fixture
async def engine(node, school, tasks):
    async def find_targets(_tenant, wanted):
        return [DestinationTarget(each, "custom", "rtmp://a.example/live") for each in wanted]

    async def find_place(session):
        return Place(session, school.tenant, "log")

    engine = Engine()
    broadcast = Broadcast(
        tasks=tasks,
        find_targets=find_targets,
        find_place=find_place,
        notify=lambda _: None,
        is_near=lambda _: True,
        announce=lambda _, types: engine.announced.extend(types),
    )
    broadcast.introduce(node.hub, engine)
    engine.broadcast = broadcast
    node.hub._listener = broadcast
    return engine


async def test_streams_end_for_who_may_not_watch_or_publish_any_more(engine, lesson):
    tess = lesson.teacher
    student, assistant, banned = new_id(), new_id(), new_id()
    for user in (student, banned):
        await lesson.raw(user=user)
    await lesson.raw("assistant", user=assistant)
    for command in (
        cmd.ParticipantSetRole(student, "assistant"),
        cmd.ParticipantSetRole(assistant, "teacher"),
        cmd.ParticipantMute(banned),
        cmd.ParticipantSetGrants(banned, {"board.draw": True}),
        cmd.HandLowerAll(),
    ):
        await tess.say(command)
    assert all(desired.barred == () for desired in engine.desired)
    assert "participant.role_changed" in engine.announced
    assert engine.announced[-1] == "participant.grants_changed"
    for command, barred in (
        (cmd.ParticipantRemove(student), {student}),
        (cmd.ParticipantBan(banned), {student, banned}),
        (cmd.ParticipantUnban(banned), {student}),
        (cmd.ParticipantAdmit(student), set()),
    ):
        assert isinstance(await tess.say(command), Ack)
        await eventually(lambda barred=barred: set(engine.desired[-1].barred) == barred)


async def test_who_publishes_and_is_staff_no_more_is_barred_until_that_has_ended(engine, lesson):
    user = new_id()
    await lesson.raw("assistant", user=user)
    session = lesson.session

    async def report(kind, **data):
        await engine.broadcast.on_event(MediaEvent(new_id(), session, kind, {"user": user, **data}))

    await report("publisher.connected", width=640, height=360, codec="H264")
    await eventually(lambda: engine.desired[-1].publisher == user)
    assert engine.desired[-1].barred == ()
    await lesson.teacher.say(cmd.ParticipantSetRole(user, "student"))
    await eventually(lambda: engine.desired[-1].barred == (user,))
    await report("publisher.lost", reason="ended")
    await eventually(lambda: engine.desired[-1].publisher is None)
    assert engine.desired[-1].barred == ()


async def test_a_retry_that_a_teacher_asks_for_reaches_the_engine(engine, lesson, pools, school):
    async with pools.tenant(school.tenant) as connection:
        integration = await integrations.create(connection, school.tenant, provider="custom")
        made = await integrations.create_destination(
            connection, school.tenant, integration.id, name="A", url="rtmp://a.example/live",
            stream_key_ref="env:STREAM_KEY_A",
        )  # fmt: skip
    room, destination = lesson.room, made.id
    refused = await lesson.teacher.say(cmd.DestinationEnable(new_id()))
    assert (refused.code, refused.field) == ("not_found", "destination")
    assert isinstance(await lesson.teacher.say(cmd.DestinationEnable(destination)), Ack)
    assert isinstance(await lesson.teacher.say(cmd.DestinationRetry(destination)), Ack)
    assert isinstance(await lesson.teacher.say(cmd.DestinationRetry(destination)), Ack)
    assert room.state.retries == {destination: 2}
    await eventually(lambda: engine.desired and engine.desired[-1].retries == {destination: 2})
    assert [each.id for each in engine.desired[-1].destinations] == [destination]


async def test_the_engine_is_asked_for_the_end_of_every_recording_until_it_tells_it(engine, lesson):
    """Also of one that was over before the engine could hear of it."""
    answers = []
    who = Who(new_id(), "Tom", "teacher")
    for command in (cmd.RecordingStart(), cmd.RecordingStop()):  # in one batch
        lesson.room.submit(Perform(who, new_id(), command, None, answers.append))
    await eventually(lambda: len(answers) == 2)
    assert all(isinstance(answer, Committed) for answer in answers)
    await eventually(lambda: engine.desired and engine.desired[-1].over)
    assert engine.desired[-1].recording is None
    (over,) = engine.desired[-1].over
    assert over.prefix.endswith(f"/recordings/{over.id}")
    await lesson.teacher.say(cmd.RecordingStart())
    await eventually(lambda: engine.desired[-1].recording)
    assert engine.desired[-1].over == (over,)
    await lesson.teacher.say(cmd.SessionEnd())
    await eventually(lambda: not engine.desired[-1].live and len(engine.desired[-1].over) == 2)
    room = lesson.room
    assert not room.is_idle
    for recording in room.state.recordings:
        failed = RecordingFailed(recording, "empty")
        room.submit(Report(recording, failed, answers.append))
    await eventually(lambda: not room.state.recordings)
    await eventually(lambda: engine.desired[-1].over == ())


async def test_a_class_that_closes_while_its_wishes_are_looked_up_is_not_claimed_again(
    engine, lesson, monkeypatch
):
    broadcast, room = engine.broadcast, lesson.room
    await eventually(lambda: lesson.session in engine.epochs)
    looking, found = asyncio.Event(), asyncio.Event()
    look_up = broadcast._desired

    async def slowly(of):
        looking.set()
        await found.wait()
        return await look_up(of)

    monkeypatch.setattr(broadcast, "_desired", slowly)
    broadcast.opened(room)
    await looking.wait()
    broadcast.closed(room)
    await eventually(lambda: lesson.session not in engine.epochs)
    found.set()
    await eventually(lambda: lesson.session not in broadcast._applying)
    assert lesson.session not in engine.epochs
    # Whoever opens it next is heard.
    broadcast.opened(room)
    await eventually(lambda: engine.epochs.get(lesson.session) == room.epoch)


@pytest.mark.parametrize("has_heirs", [True, False])
async def test_a_node_that_leaves_lets_go_only_of_what_somebody_takes(
    engine, lesson, node, has_heirs
):
    """Where nobody does, the node is back in a moment, and the picture goes on until then."""
    await eventually(lambda: engine.epochs)
    node.hub.has_heirs = has_heirs
    await node.hub.drain()
    if has_heirs:
        await eventually(lambda: not engine.epochs)
    else:
        await asyncio.sleep(0.05)  # longer than a release takes
        assert engine.epochs
