"""The life of one destination, as a pure state machine.

Rule 1: whatever leads from one phase to another stands in :data:`NEXT`; the diagram in
docs/destinations.md is drawn from it.
Rule 2: this file knows no clock and no chance: both come in with each signal. What happens is
returned as the events of the session's log.
"""

from dataclasses import dataclass, replace
from enum import Enum

from server.media.codes import Code
from server.media.fabric import EventData

Happening = tuple[str, EventData]

BASE_DELAY_MS = 1_000
MAX_DELAY_MS = 30_000
STABLE_MS = 60_000
NEW_ATTEMPTS = 6
NEW_BUDGET_MS = 120_000
FLAPS = 12
FLAP_WINDOW_MS = 600_000
OUTAGE_BUDGET_MS = 1_800_000
PERMANENT_TRIES = 2
NAME_IN_USE_TRIES = 4
NAME_IN_USE_MS = 60_000
NAME_IN_USE_DELAY_MS = 12_000
"""Between attempts while a name is held, but for the first: six a minute at most."""
SWITCH_AFTER = 2
RETRY_EVENT_MS = 10_000

FINAL = frozenset({Code.INTEGRATION_REVOKED})
"""Given up at once: somebody decided it."""
OF_ADDRESS = frozenset(
    {Code.SSRF_BLOCKED, Code.TLS_VERIFY, Code.AUTH_REJECTED, Code.PUBLISH_DENIED}
)
"""Trying again cannot change it, but the backup address may do better."""
PERMANENT = OF_ADDRESS | FINAL | {Code.SECRET_MISSING, Code.CODEC_UNSUPPORTED}
"""Trying again cannot change it."""


class Phase(Enum):
    """Where a destination is in its life."""

    ARMED = "armed"
    RESOLVING = "resolving"
    CONNECTING = "connecting"
    PRIMING = "priming"
    LIVE = "live"
    DEGRADED = "degraded"
    BACKOFF = "backoff"
    FAILED = "failed"
    STOPPING = "stopping"
    STOPPED = "stopped"


class Signal(Enum):
    """What can happen to a destination."""

    SOURCE_READY = "source ready"
    SOURCE_GONE = "source gone"
    """Nothing was published for longer than the platform is kept waiting."""
    RESOLVED = "resolved"
    PUBLISHED = "published"
    """The server said NetStream.Publish.Start."""
    PROGRESSED = "progressed"
    """A keyframe was written and the peer took more than 4 KiB of media."""
    LAGGED = "lagged"
    CAUGHT_UP = "caught up"
    REDIRECTED = "redirected"
    """The server named another, at once or, while live, at a keyframe."""
    FAILED = "failed"
    """Trying again makes sense. :func:`fail` decides."""
    GAVE_UP = "gave up"
    """Trying again makes none. :func:`fail` decides."""
    ELAPSED = "elapsed"
    """The back-off is over."""
    RETRY_NOW = "retry now"
    STOP = "stop"
    CLOSED = "closed"
    """The platform was told goodbye."""


WORKING = (Phase.RESOLVING, Phase.CONNECTING, Phase.PRIMING, Phase.LIVE, Phase.DEGRADED)

NEXT: dict[tuple[Phase, Signal], Phase] = {
    (Phase.ARMED, Signal.SOURCE_READY): Phase.RESOLVING,
    (Phase.RESOLVING, Signal.RESOLVED): Phase.CONNECTING,
    (Phase.CONNECTING, Signal.PUBLISHED): Phase.PRIMING,
    (Phase.PRIMING, Signal.PROGRESSED): Phase.LIVE,
    (Phase.LIVE, Signal.LAGGED): Phase.DEGRADED,
    (Phase.DEGRADED, Signal.CAUGHT_UP): Phase.LIVE,
    (Phase.CONNECTING, Signal.REDIRECTED): Phase.RESOLVING,
    (Phase.PRIMING, Signal.REDIRECTED): Phase.RESOLVING,
    (Phase.LIVE, Signal.REDIRECTED): Phase.RESOLVING,
    (Phase.DEGRADED, Signal.REDIRECTED): Phase.RESOLVING,
    **{(phase, Signal.FAILED): Phase.BACKOFF for phase in WORKING},
    **{(phase, Signal.GAVE_UP): Phase.FAILED for phase in WORKING},
    **{(phase, Signal.SOURCE_GONE): Phase.ARMED for phase in (*WORKING, Phase.BACKOFF)},
    (Phase.BACKOFF, Signal.ELAPSED): Phase.ARMED,
    (Phase.BACKOFF, Signal.RETRY_NOW): Phase.ARMED,
    (Phase.FAILED, Signal.RETRY_NOW): Phase.ARMED,
    **{(phase, Signal.STOP): Phase.STOPPING for phase in (Phase.ARMED, *WORKING, Phase.BACKOFF)},
    (Phase.FAILED, Signal.STOP): Phase.STOPPED,
    (Phase.STOPPING, Signal.CLOSED): Phase.STOPPED,
}


