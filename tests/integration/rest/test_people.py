"""Tenants and their domains, people, and the roles they are given."""

from server.ids import new_id
from server.store.tenants import find_framers
from tests.integration.rest.conftest import Person


def operator():
    """The operator of the installation: of no tenant that there is."""
    return Person(new_id(), new_id(), "admin").token(scope=["operator"])


async def test_the_operator_founds_and_suspends_tenants(api, school) -> None:
    boss, tenant = operator(), new_id()
    wanted = {
        "id": tenant, "name": "Other school", "admin": "Ada", "email": "ada@other.example",
        "domains": ["class.other.example"],
    }  # fmt: skip
    made = await api.post(boss, "/v1/tenants", wanted)
    assert (made.status, made.body["tenant"]["status"]) == (201, "active")
    assert (await api.post(boss, "/v1/tenants", wanted)).code == "conflict"
    taken = await api.post(boss, "/v1/tenants", wanted | {"id": new_id()})
    assert taken.code == "conflict"
    listed = (await api.get(boss, "/v1/tenants?limit=200")).body["items"]
    assert {each["id"] for each in listed} >= {tenant, school.tenant}

    ada = Person(tenant, made.body["admin"], "admin")
    mine = await api.get(ada, "/v1/tenant")
    assert (mine.status, mine.body) == (200, made.body["tenant"])
    (domain,) = (await api.get(ada, "/v1/domains")).body["items"]
    assert domain["domain"] == "class.other.example"
    assert {each["name"] for each in (await api.get(ada, "/v1/roles")).body["items"]} == {
        "admin", "teacher", "assistant", "student",
    }  # fmt: skip

    path = f"/v1/tenants/{tenant}"
    assert (await api.patch(boss, path, {"status": "suspended"})).body["status"] == "suspended"
    assert (await api.get(ada, "/v1/tenant")).code == "unauthorized"
    assert (await api.get(boss, path)).body["status"] == "suspended"
    assert (await api.get(boss, f"/v1/tenants/{new_id()}")).code == "not_found"
    # Nobody else may, and the operator sees nothing inside.
    for who in (school.admin, school.teacher):
        assert (await api.post(who, "/v1/tenants", wanted)).code == "forbidden"
        assert (await api.get(who, path)).code == "forbidden"
    assert (await api.get(boss, "/v1/users")).code == "forbidden"
    for wrong in ({"name": "x"}, wanted | {"domains": ["not a host"]}, wanted | {"email": "x"}):
        assert (await api.post(boss, "/v1/tenants", wrong)).code == "bad_request"


async def test_an_admin_manages_the_tenant_and_its_domains(api, school, stranger) -> None:
    admin = school.admin
    changed = await api.patch(admin, "/v1/tenant", {"name": "New", "chat_days": 30})
    assert (changed.body["name"], changed.body["chat_days"]) == ("New", 30)
    assert changed.body["recordings_days"] is None
    assert (await api.patch(admin, "/v1/tenant", {"chat_days": None})).body["chat_days"] is None
    assert (await api.patch(admin, "/v1/tenant", {"chat_days": 0})).code == "bad_request"
    assert (await api.patch(school.teacher, "/v1/tenant", {"name": "x"})).code == "forbidden"

    made = await api.post(admin, "/v1/domains", {"domain": "a.school.example"})
    assert (made.status, made.headers["Location"]) == (201, f"/v1/domains/{made.body['id']}")
    for name in ("A.school.example", "school", "a_b.example", "-a.example", "a..b", "1.2.3.4"):
        assert (await api.post(admin, "/v1/domains", {"domain": name})).code == "bad_request", name
    twice = await api.post(admin, "/v1/domains", {"domain": "a.school.example"})
    assert (twice.status, twice.code) == (409, "conflict")
    path = made.headers["Location"]
    theirs = Person(stranger.tenant, stranger.id, "admin")
    assert (await api.get(theirs, path)).status == 403  # a teacher, whatever the token claims
    assert (await api.send("DELETE", school.teacher, path)).code == "forbidden"
    assert (await api.send("DELETE", admin, path)).status == 204
    assert (await api.get(admin, path)).code == "not_found"
    assert (await api.get(admin, "/v1/domains")).body == {"items": [], "next": None}


