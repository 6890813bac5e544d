"""``docs/protocol.md`` is fresh, whole and true: every example decodes, every name appears."""

import json
import re
from itertools import product
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from jsonschema import Draft202012Validator

from protocol import codec, describe, limits, meanings, rest
from protocol.commands import COMMANDS
from protocol.errors import CloseCode, ErrorCode, Refusal
from protocol.events import EVENTS, FROM_MEDIA
from protocol.frames import CommandFrame, EventsFrame, LogEvent, Mine, Nack, SnapshotFrame, Welcome
from protocol.ids import FOREVER
from protocol.snapshot import State
from server.classroom import access, chat, destinations, erasure
from server.classroom.state import Actor, Chat, Classroom, Member
from server.hub import bucket, ephemeral, pauses
from tests import reference, screenshots

ROOT = Path(__file__).parents[2]
PAGE = reference.PAGE.read_text(encoding="utf-8")
TABLES = {name.strip(): rows for name, rows in re.findall(
    r"<!-- table: ([a-z ]+) -->\n(.*?)<!-- end -->", PAGE, re.DOTALL
)}  # fmt: skip


EXAMPLES = list(reference.examples())


ANSWERS = {"key": rest.CommandDone, "from": rest.EventsPage}


def decoded(side, value):
    data = json.dumps(value).encode()
    match side:
        case "client":
            return codec.decode_client(data)
        case "server":
            return codec.decode_server(data)
        case "request":
            return msgspec.json.decode(data, type=rest.CommandRequest)
        case "response":
            return msgspec.json.decode(data, type=ANSWERS[next(iter(value))])


DECODED = [decoded(*each) for each in EXAMPLES]


def of_kind(kind):
    return [frame for frame in DECODED if isinstance(frame, kind)]


# ---------------------------------------------------------------- fresh


def test_the_tables_are_fresh():
    assert reference.refreshed(PAGE) == PAGE, "stale: run make spec, look, commit"


def test_a_change_of_the_rules_shows():
    changed = reference.refreshed(
        PAGE.replace("| `poll.vote` | everyone |", "| `poll.vote` | staff |")
    )
    assert changed == PAGE


def test_each_block_of_json_holds_examples():
    assert len(re.findall(r"```jsonc?\n", PAGE)) == len(
        re.findall(r"```jsonc\n// (?:client|server|request|response)\n", PAGE)
    )


# ---------------------------------------------------------------- true


@pytest.mark.parametrize(
    ("side", "value"), EXAMPLES, ids=[value.get("type", side) for side, value in EXAMPLES]
)
def test_an_example_says_all_and_only_what_its_type_knows(side, value):
    again = msgspec.json.decode(msgspec.json.encode(decoded(side, value)))
    if side in ("server", "response"):
        assert again == value
    else:
        assert_within(value, again)


def assert_within(value, whole):
    """Assert that ``whole`` has all of ``value``, and else only what was left out."""
    if isinstance(value, dict):
        assert value.keys() <= whole.keys()
        for name in value:
            assert_within(value[name], whole[name])
    else:
        assert value == whole


def test_commands_and_events_of_the_examples_hold():
    for frame in of_kind(CommandFrame):
        codec.decode_command(frame)
    for body in of_kind(rest.CommandRequest):
        codec.decode_command(CommandFrame(0, body.key, body.op, body.data, body.expect))
    (page,) = of_kind(rest.EventsPage)
    logs = [(page.from_, page.to, [msgspec.json.decode(e, type=LogEvent) for e in page.events])]
    logs += [(frame.from_, frame.to, frame.events) for frame in of_kind(EventsFrame)]
    for first, last, events in logs:
        for logged in events:
            event = codec.decode_event(logged.type, logged.data, logged.version)
            assert event is not None
            assert msgspec.json.decode(msgspec.json.encode(event)) == json.loads(bytes(logged.data))
            assert first <= logged.sequence <= last


def test_the_published_schema_accepts_the_examples():
    schema = json.loads((ROOT / "protocol" / "spec" / "frames.schema.json").read_bytes())
    sides = {
        side: Draft202012Validator({"$ref": f"#/$defs/{union}", "$defs": schema["$defs"]})
        for side, union in (("client", "ClientFrame"), ("server", "ServerFrame"))
    }
    for side, value in EXAMPLES:
        if side in sides:
            sides[side].validate(value)


