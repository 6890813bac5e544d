"""What is managed beside the log: each function, and that another tenant's rows are not there."""

import asyncio

import pytest

from server.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from server.ids import new_id
from server.store import (
    courses,
    integrations,
    participants,
    recordings,
    rest_requests,
    sessions,
    standings,
    tenants,
    users,
)

AT_MS = 1_795_302_000_123


async def roles(connection, within, place, user):
    return set((await standings.find(connection, within, place, user)).roles)


@pytest.fixture
async def tenant(pools):
    return (await tenants.create(pools, "School")).id


async def test_a_tenant_sees_itself_alone(pools, tenant):
    other = await tenants.create(pools, "Other")
    with pytest.raises(ConflictError):
        await tenants.create(pools, "Again", id=tenant)
    async with pools.tenant(tenant) as connection:
        assert (await tenants.get(connection, tenant)).name == "School"
        with pytest.raises(NotFoundError):
            await tenants.get(connection, other.id)


async def test_a_domain_is_one_tenants(pools, tenant):
    other = await tenants.create(pools, "Other")
    async with pools.tenant(tenant) as connection:
        await tenants.add_domain(connection, tenant, "School.Example")
    assert await tenants.find_by_domain(pools, "school.example") == tenant
    assert await tenants.find_by_domain(pools, "else.example") is None
    with pytest.raises(ConflictError):
        async with pools.tenant(other.id) as connection:
            await tenants.add_domain(connection, other.id, "school.example")


async def test_people_are_known_once_and_keep_their_name(pools, tenant):
    ann, bob = sorted((new_id(), new_id()))
    async with pools.tenant(tenant) as connection:
        await users.ensure(connection, tenant, ann, "Ann", email="Ann@school.example")
        await users.ensure(connection, tenant, ann, "Somebody else")
        await users.ensure(connection, tenant, bob, "Bob")
        found = await users.get(connection, ann)
        assert (found.display_name, found.email) == ("Ann", "Ann@school.example")
        assert [user.id for user in await users.list_all(connection)] == [ann, bob]
        assert [user.id for user in await users.list_all(connection, after=ann)] == [bob]
        with pytest.raises(NotFoundError):
            await users.get(connection, new_id())
    with pytest.raises(ConflictError):
        async with pools.tenant(tenant) as connection:
            await users.ensure(connection, tenant, new_id(), "Ann", email="ANN@school.example")


async def test_somebody_who_comes_twice_at_once_is_made_known_once(pools, tenant):
    async def come(person):
        async with pools.tenant(tenant) as connection:
            await users.ensure(connection, tenant, person, "Ann")

    for _ in range(60):
        person = new_id()
        await asyncio.gather(*(come(person) for _ in range(6)))


async def test_an_id_of_another_tenants_person_is_refused_to_requests_and_to_the_hub(pools, tenant):
    other = (await tenants.create(pools, "Other")).id
    ann = new_id()
    async with pools.hub() as connection:
        await users.ensure(connection, tenant, ann, "Ann")
        with pytest.raises(ForbiddenError):
            await users.ensure(connection, other, ann, "Ann")
    async with pools.tenant(other) as connection:
        with pytest.raises(ForbiddenError):
            await users.ensure(connection, other, ann, "Ann")


async def test_roles_hold_in_their_scope(pools, tenant):
    ann = new_id()
    async with pools.tenant(tenant) as connection:
        await users.ensure(connection, tenant, ann, "Ann")
        course = await courses.create(connection, tenant, title="Maths")
        lesson = await courses.create_lesson(connection, tenant, course.id, title="One")
        of_course = await sessions.create(connection, tenant, title="a", lesson=lesson.id)
        alone = await sessions.create(connection, tenant, title="b")
        await users.give_role(
            connection, tenant, ann, "assistant", scope="course", scope_id=course.id
        )
        await users.give_role(
            connection, tenant, ann, "teacher", scope="session", scope_id=alone.id
        )
        for _ in range(2):
            await users.give_role(connection, tenant, ann, "student")
        in_tenant = await standings.find(connection, "tenant", tenant, ann)
        assert in_tenant == (tenant, None, ("student",), None, None, False)
        assert await roles(connection, "session", of_course.id, ann) == {
            "assistant", "student",
        }  # fmt: skip
        assert await roles(connection, "session", alone.id, ann) == {
            "teacher", "student",
        }  # fmt: skip
        for within, place in (("course", course.id), ("lesson", lesson.id)):
            assert await roles(connection, within, place, ann) == {"assistant", "student"}
        stranger = await standings.find(connection, "session", alone.id, new_id())
        assert stranger == (tenant, alone.id, (), None, None, False)
        assert (await standings.find(connection, "session", new_id(), ann)).tenant is None
        granted, is_revoked = await standings.list_granted(connection, tenant, ann)
        assert set(granted) == {
            ("student", "tenant", None),
            ("assistant", "course", course.id),
            ("teacher", "session", alone.id),
        }
        assert not is_revoked
    with pytest.raises(InvalidInputError):
        async with pools.tenant(tenant) as connection:
            await users.give_role(connection, tenant, ann, "student", scope="course")