async def test_an_admin_says_whose_pages_may_frame_the_classes(api, pools, school) -> None:
    admin = school.admin
    assert (await api.get(admin, "/v1/tenant")).body["embed_origins"] == []
    assert list(await find_framers(pools, school.session)) == []
    origins = ["https://lms.school.example", "https://*.school.example:8443", "http://localhost:1"]
    changed = await api.patch(admin, "/v1/tenant", {"embed_origins": origins})
    assert changed.body["embed_origins"] == origins
    assert list(await find_framers(pools, school.session)) == origins
    assert list(await find_framers(pools, new_id())) == []
    for wrong in (
        "*", "https:", "https://*", "https://*.example", "'self'", "lms.school.example",
        "http://lms.school.example", "https://lms.school.example/", "https://LMS.school.example",
        "https://a.example https://b.example", "https://a.example; script-src *",
        "https://a.example\n", "https://a.example:0", "https://a.*.example", "https://1.2.3.4",
    ):  # fmt: skip
        refused = await api.patch(admin, "/v1/tenant", {"embed_origins": [wrong]})
        assert refused.code == "bad_request", wrong
    too_many = [f"https://lms{number}.example" for number in range(21)]
    assert (await api.patch(admin, "/v1/tenant", {"embed_origins": too_many})).status == 400
    assert (await api.patch(school.teacher, "/v1/tenant", {"embed_origins": []})).status == 403
    assert (await api.patch(admin, "/v1/tenant", {"embed_origins": []})).body["embed_origins"] == []


async def test_people_are_added_changed_and_put_out(api, school) -> None:
    teacher, admin = school.teacher, school.admin
    ben = await api.post(teacher, "/v1/users", {"name": "Ben", "email": "ben@school.example"})
    path = ben.headers["Location"]
    assert (ben.status, path) == (201, f"/v1/users/{ben.body['id']}")
    assert (await api.get(teacher, path)).body == ben.body
    same = await api.post(teacher, "/v1/users", {"name": "B", "email": "BEN@school.example"})
    assert same.code == "conflict"
    found = await api.get(teacher, "/v1/users?email=Ben@School.example")
    assert [each["id"] for each in found.body["items"]] == [ben.body["id"]]
    assert (await api.post(school.assistant, "/v1/users", {"name": "x"})).code == "forbidden"
    assert (await api.get(school.assistant, "/v1/users")).code == "forbidden"
    assert (await api.post(teacher, "/v1/users", {"name": "x", "email": "@"})).code == "bad_request"

    assert (await api.patch(teacher, path, {"name": "Benjamin"})).code == "forbidden"
    named = await api.patch(admin, path, {"name": "Benjamin", "email": None})
    assert (named.body["name"], named.body["email"]) == ("Benjamin", None)
    student = f"/v1/users/{school.student.id}"
    assert (await api.patch(admin, student, {"email": "s@school.example"})).status == 200
    taken = await api.patch(admin, path, {"email": "S@school.example"})
    assert taken.code == "conflict"
    session = f"/v1/sessions/{school.session}"
    assert (await api.get(school.student, session)).status == 200
    await api.patch(admin, student, {"status": "inactive"})
    assert (await api.get(school.student, session)).code == "unauthorized"
    inactive = (await api.get(teacher, "/v1/users?status=inactive")).body["items"]
    assert [each["id"] for each in inactive] == [school.student.id]
    assert (await api.patch(admin, f"/v1/users/{new_id()}", {"name": "x"})).code == "not_found"


async def test_people_are_found_by_a_part_of_them_and_by_their_role(api, school) -> None:
    admin = school.admin
    given = {"role": "assistant", "scope": "course", "scope_id": school.course}
    ben = (await api.post(admin, "/v1/users", {"name": "Ben 100%", "email": "b@x.example"})).body
    assert ben["role"] is None
    for role in ({"role": "student"}, given):
        await api.post(admin, f"/v1/users/{ben['id']}/roles", role)

    async def found(query):
        answer = await api.get(admin, f"/v1/users?{query}")
        return [each["id"] for each in answer.body["items"]]

    for part in ("EN%201", "0%25", "B@X"):
        assert await found(f"q={part}") == [ben["id"]]
    assert await found("q=_en") == []
    assert ben["id"] in await found("role=assistant")
    assert ben["id"] not in await found("role=teacher")
    assert (await api.get(admin, f"/v1/users/{ben['id']}")).body["role"] == "assistant"
    assert (await api.get(admin, f"/v1/users/{admin.id}")).body["role"] == "admin"
    assert (await api.get(admin, "/v1/users?role=boss")).code == "bad_request"


