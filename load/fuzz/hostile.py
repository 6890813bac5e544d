"""Clients that mean ill: below the protocol, beside it, and far too fast."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Final

from load.fuzz import wire
from load.fuzz.due import ENDS, NOTHING, Due, due
from load.fuzz.rooms import Person, Room
from load.fuzz.scripts import (
    HEADERS,
    NO_HELLO,
    NOT_FOUND,
    TOKEN_INVALID,
    Deaf,
    HalfClose,
    Pause,
    Raw,
    Reset,
    Say,
    Script,
    Step,
    encode,
    entered,
    hello,
)
from load.fuzz.speech import Speech
from load.fuzz.values import new_id
from protocol.errors import CloseCode
from protocol.limits import FRAME_BYTES, WEBSOCKET_BYTES

_ABUSE: Final = frozenset((int(CloseCode.ABUSE),))
_FLOOD_FRAMES: Final = 800
"""Twice what ten times the bursts of commands and signals allow together."""
_WS_ERROR: Final = Due(codes=frozenset((1002,)))
_WS_TOO_BIG: Final = Due(codes=frozenset((1009,)), is_cut=True)
_WS_TEXT: Final = Due(codes=frozenset((1007,)))


def hostile(rng: Random, room: Room, *, has_time: bool) -> Script:
    """Return one of them; those that take their time only if ``has_time``."""
    if has_time and rng.random() < 0.04:
        return rng.choice(_SLOW)(rng, room)
    makers = [maker for maker, _ in _QUICK]
    return rng.choices(makers, [weight for _, weight in _QUICK])[0](rng, room)


# ---------------------------------------------------------------- frames


def _wire(rng: Random, room: Room) -> Script:
    return entered(rng, room, "wire", _breaks_the_wire)


def _wire_first(rng: Random, room: Room) -> Script:
    person = room.pick(rng)
    step = _breach(rng, Speech(rng, room, person))
    dues = tuple(
        replace(each, ids=frozenset(), codes=each.codes | NO_HELLO.codes) for each in step.dues
    )
    steps = iter((replace(step, dues=dues),))
    return Script("wire first", room, person, steps, "server")


def _breaks_the_wire(rng: Random, room: Room, person: Person) -> Iterator[Step]:
    speech = Speech(rng, room, person)
    for _ in range(rng.randint(0, 6)):
        payload = encode(speech.command())
        yield Say(payload, due(payload))
    yield _breach(rng, speech)


def _breach(rng: Random, speech: Speech) -> Raw:
    """Return what RFC 6455 or the protocol's limits forbid."""
    payload = encode(speech.command())
    bits = wire.frame
    return rng.choice((
        Raw(bits(payload, wire.BINARY), (ENDS,)),
        Raw(bits(b"", wire.BINARY), (ENDS,)),
        Raw(bits(payload, rng.choice((3, 4, 5, 6, 7, 11, 12, 13, 14, 15))), (_WS_ERROR,)),
        Raw(bits(payload, reserved=rng.randint(1, 7)), (_WS_ERROR,)),
        Raw(bits(payload[:9], 0), (_WS_ERROR,)),
        Raw(bits(payload[:9], final=False) + bits(payload), (_WS_ERROR,), 2),
        Raw(bits(b"x" * 126, wire.PING), (_WS_ERROR,)),
        Raw(bits(b"x", wire.PING, final=False), (_WS_ERROR,)),
        Raw(bits(b"\x03", wire.CLOSE), (_WS_ERROR,)),
        Raw(bits(rng.choice((b"\x00\x01", b"\x03\xed", b"\x03\xf7", b"\x0b\xb7")) + b"why",
                 wire.CLOSE), (_WS_ERROR,)),
        Raw(bits(b"\x03\xe8\xff\xfe", wire.CLOSE), (_WS_TEXT,)),
        Raw(bits(payload, masked=False), (_also(due(payload), 1002),)),
        Raw(bits(_padded(payload, FRAME_BYTES + 1)), (ENDS,)),
        Raw(bits(_padded(payload, rng.randint(FRAME_BYTES + 1, 3 * FRAME_BYTES))), (ENDS,)),
        Raw(bits(b"x" * 4096, claimed=WEBSOCKET_BYTES + 1), (_WS_TOO_BIG,)),
        Raw(bits(b"", claimed=2**63 - 1), (_WS_TOO_BIG,)),
        Raw(bits(_padded(payload, WEBSOCKET_BYTES + 2)), (_WS_TOO_BIG,)),
        Raw(rng.randbytes(rng.randint(8, 400)), (_ANY_ERROR,)),
    ))  # fmt: skip


