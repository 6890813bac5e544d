"""What the tables say of a class, feature by feature."""

import orjson

from protocol import codec
from protocol.ids import FOREVER
from server.ids import new_id
from server.store import integrations, participants, recordings, sessions
from tests.integration.store.whole_class import SOON, Told, tell
from tests.patience import eventually


async def test_the_class_and_its_people(pools, room, writer, projector, whole):
    await tell(room, writer, projector, whole.commands(room))
    async with pools.tenant(room.tenant) as connection:
        session = await sessions.get(connection, room.session)
        assert session.status == "archived"
        assert session.started_at < session.ended_at
        people = {p.user_id: p for p in await participants.list_all(connection, room.session)}
        ann, bob, cy = (people[user] for user in (whole.ann, whole.bob, whole.cy))
        assert (ann.display_name, ann.role, ann.status) == ("Ann", "teacher", "admitted")
        assert (bob.role, bob.status) == ("student", "removed")
        assert (cy.display_name, cy.role, cy.status) == ("Cy", "assistant", "admitted")
        assert ann.join_time < bob.leave_time < ann.leave_time
        rows = await connection.fetch(
            "SELECT user_id, permissions, muted_until FROM session_participants"
        )
        assert {user: (orjson.loads(grants), until) for user, grants, until in rows} == {
            whole.ann: ({}, None),
            whole.bob: ({"poll.open": True, "chat.post": False}, codec.milliseconds(SOON)),
            whole.cy: ({}, None),
        }


async def test_somebody_in_the_lobby(pools, room, writer, projector, whole):
    async def row():
        async with pools.tenant(room.tenant) as connection:
            found = await connection.fetchrow(
                "SELECT status, join_time, leave_time FROM session_participants WHERE user_id = $1",
                whole.cy,
            )
        return tuple(found)

    async def say(kind, **data):
        told = Told(whole.ann, f"participant.{kind}", {"user": whole.cy, **data})
        await tell(room, writer, projector, whole.commands(room, [told]))
        return await row()

    who = {"name": "Cy", "role": "student"}
    assert await say("waiting", **who) == ("waiting", None, None)
    status, joined, gone = await say("left")
    assert (status, joined, gone is not None) == ("waiting", None, True)
    assert await say("waiting", **who) == ("waiting", None, None)
    status, joined, denied = await say("denied")
    assert (status, joined, denied > gone) == ("denied", None, True)
    assert await say("admitted") == ("admitted", None, denied)
    status, joined, gone = await say("joined", **who)
    assert (status, joined > denied, gone) == ("admitted", True, None)
    status, first, gone = await say("banned")
    assert (status, first, gone > joined) == ("banned", joined, True)
    assert await say("unbanned") == ("admitted", joined, gone)


async def test_a_mute_without_an_end_ends_at_the_end_of_time(pools, room, writer, projector, whole):
    joined, muted = whole.told[1], Told(whole.ann, "participant.muted", {"user": whole.bob})
    await tell(room, writer, projector, whole.commands(room, [joined, muted]))
    async with pools.tenant(room.tenant) as connection:
        until = await connection.fetchval("SELECT muted_until FROM session_participants")
    assert codec.timestamp(until) == FOREVER


async def test_words_are_found_while_they_are_to_be_seen(
    pools, room, writer, projector, owner, whole
):
    found = "SELECT count(*) FROM findable WHERE words @@ to_tsquery('english', 'lesson')"
    seen = []
    columns = "removed_at IS NULL, pinned_at IS NULL, message"
    for told in whole.told:
        await tell(room, writer, projector, whole.commands(room, [told]))
        if told.kind.startswith("chat.") and "message" in told.data:
            row = await owner.fetchrow(
                f"SELECT {columns} FROM chat_messages WHERE id = $1", whole.message
            )
            assert row["message"] == "two lessons"
            seen.append((told.kind, *row[:2], await owner.fetchval(found)))
    pinned = next(told for told in whole.told if told.kind == "chat.pinned")
    removed = next(told for told in whole.told if told.kind == "chat.removed")
    assert seen == [
        ("chat.posted", True, True, 1),
        ("chat.posted", True, True, 1),
        ("chat.pinned", True, False, 1),
        ("chat.unpinned", True, True, 1),
        ("chat.removed", False, True, 0),
        ("chat.restored", True, True, 1),
    ]
    # What is removed is no longer pinned, and is not pinned when it is back.
    await tell(room, writer, projector, whole.commands(room, [pinned, removed]))
    row = await owner.fetchrow(f"SELECT {columns} FROM chat_messages WHERE id = $1", whole.message)
    assert tuple(row)[:2] == (False, True)


