"""Who is here: kept per connection, shown per person."""

import pytest

from protocol import codec
from protocol.limits import (
    DROPPED_SECONDS,
    ROSTER_FULL_PEOPLE,
    ROSTER_FULL_STAFF,
    ROSTER_PAGE,
    WEBSOCKET_BYTES,
)
from server.hub.asks import Who
from server.hub.roster import Roster


def who(number, role="student"):
    return Who(f"user-{number:04}", f"Name {number}", role)


@pytest.fixture
def roster():
    return Roster()


def statuses(presence):
    return {person.user: (person.status, person.connections) for person in presence}


def test_somebody_comes_drops_and_is_gone_after_the_grace(roster):
    roster.connect(who(1))
    staff, students = roster.changes()
    assert staff == students
    assert (staff.revision, staff.count) == (1, 1)
    assert statuses(staff.joined) == {"user-0001": ("online", 1)}
    assert roster.changes() is None
    roster.disconnect("user-0001", 10.0)
    staff, _ = roster.changes()
    assert (staff.joined, staff.left) == (None, None)
    assert statuses(staff.changed) == {"user-0001": ("dropped", 0)}
    assert roster.expire(10.0 + DROPPED_SECONDS - 0.01) == []
    assert roster.expire(10.0 + DROPPED_SECONDS) == ["user-0001"]
    assert roster.expire(10.0 + DROPPED_SECONDS) == []
    staff, _ = roster.changes()
    assert (staff.left, staff.count, len(roster)) == (("user-0001",), 0, 0)


def test_a_late_goodbye_of_an_old_connection_removes_nobody(roster):
    roster.connect(who(1))
    roster.connect(who(1))  # back, before the old connection was missed
    roster.disconnect("user-0001", 0.0)
    assert roster.expire(1000.0) == []
    assert statuses(roster.full(for_staff=True).full) == {"user-0001": ("online", 1)}
    roster.disconnect("user-0001", 1000.0)
    roster.connect(who(1))
    assert roster.expire(2000.0) == []
    roster.remove("user-0001")
    roster.disconnect("user-0001", 2000.0)
    assert "user-0001" not in roster


def test_who_was_here_before_a_restart_has_the_grace_to_come_back(roster):
    roster.connect(who(1))
    roster.expect(who(1), 0.0)
    roster.expect(who(2), 0.0)
    assert statuses(roster.full(for_staff=False).full) == {
        "user-0001": ("online", 1),
        "user-0002": ("dropped", 0),
    }
    assert roster.expire(DROPPED_SECONDS) == ["user-0002"]


def test_who_came_and_went_between_two_tellings_is_not_told(roster):
    roster.connect(who(1))
    roster.remove("user-0001")
    staff, students = roster.changes()
    assert (staff.joined, staff.changed, staff.left) == (None, None, None)
    assert students.count == 0


def test_in_a_large_class_students_see_staff_and_a_count(roster):
    roster.connect(who(0, "teacher"))
    for number in range(1, ROSTER_FULL_PEOPLE):
        roster.connect(who(number))
    staff, students = roster.changes()
    assert len(staff.joined) == len(students.joined) == ROSTER_FULL_PEOPLE
    roster.connect(who(9000))
    staff, students = roster.changes()
    assert [person.user for person in staff.joined] == ["user-9000"]
    assert [person.user for person in students.full] == ["user-0000"]  # from now on
    assert students.count == ROSTER_FULL_PEOPLE + 1
    roster.connect(who(9001))
    roster.disconnect("user-0005", 0.0)
    roster.remove("user-0006")
    staff, students = roster.changes()
    assert [len(part) for part in (staff.joined, staff.changed, staff.left)] == [1, 1, 1]
    assert (students.joined, students.changed, students.left) == (None, None, None)
    assert students.count == ROSTER_FULL_PEOPLE + 1
    assert len(roster.full(for_staff=True).full) == ROSTER_FULL_PEOPLE + 1
    assert len(roster.full(for_staff=False).full) == 1
    roster.remove("user-0001")
    staff, students = roster.changes()
    assert len(students.full) == ROSTER_FULL_PEOPLE  # small again: everybody
    assert staff.full is None


def test_a_member_of_staff_who_leaves_a_large_class_is_told_to_students(roster):
    roster.connect(who(0, "teacher"))
    for number in range(1, ROSTER_FULL_PEOPLE + 5):
        roster.connect(who(number))
    roster.changes()
    roster.remove("user-0000")
    _, students = roster.changes()
    assert students.left == ("user-0000",)


def listed(held, presence):
    """What a client lists that held ``held`` and hears ``presence``."""
    if presence.full is not None:
        return {person.user for person in presence.full}
    here = {person.user for person in (*(presence.joined or ()), *(presence.changed or ()))}
    return (held | here) - set(presence.left or ())