_ANY_ERROR: Final = Due(codes=frozenset((1000, 1002, 1007, 1009, 4501)), silence=True, is_cut=True)


def _also(consequence: Due, code: int) -> Due:
    return Due(consequence.ids, consequence.codes | {code})


def _padded(payload: bytes, size: int) -> bytes:
    """Return the JSON object with white space in it, so that it has so many bytes."""
    return b"{" + b" " * (size - len(payload)) + payload[1:]


def _pieces(rng: Random, room: Room) -> Script:
    return entered(rng, room, "pieces", _sends_pieces)


def _sends_pieces(rng: Random, room: Room, person: Person) -> Iterator[Step]:
    """Right frames, cut up as the RFC allows: all must be answered."""
    speech = Speech(rng, room, person)
    for _ in range(rng.randint(3, 10)):
        payload = encode(speech.command())
        consequence = due(payload)
        match rng.randrange(4):
            case 0:  # fragments, with pings between them
                cuts = sorted(rng.sample(range(1, len(payload)), min(len(payload) - 1, 5)))
                parts = [payload[a:b] for a, b in zip((0, *cuts), (*cuts, None), strict=True)]
                data = b"".join(
                    wire.frame(part, 0 if number else wire.TEXT, final=number == len(parts) - 1)
                    + (wire.frame(b"%d" % number, wire.PING) if number < len(parts) - 1 else b"")
                    for number, part in enumerate(parts)
                )
                yield Raw(data, (consequence,), 2 * len(parts) - 1)
            case 1:  # byte by byte
                data = wire.frame(payload)
                place = rng.randint(1, 40)
                for start in range(place):
                    yield Raw(data[start : start + 1], frames=0)
                    if start % 8 == 0:
                        yield Pause(0.001)
                yield Raw(data[place:], (consequence,))
            case 2:  # exactly as large as a frame may be
                yield Raw(wire.frame(_padded(payload, FRAME_BYTES)), (consequence,))
            case _:  # several in one piece
                others = [encode(speech.command()) for _ in range(3)]
                data = b"".join(map(wire.frame, (payload, *others)))
                yield Raw(data, (consequence, *map(due, others)), 4)


def _flood(rng: Random, room: Room) -> Script:
    def steps(rng: Random, room: Room, person: Person) -> Iterator[Step]:
        speech = Speech(rng, room, person)
        match rng.randrange(4):
            case 0:
                frames = [b'{"type":"ping"}'] * _FLOOD_FRAMES
            case 1:
                frames = [encode(speech.command()) for _ in range(_FLOOD_FRAMES)]
            case 2:
                signal = {"type": "signal", "kind": "reaction", "data": {"emoji": "👍"}}
                frames = [encode(signal)] * _FLOOD_FRAMES
            case _:
                frames = [b'{"type":"pong","applied":0}'] * _FLOOD_FRAMES
        room.flooded.add(person.user)
        size = rng.choice((20, 50, _FLOOD_FRAMES))
        for start in range(0, len(frames), size):
            batch = frames[start : start + size]
            dues = [due(each) for each in batch]
            if frames[0].startswith(b'{"type":"signal'):
                dues = [NOTHING] * len(batch)
            yield Raw(b"".join(map(wire.frame, batch)), (*dues, _MAY_BE_ABUSE), len(batch))
            yield Pause(0)

    return entered(rng, room, "flood", steps)


_MAY_BE_ABUSE: Final = Due(codes=_ABUSE, silence=True)
"""It is, unless one of us is so slow that the rate is kept after all."""


# ---------------------------------------------------------------- doors


