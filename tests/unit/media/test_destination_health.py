"""A destination's samples, and what a teacher reads."""

import msgspec
import pytest

from protocol.health import DestinationHealth
from server.media.codes import Code
from server.media.destinations import providers
from server.media.destinations.destination import Phase
from server.media.destinations.health import DestinationJudge, DestinationSample, blame
from server.media.destinations.words import WORDS

YOUTUBE = providers.PROVIDERS["youtube"]
NOW = 1_763_800_000_000


def sample(second: int, phase: Phase = Phase.LIVE, **kwargs: object) -> DestinationSample:
    given = {
        "bytes": second * 125_000,
        "pictures": second * 30,
        "source": "live",
        "provider": YOUTUBE,
        "connection": 1,
        **kwargs,
    }
    return DestinationSample(second, NOW + second * 1000, phase=phase, **given)


def judged(phase: Phase = Phase.LIVE, **kwargs: object) -> DestinationHealth:
    judge = DestinationJudge()
    judge.add(sample(1, phase, **kwargs))
    return judge.add(sample(2, phase, **kwargs))


@pytest.mark.parametrize(
    ("phase", "kwargs", "state", "side", "text"),
    [
        (Phase.LIVE, {}, "good", "platform", "YouTube takes the stream."),
        (Phase.LIVE, {"lag_ms": 1500}, "unstable", "platform",
         "YouTube takes the stream too slowly: it is 1.5 s behind."),
        (Phase.LIVE, {"source": None}, "no_data", "uplink", "Nothing arrives from the studio."),
        (Phase.LIVE, {"source": "slate"}, "unstable", "uplink",
         "Nothing arrives from the studio: YouTube is sent a waiting picture."),
        (Phase.DEGRADED, {}, "unstable", "platform",
         "YouTube took the stream too slowly a moment ago."),
        (Phase.CONNECTING, {"attempt": 1}, "unstable", "platform", "Connecting to YouTube."),
        (Phase.CONNECTING, {"attempt": 3}, "unstable", "platform",
         "Connecting to YouTube again (attempt 3)."),
        (Phase.BACKOFF, {"code": Code.RESET, "retry_ms": NOW + 5_900}, "failing", "platform",
         "The connection to YouTube broke. Trying again in 4 s."),
        (Phase.BACKOFF, {"code": Code.INTERNAL, "retry_ms": NOW}, "failing", "server",
         "Something went wrong on this server. Trying again now."),
        (Phase.BACKOFF, {"code": Code.AUTH_REJECTED, "retry_ms": NOW + 3_000}, "failing",
         "platform", "YouTube refused the stream key. Copy it again from YouTube Studio → Go live "
         "→ Stream. Trying again in 1 s."),
        (Phase.FAILED, {"code": Code.AUTH_REJECTED}, "failing", "platform",
         "YouTube refused the stream key. Copy it again from YouTube Studio → Go live → Stream."),
        (Phase.FAILED, {"code": Code.PARAMS_CHANGED_STRICT}, "failing", "uplink",
         "The picture changed its size, which YouTube does not take. The stream begins anew there. "
         "Keep the size of the picture while you teach."),
        (Phase.ARMED, {}, "no_data", "uplink", "Waiting for a steady picture from the studio."),
        (Phase.STOPPING, {}, "no_data", "server", "The stream to YouTube is over."),
    ],
)  # fmt: skip
def test_a_destination_is_judged(
    phase: Phase, kwargs: dict[str, object], state: str, side: str, text: str
) -> None:
    found = judged(phase, **kwargs)
    assert (found.state, found.side, found.text) == (state, side, text)
    assert found.kbps == 1000


def test_dropping_is_unstable_until_it_is_over() -> None:
    judge = DestinationJudge()
    judge.add(sample(1))
    assert judge.add(sample(2, dropped=5)).state == "unstable"
    for second in range(3, 8):
        found = judge.add(sample(second, dropped=5))
    assert (found.state, found.dropped) == ("good", 5)


def test_the_figures_are_of_this_connection() -> None:
    judge = DestinationJudge()
    for second in range(1, 5):
        found = judge.add(sample(second, live_ms=NOW + 1_000, rtt_ms=11.6))
    assert (found.fps, found.kbps, found.uptime_s, found.rtt_ms) == (30, 1000, 3, 12)
    found = judge.add(sample(5, Phase.PRIMING, connection=2, pictures=1))
    assert (found.fps, found.kbps, found.source) == (0, 0, None)
    assert judge.add(sample(6, connection=2, pictures=31)).fps == 30


def test_the_last_error_stays_when_it_is_over() -> None:
    judge = DestinationJudge()
    failed = {"code": Code.RESET, "failed_ms": NOW, "failures": 1}
    found = judge.add(sample(1, Phase.BACKOFF, retry_ms=NOW + 1_500, **failed))
    assert found.next_retry_at == "2025-11-22T08:26:41.500Z"
    found = judge.add(sample(2, connection=2, failed_ms=NOW, failures=1))
    assert msgspec.to_builtins(found.last_error) == {
        "code": "reset",
        "at": "2025-11-22T08:26:40.000Z",
    }
    assert (found.retries, found.next_retry_at) == (1, None)


def test_several_that_are_slow_together_are_our_fault() -> None:
    slow, good = judged(lag_ms=1_500), judged()
    waiting = judged(Phase.BACKOFF, code=Code.RESET)
    alone = {"a": slow, "b": good}
    assert blame(alone) == alone
    assert blame({"a": slow, "b": waiting})["a"].side == "platform"
    found = blame({"a": slow, "b": slow, "c": waiting})
    assert [found[each].side for each in "abc"] == ["server", "server", "platform"]
    assert "This server's own connection" in found["b"].text


def test_what_the_platform_does_not_take_well_is_told() -> None:
    twitch = {"provider": providers.PROVIDERS["twitch"], "picture": (2560, 1440)}
    judge = DestinationJudge()
    for second in range(1, 4):
        found = judge.add(sample(second, bytes=second * 1_000_000, longest_gop_ms=8_000, **twitch))
    assert [each.code for each in found.warnings] == [
        "picture_too_large", "bitrate_too_high", "gop_too_long",
    ]  # fmt: skip
    assert found.warnings[1].text == ("Twitch takes at most 6,000 kbit/s; the studio sends 8,000.")
    assert judged(picture=(1280, 720)).warnings == ()


def test_it_is_told_how_long_ago_a_keyframe_was_sent() -> None:
    assert judged(key_at=0.4).last_keyframe_age_s == 1
    assert judged().last_keyframe_age_s is None


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_words(code: Code) -> None:
    words = WORDS[code]
    for provider in providers.PROVIDERS.values():
        text = words.tell(provider)
        assert text.startswith(words.tell_happened(provider))
        assert text.endswith((".", "Stream"))
        assert "{" not in text


def test_a_connection_that_is_lost_sends_no_fewer_than_no_pictures() -> None:
    judge = DestinationJudge()
    for second in range(1, 6):
        judge.add(sample(second))
    lost = sample(6, Phase.BACKOFF, pictures=0, code=Code.RESET, retry_ms=NOW + 8_000)
    assert judge.add(lost).fps == 0
    assert judge.add(sample(7, Phase.BACKOFF, pictures=0, code=Code.RESET)).fps == 0