@dataclass(frozen=True, slots=True)
class Destination:
    """Everything that decides what happens next."""

    id: str
    has_backup: bool = False
    phase: Phase = Phase.ARMED
    attempt: int = 0
    """Attempts since the last stable time."""
    failures: int = 0
    """Consecutive failures; they set the back-off."""
    permanent_failures: int = 0
    names_in_use: int = 0
    names_in_use_since: int = 0
    since_switch: int = 0
    on_backup: bool = False
    other_refused: bool = False
    """Whether the address that is not in use failed for good."""
    first_attempt_ms: int | None = None
    attempt_ms: int = 0
    was_live: bool = False
    live_ms: int | None = None
    outage_ms: int | None = None
    reconnects: tuple[int, ...] = ()
    delay_ms: int = 0
    retry_ms: int | None = None
    """When the back-off ends; None unless there is one."""
    told_retry_ms: int | None = None
    tells_attempt: bool = True
    code: Code | None = None
    """Of the last failure or lag, until it is live and well again."""


def step(
    state: Destination, signal: Signal, now_ms: int, *, code: Code | None = None
) -> tuple[Destination, list[Happening]]:
    """Apply ``signal``; one that does not fit the phase changes nothing.

    ``code`` belongs to LAGGED. Failures and redirections have functions of their own.
    """
    phase = NEXT.get((state.phase, signal))
    if phase is None:
        return state, []
    old, state = state, replace(state, phase=phase, retry_ms=None)
    name: EventData = {"destination": state.id}
    match phase:
        case Phase.RESOLVING:
            state = replace(
                state,
                attempt=state.attempt + 1,
                attempt_ms=now_ms,
                first_attempt_ms=state.first_attempt_ms or now_ms,
            )
            connecting = ("destination.connecting", name | {"attempt": state.attempt})
            return state, [connecting] if state.tells_attempt else []
        case Phase.LIVE if old.phase is Phase.PRIMING:
            state = replace(
                state, was_live=True, live_ms=now_ms, outage_ms=None, other_refused=False, code=None
            )
            # The wall clock may have been set meanwhile.
            ttff_ms = max(0, now_ms - state.attempt_ms)
            return state, [("destination.live", name | {"ttff_ms": ttff_ms})]
        case Phase.LIVE:
            return replace(state, code=None), [("destination.recovered", name)]
        case Phase.DEGRADED:
            code = code or Code.STALL
            return replace(state, code=code), [
                ("destination.degraded", name | {"code": code.value})
            ]
        case Phase.ARMED if signal is Signal.RETRY_NOW:
            return _anew(state), []
        case Phase.ARMED if signal is Signal.SOURCE_GONE:
            return _anew(state), [("destination.stopped", name)]
        case Phase.STOPPED if old.phase is Phase.STOPPING:
            return state, [("destination.stopped", name)]
        case _:
            return state, []


