"""Of a history that is as it should be nothing is found; of each that is not, what is wrong."""

import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace

from protocol import commands as cmd
from protocol.frames import Ack, Nack
from protocol.ids import view_of
from protocol.snapshot import State
from server.classroom.state import Classroom
from server.classroom.view import mine
from server.hub.asks import Arrive, Committed, Perform, Unchanged, Who
from server.hub.draft import Draft, Head
from server.hub.views import encode, fold_shown
from server.store import chain
from server.store.chain import Link
from tests.faults.check import violations
from tests.faults.facts import Facts
from tests.faults.history import (
    Asked,
    Client,
    Connected,
    Fault,
    History,
    Logged,
    Moved,
    Own,
    Range,
    Snapshot,
    Welcomed,
    main,
)
from tests.faults.recorder import Recorder
from tests.faults.story import tell

SESSION = "01900000-0000-7000-9000-000000000001"
TEACHER, ANN, BEN = (f"01900000-0000-7000-9000-00000000001{n}" for n in range(3))


class Time:
    epoch_ms = 1_800_000_000_000.0
    now = 1.0

    def __call__(self):
        return self.now


class Scene:
    """A class as a server without a fault makes it, one command after another."""

    def __init__(self):
        self.time = Time()
        self.recorder = Recorder(SESSION, self.time)
        self.history = self.recorder.history
        self.state, self.head = Classroom(), Head(0, chain.genesis(SESSION), 0)
        self.views = {"staff": State(), "student": State()}
        self.teacher = self.comes("teacher", TEACHER)
        self.ask(self.teacher, cmd.SessionStart())
        self.ann, self.ben = self.comes("student", ANN), self.comes("student", BEN)

    def comes(self, role, user):
        """Let somebody come; return their number."""
        number = len(self.history.clients)
        self.history.clients.append(Client(f"{role} {number}", user, role, role))
        self.hear(number, Connected(self.time.now, "node 0"))
        self.welcome(number)
        self._commit(Arrive(Who(user, role, role)))
        return number

    def welcome(self, client, recovery="snapshot"):
        """Let somebody in where the log is now."""
        role = self.history.clients[client].role
        self.hear(client, Welcomed(view_of(role), role, recovery, self.head.sequence))
        if recovery == "snapshot":
            self.hear(client, Snapshot(self.head.sequence, self._say_state(view_of(role))))

    def ask(self, client, command, key=None, seconds=0.01):
        """Let somebody do something; return what they asked, answered."""
        self.time.now += 1
        key = key or f"key-{len(self.history.asked)}"
        sent, who = self.time.now, self.history.clients[client]
        self.time.now += seconds / 2
        asks = Perform(Who(who.user, who.called, who.role), key, command, None, None)
        outcome = self._commit(asks)
        self.time.now += seconds / 2
        data = Raw(msgspec.json.encode(command))
        asked = Asked(client, key, command.op, data, None, sent, self.time.now)
        match outcome:
            case Committed(first, last):
                asked.answer = Ack(1, key, (first, last))
            case Unchanged():
                asked.answer = Ack(1, key, None)
            case refusal:
                asked.answer = Nack(1, key, refusal.code, refusal.message, retryable=False)
        self.history.asked.append(asked)
        return asked

    def finish(self):
        """End it, everybody being where the log is; return the history."""
        for number, client in enumerate(self.history.clients):
            client.position = self.head.sequence
            client.state = self._say_state(view_of(client.role))
            own = mine(self.state, client.user, client.role, self.head.sequence)
            said = self.recorder.say(msgspec.json.encode(own))
            self.hear(number, Own(self.head.sequence, said))
        return self.history

    def hear(self, client, item):
        self.history.clients[client].heard.append(self.recorder.item(item))

    def _commit(self, ask):
        now_ms = round(self.time.epoch_ms + self.time.now * 1000)
        draft = Draft(SESSION, self.state, self.head, now_ms, {})
        draft.take(ask)
        before = self.head.sequence
        self.state, self.head = draft.state, draft.head
        for event in (event for rows in draft.commands for event in rows):
            self.history.log.append(
                Logged.of(
                    Link(
                        event.sequence, event.id, event.type, event.version, event.actor,
                        event.at_ms, event.key, event.payload, event.salt, event.payload_digest,
                        event.digest,
                    )
                )
            )  # fmt: skip
        if draft.recorded:
            for view, state in self.views.items():
                told = [fold_shown(state, each, view) for each in draft.recorded]
                numbers = tuple(self.recorder.say(encode(each)) for each in told if each)
                for number, client in enumerate(self.history.clients):
                    if view_of(client.role) == view:
                        self.hear(number, Range(before + 1, self.head.sequence, numbers))
            self.recorder.know(self.head.sequence)
        return draft.outcomes[0][1] if draft.outcomes else None

    def _say_state(self, view):
        return self.recorder.say(msgspec.json.encode(self.views[view]))


