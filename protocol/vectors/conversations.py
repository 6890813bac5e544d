"""The vectors of the client: conversations, each step with what the client does and where it is.

A conversation is a list of steps on one client whose token is ``t1`` and whose keys are ``k1``,
``k2``, …. A step has ``do`` and its arguments, then what must hold after it:

``sends``      the frames that go out, in order
``receives``   what a received message means: ``{"happened": sequence, "known": bool}``,
               ``{"answered": key, "type": "ack"|"nack"}``, ``{"retry": milliseconds}``,
               ``{"frame": type}``; or ``"malformed"``
``then``       phase, position, head, view, gaps, unanswered, may_reconnect
``state``      the state, where the step is there to show it
"""

import json
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import msgspec

from protocol import events as ev
from protocol.client import Answered, Client, Happened, Received, RetryAfter
from protocol.commands import ChatPost, HandRaise, PollVote
from protocol.errors import CloseCode, MalformedFrameError
from protocol.frames import (
    Ack,
    Bye,
    ClientInfo,
    Counters,
    Heartbeat,
    Limits,
    Me,
    Mine,
    Nack,
    ServerFrame,
    ServerPing,
    SnapshotFrame,
    Welcome,
)
from protocol.ids import FOREVER
from protocol.snapshot import State
from protocol.state.people import Person
from protocol.vectors.a_class import ANN, TEACHER, identifier
from protocol.vectors.folding import logged

_AT = "2026-11-22T09:00:00.123Z"
_HEARTBEAT = Heartbeat(25_000, 10_000)
_LIMITS = Limits(65_536, 10, 20, 32)


def conversations() -> list[Any]:
    """Return every conversation: ``name`` and ``steps``."""
    return [{"name": name, "steps": script().steps} for name, script in _CONVERSATIONS.items()]


class _Conversation:
    """Drives the Python client and writes down what it does."""

    def __init__(self) -> None:
        keys = count(1)
        self._client = Client("t1", lambda: f"k{next(keys)}", ClientInfo("test", "1"))
        self.steps: list[Any] = []

    def hello(self) -> None:
        self._note({"do": "hello"}, self._client.hello)

    def command(self, command: Any, expect: int | None = None) -> None:
        data = {name: value for name, value in msgspec.to_builtins(command).items() if name != "op"}
        self._note(
            {"do": "command", "op": command.op, "data": data, "expect": expect},
            lambda: self._client.command(command, expect=expect),
        )

    def disconnected(self) -> None:
        self._note({"do": "disconnected"}, self._client.disconnected)

    def resend(self) -> None:
        self._note({"do": "resend"}, self._client.resend)

    def ping(self) -> None:
        self._note({"do": "ping"}, self._client.ping)

    def renew(self, token: str) -> None:
        self._note({"do": "renew", "token": token}, lambda: self._client.renew(token))

    def says(self, frame: ServerFrame | dict[str, Any], *, show: bool = False) -> None:
        """The server says ``frame``; ``show`` puts the state after it into the vector."""
        value = frame if isinstance(frame, dict) else json.loads(msgspec.json.encode(frame))
        self.says_text(json.dumps(value, ensure_ascii=False), value, show=show)

    def says_text(self, text: str, value: Any = None, *, show: bool = False) -> None:
        """The server says something that may be no frame at all."""
        step: dict[str, Any] = {"do": "receive"}
        step |= {"text": text} if value is None else {"frame": value}
        try:
            received = self._client.receive(text)
        except MalformedFrameError:
            step["receives"] = "malformed"
        else:
            step["receives"] = [_described(meaning) for meaning in received]
        self._note(step, lambda: None)
        if show:
            step["state"] = msgspec.to_builtins(self._client.state)

    def _note(self, step: dict[str, Any], act: Callable[[], object]) -> None:
        act()
        client = self._client
        step["sends"] = [json.loads(frame) for frame in client.data_to_send()]
        step["then"] = {
            "phase": client.phase,
            "position": client.position,
            "head": client.head,
            "view": client.view,
            "gaps": client.gaps,
            "mine": client.mine and client.mine.sequence,
            "unanswered": client.unanswered,
            "may_reconnect": client.may_reconnect,
        }
        self.steps.append(step)