def fail(
    state: Destination, code: Code, now_ms: int, chance: float
) -> tuple[Destination, list[Happening]]:
    """Apply a failure; ``chance`` in [0, 1) spreads the back-off."""
    if state.phase not in WORKING:
        return state, []
    state = _count(state, code, now_ms)
    spent = state.permanent_failures >= PERMANENT_TRIES
    may_switch = state.has_backup and code in OF_ADDRESS and not state.other_refused
    if _is_final(state, now_ms) or (spent and not may_switch):
        return _give_up(state, now_ms)
    state, _ = step(state, Signal.FAILED, now_ms)
    happenings: list[Happening] = []
    delay = min(MAX_DELAY_MS, BASE_DELAY_MS << min(state.failures - 1, 10))
    delay = round(delay * (0.5 + chance / 2))
    if state.names_in_use > 1:
        delay = round(NAME_IN_USE_DELAY_MS * (1 + chance / 4))
    if state.has_backup and (state.since_switch >= SWITCH_AFTER or code is Code.STALL):
        state = _switch(state, is_refused=spent)
        delay = 0
        to = "backup" if state.on_backup else "primary"
        happenings.append(("destination.switched", {"destination": state.id, "to": to}))
    tells = state.told_retry_ms is None or now_ms - state.told_retry_ms >= RETRY_EVENT_MS
    if tells:
        state = replace(state, told_retry_ms=now_ms)
        happenings.append(
            (
                "destination.retry_scheduled",
                {
                    "destination": state.id,
                    "attempt": state.attempt + 1,
                    "code": code.value,
                    "delay_ms": delay,
                },
            )
        )
    state = replace(state, delay_ms=delay, retry_ms=now_ms + delay, tells_attempt=tells)
    return state, happenings


def redirect(state: Destination, now_ms: int) -> tuple[Destination, list[Happening]]:
    """Apply a redirection: connect again without delay. It counts as flapping, not as a failure."""
    if (state.phase, Signal.REDIRECTED) not in NEXT:
        return state, []
    state = _interrupt(state, now_ms)
    if len(state.reconnects) > FLAPS:
        return _give_up(replace(state, code=Code.PROVIDER_CLOSE), now_ms)
    return step(state, Signal.REDIRECTED, now_ms)


def _anew(state: Destination) -> Destination:
    """Return the destination with every budget new; the address in use stays."""
    return Destination(state.id, state.has_backup, on_backup=state.on_backup)


def _give_up(state: Destination, now_ms: int) -> tuple[Destination, list[Happening]]:
    state, _ = step(state, Signal.GAVE_UP, now_ms)
    code = state.code or Code.INTERNAL
    failed: EventData = {
        "destination": state.id,
        "code": code.value,
        "attempts": state.attempt,
    }
    return state, [("destination.failed", failed)]


def _switch(state: Destination, *, is_refused: bool) -> Destination:
    """Use the other address from now on."""
    return replace(
        state,
        on_backup=not state.on_backup,
        other_refused=is_refused,
        permanent_failures=0,
        names_in_use=0,
        since_switch=0,
    )


def _interrupt(state: Destination, now_ms: int) -> Destination:
    """Note that a live connection is over; a minute of it forgives what was before."""
    live_ms = state.live_ms
    if live_ms is None:
        return state
    reconnects = tuple(t for t in state.reconnects if now_ms - t < FLAP_WINDOW_MS)
    state = replace(state, live_ms=None, outage_ms=now_ms, reconnects=(*reconnects, now_ms))
    if now_ms - live_ms >= STABLE_MS:
        state = replace(
            state, attempt=0, failures=0, permanent_failures=0, names_in_use=0, since_switch=0
        )
    return state


def _count(state: Destination, code: Code, now_ms: int) -> Destination:
    """Bring every counter up to date with one more failure."""
    state = _interrupt(state, now_ms)
    in_use = code is Code.NAME_IN_USE
    return replace(
        state,
        code=code,
        failures=state.failures + 1,
        since_switch=state.since_switch + 1,
        permanent_failures=state.permanent_failures + 1 if code in PERMANENT else 0,
        names_in_use=state.names_in_use + 1 if in_use else 0,
        names_in_use_since=state.names_in_use_since if state.names_in_use else now_ms,
    )


def _is_final(state: Destination, now_ms: int) -> bool:
    """Say whether a budget is spent, or somebody decided it."""
    if state.code in FINAL:
        return True
    if state.names_in_use >= NAME_IN_USE_TRIES and (
        now_ms - state.names_in_use_since >= NAME_IN_USE_MS
    ):
        return True
    if state.was_live:
        outage = 0 if state.outage_ms is None else now_ms - state.outage_ms
        return len(state.reconnects) > FLAPS or outage >= OUTAGE_BUDGET_MS
    since = now_ms if state.first_attempt_ms is None else state.first_attempt_ms
    if state.names_in_use:
        # The provider may hold the old session for a minute: that has a rule of its own.
        return now_ms - since >= NEW_BUDGET_MS
    return state.attempt >= NEW_ATTEMPTS or now_ms - since >= NEW_BUDGET_MS