def test_in_a_very_large_class_staff_see_staff_and_page_through_the_rest(roster):
    roster.connect(who(0, "teacher"))
    for number in range(1, ROSTER_FULL_STAFF):
        roster.connect(who(number))
    staff, _ = roster.changes()
    assert len(staff.joined) == ROSTER_FULL_STAFF
    for number in range(ROSTER_FULL_STAFF, 7000):
        roster.connect(who(number))
    staff, students = roster.changes()
    assert students.full is None  # as before: a count and staff
    assert ([person.user for person in staff.full], staff.count) == (["user-0000"], 7000)
    roster.connect(who(7001))
    roster.connect(who(7002, "assistant"))
    staff, _ = roster.changes()
    assert [person.user for person in staff.joined] == ["user-7002"]
    assert len(roster.full(for_staff=True).full) == 2
    seen, after, pages = [], None, 0
    while pages == 0 or after is not None:
        people, after = roster.page(after, for_staff=True)
        seen += [person.user for person in people]
        pages += 1
    assert seen == [who(number).user for number in (*range(7000), 7001, 7002)]
    assert pages == 7002 // ROSTER_PAGE + 1
    for number in range(ROSTER_FULL_STAFF, 7003):
        roster.remove(who(number).user)
    staff, _ = roster.changes()
    assert len(staff.full) == ROSTER_FULL_STAFF  # small again: everybody


def test_whatever_the_names_presence_fits_a_frame(roster):
    name = "\x01" * 200  # the longest, of what is longest in JSON
    for number in range(ROSTER_FULL_STAFF):
        roster.connect(Who(f"{number:036}", name, "assistant"))
    staff, _ = roster.changes()
    for presence in (staff, roster.full(for_staff=True)):
        assert len(codec.encode(presence)) < WEBSOCKET_BYTES


def test_in_a_large_class_students_hear_who_becomes_staff_and_who_ceases_to_be(roster):
    roster.connect(who(0, "teacher"))
    for number in range(1, ROSTER_FULL_PEOPLE + 5):
        roster.connect(who(number))
    roster.changes()
    for role, joined, left in (("assistant", 1, 0), ("assistant", 0, 0), ("student", 0, 1)):
        roster.disconnect("user-0007", 0.0)
        roster.connect(who(7, role))
        _, students = roster.changes()
        assert len(students.joined or ()) == joined
        assert (students.left or ()) == ("user-0007",) * left
        assert len(students.changed or ()) == (role == "assistant" and not joined)


def test_who_begins_while_the_class_grows_over_the_bound_lists_what_others_do(roster):
    for number in range(ROSTER_FULL_PEOPLE):
        roster.connect(who(number))
    early = listed(set(), roster.changes()[1])
    roster.connect(who(8000))
    late = listed(set(), roster.full(for_staff=False))
    assert late == set()
    roster.remove("user-8000")  # before anything was told: small as it was
    _, students = roster.changes()
    early, late = listed(early, students), listed(late, students)
    assert early == late
    assert len(late) == ROSTER_FULL_PEOPLE
    roster.connect(who(8000))
    roster.connect(who(8001))
    assert roster.changes()[1].full == ()
    roster.remove("user-8000")
    roster.remove("user-8001")
    late = listed(set(), roster.full(for_staff=False))
    assert len(late) == ROSTER_FULL_PEOPLE
    roster.connect(who(8002))
    assert listed(late, roster.changes()[1]) == set()


def test_pages_are_in_the_order_of_ids_and_show_what_the_view_may_see(roster):
    for number in reversed(range(450)):
        roster.connect(who(number, "teacher" if number == 3 else "student"))
    seen, after, pages = [], None, 0
    while pages == 0 or after is not None:
        people, after = roster.page(after, for_staff=True)
        seen += [person.user for person in people]
        pages += 1
    assert seen == [who(number).user for number in range(450)]
    assert pages == 3
    assert roster.page(seen[-1], for_staff=True) == ((), None)
    people, after = roster.page(None, for_staff=False)
    assert ([person.user for person in people], after) == (["user-0003"], None)
    for number in range(450):
        roster.remove(who(number).user)
    assert roster.page(None, for_staff=True) == roster.page("x", for_staff=False) == ((), None)


def test_the_differences_of_every_revision_add_up_to_the_full_list(roster):
    held = {}
    for step in range(60):
        user = f"user-{step % 7:04}"
        if step % 3 == 2:
            roster.disconnect(user, float(step))
            roster.expire(float(step + (DROPPED_SECONDS if step % 2 else 0)))
        else:
            roster.connect(who(step % 7))
        if step % 4 == 0 and (told := roster.changes()):
            held |= statuses((*(told[0].joined or ()), *(told[0].changed or ())))
            for gone in told[0].left or ():
                del held[gone]
            assert held == statuses(roster.full(for_staff=True).full)