@pytest.fixture
def scene():
    scene = Scene()
    scene.hello = scene.ask(scene.ann, cmd.ChatPost("hello"))
    scene.raised = scene.ask(scene.ann, cmd.HandRaise())
    scene.again = scene.ask(scene.ann, cmd.HandRaise())
    scene.lowered = scene.ask(scene.teacher, cmd.HandLower(ANN))
    scene.refused = scene.ask(scene.ben, cmd.SessionLock())
    scene.asked = scene.ask(scene.ben, cmd.QuestionAsk("why?"))
    return scene


def kinds(history):
    return {each.kind for each in violations(history)}


def edit(history, sequence, **changes):
    history.log[sequence - 1] = replace(history.log[sequence - 1], **changes)


def heard(history, client, kind, after=0):
    """Return the place of what a client heard, from the end: the item, and where it is."""
    places = [
        place
        for place, ref in enumerate(history.clients[client].heard)
        if isinstance(history.items[ref], kind)
    ]
    return places[-1 - after]


def test_nothing_is_wrong_with_what_is_right(scene, tmp_path):
    history = scene.finish()
    history.faults.append(Fault(0.0, 1.0, "kill a node", "node 1"))
    assert violations(history) == []
    assert scene.again.answer.sequence is None
    assert scene.refused.answer.code == "forbidden"
    history.write(tmp_path / "history.ndjson")
    again = History.read(tmp_path / "history.ndjson")
    assert list(map(msgspec.json.encode, again.records())) == list(
        map(msgspec.json.encode, history.records())
    )
    assert violations(again) == []


def test_a_file_is_checked_again(scene, tmp_path, monkeypatch, capsys):
    history, path = scene.finish(), tmp_path / "history.ndjson"
    monkeypatch.setattr("sys.argv", ["history", str(path)])
    history.write(path)
    assert main() == 0
    history.log.pop()
    history.write(path)
    assert main() == 1
    assert "[lost] question.ask was acked at 8, and is not in the log" in capsys.readouterr().out


def test_an_acked_command_that_is_not_in_the_log(scene):
    history = scene.finish()
    history.log.pop()
    found = violations(history)
    assert {"lost", "told"} <= {each.kind for each in found}
    story = next(tell(history, each) for each in found if each.kind == "lost")
    assert "student 2" in story
    assert "question.ask" in story
    assert "node 0" in story


def test_an_acked_command_that_is_elsewhere_in_the_log(scene):
    scene.asked.answer = Ack(1, scene.asked.key, (2, 2))
    assert "misplaced" in kinds(scene.finish())


def test_a_log_with_a_gap(scene):
    history = scene.finish()
    del history.log[3]
    assert "gap" in kinds(history)


def test_a_command_that_is_in_the_log_twice(scene):
    history = scene.finish()
    edit(history, scene.asked.answer.sequence[0], key=history.log[4].key)
    assert "twice" in kinds(history)


def test_a_command_that_nobody_sent(scene):
    scene.history.asked.remove(scene.asked)
    assert kinds(scene.finish()) == {"phantom"}


def test_a_chain_that_does_not_hold(scene):
    edit(scene.history, 4, salt=bytes(16))
    assert kinds(scene.finish()) == {"chain"}


def test_a_duplicate_that_is_answered_otherwise(scene):
    first = scene.hello.answer.sequence[0]
    duplicate = replace(scene.hello, answer=Ack(2, "key", (first + 1, first + 1), duplicate=True))
    scene.history.asked.append(duplicate)
    assert {"duplicate", "misplaced"} <= kinds(scene.finish())


def test_a_duplicate_that_is_not_said_to_be_one(scene):
    scene.history.asked.append(replace(scene.hello))
    assert kinds(scene.finish()) == {"duplicate"}


def test_a_duplicate_that_is(scene):
    answer = replace(scene.hello.answer, duplicate=True)
    scene.history.asked.append(replace(scene.hello, sent=50.0, answered=51.0, answer=answer))
    assert kinds(scene.finish()) == set()


def test_a_late_copy_by_an_older_connection_has_the_answer_that_was_given(scene):
    old = scene.comes("student", ANN)
    scene.time.now += 1
    answered = scene.ask(scene.ann, cmd.HandLower(), key="late")
    assert answered.answer.sequence is None
    scene.time.now += 1
    new = scene.comes("student", ANN)
    scene.ask(scene.ann, cmd.HandRaise())
    sent = scene.time.now + 1
    scene.history.asked.append(replace(answered, client=old, sent=sent, answered=sent + 0.1))
    assert kinds(scene.finish()) == set()
    scene.history.asked.append(replace(answered, client=new, sent=sent, answered=sent + 0.1))
    assert kinds(scene.finish()) == {"untrue"}