def test_the_snapshot_of_the_example_has_every_field():
    (snapshot,) = [value for _, value in EXAMPLES if value.get("type") == "snapshot"]
    assert list(snapshot["state"]) == [field.name for field in msgspec.structs.fields(State)]
    (frame,) = of_kind(SnapshotFrame)
    assert frame.state.messages


def test_the_numbers_of_the_examples_are_those_of_the_server():
    (welcome,) = of_kind(Welcome)
    assert welcome.heartbeat.interval_ms == limits.HEARTBEAT_INTERVAL_MS
    assert welcome.heartbeat.timeout_ms == limits.HEARTBEAT_TIMEOUT_MS
    assert msgspec.structs.astuple(welcome.limits) == (
        limits.FRAME_BYTES,
        limits.COMMANDS_PER_SECOND,
        limits.COMMAND_BURST,
        limits.IN_FLIGHT,
    )
    student = {op for op, rule in access.RULES.items() if "student" in rule.roles}
    for grants in (welcome.me.grants, *(mine.grants for mine in of_kind(Mine) if not mine.lobby)):
        assert list(grants) == sorted(student)
    for nack in of_kind(Nack):
        assert nack.code in get_args(ErrorCode)


# What the tables say of who and when, against the rules as they are carried out.

ROLES = {
    "teacher": {"teacher", "admin"},
    "staff": {"teacher", "admin", "assistant"},
    "everyone": {"teacher", "admin", "assistant", "student"},
    "everyone but the muted": {"teacher", "admin", "assistant", "student"},
}


def promised(who, when, role, status, *, before_start, muted):
    """Say whether the page lets ``role`` do it."""
    if role not in ROLES[who] or (muted and who == "everyone but the muted"):
        return False
    of_all, _, more = when.partition("; staff also ")
    of_staff, _, configured = more.partition("; ")
    statuses = set(of_all.split(", "))
    if role != "student":
        statuses |= set(of_staff.split(", "))
    elif who.startswith("everyone"):
        statuses &= {"live"}
    if configured == "all, if `before_start`" and before_start:
        statuses.add("scheduled")
    return status in statuses


@pytest.mark.parametrize("op", COMMANDS)
def test_who_may_do_it_and_when_is_as_the_tables_say(op):
    (row,) = re.findall(rf"^\| `{re.escape(op)}` \| ([^|]+) \| ([^|]+) \|", PAGE, re.MULTILINE)
    for role, status, before_start, muted in product(
        access.RANK, ("scheduled", "live", "ended", "archived"), (False, True), (False, True)
    ):
        state = Classroom(
            status=status,
            chat=Chat(before_start=before_start),
            people={"u": Member("Ann", role, is_muted=muted)},
        )
        try:
            access.check(state, Actor("u", "Ann", role), op, "2026-11-22T09:00:00.000Z")
            may = True
        except Refusal:
            may = False
        said = promised(*row, role, status, before_start=before_start, muted=muted)
        assert may == said, (row, role, status, before_start, muted)


# ---------------------------------------------------------------- whole


def cells(name, column):
    """Return what a table says in one column, by its first."""
    rows = (line.strip("|").split(" | ") for line in TABLES[name].splitlines() if "|" in line)
    return {row[0].strip(" `"): row[column].strip(" `") for row in rows}


def rows(prefix):
    return {
        name
        for text in TABLES.values()
        for name in re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|", text, re.MULTILINE)
        if name in prefix
    }


def test_every_operation_and_event_has_a_row():
    assert rows(COMMANDS) == set(COMMANDS)
    assert rows(EVENTS) == set(EVENTS)


def test_every_frame_has_an_example():
    shown = {(side, value["type"]) for side, value in EXAMPLES if "type" in value}
    assert shown == {("client", kind.__struct_config__.tag) for kind in describe.FROM_CLIENT} | {
        ("server", kind.__struct_config__.tag) for kind in describe.FROM_SERVER
    }


def test_every_feature_with_operations_has_an_example():
    shown = {frame.op.split(".")[0] for frame in of_kind(CommandFrame)}
    told_together = {"chapter", "highlight", "note"}
    assert shown == {op.split(".")[0] for op in COMMANDS} - told_together


def test_every_error_code_has_a_row():
    assert set(get_args(ErrorCode)) == set(cells("errors", 0)) - {"code", "---"}


