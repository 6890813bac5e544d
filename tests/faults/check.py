"""Whether a history is one that the promises allow."""

from collections.abc import Iterator

from tests.faults.answers import check_answers, check_log, check_order
from tests.faults.facts import Facts, Violation
from tests.faults.history import History
from tests.faults.rules import Rules
from tests.faults.told import Telling


def violations(history: History) -> list[Violation]:
    """Return what is wrong, nothing if the class was one class for everybody. Pure."""
    return list(_violations(history))


def _violations(history: History) -> Iterator[Violation]:
    facts = Facts(history)
    broken = list(check_log(facts))
    yield from broken
    for text in history.failed:
        yield Violation("failed", text)
    yield from check_answers(facts)
    if any(each.kind == "gap" for each in broken):
        return  # nothing else would be true of such a log
    yield from check_order(facts)
    yield from Telling(facts).check()
    yield from Rules(facts).check()
