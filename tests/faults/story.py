"""The smallest useful story of a violation: who, which command, when, where, and the log around."""

from collections.abc import Iterator

from protocol.frames import Ack, Nack
from tests.faults.facts import Violation
from tests.faults.history import Asked, Client, Connected, Fault, History, Welcomed

AROUND = 3
BEFORE_SECONDS = 15.0
PAYLOAD = 100


def tell(history: History, violation: Violation) -> str:
    """Return it as a few lines."""
    return "\n".join([f"[{violation.kind}] {violation.text}", *_lines(history, violation)])


def _lines(history: History, violation: Violation) -> Iterator[str]:
    at = violation.at
    if violation.client is not None:
        client = history.clients[violation.client]
        yield f"  who    {client.name} ({client.role} {client.user}){_where(history, client)}"
        if violation.key is not None:
            for asked in history.asked:
                if asked.key == violation.key and (
                    history.clients[asked.client].user == client.user
                ):
                    yield f"  asked  {_told(history, asked)}"
                    at = asked.answered or at
    if violation.sequence is not None:
        for event in history.log[max(0, violation.sequence - AROUND - 1) :][: 2 * AROUND + 1]:
            mark = "→" if event.sequence == violation.sequence else " "
            payload = bytes(event.payload).decode()[:PAYLOAD]
            when = f"{history.at(event.at_ms):8.3f}"
            yield f"  log  {mark} {event.sequence:6} {when} {event.kind} {event.actor} {payload}"
            at = history.at(event.at_ms) if at is None and mark == "→" else at
    for fault in history.faults:
        if at is not None and fault.began - 1 <= at and at - BEFORE_SECONDS <= fault.ended:
            yield f"  fault  {_timed(fault)}"


def _timed(fault: Fault) -> str:
    return f"{fault.began:8.3f}–{fault.ended:.3f} {fault.name} {fault.target}"


def timeline(history: History) -> str:
    """Return all faults, a line each."""
    return "\n".join(map(_timed, history.faults))


def _told(history: History, asked: Asked) -> str:
    match asked.answer:
        case Ack(sequence=None):
            answer = "no change"
        case Ack():
            answer = f"{asked.answer.sequence}{' again' * asked.answer.duplicate}"
        case Nack():
            answer = f"{asked.answer.code}: {asked.answer.message}"
        case None:
            answer = "nothing"
    until = "" if asked.answered is None else f"{asked.answered:.3f}"
    data = bytes(asked.data).decode()[:PAYLOAD]
    name = history.clients[asked.client].name
    return f"{asked.sent:8.3f}–{until} {asked.op} {data} key {asked.key} by {name}: {answer}"


def _where(history: History, client: Client) -> str:
    stays = []
    for ref in client.heard:
        match history.items[ref]:
            case Connected(at, node):
                stays.append(f"{node} from {at:.3f}")
            case Welcomed() as welcome if stays:
                stays[-1] += f" ({welcome.view}, {welcome.recovery} at {welcome.head})"
    return "".join(f"\n         {each}" for each in stays[-6:])
