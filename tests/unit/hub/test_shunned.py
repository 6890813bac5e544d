"""Who was ended for abuse is kept out for a while."""

from server.hub import shunned
from server.hub.shunned import SHUNNED_SECONDS, Shunned


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now


def test_they_are_kept_out_for_a_while():
    clock = Clock()
    out = Shunned(clock)
    out.add("ann")
    assert "ann" in out
    assert "bob" not in out
    clock.now += SHUNNED_SECONDS
    assert "ann" not in out


def test_the_last_ones_are_remembered(monkeypatch):
    monkeypatch.setattr(shunned, "MOST_SHUNNED", 2)
    out = Shunned(Clock())
    for user in ("ann", "bob", "ann", "cy"):
        out.add(user)
    assert [user in out for user in ("ann", "bob", "cy")] == [True, False, True]
