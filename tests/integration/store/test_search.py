"""Search, on classes that the projector folded: who finds what, and in which order.

The oracle of who may find what is the rule that everything else obeys: the role in which policy
lets somebody into a class, and the view of that role.
"""

import random
from collections import Counter
from typing import NamedTuple

import msgspec
import pytest

from protocol import codec
from server.auth import policy
from server.auth.tokens import Identity
from server.classroom.view import view
from server.errors import ForbiddenError, NotFoundError
from server.ids import new_id
from server.store import courses, search, sessions, standings, tenants, users
from server.store.search import Searcher, Wanted
from tests.patience import PATIENCE

AT_MS = 1_795_302_000_000
DAY_MS = 86_400_000
STATUSES = {"banned": "participant.banned", "removed": "participant.removed"}


class Said(NamedTuple):
    """A text that somebody may find."""

    session: str
    kind: str
    source: str
    is_public: bool
    by: str | None


async def find(pools, tenant, user, text, *, role="admin", limit=50, now_ms=AT_MS, **more):
    """What somebody with a token of this role finds: all pages of it, joined."""
    after, hits = more.pop("after", None), []
    async with pools.tenant(tenant) as connection:
        granted, _ = await standings.list_granted(connection, tenant, user)
        who = Searcher.of(user, granted, is_staff=role != "student")
        while True:
            found = await search.search(
                connection, who, Wanted(text, **more), now_ms=now_ms, after=after, limit=limit
            )
            hits += found.hits
            if len(found.hits) < limit:
                return found, hits
            last = hits[-1]
            after = search.Place(
                now_ms, last.score, last.session, last.kind, last.source, last.ordinal
            )


class Term:
    """Random classes of one tenant, with random people in random places."""

    def __init__(self, seed, pools, rooms):
        self.random, self.pools, self.rooms = random.Random(seed), pools, rooms
        self.said, self.sessions, self.courses = [], [], []
        self.staff, self.people = [new_id() for _ in range(3)], [new_id() for _ in range(8)]

    async def hold(self, writer, projector, *, classes=8):
        self.tenant = (await tenants.create(self.pools, "School")).id
        async with self.pools.tenant(self.tenant) as connection:
            for person in self.staff + self.people:
                await users.ensure(connection, self.tenant, person, "Somebody")
            for number in range(3):
                course = await courses.create(connection, self.tenant, title=f"Course {number}")
                lesson = await courses.create_lesson(
                    connection, self.tenant, course.id, title="One"
                )
                self.courses.append((course.id, lesson.id))
            for number in range(classes):
                place = self.random.choice([*self.courses, (None, None)])
                session = await sessions.create(
                    connection, self.tenant, title=f"Class {number}", lesson=place[1]
                )
                self.sessions.append(session.id)
            for person in self.people[:-2]:
                scope = self.random.choice(["tenant", "course", "session"])
                places = {"tenant": [None], "course": [c for c, _ in self.courses],
                          "session": self.sessions}  # fmt: skip
                await users.give_role(
                    connection, self.tenant, person,
                    self.random.choice(["student", "assistant", "teacher"]),
                    scope=scope, scope_id=self.random.choice(places[scope]),
                )  # fmt: skip
        for number, session in enumerate(self.sessions):
            room = await self.rooms.open(self.pools, self.tenant, session=session)
            at_ms = AT_MS - number * 20 * DAY_MS
            told = [room.command(fact, actor=by, at_ms=at_ms) for by, fact in self.events(session)]
            await writer.append(session, room.epoch, told)
            assert await projector.wait_for(session, room.sequence, timeout=PATIENCE)

    def events(self, session):
        choose, speakers = self.random, [*self.staff, *self.people]
        yield self.staff[0], ("session.started", {})
        for person in self.random.sample(self.people, 4):
            role = choose.choice(["student", "student", "assistant"])
            who = {"user": person, "name": "Somebody", "role": role}
            status = choose.choice(["in", "in", "waiting", "banned", "removed"])
            yield (
                None,
                ("participant.waiting" if status == "waiting" else "participant.joined", who),
            )
            if status in STATUSES:
                yield self.staff[0], (STATUSES[status], {"user": person})
        for _ in range(12):
            by, source = choose.choice(speakers), new_id()
            kind, source_name, type_, data = choose.choice([
                ("chat", "message", "chat.posted",
                 {"name": "x", "text": "zebra", "to": choose.choice(["everyone", "staff"])}),
                ("question", "question", "question.asked", {"name": "x", "prompt": "zebras?"}),
                ("note", "artifact", "note.added", {"name": "x", "text": "zebra", "start_ms": 5}),
                ("chapter", "artifact", "chapter.marked", {"title": "Zebras", "start_ms": 7}),
                ("note", "artifact", "artifact.created",
                 {"artifact_type": "note", "payload": {"text": "my zebra", "start_ms": 1}}),
                ("transcript", "artifact", "artifact.created",
                 {"artifact_type": "transcript", "payload": {
                     "language": "en",
                     "segments": [{"start_ms": 9, "end_ms": 10, "text": "the zebra"}]}}),
            ])  # fmt: skip
            data = {source_name: source} | data
            yield by, (type_, data)
            if kind == "chat" and choose.random() < 0.3:
                yield by, ("chat.removed", {"message": source, "to": data["to"]})
                if choose.random() < 0.5:
                    continue
                yield by, ("chat.restored",
                           {"message": source, "text": "zebra", "to": data["to"]})  # fmt: skip
            elif kind not in ("chat", "question") and choose.random() < 0.2:
                yield by, (
                    "artifact.removed", {"artifact": source, "artifact_type": kind}
                )  # fmt: skip
                continue
            event = codec.decode_event(type_, msgspec.json.encode(data), 1)
            self.said.append(Said(session, kind, source, view(event, "student") != "hidden", by))

    async def shown_to(self, person, role):
        """What of all that was said this person may find."""
        identity = Identity(person, self.tenant, None, role, "x", frozenset(), 0)
        may = {}
        async with self.pools.tenant(self.tenant) as connection:
            for session in self.sessions:
                standing = await standings.find(connection, "session", session, person)
                try:
                    if standing.status != "waiting":
                        may[session] = policy.role_in_session(identity, standing)
                except (NotFoundError, ForbiddenError):
                    pass
        return {
            (said.session, said.kind, said.source)
            for said in self.said
            if said.session in may
            and (may[said.session] != "student" or said.is_public or said.by == person)
        }


