"""Random histories of every event, folded in Python and in JavaScript: the same state, always."""

import json
import random
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from msgspec import inspect

from protocol.events import EVENTS
from protocol.snapshot import State, fold

STATE_JS = Path(__file__).parents[2] / "server" / "web" / "static" / "shared" / "state.js"
AT = "2026-11-22T09:00:00.123Z"
ID = "01900000-0000-7000-8000-{:012d}"
ALPHABET = ["a", "b", " ", '"', "\\", "\n", "\x01", "\x7f", "é", "漢", "👋🏽", "\u2028"]
EVENTS_EACH, EVERY = 300, 30
"""How many events a history has, and after how many of them the states are compared."""

FOLD = """
import { readFileSync } from "node:fs";
const { emptyState, fold } = await import(process.argv[1]);
const { events, every } = JSON.parse(readFileSync(0, "utf-8"));
let state = emptyState();
const states = [];
for (const event of events) {
  state = fold(state, event);
  if (event.sequence % every === 0) states.push(state);
}
process.stdout.write(JSON.stringify(states));
"""


class Histories:
    """Makes events that are whole by their types, on ``ids`` ids, and most of one type.

    Few ids meet again and again; many fill a list until the budget trims it.
    """

    def __init__(self, favoured: str, ids: int) -> None:
        self._random = random.Random(favoured)
        self._ids = ids
        self._types = sorted(EVENTS)
        self._kinds = {name: inspect.type_info(cls) for name, cls in EVENTS.items()}
        self._weights = [40 if each == favoured else 1 for each in self._types]

    def event(self, sequence: int):
        cls = EVENTS[self._random.choices(self._types, self._weights)[0]]
        data = self._value(self._kinds[cls.type])
        return msgspec.convert(data, cls), {
            "sequence": sequence,
            "type": cls.type,
            "version": cls.version,
            "at": AT,
            "by": self._random.choice((None, self._id())),
        }

    def _value(self, kind):
        choose = self._random.choice
        match kind:
            case inspect.StructType(fields=fields):
                return {
                    field.encode_name: self._value(field.type)
                    for field in fields
                    if field.required or self._random.random() < 0.7
                }
            case inspect.Metadata(type=plain):
                return self._value(plain)
            case inspect.UnionType(types=types):
                return self._value(choose(types))
            case inspect.LiteralType(values=values):
                return choose(values)
            case inspect.VarTupleType(item_type=item, min_length=least, max_length=most):
                longest = min(most or 8, choose((4, 400)))
                return [self._value(item) for _ in range(self._random.randint(least or 0, longest))]
            case inspect.DictType():
                ops = ("chat.post", "poll.vote", "x" * self._random.randint(1, 64))
                return {op: choose((True, False)) for op in ops[: self._random.randint(0, 3)]}
            case inspect.IntType(ge=least, le=most):
                return self._random.randint(least or 0, 10**6 if most is None else most)
            case inspect.BoolType():
                return choose((True, False))
            case inspect.NoneType():
                return None
            case inspect.StrType():
                return self._text(kind)
            case _:
                raise AssertionError(f"no value for {kind}")

    def _text(self, kind: inspect.StrType) -> str:
        """Return something that the type allows: mostly short, at times as long as it may be."""
        longest = min(kind.max_length or 1_500, self._random.choice((12, 12, 12, 1_500)))
        text = "".join(self._random.choices(ALPHABET, k=self._random.randint(0, longest)))[:longest]
        texts = (text, "a" + text[1:], "a" * longest, "en", "#00ff00", AT, self._id())
        return next(each for each in texts if re.search(kind.pattern or "", each))

    def _id(self) -> str:
        return ID.format(self._random.randint(1, self._ids))


GROWING = (
    *("chat.posted", "chat.pinned", "question.asked", "poll.opened", "scene.created"),
    *("hand.raised", "participant.waiting", "destination.enabled", "asset.added"),
    *("board.drawn", "artifact.created", "caption.added"),
)


@pytest.mark.parametrize(
    ("favoured", "ids"),
    [("session.started", 2), ("question.asked", 9), *((t, 999) for t in GROWING)],
)
def test_both_folds_agree_on_any_history(favoured, ids):
    histories = Histories(favoured, ids)
    state, states, events = State(), [], []
    for sequence in range(1, EVENTS_EACH + 1):
        event, entry = histories.event(sequence)
        fold(state, event, sequence=sequence, at=entry["at"], by=entry["by"])
        events.append({**entry, "data": msgspec.to_builtins(event)})
        if sequence % EVERY == 0:
            states.append(msgspec.to_builtins(state))

    node = Path(sys.executable).with_name("node")
    run = subprocess.run(
        [node, "--input-type=module", "--eval", FOLD, STATE_JS.as_uri()],
        input=json.dumps({"events": events, "every": EVERY}),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    for number, (ours, theirs) in enumerate(zip(states, json.loads(run.stdout), strict=True), 1):
        for part, value in json.loads(json.dumps(ours)).items():
            assert theirs[part] == value, f"{part} after {number * EVERY} events"
            if part in ("people", "destinations"):  # in the order in which they came
                assert list(theirs[part]) == list(value)