def _described(meaning: Received) -> dict[str, Any]:
    match meaning:
        case Happened():
            return {"happened": meaning.logged.sequence, "known": meaning.event is not None}
        case Answered():
            kind = "ack" if isinstance(meaning.answer, Ack) else "nack"
            return {"answered": meaning.key, "type": kind}
        case RetryAfter():
            return {"retry": meaning.milliseconds}
        case _:
            return {"frame": json.loads(msgspec.json.encode(meaning))["type"]}


def _welcome(recovery: Any, head: int, *, log: str = "log-1", view: Any = "student") -> Welcome:
    me = Me(ANN, "Ann", "assistant" if view == "staff" else "student", ("chat.post",))
    return Welcome(
        "c1", identifier(1), log, 1, head, me, view, recovery, _HEARTBEAT, _LIMITS, _AT, _AT
    )


def _events(first: int, to: int, events: Sequence[tuple[int, ev.AnyEvent]] = ()) -> dict[str, Any]:
    entries = [logged(sequence, event, ANN) for sequence, event in events]
    return {"type": "events", "from": first, "to": to, "events": entries}


def _mine(sequence: int, position: int | None, muted_until: str | None = None) -> Mine:
    return Mine(sequence, "student", (), False, position, muted_until, {}, (), (), ())


def _chat(number: int) -> ev.ChatPosted:
    return ev.ChatPosted(identifier(number), "Ann", f"message {number}", "everyone")


def _joined(head: int = 0) -> _Conversation:
    """Return a conversation of somebody who is live with an empty class."""
    talk = _Conversation()
    talk.hello()
    talk.says(_welcome("snapshot", head))
    talk.says(SnapshotFrame(head, State()))
    return talk


def _first_join() -> _Conversation:
    talk = _Conversation()
    talk.hello()
    talk.says(_welcome("snapshot", 4))
    talk.says(SnapshotFrame(4, State(status="live", started_at=_AT)), show=True)
    talk.says(_mine(4, None))
    talk.says({"type": "presence", "revision": 1, "count": 1, "full": []})
    talk.says(Counters(4, 1, 0, {}, {}, {}))
    talk.says(_events(5, 6, [(5, _chat(1)), (6, ev.HandRaised(ANN, "Ann"))]), show=True)
    return talk


def _hidden_events() -> _Conversation:
    talk = _joined(10)
    talk.says(_events(11, 15))
    talk.says(_events(16, 18, [(17, _chat(1))]), show=True)
    return talk


def _seen_before() -> _Conversation:
    talk = _joined()
    talk.says(_events(1, 2, [(1, _chat(1)), (2, _chat(2))]))
    talk.says(_events(1, 2, [(1, _chat(1)), (2, _chat(2))]))
    talk.says(_events(2, 3, [(2, _chat(2)), (3, _chat(3))]), show=True)
    return talk


def _gap() -> _Conversation:
    talk = _joined()
    talk.says(_events(1, 1, [(1, _chat(1))]))
    talk.says(_events(4, 5, [(4, _chat(4))]))
    talk.says(_events(6, 6, [(6, _chat(6))]))
    talk.says(_events(2, 6, [(2, _chat(2)), (4, _chat(4)), (6, _chat(6))]), show=True)
    talk.says(_events(9, 9, [(9, _chat(9))]))
    talk.says(SnapshotFrame(9, State(status="live")), show=True)
    talk.says(_events(10, 10, [(10, _chat(10))]))
    return talk


def _future_type() -> _Conversation:
    talk = _joined()
    frame = _events(1, 2, [(1, _chat(1)), (2, _chat(2))])
    frame["events"][0]["type"] = "weather.changed"
    talk.says(frame, show=True)
    return talk


def _before_snapshot() -> _Conversation:
    talk = _Conversation()
    talk.hello()
    talk.says(_welcome("snapshot", 3))
    talk.says(_events(4, 4, [(4, _chat(4))]))
    talk.says(SnapshotFrame(4, State()))
    return talk


