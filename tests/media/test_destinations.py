"""What is kept secret while a destination is connected to."""

import pytest

from tests.media.conftest import Media, RtmpServer

pytestmark = pytest.mark.usefixtures("soon")

KEY = "canary-4f6c-stream-key"


async def test_the_key_is_in_no_log(
    media: Media, rtmp: RtmpServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    one = media.destination("one", rtmp.url("one"), key=KEY)
    denied = media.destination("denied", rtmp.url("closed"), key=KEY)
    await media.desire(destinations=(one, denied))
    await media.publish()
    await media.hears("destination.live", destination="one")
    await media.hears("destination.retry_scheduled", destination="denied")
    await media.desire(destinations=())
    await media.hears("destination.stopped", destination="one")
    assert KEY in (rtmp.directory / "error.log").read_text()  # the key did travel
    out, err = capfd.readouterr()
    told = repr([event.data for event in media.events])
    assert KEY not in caplog.text + out + err + told
