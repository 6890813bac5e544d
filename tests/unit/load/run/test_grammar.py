"""What an operator may write, and what they are told when they write something else."""

import pytest

from load.run import grammar


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("2min", 120), ("1h30m", 5400), ("500ms", 0.5), ("1.5s", 1.5)],
)
def test_durations(text, seconds):
    assert grammar.duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "-5s", "10 m", "1d", "5m x", "1s.5"])
def test_what_is_no_duration_says_what_would_be(text):
    with pytest.raises(ValueError, match="90s, 10m or 1h30m"):
        grammar.duration(text)


@pytest.mark.parametrize(("text", "per_second"), [("100/s", 100), ("600/min", 10), ("36/h", 0.01)])
def test_rates(text, per_second):
    assert grammar.rate(text) == pytest.approx(per_second)


@pytest.mark.parametrize("text", ["100", "0/s", "/s", "100/d", "5%/s"])
def test_what_is_no_rate_says_what_would_be(text):
    with pytest.raises(ValueError, match="100/s or 600/min"):
        grammar.rate(text)


@pytest.mark.parametrize(("text", "share"), [("2%", 0.02), ("0.5%", 0.005), ("100%", 1), ("0%", 0)])
def test_shares(text, share):
    assert grammar.percent(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["2", "0.02", "101%", "-1%", "%"])
def test_what_is_no_share_says_what_would_be(text):
    with pytest.raises(ValueError, match="2%, at most 100%"):
        grammar.percent(text)


def test_churn_is_a_share_in_a_time():
    assert grammar.churn("6%/min") == pytest.approx(0.001)
    assert grammar.churn("0%") == 0
    with pytest.raises(ValueError, match="5%/min"):
        grammar.churn("5%")


def test_a_storm_is_a_share_at_a_moment():
    assert grammar.storm("50%@5m") == grammar.Storm(0.5, 300)
    for text in ("50%", "50%@", "@5m", "50%@soon"):
        with pytest.raises(ValueError, match="write it as"):
            grammar.storm(text)
