from server.webhooks.backoff import GIVEN_UP_MS, TRIES, next_try_ms


def test_tries_are_apart_more_and_more_for_about_a_day() -> None:
    assert TRIES == 8
    for _ in range(50):
        at_ms, pauses = 0, []
        for tries in range(1, TRIES):
            next_ms = next_try_ms(tries, at_ms)
            assert next_ms is not None
            pauses.append(next_ms - at_ms)
            at_ms = next_ms
        assert pauses == sorted(pauses)
        assert 20 * 3600 < at_ms / 1000 < 27 * 3600
        # Whoever failed from the first try on is known to have done so at the last.
        assert at_ms >= GIVEN_UP_MS
        assert next_try_ms(TRIES, at_ms) is None
    assert next_try_ms(TRIES + 3, 0) is None


def test_what_fails_together_returns_apart() -> None:
    assert len({next_try_ms(4, 0) for _ in range(50)}) > 25