def test_every_close_code_has_a_row():
    assert {str(int(code)) for code in CloseCode} == set(cells("closes", 0)) - {"code", "---"}


def test_every_number_is_explained_or_of_the_fold_alone():
    numbers = {name for name, value in vars(limits).items() if isinstance(value, int | float)}
    of_the_fold = {
        name
        for name in numbers
        if name.endswith("_WEIGHT") or (name.endswith("_BYTES") and name not in meanings.LIMITS)
    }
    assert set(meanings.LIMITS) == numbers - of_the_fold


def test_every_field_of_the_state_is_described():
    assert list(meanings.STATE) == [field.name for field in msgspec.structs.fields(State)]


def test_every_event_comes_from_an_operation_the_media_or_the_system():
    assert set(meanings.LEADS_TO) == set(COMMANDS)
    made = {name for names in meanings.LEADS_TO.values() for name in names}
    system = {"participant.joined", "participant.left", "participant.waiting"}
    assert made | FROM_MEDIA | system == set(EVENTS)


SECOND = 1_000
NUMBERS = {
    f"The first frame is `hello`, within {limits.HELLO_SECONDS:.0f} s",
    f"one of more than {limits.FRAME_BYTES:,} bytes",
    f"never exceeds {limits.SNAPSHOT_BYTES // 1024} KiB",
    f"subprotocol `{limits.SUBPROTOCOL}`",
    f"The server pings every {limits.HEARTBEAT_INTERVAL_MS // SECOND} s",
    f"an answer within {limits.HEARTBEAT_TIMEOUT_MS // SECOND} s the connection",
    f"{limits.TOKEN_GRACE_SECONDS:.0f} s after the end of the last token",
    f"takes nothing at all for {limits.STALLED_SECONDS:.0f} s",
    f"more than {limits.IN_FLIGHT} without an answer",
    f"is `dropped` for {limits.DROPPED_SECONDS:.0f} s",
    f"and {limits.DROPPED_SECONDS:.0f} s without any is leaving",
    f"classes of more than {limits.ROSTER_FULL_PEOPLE} people",
    f"above {limits.ROSTER_FULL_STAFF} staff are, too",
    f"{limits.ROSTER_PAGE} people at a time",
    f"of each person every {limits.SIGNAL_COALESCE_MS} ms",
    f"leaves a class of more than {pauses.FEW} people",
    f"above {pauses.STEP_LISTENERS:,} people at the next half",
    f"at most {ephemeral.SIGNAL_BYTES} bytes",
    f"`muted_until` of a mute without an end is `{FOREVER}`",
    f"`to_staff` are your last {chat.STAFF_MESSAGES_KEPT}",
    f"the last {chat.MESSAGES_KNOWN:,} messages. At most {chat.MOST_PINNED} are pinned",
    f"at most {destinations.MOST_ENABLED} are enabled at once",
    f"(`{erasure.NAME}` and `{erasure.TEXT}`)",
    f"drawing ({'three' if bucket.RATES['draw'].burst == 3 * limits.COMMAND_BURST else '?'} times",
    f"{'Ten' if limits.ABUSE_FACTOR == 10 else '?'} times over the rate",
    f"4509 {'ten' if limits.END_GRACE_SECONDS == 10 else '?'} seconds later",
}
PROSE = " ".join(PAGE.split())


@pytest.mark.parametrize("said", sorted(NUMBERS))
def test_numbers_in_words_are_those_of_the_server(said):
    assert said in PROSE


# ---------------------------------------------------------------- links


def anchors(text):
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    "page",
    [
        *("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/examples/node-client/README.md"),
        *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
        *(f"docs/operations/{path.name}" for path in (ROOT / "docs" / "operations").glob("*.md")),
        *(f"docs/adr/{path.name}" for path in (ROOT / "docs" / "adr").glob("*.md")),
    ],
)
def test_links_lead_somewhere(page):
    path = ROOT / page
    text = path.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


def test_documents_show_the_pictures_that_make_screenshots_takes():
    documents = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    shown = {
        name
        for document in documents
        for name in re.findall(r"images/([\w.-]+)\)", document.read_text(encoding="utf-8"))
    }
    kept = {path.name for path in (ROOT / "docs" / "images").iterdir()}
    assert shown == kept == set(screenshots.PICTURES)