@pytest.mark.parametrize("seed", range(2))
async def test_everybody_finds_what_they_may_see_and_nothing_else(
    pools, rooms, writer, projector, owner, seed
):
    term = Term(seed, pools, rooms)
    await term.hold(writer, projector)
    other = (await tenants.create(pools, "Other")).id
    seen = Counter()
    for has_many in (False, True):
        if has_many:  # another way to find
            await owner.execute(
                "INSERT INTO sessions (id, tenant_id, title, created_at) "
                "SELECT gen_random_uuid(), $1, 'Empty', now() FROM generate_series(1, 101)",
                term.tenant,
            )
        for person in term.people:
            for role in ("student", "teacher"):
                expected = await term.shown_to(person, role)
                found, hits = await find(pools, term.tenant, person, "zebra", role=role, limit=7)
                assert {(hit.session, hit.kind, hit.source) for hit in hits} == expected
                assert len(hits) == len(expected)
                assert [hit.score for hit in hits] == sorted(
                    (hit.score for hit in hits), reverse=True
                )
                assert found.total == len(expected)
                assert found.is_exact
                kinds = Counter(kind for _, kind, _ in expected)
                assert {each.value: each.count for each in found.kinds} == kinds
                assert sum(each.count for each in found.months) == len(expected)
                typo, _ = await find(pools, term.tenant, person, "zebro", role=role)
                spoken = any(kind in ("chapter", "transcript") for _, kind, _ in expected)
                assert typo.corrected is None or expected
                assert (typo.corrected is not None) or not spoken
                seen[bool(expected)] += 1
                assert (await find(pools, other, person, "zebra", role=role))[0].total == 0
    assert seen[True] > 4
    assert seen[False]


async def test_slides_lead_to_when_they_were_shown_for_as_long_as_their_text_is_kept(
    pools, rooms, writer, projector, owner
):
    term, asset = Term(1, pools, rooms), new_id()
    await term.hold(writer, projector, classes=1)
    [session] = term.sessions
    await owner.execute(
        "INSERT INTO asset_pages (tenant_id, session_id, asset_id, page, text, dictionary) "
        "VALUES ($1, $2, $3, 2, 'Okapis', 'english')", term.tenant, session, asset,
    )  # fmt: skip
    room = await rooms.open(pools, term.tenant, session=session)
    told = room.command(("asset.shown", {"asset": asset, "page": 2}), at_ms=AT_MS + 724_000)
    await writer.append(session, room.epoch, [told])
    assert await projector.wait_for(session, room.sequence, timeout=PATIENCE)
    teacher = term.people[0]
    async with pools.tenant(term.tenant) as connection:
        await users.give_role(connection, term.tenant, teacher, "teacher", scope="session",
                              scope_id=session)  # fmt: skip
    for again in (False, True):
        if again:
            await projector.rebuild(session)
            assert await projector.wait_for(session, room.sequence, timeout=PATIENCE)
        _, [hit] = await find(pools, term.tenant, teacher, "okapi")
        assert (hit.kind, hit.source, hit.ordinal, hit.start_ms) == ("slide", asset, 2, 724_000)
    await owner.execute("DELETE FROM asset_pages")
    assert (await find(pools, term.tenant, teacher, "okapi"))[0].total == 0
