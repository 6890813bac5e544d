"""The load generator, in C and in Python, against small servers that keep the rules or break one.

The one in C is built with the sanitizers where the compiler has them: whatever a server sends, it
neither crashes nor reads where it must not.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
import random
import sys

import pytest

from load import native
from load.bench.generator import Generator
from load.bench.processes import serving, stopping
from load.websocket import text_frame
from tests.patience import PATIENCE

SANITIZERS = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
KINDS = ("C", "Python") if native.compiler() else ("Python",)
LIVE = "/v1/sessions/one/live"
SECONDS = PATIENCE
LOST_SECONDS = 3.0
"""What has not come so long after all was said does not come."""


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("native")
    try:
        native.build("swarm", directory, SANITIZERS)
    except native.BuildError:
        native.build("swarm", directory)
    native.build("sender", directory)
    return directory


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@contextlib.asynccontextmanager
async def running(kind, programs, *arguments):
    """The generator; it must end well with its input."""
    command = (
        (str(programs / "swarm"),) if kind == "C" else (sys.executable, "-m", "load.bench.swarm")
    )
    process = await asyncio.create_subprocess_exec(
        *command, *map(str, arguments),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20,
    )  # fmt: skip
    async with stopping(process):
        yield Generator(process, kind)
        process.stdin.close()
        async with asyncio.timeout(SECONDS):
            assert await process.wait() == 0


class Server:
    """Accepts WebSockets and does what a test says with each."""

    def __init__(self, serve):
        self.serve = serve
        self.tasks = set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def accept(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        with contextlib.suppress(
            ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError
        ):
            head = await reader.readuntil(b"\r\n\r\n")
            await self.serve(head, reader, writer)
        writer.close()


def switching(head):
    """The answer to a handshake."""
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line)
    digest = hashlib.sha1(
        (fields["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()
    ).digest()
    answer = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n"
    )
    if "Sec-WebSocket-Protocol" in fields:
        answer += f"Sec-WebSocket-Protocol: {fields['Sec-WebSocket-Protocol']}\r\n"
    return answer.encode() + b"\r\n"


async def heard(reader):
    """The next text that the client sends; it must be masked."""
    first, second = await reader.readexactly(2)
    assert second & 0x80, "a client masks"
    size = second & 0x7F
    if size >= 126:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    mask = await reader.readexactly(4)
    payload = bytes(b ^ mask[i % 4] for i, b in enumerate(await reader.readexactly(size)))
    return first, payload


class Class:
    """A class of everybody who connects, and what is done to what they are told."""

    def __init__(self):
        self.log = []
        self.sockets = []
        self.hellos = []
        self.tell = lambda number, sequence, frame: [frame]
        self.answer = lambda frames: frames
        self.refuse_first = 0
        self.pongs = 0

    def frame(self, first, last):
        events = self.log[first - 1 : last]
        return {"type": "events", "from": first, "to": last, "events": events}

    async def serve(self, head, reader, writer):
        writer.write(switching(head))
        _, hello = await heard(reader)
        hello = json.loads(hello)
        self.hellos.append(hello)
        if self.refuse_first:
            self.refuse_first -= 1
            bye = {"type": "bye", "code": 4129, "reason": "overloaded", "retry_ms": 50}
            writer.write(text_frame(json.dumps(bye).encode()))
            writer.write(b"\x88\x02\x10\x21")
            return
        resume, at = hello.get("resume"), len(self.log)
        recovery = "snapshot" if resume is None else "replay"

        def send(frame):
            data = text_frame(json.dumps(frame, separators=(",", ":")).encode())
            for start in range(0, len(data), 50):  # however it is cut
                writer.write(data[start : start + 50])

        send({"type": "welcome", "log": "the log", "head": at, "recovery": recovery})
        if recovery == "snapshot":
            send({"type": "snapshot", "sequence": at, "state": {"pinned": ['}"]{', "\\"]}})
        elif recovery == "replay":
            send(self.frame(resume["sequence"] + 1, at))
        self.sockets.append(send)
        send({"type": "ping", "head": at})
        while True:
            opcode, payload = await heard(reader)
            if opcode != 0x81:
                continue
            frame = json.loads(payload)
            if frame["type"] == "pong":
                self.pongs += 1
            if frame["type"] == "command":
                self.happen(frame, send)

    def happen(self, command, send):
        sequence = len(self.log) + 1
        self.log.append(
            {"sequence": sequence, "type": "chat.posted", "key": command["key"],
             "data": {"by": {"sequence": 7}, "text": command["data"]["text"]}}
        )  # fmt: skip
        ack = {"type": "ack", "id": command["id"], "key": command["key"],
               "sequence": [sequence, sequence]}  # fmt: skip
        for frame in self.answer([ack]):
            send(frame)
        for number, each in enumerate(self.sockets):
            for frame in self.tell(number, sequence, self.frame(sequence, sequence)):
                each(frame)


async def talked(kind, programs, group, *, patience=PATIENCE, people=3, lines=30):
    async with (
        Server(group.serve) as server,
        running(kind, programs, "classes", server.port) as crowd,
    ):
        await crowd.tell(f"person {LIVE} token-{number}" for number in range(people))
        joined = await crowd.ask("join 10", SECONDS)
        assert joined["live"] == people, joined
        return joined, await crowd.ask(f"talk 100 {lines / 100} {patience}", 2 * SECONDS)


async def test_everybody_hears_every_line(kind, programs):
    group = Class()
    async with (
        Server(group.serve) as server,
        running(kind, programs, "classes", server.port) as crowd,
    ):
        await crowd.tell(f"person {LIVE} token-{number}" for number in range(5))
        joined = await crowd.ask("join 10", SECONDS)
        assert joined["live"] == joined["attempts"] == 5
        assert joined["recoveries"] == {"snapshot": 5}
        told = await crowd.ask(f"talk 200 0.5 {PATIENCE}", 2 * SECONDS)
        assert told["sent"] == told["acked"] == 100
        assert told["deliveries"] == told["expected"] == 500
        wrong = ("lost", "extra", "gaps", "misordered", "unanswered", "disconnected", "snapshots")
        assert {told[name] for name in wrong} == {0}
        for name, count in (("ack_ms", 100), ("delivery_ms", 500), ("late_ms", 100)):
            assert told[name]["count"] == count
            assert 0 <= told[name]["p50"] <= told[name]["p99"] <= told[name]["max"]
        assert group.pongs == 5
        await crowd.ask("drop", SECONDS)
        group.sockets.clear()
        group.log.append({"sequence": 101, "type": "hand.raised", "data": {}})
        back = await crowd.ask("join 10 2", SECONDS)
    assert back["recoveries"] == {"replay": 5}
    assert back["lowest"] == 101
    assert [hello.get("resume") for hello in group.hellos[5:]] == [
        {"log": "the log", "sequence": 100, "view": "student"}
    ] * 5
    assert {hello["token"] for hello in group.hellos} == {f"token-{n}" for n in range(5)}


async def test_a_line_that_is_left_out_of_one_range_is_lost(kind, programs):
    group = Class()

    def leave_out(number, sequence, frame):
        return [frame | {"events": []}] if (number, sequence) == (1, 7) else [frame]

    group.tell = leave_out
    _, told = await talked(kind, programs, group, patience=LOST_SECONDS)
    assert (told["lost"], told["gaps"], told["expected"]) == (1, 0, 90)


async def test_a_range_that_does_not_come_is_a_gap_and_its_line_lost(kind, programs):
    group = Class()
    group.tell = lambda number, sequence, frame: [] if (number, sequence) == (2, 9) else [frame]
    _, told = await talked(kind, programs, group, patience=LOST_SECONDS)
    assert (told["lost"], told["gaps"]) == (1, 1)


async def test_a_range_that_comes_again_is_lawful(kind, programs):
    group = Class()
    group.tell = lambda number, last, frame: [frame, group.frame(max(1, last - 3), last)]
    _, told = await talked(kind, programs, group)
    assert (told["lost"], told["extra"], told["gaps"], told["deliveries"]) == (0, 0, 0, 90)


async def test_a_line_that_nobody_was_acked_is_extra(kind, programs):
    group = Class()

    def twice(number, sequence, frame):
        again = frame["events"][0] | {"sequence": sequence + 1_000_000}
        return [frame | {"events": [*frame["events"], again]}] if sequence == 5 else [frame]

    group.tell = twice
    _, told = await talked(kind, programs, group)
    assert (told["lost"], told["extra"]) == (0, 3)


async def test_another_line_in_the_place_of_one_is_seen(kind, programs):
    group = Class()

    def replace(number, sequence, frame):
        if (number, sequence) != (0, 8):
            return [frame]
        (event,) = frame["events"]
        other = group.log[sequence - 2]["data"]
        return [frame | {"events": [event | {"data": other}]}]

    group.tell = replace
    _, told = await talked(kind, programs, group, patience=LOST_SECONDS)
    assert (told["lost"], told["extra"]) == (1, 1)


async def test_answers_that_refuse_are_missing_or_out_of_order_are_counted(kind, programs):
    group, kept = Class(), []

    def shuffle(frames):
        number = len(group.log)
        if number == 4:
            return []
        if number == 10:
            kept.extend(frames)
            return []
        if number == 13:  # of the same student
            return [*frames, *kept]
        if number == 20:
            ack = frames[0]
            return [{"type": "nack", "id": ack["id"], "key": ack["key"], "code": "rate_limited",
                     "message": "", "retryable": True}]  # fmt: skip
        return frames

    group.answer = shuffle
    _, told = await talked(kind, programs, group, patience=LOST_SECONDS)
    assert told["refused"] == {"rate_limited": 1}
    assert told["unanswered"] == 1
    assert told["misordered"] >= 2


async def test_who_is_sent_away_comes_back_when_told(kind, programs):
    group = Class()
    group.refuse_first = 2
    joined, told = await talked(kind, programs, group)
    assert joined["attempts"] == 5
    assert joined["byes"] == {"4129": 2}
    assert told["lost"] == 0


def fan(publish):
    """A server of the contract that tells each subscriber what ``publish`` makes of an event."""
    peers = []

    async def serve(head, reader, writer):
        writer.write(switching(head))
        if head.startswith(b"GET /fan"):
            peers.append(writer)
            await reader.read()
            return
        while True:
            _, wish = await heard(reader)
            wish = json.loads(wish)
            for sequence in range(wish["first"], wish["first"] + wish["count"]):
                start = b'{"sequence":%d,"text":"' % sequence
                event = start + b"x" * (wish["bytes"] - len(start) - 2) + b'"}'
                for number, peer in enumerate(peers):
                    peer.write(b"".join(publish(number, sequence - 10**9, text_frame(event))))

    return serve


FAULTS = {
    "lost": lambda number, event, frame: [] if (number, event) == (1, 12) else [frame],
    "repeated": lambda number, event, frame: [frame] * (1 + ((number, event) == (0, 12))),
    "changed": lambda number, event, frame: (
        [frame.replace(b"xxx", b"xyx", 1)] if (number, event) == (2, 12) else [frame]
    ),
}


async def measured(kind, programs, publish, burst=5, patience=PATIENCE):
    async with (
        Server(fan(publish)) as server,
        running(kind, programs, "fan", server.port, "contract") as crowd,
    ):
        assert (await crowd.ask("connect 3 100", SECONDS))["ready"] == 3
        return await crowd.ask(f"run {burst} 15 1 {patience}", 2 * SECONDS)


@pytest.mark.parametrize("burst", [1, 5])
async def test_a_fan_out_that_keeps_its_promise_has_nothing_wrong(kind, programs, burst):
    told = await measured(kind, programs, lambda number, event, frame: [frame], burst)
    assert told["published"] > 15
    assert told["delivered"] == 3 * told["published"]
    assert [told[name] for name in ("lost", "repeated", "changed", "disconnected")] == [0] * 4


@pytest.mark.parametrize("fault", FAULTS)
async def test_one_event_that_goes_wrong_is_found(kind, programs, fault):
    told = await measured(kind, programs, FAULTS[fault], patience=LOST_SECONDS)
    if kind == "C":
        assert told[fault] == 1
    assert any(told[name] for name in ("lost", "repeated", "changed"))


HOSTILE = (
    b"",
    b"\x81",
    b"\x81\x7e",
    b"\x81\xff" + b"\xff" * 8,
    b"\x81\x7f" + b"\xff" * 8,
    b"\x81\x7f" + (1 << 20).to_bytes(8, "big") + b"x" * 100,
    b"\x01\x02{}\x80\x01 ",
    b"\x82\x02{}",
    b"\xf1\x02{}",
    b"\x81\x82abcd{}",
    b"\x89\x7e\x00\x80" + b"x" * 128,
    b"\x89\x7d" + b"x" * 125,
    b"\x8a\x00\x88\x00",
    b"\x88\x01x",
    *(
        text_frame(text)
        for text in (
            b"", b"{", b"{}", b"[]", b"null", b'"', b'{"type', b'{"type":', b'{"type":"events"',
            b'{"type":"events"}', b'{"type":"events","from":1,"to":2}',
            b'{"type":"events","from":1,"to":2,"events":[',
            b'{"type":"events","from":1,"to":2,"events":[{]}',
            b'{"type":"events","from":1,"to":9223372036854775808,"events":[]}',
            b'{"type":"events","from":-1,"to":999999999999999999,"events":[{"sequence":2}]}',
            b'{"type":"events","from":1,"to":2,"events":[{"sequence":1,"text":"mark 9',
            b'{"type":"events","from":1,"to":2,"events":[{"sequence":1,"text":"mark '
            + b"9" * 5000 + b'"}]}',
            b'{"type":"welcome"}', b'{"type":"welcome","log":5,"head":"x","recovery":[]}',
            b'{"type":"welcome","log":"' + b"l" * 10_000 + b'","head":0,"recovery":"live"}',
            b'{"type":"snapshot","sequence":"1"}', b'{"type":"snapshot","state":{"a":"\\"}',
            b'{"type":"ack","id":4294967297,"sequence":[1,1]}', b'{"type":"ack"}',
            b'{"type":"ack","id":1,"sequence":[1,1]}', b'{"type":"nack","id":0,"code":"\\u0000"}',
            b'{"type":"bye","code":4501}', b'{"type":"bye","code":"\\"\\n"}', b'{"type":"ping"}',
            b'{"type":"\\', b'{"type":"' + b"x" * 70_000 + b'"}', b"[" * 100_000,
            b'{"a":' * 30_000, b'{"type":"bye","code":4129,"retry_ms":999999999999999999}',
        )
    ),
)  # fmt: skip
HEADS = (
    b"",
    b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: nonsense\r\n\r\n",
    b"\x00" * 20_000,
    b"HTTP/1.1 101 " + b"x" * 20_000,
)


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_a_server_sends_nothing_breaks(programs, seed):
    """The generator goes on, and says what it has met."""
    if not native.compiler():
        pytest.skip("no C compiler: apt-get install gcc libc6-dev")
    rng = random.Random(seed)

    async def serve(head, reader, writer):
        if rng.random() < 0.1:
            writer.write(rng.choice(HEADS))
            return
        writer.write(switching(head))
        await heard(reader)
        stream = b"".join(rng.choice(HOSTILE) for _ in range(rng.randrange(1, 6)))
        if rng.random() < 0.5:
            stream = bytearray(stream)
            for _ in range(rng.randrange(8)):
                if stream:
                    stream[rng.randrange(min(len(stream), 200))] = rng.randrange(256)
        while stream:
            size = rng.choice((1, 3, 1000, 100_000))
            writer.write(bytes(stream[:size]))
            stream = stream[size:]
            await asyncio.sleep(0)
        await writer.drain()

    async with Server(serve) as server, running("C", programs, "classes", server.port) as crowd:
        await crowd.tell(f"person {LIVE} token" for _ in range(300))
        attempts = ends = 0
        async with asyncio.timeout(PATIENCE):
            while attempts <= 300 or ends <= 300:
                joined = await crowd.ask("join 1.5", SECONDS)
                attempts += joined["attempts"]
                ends += sum(joined["ends"].values())
        told = await crowd.ask("talk 500 0.5 0.5", SECONDS)
        assert told["sent"] == 250
        await crowd.ask("drop", SECONDS)


@pytest.mark.parametrize("line", ["dance", "join", "talk 1 1", "run 1 1 1"])
async def test_a_line_that_says_nothing_ends_it(programs, kind, line):
    command = (
        (str(programs / "swarm"),) if kind == "C" else (sys.executable, "-m", "load.bench.swarm")
    )
    process = await asyncio.create_subprocess_exec(
        *command, "classes", "9", stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(SECONDS):
        _, errors = await process.communicate(f"{line}\n".encode())
    assert process.returncode == 1
    assert b"says nothing" in errors


async def test_the_c_loop_fulfils_the_contract(programs):
    if not (programs / "sender").exists():
        pytest.skip("no C compiler: apt-get install gcc libc6-dev")
    async with (
        serving("sender", (str(programs / "sender"),), None) as served,
        # The one in Python sends random keys, as browsers do, which that server does not answer.
        running("C", programs, "fan", served.port, "contract") as crowd,
    ):
        assert (await crowd.ask("connect 50 250", SECONDS))["ready"] == 50
        told = await crowd.ask("run 20 60 0.3", 60)
    assert told["delivered"] == 50 * told["published"] > 0
    assert [told[name] for name in ("lost", "repeated", "changed", "disconnected")] == [0] * 4
