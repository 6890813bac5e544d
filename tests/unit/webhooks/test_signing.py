"""Signatures, by the example that the authors of Standard Webhooks give."""

from server.secrets.secret import Secret
from server.webhooks.signing import headers, new_secret

EXAMPLE = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
BODY = b'{"test": 2432232314}'


def test_the_published_example() -> None:
    found = headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330_999, BODY, [EXAMPLE])
    assert found == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def test_every_secret_signs_and_each_is_its_own() -> None:
    one, other = new_secret(), new_secret()
    assert one != other
    assert one.reveal().startswith("whsec_")
    signatures = headers("id", 0, BODY, [one, other])["webhook-signature"].split(" ")
    assert len(set(signatures)) == 2