def test_a_refused_command_that_is_in_the_log(scene):
    scene.asked.answer = Nack(1, scene.asked.key, "internal", "", retryable=False)
    assert kinds(scene.finish()) == {"refused"}


def test_a_command_without_an_answer_may_be_in_the_log_or_not(scene):
    scene.asked.answer = scene.asked.answered = None
    scene.history.asked.append(
        Asked(scene.ann, "none", "hand.raise", Raw(b"{}"), None, sent=scene.time.now)
    )
    assert kinds(scene.finish()) == set()


def test_a_command_that_comes_before_one_that_was_acked_before_it_was_sent(scene):
    scene.hello.sent = scene.raised.answered + 0.1
    scene.hello.answered = scene.hello.sent + 0.1
    assert "order" in kinds(scene.finish())


def test_a_command_that_comes_before_what_its_sender_had_seen(scene):
    scene.asked.sent = scene.time.now + 1  # everybody has heard of it by then
    scene.asked.answered = scene.asked.sent + 1
    assert "order" in kinds(scene.finish())


def test_a_range_that_lacks_an_event(scene):
    history = scene.finish()
    place = heard(history, scene.ann, Range)
    item = history.items[history.clients[scene.ann].heard[place]]
    history.clients[scene.ann].heard[place] = scene.recorder.item(replace(item, events=()))
    assert kinds(history) == {"told"}


def test_an_event_that_is_told_otherwise_than_it_is_in_the_log(scene):
    history = scene.finish()
    place = heard(history, scene.ann, Range)
    item = history.items[history.clients[scene.ann].heard[place]]
    said = bytes(history.said[item.events[0]]).replace(b"why?", b"what?")
    changed = replace(item, events=(scene.recorder.say(said),))
    history.clients[scene.ann].heard[place] = scene.recorder.item(changed)
    assert kinds(history) == {"told"}


def test_ranges_with_a_hole_between_them(scene):
    history = scene.finish()
    del history.clients[scene.ann].heard[heard(history, scene.ann, Range, after=1)]
    assert kinds(history) == {"hole"}


def test_who_goes_back_by_themselves_hears_it_again(scene):
    client = scene.history.clients[scene.ann]
    ranges = [ref for ref in client.heard if isinstance(scene.history.items[ref], Range)]
    scene.hear(scene.ann, Moved(scene.history.items[ranges[-2]].first - 1))
    scene.welcome(scene.ann, "replay")
    client.heard += ranges[-2:]
    assert kinds(scene.finish()) == set()
    client.heard += ranges[-2:]  # a range that fits, however much of it is known
    assert kinds(scene.history) == set()


def test_recovery_from_nothing(scene):
    scene.hear(scene.ann, Moved(None))
    scene.welcome(scene.ann, "replay")
    assert kinds(scene.finish()) == {"told"}


def test_a_client_that_does_not_get_what_is_for_its_view_alone(scene):
    scene.ask(scene.ann, cmd.ChatPost("psst", "staff"))
    history = scene.finish()
    place = heard(history, scene.teacher, Range)
    history.clients[scene.ben].heard[heard(history, scene.ben, Range)] = history.clients[
        scene.teacher
    ].heard[place]
    assert kinds(history) == {"told"}


def test_the_lobby_hears_nothing_of_the_class(scene):
    who = len(scene.history.clients)
    scene.history.clients.append(Client("lobby", BEN, "student", "student"))
    waits = State(title="Algebra", teacher="Ann")
    scene.hear(who, Welcomed("lobby", "student", "snapshot", scene.head.sequence))
    said = scene.recorder.say(msgspec.json.encode(waits))
    scene.hear(who, Snapshot(scene.head.sequence, said))
    scene.hear(who, Range(scene.head.sequence + 1, scene.head.sequence + 1, ()))
    scene.asked = scene.ask(scene.teacher, cmd.ChatPost("secret"))
    scene.finish()
    scene.history.clients[who].position = scene.history.clients[who].state = None
    scene.history.clients[who].heard = scene.history.clients[who].heard[:3]
    assert kinds(scene.history) == set()
    scene.hear(who, Range(scene.head.sequence, scene.head.sequence, (0,)))
    scene.hear(who, Snapshot(scene.head.sequence, scene._say_state("staff")))
    assert kinds(scene.history) == {"leak"}