def _bad_token(rng: Random, room: Room) -> Script:
    mint, person = room.mint, room.pick(rng)
    user, session = person.user, room.session
    head, body, signature = person.token.split(".")
    choices: tuple[tuple[Callable[[], str], Due], ...] = (
        (lambda: mint.token(user, "teacher", session, algorithm="none"), TOKEN_INVALID),
        (lambda: mint.token(user, "teacher", session, algorithm="HS512"), TOKEN_INVALID),
        (lambda: mint.token(user, "teacher", session, secret="x" * 40), TOKEN_INVALID),
        (lambda: mint.token(user, "owner", session), TOKEN_INVALID),
        (lambda: mint.token(user, "student", session, aud="elsewhere"), TOKEN_INVALID),
        (lambda: mint.token(user, "student", session, iss="somebody"), TOKEN_INVALID),
        (lambda: mint.token("", "student", session), TOKEN_INVALID),
        (lambda: mint.token(user, "student", session, name="\0"), TOKEN_INVALID),
        (lambda: mint.token(user, "student", session, exp=None), TOKEN_INVALID),
        (lambda: mint.token(user, "student", session, seconds=-60), _EXPIRED),
        (lambda: mint.token(user, "student", session, tenant=new_id(rng)), NOT_FOUND),
        (lambda: mint.token(user, "student", new_id(rng)), NOT_FOUND),
        (lambda: mint.token(new_id(rng), "teacher", session, scope="publish"), NOT_FOUND),
        (lambda: mint.token(new_id(rng), "teacher", None), NOT_FOUND),
        (lambda: f"{head}.{body}.{signature[:-4]}AAAA", TOKEN_INVALID),
        (lambda: f"{head}.{body}.", TOKEN_INVALID),
        (lambda: rng.randbytes(200).hex(), TOKEN_INVALID),
        (lambda: "", TOKEN_INVALID),
        (lambda: "x" * 16_385, ENDS),
    )
    token, consequence = rng.choice(choices)
    greeting = encode({"type": "hello", "token": token()})
    return Script("bad token", room, person, iter((Say(greeting, consequence),)), "server")


_EXPIRED: Final = Due(codes=frozenset((int(CloseCode.TOKEN_EXPIRED),)))


def _bad_renewal(rng: Random, room: Room) -> Script:
    def steps(rng: Random, room: Room, person: Person) -> Iterator[Step]:
        mint, session = room.mint, room.session
        token = rng.choice((
            "x.y.z",
            mint.token(new_id(rng), person.role, session),
            mint.token(person.user, person.role, new_id(rng)),
            mint.token(person.user, person.role, None),
            mint.token(person.user, person.role, session, tenant=new_id(rng)),
            mint.token(person.user, "teacher", session, algorithm="none"),
            mint.token(person.user, person.role, session, seconds=-60),
        ))  # fmt: skip
        yield Say(encode({"type": "token", "token": token}), TOKEN_INVALID)

    return entered(rng, room, "bad renewal", steps)


def _bad_door(rng: Random, room: Room) -> Script:
    person = room.pick(rng)
    greeting, resumed = hello(rng, room, person)
    headers, session, consequence = dict(HEADERS), None, NOT_FOUND
    match rng.randrange(6):
        case 0:
            headers["Origin"] = rng.choice(("https://evil.example", "null", "file://", "x" * 500))
            consequence = Due(codes=frozenset((int(CloseCode.ORIGIN_NOT_ALLOWED),)))
        case 1:
            headers["Sec-WebSocket-Protocol"] = rng.choice(("liveclass.v2.json", "graphql-ws, x"))
            consequence = Due(codes=frozenset((int(CloseCode.NO_COMMON_VERSION),)))
        case 2:
            session = new_id(rng)
        case 3:
            session = room.session.upper()
        case 4:
            session = rng.choice(
                ("0", "not-an-id", "%00", "a" * 300, "..%2f..%2fetc", "%f0%9f%99%82")
            )
        case _:
            session = room.session[:-1]
    steps = iter((Say(greeting, consequence),))
    return Script(
        "bad door", room, person, steps, "server", headers, session=session, resumed=resumed,
        at_once=Due(codes=consequence.codes, silence=True),
    )  # fmt: skip


