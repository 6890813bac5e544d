"""Who is here: kept per connection, shown per person."""

import pytest

from protocol.limits import DROPPED_SECONDS, ROSTER_FULL_PEOPLE
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
    people, _ = roster.page(None, for_staff=False)
    assert [person.user for person in people] == ["user-0003"]


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
