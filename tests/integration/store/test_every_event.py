"""Each event changes its table, every value of its type fits there, and the unknown is ignored."""

import re

import msgspec

from protocol.events import EVENTS
from protocol.ids import FOREVER
from server.ids import new_id
from server.store.projections import LogOnly
from tests.integration.store.whole_class import SOON, Told, dump, tell

MAKES = {
    "participant.joined": "user", "participant.waiting": "user", "chat.posted": "message",
    "question.asked": "question", "poll.opened": "poll", "scene.created": "scene",
    "asset.added": "asset", "recording.started": "recording", "chapter.marked": "artifact",
    "highlight.marked": "artifact", "note.added": "artifact", "artifact.created": "artifact",
}  # fmt: skip
"""The events that make something, and the field with its id."""
THINGS = {*MAKES.values(), "destination"}


def test_the_class_has_every_event(whole):
    assert {kind for _, kind, _ in whole.told} == {*EVENTS, "of.the.future"}


async def test_every_event_changes_a_table_or_is_of_the_log_alone(
    room, writer, projector, owner, whole
):
    """What is there to be found is beside the tables: it may be in an event of the log alone."""

    async def rows():
        tables = await dump(owner)
        return {name: tables[name] for name in tables.keys() - {"findable", "class_words"}}

    before = await rows()
    for told in whole.told:
        await tell(room, writer, projector, whole.commands(room, [told]))
        after = await rows()
        is_of_log = told.kind not in EVENTS or issubclass(EVENTS[told.kind], LogOnly)
        assert (after == before) == is_of_log, told
        before = after


async def test_what_is_unknown_changes_nothing(room, writer, projector, owner, whole):
    await tell(room, writer, projector, whole.commands(room))
    before = await dump(owner)
    unknown = [
        Told(told.by, told.kind, {**told.data, **dict.fromkeys(THINGS & {*told.data}, new_id())})
        for told in whole.told
        if THINGS & {*told.data} and told.kind not in MAKES
    ]
    assert {kind.partition(".")[0] for _, kind, _ in unknown} >= {
        "participant", "chat", "question", "poll", "scene", "asset", "destination", "recording",
        "artifact",
    }  # fmt: skip
    await tell(room, writer, projector, whole.commands(room, unknown))
    assert await dump(owner) == before


async def test_whatever_the_types_allow_fits_the_tables(room, writer, projector, owner, whole):
    """Every type of event, with every one of its enumerated values, the least and the most."""
    told, known = [], {"user": whole.ann, "destination": whole.destination}
    for name, kind in EVENTS.items():
        for data in variants(msgspec.inspect.type_info(kind), known):
            if name in MAKES:
                data[MAKES[name]] = known[MAKES[name]] = new_id()
            told.append(Told(whole.ann, name, data))
    kinds = {data["artifact_type"] for _, kind, data in told if kind == "artifact.created"}
    assert kinds == {"transcript", "chapter", "highlight", "note"}
    await tell(room, writer, projector, whole.commands(room, told))
    assert await owner.fetchval("SELECT error FROM projections") is None
    empty = {table for table, rows in (await dump(owner)).items() if not rows}
    assert empty == {"question_votes"}  # the one vote was taken back


def variants(kind, known):
    """Data of an event, so often that each of its fields had each of its values."""
    columns = {field.encode_name: values(field.type, field.name, known) for field in kind.fields}
    return [
        {name: column[number % len(column)] for name, column in columns.items()}
        for number in range(max(map(len, columns.values()), default=1))
    ]


def values(kind, name, known):
    inspect = msgspec.inspect
    match kind:
        case inspect.Metadata(inner):
            return values(inner, name, known)
        case inspect.UnionType(kinds):
            return [value for each in kinds for value in values(each, name, known)]
        case inspect.NoneType():
            return [None]
        case inspect.BoolType():
            return [False, True]
        case inspect.LiteralType(texts):
            return list(texts)
        case inspect.IntType(ge=least, le=most):
            return [least or 0, 2**31 - 1 if most is None else most]
        case inspect.StrType() if name in ("until", "posted_at", "publish_at"):
            return [SOON, FOREVER, "1970-01-01T00:00:00.000Z"]
        case inspect.StrType(pattern=str(pattern)) if re.search(pattern, new_id()):
            return [known.setdefault(name, new_id())]
        case inspect.StrType(min_length=least, max_length=most):
            return [
                text
                for text in ("", "en", "#00ff88", "é" * (most or 2000), "a-b@c.de/f " * 20)
                if kind.pattern is None or re.search(kind.pattern, text)
                if (least or 0) <= len(text) <= (most or 2000)
            ]
        case inspect.VarTupleType(item, least, most):
            items = values(item, name, known)
            counts = {least or 0, 10 if most is None else most}
            return [(items * count)[:count] for count in sorted(counts)]
        case inspect.DictType():
            return [{}, dict(zip(("chat.post", "é"), (True, False), strict=True))]
        case inspect.StructType():
            return variants(kind, known)
        case _:
            raise TypeError(f"{name}: no values of {kind} are known")
