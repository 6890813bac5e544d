"""Events wait until they are committed."""

from server.media.fabric import MediaEvent
from server.media.outbox import MAX_EVENTS, RESEND_SECONDS, Outbox


def event(identity: str, kind: str = "publisher.lost") -> MediaEvent:
    return MediaEvent(identity, "session", kind, {})


def test_an_event_is_sent_again_until_it_is_acked() -> None:
    outbox = Outbox()
    one, two = event("1"), event("2")
    outbox.add(one)
    outbox.add(two)
    assert outbox.due(0.0) == [one, two]
    assert outbox.due(RESEND_SECONDS - 0.1) == []
    outbox.ack("1")
    assert outbox.due(RESEND_SECONDS) == [two]
    outbox.ack("2")
    outbox.ack("2")
    assert outbox.due(100.0) == []
    assert len(outbox) == 0


def test_a_new_hub_is_told_everything_in_order() -> None:
    outbox = Outbox()
    events = [event(str(number)) for number in range(5)]
    for each in events:
        outbox.add(each)
        outbox.due(0.0)
    outbox.ack("2")
    outbox.unsend()
    assert outbox.due(0.1) == events[:2] + events[3:]


def test_when_there_are_too_many_only_the_expendable_go() -> None:
    outbox = Outbox()
    state = [event(f"state-{n}", "destination.live") for n in range(MAX_EVENTS - 10)]
    for each in state:
        outbox.add(each)
    for number in range(100):
        outbox.add(event(f"warning-{number}", "publisher.warning"))
    assert len(outbox) == MAX_EVENTS
    kept = outbox.due(0.0)
    assert [e for e in kept if e.type == "destination.live"] == state
    assert kept[-1].id == "warning-99"
    for number in range(50):
        outbox.add(event(f"more-{number}", "destination.live"))
    assert len(outbox) == MAX_EVENTS + 40