async def test_nobody_gives_more_than_they_have_and_one_admin_stays(api, school) -> None:
    teacher, admin = school.teacher, school.admin
    ben = (await api.post(teacher, "/v1/users", {"name": "Ben"})).body["id"]
    path, course = f"/v1/users/{ben}/roles", {"scope": "course", "scope_id": school.course}
    given = await api.post(teacher, path, {"role": "assistant", **course})
    assert (given.status, given.body | {"id": ""}) == (
        201, {"id": "", "user": ben, "role": "assistant", **course},
    )  # fmt: skip
    again = await api.post(teacher, path, {"role": "assistant", **course})
    assert again.body == given.body
    assert (await api.get(teacher, given.headers["Location"])).body == given.body
    # It holds where it was given, and nowhere else.
    helper = Person(school.tenant, ben, "assistant")
    assert (await api.get(helper, f"/v1/sessions/{school.session}")).status == 200
    assert (await api.get(helper, "/v1/destinations")).code == "forbidden"

    assert (await api.post(teacher, path, {"role": "admin"})).code == "forbidden"
    for wrong in (
        {"role": "student", "scope": "course"},
        {"role": "student", "scope": "session", "scope_id": school.course},
        {"role": "student", "scope_id": school.course},
        {"role": "admin", **course},
    ):
        answer = await api.post(admin, path, wrong)
        assert (answer.status, answer.code) == (422, "bad_request")
    nobody = await api.post(admin, f"/v1/users/{new_id()}/roles", {"role": "student"})
    assert nobody.code == "not_found"

    admins = (await api.get(admin, f"/v1/users/{admin.id}/roles")).body["items"]
    last = f"/v1/users/{admin.id}/roles/{admins[0]['id']}"
    refused = await api.send("DELETE", teacher, last)
    assert refused.code == "forbidden"
    for answer in (
        await api.send("DELETE", admin, last),
        await api.patch(admin, f"/v1/users/{admin.id}", {"status": "inactive"}),
        await api.send("DELETE", admin, f"/v1/users/{admin.id}"),
    ):
        assert (answer.status, answer.code) == (409, "conflict")
    assert (await api.post(admin, path, {"role": "admin"})).status == 201
    assert (await api.send("DELETE", admin, last)).status == 204
    assert (await api.send("DELETE", teacher, given.headers["Location"])).status == 204
    assert (await api.get(teacher, given.headers["Location"])).code == "not_found"


async def test_everybody_learns_who_they_are_and_what_they_may_where(api, school) -> None:
    teacher = await api.get(school.teacher, "/v1/me")
    assert teacher.status == 200
    assert teacher.body["tenant_name"] == "School"
    assert (teacher.body["user"], teacher.body["role"]) == (school.teacher.id, "teacher")
    assert teacher.body["roles"] == [{"role": "teacher", "scope": "tenant", "scope_id": None}]
    # A token makes no more of a person than they were given, nor they of it.
    less = await api.get(school.teacher.token(role="assistant"), "/v1/me")
    assert (less.body["role"], less.body["roles"][0]["role"]) == ("assistant", "assistant")
    given = {"role": "teacher", "scope": "course", "scope_id": school.course}
    newcomer = Person(school.tenant, new_id(), "teacher")
    assert (await api.get(newcomer, "/v1/me")).body["roles"] == []
    assert (
        await api.post(school.admin, f"/v1/users/{school.student.id}/roles", given)
    ).status == 201
    mine = await api.get(school.student.token(role="teacher"), "/v1/me")
    assert given in mine.body["roles"]
    # One class is not who somebody is.
    assert (await api.get(school.teacher.token(session=school.session), "/v1/me")).status == 403