def _bad_request(rng: Random, room: Room) -> Script:
    person = room.pick(rng)
    url = f"http://server/v1/sessions/{room.session}/live"
    good = wire.handshake(url, rng, HEADERS)
    request = rng.choice((
        good.replace(b"websocket", b"webhook"),
        good.replace(b"Version: 13", b"Version: 12"),
        wire.handshake(url, rng, {**HEADERS, "Sec-WebSocket-Key": "short"}),
        wire.handshake(url, rng, {**HEADERS, "Sec-WebSocket-Key": ""}),
        wire.handshake(url, rng, {**HEADERS, "X-Long": "x" * 40_000}),
        good.replace(b"GET", b"POST", 1),
        good.replace(b"HTTP/1.1", b"HTTP/9.9"),
        good.replace(b"Host: server", b"Host: server\r\nContent-Length: -1"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(200) + b"\r\n\r\n",
        rng.randbytes(300) + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a" * 20_000 + b"\r\n\r\n",
    ))  # fmt: skip
    return Script("bad request", room, person, iter(()), "server", request=request)


# ---------------------------------------------------------------- ways to go


def _goes(rng: Random, room: Room) -> Script:
    def steps(rng: Random, room: Room, person: Person) -> Iterator[Step]:
        speech = Speech(rng, room, person)
        for _ in range(rng.randint(0, 12)):
            payload = encode(speech.command())
            yield Say(payload, due(payload))
        if rng.random() < 0.3:
            yield Raw(wire.frame(encode(speech.command()))[: rng.randint(1, 30)], frames=0)
        if rng.random() < 0.5:
            yield Pause(rng.uniform(0, 0.02))
        yield HalfClose() if rng.random() < 0.4 else Reset()

    script = entered(rng, room, "goes", steps)
    script.ending = "cut"
    return script


def _goes_early(rng: Random, room: Room) -> Script:
    person = room.pick(rng)
    greeting, resumed = hello(rng, room, person)
    steps: tuple[Step, ...] = rng.choice((
        (Reset(),),
        (HalfClose(),),
        (Raw(wire.frame(greeting)[:20], frames=0), Reset()),
        (Say(greeting, _MAY_BE_WELCOMED), Reset()),
        (Say(greeting, _MAY_BE_WELCOMED), HalfClose()),
        (Raw(wire.frame(b"\x03\xe8", wire.CLOSE), (Due(codes=frozenset((1000,))),)), Reset()),
    ))  # fmt: skip
    return Script("goes early", room, person, iter(steps), "cut", resumed=resumed)


_MAY_BE_WELCOMED: Final = Due(is_hello=True, silence=True)


def _deaf(rng: Random, room: Room) -> Script:
    """Ask for much and read nothing for a while: it may not be lost, nor make others wait."""

    def steps(rng: Random, room: Room, person: Person) -> Iterator[Step]:
        speech = Speech(rng, room, person)
        yield Pause(0.1)
        for _ in range(12):
            yield Say(b'{"type":"resync","sequence":0}', Due(silence=True, claims=0))
        for _ in range(6):
            payload = encode(speech.command())
            yield Say(payload, due(payload))
        yield Deaf(rng.uniform(0.2, 2.0))

    script = entered(rng, room, "deaf", steps)
    script.is_slow = True
    return script


# ---------------------------------------------------------------- those who take their time


def _silent(rng: Random, room: Room) -> Script:
    """Say no hello for ten seconds, or half of one."""
    person = room.pick(rng)
    end = Due(codes=frozenset((int(CloseCode.NO_HELLO),)))
    piece = wire.frame(hello(rng, room, person)[0])[: rng.choice((0, 1, 5, 30))]
    steps = iter((Raw(piece, (end,), 0),))
    return Script("silent", room, person, steps, "server", is_slow=True)


_QUICK: Final[tuple[tuple[Callable[[Random, Room], Script], float], ...]] = (
    (_wire, 26),
    (_wire_first, 4),
    (_pieces, 20),
    (_flood, 5),
    (_bad_token, 10),
    (_bad_renewal, 4),
    (_bad_door, 8),
    (_bad_request, 4),
    (_goes, 12),
    (_goes_early, 6),
    (_deaf, 1),
)
_SLOW: Final[tuple[Callable[[Random, Room], Script], ...]] = (_silent, _deaf)
