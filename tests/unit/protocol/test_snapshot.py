"""The fold, and that what it keeps is bounded in bytes by construction."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import codec, limits, trimming
from protocol import events as ev
from protocol.commands import (
    COMMANDS,
    ArtifactPayload,
    SceneItem,
    SceneLayout,
    Stroke,
)
from protocol.frames import SnapshotFrame
from protocol.snapshot import State, fold
from protocol.state.output import Artifact, Caption, Destination, Recording, Replay
from protocol.state.people import Hand, Person
from protocol.state.polls import Poll
from protocol.state.stage import Asset, Drawn, Publisher, Scene, Shown
from protocol.state.talk import Chat, Message, Pinned, Question
from protocol.trimming import fit, fit_values, json_bytes
from tests.strategies import characters, event_of, identifier

AT = codec.timestamp(1_795_338_000_123)
LARGE = 2**53 - 1
ANN = identifier(4)
# What takes most in JSON: controls 6 bytes each, then characters of 4 bytes, then of 1.
WORST = ("\x01", "👋", "名", '"', "a")


def folded(*events, state=None, by=ANN):
    state = State() if state is None else state
    for sequence, event in enumerate(events, 1):
        fold(state, event, sequence=sequence, at=AT, by=by)
    return state


# ---------------------------------------------------------------- weights


@given(st.text(characters))
def test_the_weight_of_a_text_is_its_json(text):
    assert json_bytes(text) == len(json.dumps(text, ensure_ascii=False).encode())


def test_no_text_weighs_what_null_takes():
    assert json_bytes(None) == len("null")


texts = st.text(characters, max_size=30)
LONGEST_ITEM = {"x": 10_000, "y": 10_000, "width": 10_000, "height": 10_000}


@pytest.mark.parametrize(
    "item",
    [
        Hand(ANN, "Ann", AT),
        Message(ANN, ANN, "Ann", AT, "text", "everyone", ANN),
        Pinned(ANN, ANN, "Ann", AT, "text", "everyone"),
        Asset(ANN, "whiteboard", "boards/1", "Board", 2_000, LARGE),
        Drawn(ANN, ANN, ANN, Stroke((0, 10_000) * 512, "#000000", 1_000, "highlighter", 2_000)),
        Artifact(ANN, "transcript", "Limits", LARGE, LARGE),
        Artifact(ANN, "transcript", None, LARGE, LARGE),
        Caption("Welcome.", LARGE, LARGE, "x" * 35),
        Question(ANN, ANN, "Ann", AT, "?", "dismissed", None),
        Question(ANN, ANN, "Ann", AT, "?", "dismissed", "!"),
        Poll(
            ANN,
            "?",
            ("a",) * 10,
            False,
            False,
            "published",
            tuple(range(10)),
            LARGE,
            "published",
            (1_000_000,) * 10,
        ),
        Scene(ANN, "a", SceneLayout((SceneItem("camera", **LONGEST_ITEM),) * 8), LARGE),
        Scene(ANN, "a", SceneLayout((SceneItem("screen", text="a", **LONGEST_ITEM),)), LARGE),
    ],
    ids=lambda item: type(item).__name__,
)
def test_an_item_takes_no_more_than_it_weighs(item):
    taken = len(msgspec.json.encode(item)) + len(",")
    assert taken <= item.weight < taken + 32


@pytest.mark.parametrize(
    "item",
    [
        Person("Ann", "assistant", "admitted", False, AT),
        Person("Ann", "assistant", "admitted", False, AT, {"board.draw": False}),
        Destination("disabled", "retry_requested", "refused", LARGE),
        Destination("disabled", "retry_requested", None, LARGE),
    ],
    ids=lambda item: type(item).__name__,
)
def test_a_value_takes_no_more_than_it_weighs(item):
    taken = len(msgspec.json.encode({ANN: item})) - len("{}") + len(",")
    assert taken <= item.weight < taken + 32


# ---------------------------------------------------------------- trimming


class Thing(msgspec.Struct):
    weight: int
    stays: bool = False


things = st.lists(st.builds(Thing, st.integers(1, 9), st.booleans()), max_size=12)


@given(things, st.integers(0, 60))
def test_the_first_go_until_the_rest_fits(items, budget):
    kept = fit(list(items), budget, last=lambda item: item.stays)
    order = [items.index(item) if items.count(item) == 1 else None for item in kept]
    assert sum(item.weight for item in kept) <= budget
    known = [index for index in order if index is not None]
    assert known == sorted(known)
    gone = [item for item in items if not any(item is other for other in kept)]
    if gone:
        by_turn = sorted(items, key=lambda item: item.stays)
        assert [id(item) for item in sorted(gone, key=lambda item: item.stays)] == [
            id(item) for item in by_turn[: len(gone)]
        ]
        left = sum(item.weight for item in kept)
        assert left + by_turn[len(gone) - 1].weight > budget, "no more than needed"
    assert fit(kept, budget, last=lambda item: item.stays) == kept


def test_values_keep_the_order_of_their_keys():
    items = {"c": Thing(5), "a": Thing(5, True), "b": Thing(5)}
    assert list(fit_values(items, 10, last=lambda item: item.stays)) == ["a", "b"]
    assert list(fit_values(items, 10)) == ["a", "b"]
    assert list(fit_values(items, 15)) == ["c", "a", "b"]


def test_the_numbers_of_what_is_kept():
    first, last = identifier(0), identifier(limits.SNAPSHOT_MESSAGES + 2)
    chat = (
        ev.ChatPosted(identifier(n), "", "", "everyone", None)
        for n in range(limits.SNAPSHOT_MESSAGES + 3)
    )
    messages = folded(*chat).messages
    assert len(messages) <= limits.SNAPSHOT_MESSAGES
    assert messages[0].message != first
    assert messages[-1].message == last
    captions = (ev.CaptionAdded("a", n, n + 1, "en") for n in range(limits.SNAPSHOT_CAPTIONS + 3))
    assert [each.start_ms for each in folded(*captions).captions] == list(range(3, 8))
    polls = []
    for number in range(limits.SNAPSHOT_FINISHED_POLLS + 3):
        polls.append(_poll(number, "?"))
        if number:
            polls.append(ev.PollClosed(identifier(number)))
    left = [poll.poll for poll in folded(*polls).polls]
    assert left == [identifier(n) for n in (0, *range(3, 23))], "the open one stays"


def _poll(number, text, options=("yes", "no")):
    return ev.PollOpened(identifier(number), text, options, False, False, "published", None)


def everything(char, number):
    """Return the largest things that commands can make, in this character."""
    layout = SceneLayout(tuple(SceneItem("camera", text=char * 200) for _ in range(8)))
    name, options = char * 200, tuple(f"{n}{char * 199}" for n in range(10))
    here, poll = identifier(number), _poll(number, char * 1_000, options)
    return (
        ev.ParticipantJoined(here, name, "assistant"),
        ev.HandRaised(here, name),
        ev.ChatPosted(here, name, char * 2_000, "everyone", here),
        ev.QuestionAsked(here, name, char * 1_000),
        ev.QuestionAnswered(here, char * 2_000),
        poll,
        ev.PollPublished(here, (1_000_000,) * 10, tuple(range(10))),
        msgspec.structs.replace(poll, poll=identifier(10_000 + number)),
        ev.SceneCreated(here, name, layout),
        ev.SceneChanged(here),
        ev.DestinationEnabled(here),
        ev.DestinationFailed(here, char * 50, LARGE),
        ev.PublisherConnected(here, 7_680, 4_320, "h264"),
        ev.RecordingStarted(here),
        ev.ChatPinned(here, here, name, char * 2_000, "everyone", AT),
        ev.ParticipantGrantsChanged(here, dict.fromkeys(COMMANDS, True)),
        ev.ParticipantMuted(here),
        ev.AssetAdded(here, "whiteboard", '"' * 500, name, 2_000),
        ev.AssetShown(here, 2_000),
        ev.BoardDrawn(
            here, here, Stroke((10_000,) * 1_024, "#ffffff", 1_000, "highlighter", 2_000)
        ),
        ev.CaptionAdded(char * 500, LARGE, LARGE, "x" * 35),
        ev.ChapterMarked(here, name, LARGE),
        ev.ArtifactCreated(
            identifier(20_000 + number), "chapter", ArtifactPayload(title=name, start_ms=LARGE)
        ),
        ev.FeedbackMarked("slower"),
    )


def size(state):
    return len(codec.encode(SnapshotFrame(LARGE, state)))


@pytest.mark.parametrize("char", WORST)
def test_a_snapshot_is_bounded_by_construction(char):
    state = folded(ev.SessionStarted())
    for number in range(120):
        folded(*everything(char, number), state=state)
        assert size(state) <= limits.SNAPSHOT_BYTES
    for part in (
        *(state.people, state.hands, state.messages, state.pinned, state.questions, state.polls),
        *(state.assets, state.strokes, state.captions, state.artifacts),
    ):
        assert part, "what is newest is there"
    assert state.scenes
    assert state.destinations


@pytest.mark.parametrize("text", ["", "a"])
def test_many_small_things_are_bounded_too(text):
    state, many = State(), 700
    for n in range(many):
        here = identifier(n)
        folded(
            ev.ParticipantJoined(here, text, "assistant"),
            ev.HandRaised(here, text),
            ev.ChatPosted(here, text, text, "everyone", here),
            ev.QuestionAsked(here, text, text),
            _poll(n, text),
            ev.SceneCreated(here, text, SceneLayout((SceneItem("camera"),))),
            ev.DestinationEnabled(here),
            ev.AssetAdded(here, "slide", "a", text),
            ev.BoardDrawn(here, here, Stroke((0, 0))),
            ev.CaptionAdded(text, n, n, "en"),
            ev.HighlightMarked(here, None, n),
            ev.ChatPinned(here, here, text, text, "everyone", AT),
            state=state,
        )
    assert limits.SNAPSHOT_BYTES * 0.75 < size(state) <= limits.SNAPSHOT_BYTES


def test_the_budgets_and_all_the_rest_add_up():
    budgets = [
        value
        for name, value in vars(limits).items()
        if name.endswith("_BYTES")
        and name not in {"FRAME_BYTES", "WEBSOCKET_BYTES", "EVENTS_FRAME_BYTES", "SNAPSHOT_BYTES"}
    ]
    assert len(budgets) == 12
    rest = State(
        status="scheduled",
        started_at=AT,
        ended_at=AT,
        scene=ANN,
        presented=ANN,
        chat=Chat(False, 3_600, False, False),
        shown=Shown(ANN, 2_000),
        feedback=dict.fromkeys(("lost", "got_it", "slower", "faster"), LARGE),
        publisher=Publisher(ANN, False, LARGE, LARGE),
        recording=Recording(ANN, "finalized"),
        replay=Replay(ANN, "published", AT),
    )
    assert sum(budgets) + size(rest) <= limits.SNAPSHOT_BYTES


def test_who_waits_longest_keeps_their_place():
    raised = [ev.HandRaised(identifier(n), "n" * 100) for n in range(300)]
    hands = [hand.user for hand in folded(*raised).hands]
    assert hands == [identifier(n) for n in range(len(hands))]
    assert 40 < len(hands) < 300


def test_open_questions_and_polls_enabled_destinations_and_who_is_here_stay_longest():
    state = State()
    for n in range(60):
        here, done = identifier(n), identifier(1_000 + n)
        folded(
            ev.QuestionAsked(here, "Ann", "?" * 300),
            ev.QuestionAsked(done, "Ann", "?" * 1_000),
            ev.QuestionAnswered(done, "!" * 2_000),
            ev.DestinationEnabled(done),
            ev.DestinationDisabled(done),
            ev.ParticipantJoined(done, "n" * 400, "student"),
            ev.ParticipantLeft(done),
            ev.ParticipantJoined(here, "n" * 200, "student"),
            ev.DestinationEnabled(here) if n < 10 else ev.HandAllLowered(),
            _poll(n, "?" * 300) if n < 20 else ev.HandAllLowered(),
            _poll(1_000 + n, "?" * 900),
            ev.PollClosed(done),
            state=state,
        )
    assert [each.question for each in state.questions if each.status == "open"] == [
        identifier(n) for n in range(60)
    ]
    assert 0 < sum(each.status == "answered" for each in state.questions) < 60
    assert {identifier(n) for n in range(10)} < set(state.destinations)
    assert [each.poll for each in state.polls if each.status == "open"] == [
        identifier(n) for n in range(20)
    ]
    assert {identifier(n) for n in range(60)} < set(state.people)
    assert len(state.people) < 120


def test_the_scene_on_air_stays():
    layout = SceneLayout(tuple(SceneItem("title", text="t" * 200) for _ in range(8)))
    on_air = identifier(0)
    state = folded(ev.SceneCreated(on_air, "a", layout), ev.SceneChanged(on_air))
    for n in range(1, 20):
        folded(ev.SceneCreated(identifier(n), "a", layout), state=state)
    assert state.scenes[0].scene == on_air
    assert state.scenes[-1].scene == identifier(19)


# ---------------------------------------------------------------- the fold


def test_a_message_is_weighed_but_once():
    message = Message(ANN, ANN, "Ann", AT, "text", "everyone")
    before = msgspec.json.encode(message)
    assert message.weight == limits.MESSAGE_WEIGHT + len('"Ann"') + len('"text"')
    assert message.__dict__ == {"weight": message.weight}
    assert msgspec.json.encode(message) == before
    assert message == Message(ANN, ANN, "Ann", AT, "text", "everyone")


@pytest.mark.parametrize("kind", ev.EVENTS.values(), ids=ev.EVENTS)
def test_the_fold_is_total(kind):
    """On an empty state, and on one that knows other things, no event breaks anything."""
    event = event_of(kind)
    for state in (State(), folded(*everything("a", 1))):
        folded(event, state=state, by=None)
        assert msgspec.json.decode(msgspec.json.encode(state), type=State) == state


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(WORST), st.integers(0, 3)), max_size=60), st.data())
def test_a_trimmed_snapshot_and_the_events_after_it_are_the_next_snapshot(chosen, data):
    events = [each for char, number in chosen for each in everything(char, number)]
    cut = data.draw(st.integers(0, len(events)))
    snapshot = msgspec.json.encode(folded(*events[:cut]))
    resumed = folded(*events[cut:], state=msgspec.json.decode(snapshot, type=State))
    for state in (whole := folded(*events), resumed):
        for poll in state.polls:
            poll.touched = 0  # a sequence, counted from the cut by this test
        for thing in (*state.scenes, *state.assets, *state.artifacts):
            thing.touched = 0
    assert msgspec.json.encode(resumed) == msgspec.json.encode(whole)


def test_weights_are_public_to_the_twin():
    """The constants that ``state.js`` repeats exist under these names."""
    assert trimming.json_bytes("é") == 4
    names = ["MESSAGE", "QUESTION", "POLL", "SCENE", "SCENE_ITEM", "HAND", "PERSON", "DESTINATION"]
    names += ["PINNED", "GRANT", "ASSET", "STROKE", "ARTIFACT", "CAPTION"]
    assert all(getattr(limits, f"{name}_WEIGHT") > 0 for name in names)