async def test_what_became_of_a_question(room, writer, projector, owner, whole):
    seen = []
    for told in whole.told:
        await tell(room, writer, projector, whole.commands(room, [told]))
        if told.kind.startswith("question.") and "vote" not in told.kind:
            row = await owner.fetchrow(
                "SELECT status, presented_at IS NOT NULL, answered_at IS NOT NULL, "
                "dismissed_at IS NOT NULL, answer FROM questions"
            )
            seen.append((told.kind.partition(".")[2], *row))
    assert seen == [
        ("asked", "open", False, False, False, None),
        ("dismissed", "open", False, False, True, None),
        ("reopened", "open", False, False, False, None),
        ("presented", "open", True, False, False, None),
        ("answered", "answered", True, True, False, "because"),
    ]
    reopened = Told(whole.ann, "question.reopened", {"question": whole.question})
    await tell(room, writer, projector, whole.commands(room, [reopened]))
    row = await owner.fetchrow("SELECT status, answered_at, answer, dismissed_at FROM questions")
    assert tuple(row) == ("open", None, None, None)
    assert [row[0] for row in await owner.fetch("SELECT user_id::text FROM question_votes")] == [
        whole.ann
    ]


async def test_polls_and_what_is_on_the_stage(pools, room, writer, projector, whole):
    await tell(room, writer, projector, whole.commands(room))
    async with pools.tenant(room.tenant) as connection:
        assert await connection.fetch("SELECT user_id, choices FROM poll_votes") == [
            (whole.bob, [1])
        ]
        options, correct, closed, published = await connection.fetchrow(
            "SELECT options, correct, closed_at, published_at FROM polls"
        )
        assert (orjson.loads(options), orjson.loads(correct)) == (["a", "b"], [1])
        assert closed < published
        ((name, layout, shown),) = await connection.fetch(
            "SELECT name, layout, shown_at FROM studio_scenes"
        )
        assert (name, orjson.loads(layout)["items"][0]["width"]) == ("Screen", 5000)
        assert shown is not None
        assert await connection.fetch(
            "SELECT id, asset_type, uri, name, pages FROM studio_assets"
        ) == [(whole.asset, "slide", "a/b.pdf", "Sums", 3)]


async def test_what_goes_out(pools, room, writer, projector, whole):
    seen = []
    async with pools.projector() as connection:
        for told in whole.told:
            await tell(room, writer, projector, whole.commands(room, [told]))
            if "destination" in told.data:
                (place,) = await integrations.list_of_session(connection, room.session)
                if (place.status, place.error) not in seen[-1:]:
                    seen.append((place.status, place.error))
        assert seen == [
            ("enabled", None), ("failed", "refused"), ("enabled", None), ("disabled", None),
            ("enabled", None), ("failed", "bad_key"),
        ]  # fmt: skip
        one, two = await recordings.list_of_session(connection, room.session)
    assert (one.id, one.status, one.media_uri, one.duration_ms, one.bytes) == (
        whole.recording, "finalized", "a/b", 9000, 77,
    )  # fmt: skip
    assert (two.id, two.status, two.error) == (whole.failed, "failed", "disk")