async def test_who_is_put_down_stands_on_the_list(pools, tenant):
    ann = new_id()
    async with pools.tenant(tenant) as connection:
        await users.ensure(connection, tenant, ann, "Ann")
        session = await sessions.create(connection, tenant, title="a")
        await participants.put_down(connection, tenant, session.id, ann, "assistant")
        await participants.put_down(connection, tenant, session.id, ann, "student")
        assert await standings.find(connection, "session", session.id, ann) == (
            tenant, session.id, (), "assistant", "admitted", False,
        )  # fmt: skip
        assert await participants.list_all(connection, session.id) == [
            participants.Participant(ann, "Ann", "assistant", "admitted", None, None, None, b"{}")
        ]
        assert await participants.list_all(connection, session.id, after=ann) == []


async def test_courses_and_lessons_come_in_their_order(pools, tenant):
    async with pools.tenant(tenant) as connection:
        made = [await courses.create(connection, tenant, title=str(n)) for n in range(3)]
        assert await courses.list_all(connection, limit=2) == made[:2]
        assert await courses.list_all(connection, after=made[1].id) == made[2:]
        changed = await courses.update(connection, made[0].id, status="published")
        assert (changed.title, changed.status) == ("0", "published")
        with pytest.raises(NotFoundError):
            await courses.update(connection, new_id(), title="x")
        course = made[0].id
        for index in (3, 1, 1, 2):
            await courses.create_lesson(
                connection, tenant, course, title=str(index), order_index=index
            )
        whole = await courses.list_lessons(connection, course)
        assert [lesson.order_index for lesson in whole] == [1, 1, 2, 3]
        pages, after = [], None
        while page := await courses.list_lessons(connection, course, after=after, limit=1):
            pages += page
            after = page[-1].id
        assert pages == whole
        with pytest.raises(NotFoundError):
            await courses.create_lesson(connection, tenant, new_id(), title="x")
        with pytest.raises(NotFoundError):
            await courses.list_lessons(connection, new_id())


async def test_sessions_are_scheduled_moved_and_listed(pools, tenant):
    async with pools.tenant(tenant) as connection:
        course = await courses.create(connection, tenant, title="Maths")
        lesson = await courses.create_lesson(connection, tenant, course.id, title="One")
        first = await sessions.create(
            connection, tenant, title="Algebra", lesson=lesson.id, scheduled_at=AT_MS,
            language="de",
        )  # fmt: skip
        assert (first.status, first.scheduled_at, first.language) == ("scheduled", AT_MS, "de")
        second = await sessions.create(connection, tenant, title="Alone")
        assert await sessions.list_all(connection) == [first, second]
        assert await sessions.list_all(connection, lesson=lesson.id) == [first]
        assert await sessions.list_all(connection, status="live") == []
        assert await sessions.list_all(connection, after=first.id) == [second]
        renamed = await sessions.update(connection, first.id, title="Geometry")
        assert (renamed.title, renamed.scheduled_at) == ("Geometry", AT_MS)
        assert (await sessions.update(connection, first.id, scheduled_at=None)).scheduled_at is None
        with pytest.raises(NotFoundError):
            await sessions.create(connection, tenant, title="x", lesson=new_id())
    found = await sessions.find(pools, second.id)
    assert found == second
    assert await sessions.find(pools, new_id()) is None


