"""Who is gone before the upgrade is answered is nobody's error."""

from unittest import mock

import pytest
from aiohttp import ClientConnectionResetError
from aiohttp.test_utils import make_mocked_request

from server.clock import SystemClock
from server.hub.link_server import LinkServer
from server.hub.links import authorization
from server.hub.socket import LiveSocket
from server.secrets.secret import Secret

SECRET = Secret("thirty-two bytes or more of a secret")
_UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.parametrize(
    "handle",
    [
        LinkServer(None, SECRET, "log").handle,
        LiveSocket(None, None, None, SystemClock()).handle,
    ],
    ids=["link", "live"],
)
async def test_who_is_gone_during_the_upgrade_is_not_served(handle):
    is_closing = ClientConnectionResetError("closing")
    gone = mock.AsyncMock()
    gone.send_headers = mock.Mock(side_effect=is_closing)
    gone.write_eof.side_effect = is_closing
    headers = {**_UPGRADE, **authorization(SECRET)}
    request = make_mocked_request("GET", "/", headers, writer=gone, loop=mock.Mock())
    response = await handle(request)
    gone.send_headers.assert_called_once()

    async def finish():
        await response.prepare(request)
        await response.write_eof()

    # aiohttp takes this for an end, and anything else for an error of ours.
    with pytest.raises(ConnectionError):
        await finish()