def _answers() -> _Conversation:
    talk = _joined()
    talk.command(ChatPost("hello"))
    talk.command(HandRaise())
    talk.command(PollVote(identifier(20), (1,)), expect=7)
    talk.says(Ack(1, "k1", (1, 1)))
    talk.says(_events(1, 1, [(1, _chat(1))]))
    talk.says(Ack(2, "k2", None))
    talk.says(Nack(3, "k3", "conflict", "The poll has changed.", False, detail={"touched": 8}))
    talk.says(Ack(3, "k3", (2, 2)))
    talk.says(Ack(99, "k99", None))
    return talk


def _retry() -> _Conversation:
    talk = _joined()
    talk.command(ChatPost("one"))
    talk.command(ChatPost("two"))
    talk.says(Nack(1, "k1", "unavailable", "Try again.", True, 500))
    talk.says(Nack(2, "k2", "rate_limited", "Slowly.", True))
    talk.command(ChatPost("three"))
    talk.resend()
    talk.resend()
    talk.says(Ack(3, "k1", (1, 1), True))
    talk.says(Ack(4, "k2", (2, 2)))
    talk.command(ChatPost("four"))
    return talk


def _reconnect() -> _Conversation:
    talk = _joined()
    talk.says(_events(1, 3, [(2, _chat(2))]))
    talk.command(ChatPost("on its way"))
    talk.disconnected()
    talk.command(HandRaise())
    talk.resend()
    talk.hello()
    talk.says(_welcome("replay", 5))
    talk.says(_events(4, 5, [(4, _chat(4)), (5, _chat(5))]), show=True)
    talk.says(Ack(2, "k1", (4, 4), True))
    talk.says(Ack(3, "k2", (6, 6)))
    talk.disconnected()
    talk.hello()
    talk.says(_welcome("live", 5))
    return talk


def _restored_database() -> _Conversation:
    talk = _joined()
    talk.says(_mine(0, None))
    talk.says(_events(1, 3, [(2, _chat(2))]))
    talk.says(_mine(3, 1))
    talk.disconnected()
    talk.hello()
    talk.says(_welcome("snapshot", 1, log="log-2"))
    talk.says(SnapshotFrame(1, State()), show=True)
    talk.says(_mine(1, None))
    return talk


def _lobby() -> _Conversation:
    talk = _Conversation()
    talk.hello()
    talk.says(_welcome("snapshot", 3, view="lobby"))
    talk.says(SnapshotFrame(3, State()))
    talk.disconnected()
    talk.hello()
    talk.says(_welcome("snapshot", 4))
    talk.says(SnapshotFrame(4, State(status="live")))
    return talk


def _let_in() -> _Conversation:
    talk = _Conversation()
    talk.hello()
    talk.says(_welcome("snapshot", 3, view="lobby"))
    talk.says(SnapshotFrame(3, State(title="Limits", teacher="Dr. Okafor")), show=True)
    talk.says(_events(4, 4))
    talk.says(SnapshotFrame(4, State(status="live", title="Limits", teacher="Dr. Okafor")))
    talk.command(ChatPost("let me in"))
    talk.says(Nack(1, "k1", "forbidden", "You are waiting to be let in.", False))
    talk.says(_welcome("snapshot", 6))
    talk.says(SnapshotFrame(6, State(status="live", started_at=_AT)), show=True)
    talk.says(_mine(6, None))
    talk.says(_events(7, 7, [(7, _chat(7))]))
    talk.disconnected()
    talk.hello()
    return talk


def _another_view() -> _Conversation:
    talk = _joined()
    talk.command(ChatPost("waits"))
    talk.command(ChatPost("is under way"))
    talk.says(Nack(1, "k1", "rate_limited", "Slowly.", True, 300))
    talk.says(_events(3, 3, [(3, _chat(3))]))
    talk.says(_welcome("snapshot", 4, view="staff"))
    talk.says(_events(4, 4, [(4, _chat(4))]))
    people = {ANN: Person("Ann", "assistant"), TEACHER: Person("Dr. Okafor", "teacher")}
    talk.says(SnapshotFrame(4, State(status="live", people=people)), show=True)
    talk.says(Ack(2, "k2", (5, 5)))
    talk.resend()
    talk.says(_events(5, 6, [(5, _chat(5)), (6, ev.ParticipantLeft(TEACHER))]), show=True)
    talk.says(_events(8, 8, [(8, _chat(8))]))
    talk.disconnected()
    talk.hello()
    return talk


