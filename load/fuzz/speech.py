"""What one person says on one connection, as long as they keep to the protocol."""

from random import Random
from typing import Any

from load.fuzz.judge import MARK
from load.fuzz.rooms import Person, Room
from load.fuzz.values import Values, new_id
from protocol.commands import COMMANDS

_A_PERSON = "A person."
_RARE = {
    "session.end": 0.01,
    "session.archive": 0.3,
    "session.lock": 0.3,
    "participant.ban": 0.3,
    "participant.remove": 0.3,
}
"""What would leave too little of the class to try; everything else is as likely as the next."""
_OPS = list(COMMANDS)
_WEIGHTS = [_RARE.get(op, 1.0) for op in _OPS]
_POSITIONS = (0, 1, 2, 5, 50, 500, 2**31, 2**53 - 1, 2**53, 2**63, 2**64 - 1)


class Speech:
    """Draws the frames of one connection of ``person`` in ``room``.

    With ``marks``, what is for staff alone says so in its text: for frames that are sent as drawn.
    """

    def __init__(self, rng: Random, room: Room, person: Person, *, marks: bool = True) -> None:
        self.rng = rng
        self._room = room
        self._values = Values(rng, room.known)
        self._person = person
        self._marks = marks
        self._number = rng.randrange(1000)
        self._said: list[dict[str, Any]] = []

    def command(self) -> dict[str, Any]:
        """Return a command frame, at times one that was said before, or half of it."""
        rng = self.rng
        if self._said and rng.random() < 0.06:
            again = dict(rng.choice(self._said))
            again["id"] = self._next()
            if rng.random() < 0.3 and MARK not in str(again):
                again["op"] = rng.choice(_OPS)
                self._room.notice(again["op"], again.get("data", {}))
            return again
        frame = self._command(rng.choices(_OPS, _WEIGHTS)[0])
        self._said.append(frame)
        return frame

    def other(self) -> dict[str, Any]:
        """Return a frame that is no command, and that the server must put up with."""
        rng, values = self.rng, self._values
        match rng.randrange(8):
            case 0:
                return {"type": "resync", "sequence": self.position()}
            case 1:
                after = rng.choice((None, values.id_of(_A_PERSON)))
                return {"type": "roster", "after": after}
            case 2:
                return {"type": "pong", "applied": self.position()}
            case 3:
                return {"type": "ping"}
            case 4:
                return {"type": "token", "token": self._person.token}
            case 5:
                return {"type": "signal", "kind": "typing", "data": {"in": values.text()[:60]}}
            case 6:
                cursor = {"x": rng.randint(0, 10_000), "y": rng.randint(0, 10_000)}
                return {"type": "signal", "kind": "cursor", "data": cursor}
            case _:
                emoji = rng.choice(("👍", "❤️", "🎉", "👩‍🚀"))
                return {"type": "signal", "kind": "reaction", "data": {"emoji": emoji}}

    def position(self) -> int:
        """Return a position in a log, or beyond any."""
        rng = self.rng
        return rng.randrange(300) if rng.random() < 0.6 else rng.choice(_POSITIONS)

    def _command(self, op: str) -> dict[str, Any]:
        rng = self.rng
        data = self._values.struct(COMMANDS[op])
        if self._marks:
            self._mark(op, data)
        self._room.notice(op, data)
        frame = {"type": "command", "id": self._next(), "key": new_id(rng), "op": op, "data": data}
        if rng.random() < 0.02:
            frame["key"] = f"shared-{rng.randrange(50)}"
        if rng.random() < 0.08:
            frame["expect"] = self.position()
        if not data and rng.random() < 0.5:
            del frame["data"]
        return frame

    def _mark(self, op: str, data: dict[str, Any]) -> None:
        """Let what staff alone may read begin with the mark of its author."""
        is_for_staff = data.get("to") == "staff" or op in ("note.add", "question.dismiss")
        if op == "artifact.add" and data["artifact_type"] == "note":
            is_for_staff, data = True, data["payload"]
        for name in ("title", "text", "reason"):
            if isinstance(data.get(name), str) and (name == "reason" or is_for_staff):
                data[name] = f"{MARK}{self._person.user} {data[name]}"[:200]

    def _next(self) -> int:
        self._number += self.rng.choice((1, 1, 1, 1, 7))
        return self._number
