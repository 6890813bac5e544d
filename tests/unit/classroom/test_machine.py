"""Any course that a class can take: the rules hold after every step."""

import json
from collections import Counter

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from protocol import commands as cmd
from protocol import events as ev
from protocol.client import Client
from protocol.codec import decode_client, decode_command, decode_server
from protocol.commands import COMMANDS
from protocol.errors import Refusal
from protocol.frames import CommandFrame
from protocol.snapshot import State
from server.classroom import people
from server.classroom.access import grants
from server.classroom.state import Actor
from server.classroom.view import counters, mine, touches
from tests.strategies import FOR_STAFF, REASON, commands, identifier
from tests.unit.classroom.lesson import (
    ADMIN,
    ANN,
    ASSISTANT,
    BOB,
    CY,
    ROLES,
    TEACHER,
    VIEWS,
    Lesson,
    refolded,
)

# Who acts: teachers and students more often than others.
everybody = st.sampled_from((TEACHER, TEACHER, ANN, ANN, BOB, BOB, CY, ASSISTANT, ADMIN))
DESTINATIONS = (identifier(101), identifier(102))
# What ends a class, or somebody's part in it, ends most of what a run could find.
FINAL = {"session.end", "participant.remove", "participant.ban", "participant.set_grants"}
OFTEN = tuple(sorted(set(COMMANDS) - FINAL))
# What the table of the protocol keeps from students, said again in another way.
HIDDEN = {
    "poll.voted", "question.upvoted", "question.unvoted", "question.dismissed", "feedback.marked",
    "note.added", "recording.finalized", "recording.failed", "participant.joined",
    "participant.left", "participant.waiting", "participant.admitted", "participant.denied",
    "participant.unbanned", "participant.muted", "participant.unmuted",
    "participant.role_changed", "participant.grants_changed",
}  # fmt: skip


