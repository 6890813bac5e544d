"""New ids are UUIDv7, in order, and never twice."""

import threading
import time
import uuid

from server.ids import new_id


def test_an_id_is_a_uuid_of_version_7_and_now():
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(new_id())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert str(made) == str(made).lower()
    assert 0 <= (made.int >> 80) - before < 2000


def test_ids_grow_even_in_one_millisecond():
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(set(made))


def test_ids_grow_when_the_clock_steps_back(monkeypatch):
    last = new_id()
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)
    assert new_id() > last


def test_threads_never_make_the_same():
    made = []
    threads = [
        threading.Thread(target=lambda: made.extend(new_id() for _ in range(2000)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8000