async def test_destinations_belong_to_an_integration_of_the_tenant(pools, tenant):
    other = (await tenants.create(pools, "Other")).id
    async with pools.tenant(tenant) as connection:
        account = await integrations.create(connection, tenant, provider="youtube")
        place = await integrations.create_destination(
            connection, tenant, account.id, name="Channel", url="rtmp://a.example/live",
            stream_key_ref="env:KEY",
        )  # fmt: skip
        assert (place.provider, place.profile, place.is_revoked) == ("youtube", "tolerant", False)
        assert "KEY" not in repr(place)
        assert await integrations.list_destinations(connection) == [place]
        assert await integrations.list_destinations(connection, after=place.id) == []
        assert await integrations.list_all(connection) == [account]
        assert await integrations.set_stream_key(connection, place.id, "vault:1") == "env:KEY"
        await integrations.set_status(connection, account.id, "revoked")
        session = await sessions.create(connection, tenant, title="a")
        assert await integrations.list_of_session(connection, session.id) == []
        assert await recordings.list_of_session(connection, session.id) == []
    found = await integrations.find_destination(pools, tenant, place.id)
    assert found.is_revoked
    assert found.stream_key_ref == "vault:1"
    assert await integrations.find_destination(pools, other, place.id) is None
    async with pools.tenant(other) as connection:
        with pytest.raises(NotFoundError):
            await integrations.get_destination(connection, place.id)
        with pytest.raises(NotFoundError):
            await integrations.create_destination(
                connection, other, account.id, name="x", url="rtmp://a/b", stream_key_ref="env:A"
            )
    async with pools.tenant(tenant) as connection:
        assert await integrations.delete_destination(connection, place.id) == "vault:1"
        with pytest.raises(NotFoundError):
            await integrations.get_destination(connection, place.id)


async def test_a_key_may_not_stand_where_its_reference_should(pools, tenant):
    async with pools.tenant(tenant) as connection:
        account = await integrations.create(connection, tenant, provider="youtube")
    with pytest.raises(InvalidInputError):
        async with pools.tenant(tenant) as connection:
            await integrations.create_destination(
                connection, tenant, account.id, name="x", url="rtmp://a/b",
                stream_key_ref="live_abcdef",
            )  # fmt: skip


async def test_a_request_has_its_effect_once_and_its_answer_is_kept(pools, tenant):
    user, began = new_id(), asyncio.Event()
    answer = rest_requests.Kept(b"d", 201, b"{}", b"body")

    async def first():
        async with pools.tenant(tenant) as connection:
            assert await rest_requests.claim(connection, tenant, user, "k", b"d") is None
            began.set()
            await asyncio.sleep(0.1)
            await rest_requests.keep(connection, tenant, user, "k", answer)

    async def repeated():
        await began.wait()
        async with pools.tenant(tenant) as connection:
            return await rest_requests.claim(connection, tenant, user, "k", b"d")

    assert (await asyncio.gather(first(), repeated()))[1] == answer
    async with pools.tenant(tenant) as connection:
        assert await rest_requests.claim(connection, tenant, new_id(), "k", b"d") is None


async def test_a_request_that_failed_leaves_its_key_free(pools, tenant):
    user = new_id()

    async def fail():
        async with pools.tenant(tenant) as connection:
            await rest_requests.claim(connection, tenant, user, "k", b"d")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with pools.tenant(tenant) as connection:
        assert await rest_requests.claim(connection, tenant, user, "k", b"d") is None


async def test_a_key_is_free_again_after_a_day(pools, tenant, owner):
    user = new_id()
    async with pools.tenant(tenant) as connection:
        await rest_requests.claim(connection, tenant, user, "k", b"d")
        await rest_requests.keep(
            connection, tenant, user, "k", rest_requests.Kept(b"d", 200, b"{}", b"")
        )
    await owner.execute("UPDATE rest_requests SET created_at = now() - interval '25 hours'")
    async with pools.tenant(tenant) as connection:
        assert await rest_requests.claim(connection, tenant, user, "k", b"e") is None


async def test_an_id_in_a_page_that_is_none_is_invalid_input(pools, tenant):
    with pytest.raises(InvalidInputError):
        async with pools.tenant(tenant) as connection:
            await courses.list_all(connection, after="zzz")