async def test_what_stays(pools, room, writer, projector, whole):
    await tell(room, writer, projector, whole.commands(room))
    async with pools.tenant(room.tenant) as connection:
        rows = await connection.fetch(
            "SELECT a.id, artifact_type, payload, version, user_id, e.event_type "
            "FROM artifacts a JOIN session_state_events e "
            "ON e.session_id = a.session_id AND e.sequence = a.source_sequence"
        )
        found = {row[0]: (row[1], orjson.loads(row[2]), *row[3:]) for row in rows}
        segments = found.pop(whole.transcript)
        assert found == {
            whole.chapter: ("chapter", {"title": "Adding sums", "start_ms": 1500}, 2, whole.ann,
                            "chapter.marked"),
            whole.highlight: ("highlight", {"start_ms": 2000}, 1, whole.ann,
                              "highlight.marked"),
            whole.note: ("note", {"text": "my notes", "start_ms": 3000}, 1, whole.bob,
                         "note.added"),
        }  # fmt: skip
        assert segments[0] == "transcript"
        assert await connection.fetch(
            "SELECT source_id, is_public, words::text FROM findable "
            "WHERE source_id = ANY ($1) ORDER BY kind, ordinal",
            [whole.chapter, whole.highlight, whole.note, whole.transcript],
        ) == [
            (whole.chapter, True, "'add':1 'sum':2"),
            (whole.highlight, True, ""),
            (whole.note, False, "'note':2"),
            # In its own language, not the class's.
            (whole.transcript, True, "'haus':2"),
            (whole.transcript, True, "'steh':1"),
        ]  # fmt: skip
        assert await connection.fetch("SELECT id, status, publish_at FROM replays") == [
            (whole.replay, "published", None)
        ]


async def test_the_plan_to_publish_is_known_until_it_is_fulfilled(
    room, writer, projector, owner, whole
):
    seen = []
    for told in whole.told:
        await tell(room, writer, projector, whole.commands(room, [told]))
        if told.kind.startswith("replay."):
            seen.append(tuple(await owner.fetchrow(
                "SELECT status, publish_at IS NOT NULL FROM replays")))  # fmt: skip
    plan = Told(whole.ann, "replay.scheduled", {"replay": new_id(), "publish_at": None})
    await tell(room, writer, projector, whole.commands(room, [plan]))
    assert seen == [("draft", True), ("published", False), ("draft", False), ("published", False)]


async def test_every_part_of_a_long_transcript_is_found(room, writer, projector, owner, whole):
    """PostgreSQL takes at most 1 MiB of words of one text; these are more, and all different."""
    letters = [chr(0x10D0 + number) for number in range(32)]
    words = ["".join(letters[number >> shift & 31] for shift in (20, 15, 10, 5, 0))
             for number in range(80_000)]  # fmt: skip
    texts = [" ".join(words[start : start + 80]) for start in range(0, 80_000, 80)]
    segments = [
        {"start_ms": number, "end_ms": number, "text": text} for number, text in enumerate(texts)
    ]
    payload = {"language": "xx", "segments": segments}
    transcript = {"artifact": new_id(), "artifact_type": "transcript", "payload": payload}
    await tell(room, writer, projector,
               whole.commands(room, [Told(None, "artifact.created", transcript)]))  # fmt: skip
    assert orjson.loads(await owner.fetchval("SELECT payload FROM artifacts")) == payload
    for word, place in ((words[0], 0), (words[-1], 999)):
        row = await owner.fetchrow(
            "SELECT ordinal, start_ms, author_id FROM findable WHERE words @@ $1::text::tsquery",
            word,
        )
        assert tuple(row) == (place, place, None)


async def test_a_time_that_is_none_stops_the_session(room, writer, projector, owner, whole):
    told = [whole.told[1], Told(None, "participant.muted", {"user": whole.bob, "until": "soon"})]
    await writer.append(room.session, room.epoch, whole.commands(room, told))
    assert not await projector.wait_for(room.session, 2, timeout=0.3)
    error = await eventually(lambda: owner.fetchval("SELECT error FROM projections"))
    assert error == "event 2 (participant.muted): 22007 InvalidDatetimeFormatError"