def _lost_between() -> _Conversation:
    talk = _joined(2)
    talk.says(_welcome("snapshot", 3, view="staff"))
    talk.disconnected()
    talk.hello()
    return talk


def _resume_refused() -> _Conversation:
    talk = _joined()
    talk.says(_events(1, 2, [(1, _chat(1))]))
    talk.command(HandRaise())
    talk.disconnected()
    talk.hello()
    talk.says(_welcome("snapshot", 4, view="staff"))
    talk.says(_events(3, 3, [(3, _chat(3))]))
    talk.says(SnapshotFrame(4, State(people={ANN: Person("Ann", "assistant")})), show=True)
    talk.says(Ack(2, "k1", (5, 5)))
    return talk


def _no_word() -> _Conversation:
    talk = _joined()
    talk.says(_mine(1, None, FOREVER))
    talk.command(ChatPost("hello?"))
    talk.command(ChatPost("hello?"))
    talk.says(Nack(1, "k1", "muted", "You are muted.", False))
    talk.says(Nack(2, "k2", "locked", "The chat is closed.", False))
    return talk


def _without_text() -> _Conversation:
    talk = _joined()
    removed = ev.ChatPosted(identifier(1), "Bob", "", "everyone")
    talk.says(_events(1, 2, [(1, removed), (2, _chat(2))]), show=True)
    talk.says(_events(3, 3, [(3, ev.ChatRemoved(identifier(1), "everyone"))]), show=True)
    restored = ev.ChatRestored(identifier(1), "said in anger", "everyone")
    talk.says(_events(4, 4, [(4, restored)]), show=True)
    return talk


def _heartbeat() -> _Conversation:
    talk = _joined(3)
    talk.says(ServerPing(5, _AT))
    talk.ping()
    talk.says({"type": "pong", "head": 5, "now": _AT})
    talk.renew("t2")
    talk.says({"type": "token", "expires_at": _AT})
    talk.disconnected()
    talk.renew("t3")
    talk.hello()
    return talk


def _latest_wins() -> _Conversation:
    talk = _joined()
    talk.says(_mine(5, 2))
    talk.says(_mine(4, 3))
    talk.says(_mine(5, 1))
    return talk


def _goodbyes() -> _Conversation:
    talk = _joined()
    for code in CloseCode:
        talk.says(Bye(int(code), code.reason, 3_200 if code.may_reconnect else None))
        talk.disconnected()
        talk.hello()
    return talk


def _malformed() -> _Conversation:
    talk = _joined()
    for text in ("", "{", "null", "[]", '"welcome"', "{}", '{"type":"weather"}'):
        talk.says_text(text)
    talk.says(ServerPing(1, TEACHER))
    return talk


_CONVERSATIONS: dict[str, Callable[[], _Conversation]] = {
    "a first join gets a snapshot, then events": _first_join,
    "what a view may not see is covered by the range": _hidden_events,
    "events that were seen before are skipped": _seen_before,
    "a gap is asked for once, and ends with events or a snapshot": _gap,
    "an event of an unknown type moves the position": _future_type,
    "events before the promised snapshot are ignored": _before_snapshot,
    "answers settle commands; others are ignored": _answers,
    "what cannot be served now is sent again with its key, and what came later after it": _retry,
    "after a reconnect unanswered commands go out again, in order": _reconnect,
    "another log brings a snapshot and a mine of its own": _restored_database,
    "somebody in the lobby has no position to resume": _lobby,
    "somebody who waits is let in on the same connection": _let_in,
    "a second welcome brings another view, and what is under way stays so": _another_view,
    "a snapshot that never came is no position to resume from": _lost_between,
    "a resume is refused when the view has changed": _resume_refused,
    "who may not speak is told at once, and nothing is sent again": _no_word,
    "a removed message comes without its text": _without_text,
    "pings, pongs and fresh tokens": _heartbeat,
    "an older mine changes nothing": _latest_wins,
    "each goodbye says whether to come back": _goodbyes,
    "what is no frame is malformed": _malformed,
}
