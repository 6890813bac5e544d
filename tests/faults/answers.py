"""What people were answered, held against the log; and the order of it all in real time."""

from collections.abc import Iterator

from protocol.frames import Ack, Nack
from server.store import chain
from tests.faults.facts import Deed, Facts, Violation


def check_log(facts: Facts) -> Iterator[Violation]:
    """Sequences are 1…n, no key is there twice, the chain holds, all was sent by somebody."""
    log = facts.history.log
    keys: dict[str, int] = {}
    for place, each in enumerate(log, 1):
        if each.sequence != place:
            yield Violation("gap", f"the log has {each.sequence} in the place of {place}", place)
            return
        if each.key is None:
            continue
        if each.key in keys:
            text = f"one command is in the log at {keys[each.key]} and at {place}"
            yield Violation("twice", text, place)
        keys[each.key] = place
        if each.actor in facts.users and each.key not in facts.deeds:
            text = f"{each.kind} {place} is of a person who never sent such a command"
            yield Violation("phantom", text, place)
    verdict = chain.verify(facts.history.session, (each.link for each in log))
    if verdict.broken is not None:
        yield Violation("chain", f"the chain breaks: {verdict.why}", verdict.broken)


def check_answers(facts: Facts) -> Iterator[Violation]:
    """What was acked is in the log once, where every answer said; what was refused is not."""
    owners: dict[int, str] = {}
    for stored, deed in facts.deeds.items():
        at = facts.by_key.get(stored)
        places = set()
        firsts = 0
        for asked in deed.asked:
            match asked.answer:
                case Ack(sequence=(first, last)):
                    places.add((first, last))
                    firsts += not asked.answer.duplicate
                    yield from _acked(facts, deed, asked.client, at, first, last)
        if len(places) > 1:
            yield _of(deed, "duplicate", f"one command was acked as {sorted(places)}")
        if firsts > 1:
            yield _of(deed, "duplicate", f"{firsts} answers say that they are the first")
        if at is not None and not places and all(each.answer for each in deed.asked):
            yield _of(deed, "refused", f"{_words(deed)}, and is in the log at {at}", at)
        for first, last in places:
            for sequence in range(first, last + 1):
                if owners.setdefault(sequence, stored) != stored:
                    text = f"{sequence} was acked to two different commands"
                    yield _of(deed, "shared", text, sequence)


def check_order(facts: Facts) -> Iterator[Violation]:
    """What anybody was told of before a command was sent comes before it in the log."""
    for deed in facts.deeds.values():
        if deed.place is not None and deed.place[0] <= (known := facts.known_before(deed.sent)):
            text = f"sent when {known} was known already, and is in the log at {deed.place[0]}"
            yield _of(deed, "order", text, deed.place[0])


def _acked(
    facts: Facts, deed: Deed, client: int, at: int | None, first: int, last: int
) -> Iterator[Violation]:
    if at is None:
        text = f"acked at {first}, and is not in the log, which ends at {facts.head}"
        yield _of(deed, "lost", text, min(first, facts.head), client)
    elif at != first or not first <= last <= facts.head:
        text = f"acked at {first}–{last}, and is in the log at {at}"
        yield _of(deed, "misplaced", text, at, client)
    else:
        more = [each for each in facts.history.log if first < each.sequence <= last]
        if any(each.key is not None or each.actor != deed.user for each in more):
            text = f"acked at {first}–{last}, where there are events of others"
            yield _of(deed, "misplaced", text, at, client)


def _of(
    deed: Deed, kind: str, text: str, sequence: int | None = None, client: int | None = None
) -> Violation:
    asked = deed.asked[0]
    who = asked.client if client is None else client
    return Violation(kind, f"{asked.op} was {text}", sequence, deed.sent, who, deed.key)


def _words(deed: Deed) -> str:
    codes = {a.answer.code if isinstance(a.answer, Nack) else "no change" for a in deed.asked}
    return f"answered {' and '.join(sorted(codes))}"