def _removed(scene):
    """Return the range with Ann's message, which the teacher has removed."""
    client = scene.history.clients[scene.ben]
    first = scene.hello.answer.sequence[0]
    told = next(
        item
        for item in map(scene.history.items.__getitem__, client.heard)
        if isinstance(item, Range) and item.first <= first <= item.last
    )
    message = msgspec.json.decode(scene.history.log[first - 1].payload)["message"]
    scene.ask(scene.teacher, cmd.ChatRemove(message))
    return told


def _blanked(scene, told):
    said = bytes(scene.history.said[told.events[0]]).replace(b'"hello"', b'""')
    return replace(told, events=(scene.recorder.say(said),))


def test_a_text_that_was_removed_before_the_welcome(scene):
    told = _removed(scene)
    scene.hear(scene.ben, Moved(told.first - 1))
    scene.welcome(scene.ben, "replay")
    scene.hear(scene.ben, _blanked(scene, told))
    scene.finish()
    scene.history.clients[scene.ben].position = None
    assert kinds(scene.history) == set()
    scene.hear(scene.ben, told)
    assert kinds(scene.history) == {"text"}


def test_a_text_that_is_blank_though_it_never_was_removed(scene):
    first = scene.asked.answer.sequence[0]
    told = _removed(scene)
    assert first > told.last
    scene.hear(scene.ann, _blanked(scene, told))  # before anybody was welcomed again: it may be
    assert kinds(scene.finish()) == set()
    place = heard(scene.history, scene.ann, Range, after=2)
    item = scene.history.items[scene.history.clients[scene.ann].heard[place]]
    said = bytes(scene.history.said[item.events[0]]).replace(b"why?", b"")
    changed = scene.recorder.item(replace(item, events=(scene.recorder.say(said),)))
    scene.history.clients[scene.ann].heard[place] = changed
    assert kinds(scene.history) == {"told"}


def test_a_state_that_is_not_the_fold_of_the_log(scene):
    history = scene.finish()
    state = msgspec.json.decode(history.said[history.clients[scene.ben].state], type=State)
    state.hands = []
    state.questions = []
    history.clients[scene.ben].state = scene.recorder.say(msgspec.json.encode(state))
    found = violations(history)
    assert [each.kind for each in found] == ["state"]
    assert "in questions" in found[0].text


def test_a_snapshot_that_is_not_the_fold_of_the_log(scene):
    said = scene.recorder.say(msgspec.json.encode(State()))
    scene.hear(scene.ann, Snapshot(scene.head.sequence, said))
    assert kinds(scene.finish()) == {"state"}


def test_what_is_another_persons_own(scene):
    scene.ask(scene.ben, cmd.HandRaise())
    history = scene.finish()
    place = heard(history, scene.ben, Own)
    history.clients[scene.ann].heard[-1] = history.clients[scene.ben].heard[place]
    assert kinds(history) == {"own"}


def test_an_event_that_the_rules_do_not_allow(scene):
    first = scene.lowered.answer.sequence[0]
    event = scene.history.log[first - 1]
    edit(scene.history, first, payload=Raw(bytes(event.payload).replace(b"11", b"12")))
    assert "rules" in kinds(scene.finish())


def test_a_command_that_the_rules_refuse(scene):
    scene.asked.op = "session.lock"
    scene.asked.data = Raw(b"{}")
    assert kinds(scene.finish()) == {"rules"}


def test_no_change_where_there_was_one_to_make(scene):
    again = scene.again
    again.sent, again.answered = scene.time.now + 1, scene.time.now + 2  # her hand is down by then
    history = scene.finish()
    assert kinds(history) == {"untrue"}
    again.sent = scene.lowered.sent - 0.1  # it may still have been up
    assert kinds(history) == set()


def test_no_change_that_rests_on_what_came_later(scene):
    again = scene.again
    again.sent, again.answered = scene.raised.sent - 0.5, scene.raised.sent - 0.4
    assert kinds(scene.finish()) == {"untrue"}


def test_a_refusal_that_was_true_at_no_moment(scene):
    scene.refused.answer = replace(scene.refused.answer, code="session_ended")
    assert kinds(scene.finish()) == {"untrue"}


def test_what_was_seen_to_fail_is_found(scene):
    scene.history.failed.append("student 2 did not come back")
    assert kinds(scene.finish()) == {"failed"}


def test_the_log_may_have_ended_between_what_was_known_and_what_was_sent_later(scene):
    facts = Facts(scene.finish())
    sent, answered = scene.raised.sent, scene.raised.answered
    assert facts.known_before(sent) == scene.hello.answer.sequence[1]
    assert facts.possible_until(answered) == scene.raised.answer.sequence[1]
    assert facts.window(sent, answered) == (
        facts.known_before(sent),
        facts.possible_until(answered),
    )