class Class(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.lesson = Lesson()
        self.queue: list[str] = []
        self.votes: dict[str, dict[str, tuple[int, ...]]] = {}
        self.anonymous: set[str] = set()
        self.mine = {}
        self.looked_at = 0
        self.position = dict.fromkeys(VIEWS, 0)
        self.heard = dict.fromkeys(VIEWS, 0)
        self.clients = {of: Client("token", new_key=lambda: "key") for of in VIEWS}
        for of, client in self.clients.items():
            client.receive(self.lesson.snapshots[of][0])

    # ------------------------------------------------------------ what happens

    @initialize(started=st.integers(0, 9))
    def begins(self, started):
        self.lesson.arrives(TEACHER, ANN, BOB)
        if started:
            self.act(TEACHER, cmd.SessionStart())

    @rule(user=everybody)
    def arrives(self, user):
        self.lesson.arrives(user)

    @rule(user=everybody)
    def departs(self, user):
        self.lesson.departs(user)

    @rule(user=everybody, data=st.data())
    def does_what_they_may(self, user, data):
        may = sorted(set(grants(self.lesson.state, user, self.role(user))) - FINAL)
        if may:
            self._does(user, data.draw(st.sampled_from(may)), data)

    def role(self, user):
        return self.lesson.actor(user).role

    @rule(user=everybody, op=st.sampled_from(OFTEN), data=st.data())
    def tries_anything(self, user, op, data):
        self._does(user, op, data)

    @precondition(lambda self: self.lesson.state.hands)
    @rule(data=st.data())
    def a_hand_is_lowered(self, data):
        hand = data.draw(st.sampled_from(self.lesson.state.hands))
        self.act(data.draw(st.sampled_from((hand, TEACHER))), cmd.HandLower(hand))

    @rule(anonymous=st.booleans(), correct=st.none() | st.just((1,)))
    def a_poll_opens(self, anonymous, correct):
        self.act(TEACHER, cmd.PollOpen("?", ("a", "b"), anonymous=anonymous, correct=correct))

    @precondition(lambda self: self.lesson.state.messages)
    @rule(
        data=st.data(),
        kind=st.sampled_from((cmd.ChatRemove, cmd.ChatRestore, cmd.ChatPin, cmd.ChatUnpin)),
    )
    def the_chat_is_moderated(self, data, kind):
        message = data.draw(st.sampled_from(tuple(self.lesson.state.messages)))
        self.act(TEACHER, kind(message))

    @rule(number=st.integers(0, 5))
    def a_newcomer_knocks(self, number):
        user = identifier(200 + number)
        self.lesson.happens(*people.arrive(self.lesson.state, Actor(user, "New", "student")))

    @precondition(lambda self: self.waiting())
    @rule(
        data=st.data(),
        kind=st.sampled_from((cmd.ParticipantAdmit, cmd.ParticipantDeny, cmd.ParticipantBan)),
    )
    def somebody_is_at_the_door(self, data, kind):
        self.act(ASSISTANT, kind(data.draw(st.sampled_from(self.waiting()))))

    def waiting(self):
        known = self.lesson.state.people.items()
        return [user for user, member in known if member.status == "waiting"]

    @rule(pages=st.sampled_from((None, 2)))
    def a_board_is_shown(self, pages):
        (added,) = self.act(TEACHER, cmd.AssetAdd("whiteboard", "b", "Board", pages)) or (None,)
        if added is not None:
            self.act(TEACHER, cmd.AssetShow(added.asset))

    @precondition(lambda self: self.lesson.state.assets)
    @rule(data=st.data(), op=st.sampled_from(("board.draw", "board.draw", "board.undo")))
    def somebody_draws(self, data, op):
        self._does(TEACHER, op, data)

    @precondition(lambda self: self.lesson.head > 15)
    @rule(user=everybody, op=st.sampled_from(sorted(FINAL)), data=st.data())
    def does_something_final(self, user, op, data):
        self._does(user, op, data)

    @precondition(lambda self: self.lesson.state.polls)
    @rule(user=everybody, data=st.data())
    def votes_for_something(self, user, data):
        self._does(user, "poll.vote", data)

    @rule(
        event=st.sampled_from(
            (
                ev.PublisherConnected(TEACHER, 1280, 720, "h264"),
                ev.PublisherLost(TEACHER, "gone"),
                ev.PublisherResumed(TEACHER),
                ev.PublisherReplaced(TEACHER),
                ev.PublisherWarning("gop"),
                *(
                    kind
                    for to in DESTINATIONS
                    for kind in (
                        ev.DestinationConnecting(to, 1),
                        ev.DestinationLive(to, 900),
                        ev.DestinationDegraded(to, "slow"),
                        ev.DestinationRecovered(to),
                        ev.DestinationSwitched(to, "backup"),
                        ev.DestinationRetryScheduled(to, 2, "refused", 1_000),
                        ev.DestinationFailed(to, "refused", 9),
                        ev.DestinationStopped(to),
                    )
                ),
            )
        )
    )
    def media_reports(self, event):
        self.lesson.reports(event)

    @precondition(lambda self: self.lesson.state.recordings)
    @rule(data=st.data(), fails=st.booleans())
    def a_recording_is_done(self, data, fails):
        recording = data.draw(st.sampled_from(sorted(self.lesson.state.recordings)))
        done = ev.RecordingFinalized(recording, f"{FOR_STAFF}/index.m3u8", 1_000, 5)
        self.lesson.reports(ev.RecordingFailed(recording, "disk_full") if fails else done)

    def _does(self, user, op, data):
        state = self.lesson.state
        known = {
            "users": (*ROLES,),
            "messages": tuple(state.messages),
            "questions": tuple(state.questions),
            "polls": tuple(state.polls),
            "scenes": tuple(state.scenes),
            "assets": tuple(state.assets),
            "artifacts": tuple(state.artifacts),
            "destinations": DESTINATIONS,
        }
        command = data.draw(commands(op, **known))
        assert decode_command(_sent(command)) == command
        expect = None
        if op in ("poll.vote", "poll.close", "scene.switch", "asset.show", "artifact.edit"):
            expect = data.draw(st.none() | st.none() | st.integers(0, self.lesson.head))
        self.act(user, command, expect)

    def act(self, user, command, expect=None):
        state, head = self.lesson.state, self.lesson.head
        try:
            events = self.lesson.does(user, command, expect=expect)
        except Refusal:
            assert self.lesson.state is state, "a refusal changes nothing"
            assert self.lesson.head == head, "a refusal leaves no event"
            return ()
        for event in events:
            self._model(user, event, state)
        return events

    def _model(self, user, event, before):
        """What the rules of hands and votes mean, said a second time and in another way."""
        match event:
            case ev.HandRaised():
                assert event.user == user
                self.queue.append(user)
            case ev.HandLowered() | ev.ParticipantRemoved() | ev.ParticipantBanned():
                self.queue = [each for each in self.queue if each != event.user]
            case ev.HandAllLowered() | ev.SessionEnded():
                self.queue = []
            case ev.PollOpened():
                self.votes[event.poll] = {}
                if event.anonymous:
                    self.anonymous.add(event.poll)
            case ev.PollVoted():
                assert before.polls[event.poll].status == "open"
                self.votes[event.poll][user] = event.choices

    # ------------------------------------------------------------ what always holds

    @invariant()
    def the_state_is_the_fold_of_its_events(self):
        assert refolded(self.lesson.log) == self.lesson.state

    @invariant()
    def nobody_is_in_the_queue_twice_and_it_keeps_its_order(self):
        hands = self.lesson.state.hands
        assert len(set(hands)) == len(hands)
        assert list(hands) == self.queue
        for of in ("staff", "student"):
            assert [hand.user for hand in self.lesson.views[of].hands] == self.queue

    @invariant()
    def everybody_has_one_vote_and_the_tally_is_their_sum(self):
        polls = self.lesson.state.polls
        assert {name: poll.votes for name, poll in polls.items()} == self.votes
        for poll in polls.values():
            sums = Counter(choice for choices in poll.votes.values() for choice in choices)
            assert poll.tally == tuple(sums[index] for index in range(poll.options))
            assert poll.multiple or all(len(choices) == 1 for choices in poll.votes.values())

    @invariant()
    def a_mine_changes_only_for_whom_it_says(self):
        named = set()
        for row in self.lesson.log[self.looked_at :]:
            before = refolded(self.lesson.log[: row.sequence - 1])
            event = msgspec.json.decode(row.data, type=ev.EVENTS[row.kind])
            named |= touches(before, event, row.by)
        self.looked_at = self.lesson.head
        for user in ROLES:
            now = mine(self.lesson.state, user, self.role(user), 0)
            assert user in named or self.mine.get(user, now) == now
            self.mine[user] = now
            own = {name: votes[user] for name, votes in self.votes.items() if user in votes}
            assert now.votes == own

    @invariant()
    def ranges_follow_each_other_and_a_client_follows_them(self):
        for of in VIEWS:
            for data in self.lesson.told[of][self.heard[of] :]:
                frame = decode_server(data)
                assert frame.from_ == self.position[of] + 1
                assert all(frame.from_ <= each.sequence <= frame.to for each in frame.events)
                self.position[of] = frame.to
                self.clients[of].receive(data)
            self.heard[of] = len(self.lesson.told[of])
            assert self.position[of] == self.clients[of].position == self.lesson.head
            assert self.clients[of].gaps == 0
            assert self.clients[of].state == self.lesson.views[of]

    @invariant()
    def a_snapshot_and_the_events_after_it_are_the_next_snapshot(self):
        """From a position that moves with the head, so that runs see near and far ones."""
        head = self.lesson.head
        for start in {head // 2, max(0, head - 3)}:
            for of in VIEWS:
                client = Client("token", new_key=lambda: "key")
                client.receive(self.lesson.snapshots[of][start])
                client.receive(self.lesson.frame(of, start + 1, head))
                assert client.state == decode_server(self.lesson.snapshots[of][head]).state
                assert client.state == self.lesson.views[of]

    @invariant()
    def students_see_nothing_that_is_not_theirs(self):
        head = self.lesson.head
        frame = self.lesson.frame("student", 1, head)
        text = (frame + self.lesson.snapshots["student"][head]).decode()
        assert FOR_STAFF not in text
        assert REASON not in text
        told = json.loads(frame)["events"]
        assert not HIDDEN & {event["type"] for event in told}
        assert not any(event["type"].startswith("destination.") for event in told)
        assert not any(event["data"].get("artifact_type") == "note" for event in told)
        assert all(
            event["data"]["correct"] is None for event in told if event["type"] == "poll.opened"
        )
        view = self.lesson.views["student"]
        assert view.people == {}
        assert view.destinations == view.feedback == {}
        assert all(poll.correct is None for poll in view.polls if poll.status != "published")
        numbers = counters(self.lesson.state, "student", sequence=head, online=3, reactions={})
        for poll in view.polls:
            public = poll.results == "live" or poll.status == "published"
            assert (poll.poll in numbers.polls) == public

    @invariant()
    def what_was_removed_is_caught_up_with_as_blank(self):
        """Whoever comes later reads no removed text, in any view, and stands where others do."""
        head, state = self.lesson.head, self.lesson.state
        removed = {name for name, said in state.messages.items() if said.removed}
        assert state.blanked == {row for name in removed for row in state.messages[name].sequences}
        for of in ("staff", "student"):
            frame = self.lesson.frame(of, 1, head, blanked=state.blanked)
            for event in json.loads(frame)["events"]:
                data = event["data"]
                if data.get("message") in removed and "text" in data:
                    assert data["text"] == ""
            client = Client("token", new_key=lambda: "key")
            client.receive(self.lesson.snapshots[of][0])
            client.receive(frame)
            assert client.state == self.lesson.views[of]

    @invariant()
    def a_pinned_message_is_one_that_is_there(self):
        state = self.lesson.state
        assert all(not state.messages[name].removed for name in state.pinned)
        assert {each.message for each in self.lesson.views["staff"].pinned} == state.pinned

    @invariant()
    def the_rules_and_the_staffs_view_agree_on_everybody(self):
        known = {
            user: (person.role, person.status, person.present, person.grants)
            for user, person in self.lesson.views["staff"].people.items()
        }
        assert known == {
            user: (member.role, member.status, member.present, member.grants)
            for user, member in self.lesson.state.people.items()
        }

    @invariant()
    def the_views_show_what_the_rules_know(self):
        state, staff = self.lesson.state, self.lesson.views["staff"]
        assert [each.asset for each in staff.assets] == list(state.assets)
        assert state.shown == (
            None if staff.shown is None else (staff.shown.asset, staff.shown.page)
        )
        assert {each.id for each in staff.strokes} == {
            stroke for strokes in state.strokes.values() for stroke, _ in strokes
        }
        assert {each.artifact: each.touched for each in staff.artifacts} == {
            name: artifact.touched for name, artifact in state.artifacts.items()
        }
        assert {each.scene: each.touched for each in staff.scenes} == state.scenes
        for of in ("staff", "student"):
            view = self.lesson.views[of]
            assert view.presented == state.presented
            assert view.locked == state.locked

    @invariant()
    def nobody_sees_who_voted_in_an_anonymous_poll(self):
        for event in json.loads(self.lesson.frame("staff", 1, self.lesson.head))["events"]:
            if event["type"] == "poll.voted" and event["data"]["poll"] in self.anonymous:
                assert event["by"] is None
                assert "key" not in event

    @invariant()
    def the_lobby_sees_nothing(self):
        assert self.lesson.views["lobby"] == State()


def _sent(command):
    """Return the frame as the server decodes it from a client's bytes."""
    raw = msgspec.Raw(msgspec.json.encode(command))
    return decode_client(msgspec.json.encode(CommandFrame(1, "key", command.op, raw)))


TestClass = Class.TestCase
TestClass.settings = settings(max_examples=70, stateful_step_count=40, deadline=None)
