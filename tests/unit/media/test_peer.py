"""What a peer answers to requests that overlap."""

import asyncio

import pytest

from server.media.fabric import Answer
from server.media.fragment import Fragment
from server.media.peer import Peer

RESTART = b"a=ice-ufrag:%s\r\na=ice-pwd:0123456789012345678901\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"


class Restarting(Peer):
    """A peer whose restarts take a while, and no network."""

    async def _restart_ice(self, said: Fragment) -> Answer:
        await asyncio.sleep(0.01)
        assert said.username is not None
        self._ice_usernames.append(said.username)
        self.etag = f'"{said.username}"'
        return Answer(200)


async def test_of_two_restarts_of_one_ice_session_the_second_is_too_late() -> None:
    peer = Restarting("ann", 0.0, lambda: None)
    peer._ice_usernames.append("first")
    known = peer.etag
    answers = await asyncio.gather(
        peer.patch(RESTART % b"second", known), peer.patch(RESTART % b"third", known)
    )
    assert [answer.status for answer in answers] == [200, 412]
    assert peer.etag == '"second"'
    await peer.close()


async def test_who_gives_up_waiting_for_the_end_does_not_spoil_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    peer = Peer("ann", 0.0, lambda: None)
    transceiver, has_stopped = peer.pc.addTransceiver("video"), asyncio.Event()
    monkeypatch.setattr(transceiver, "stop", has_stopped.wait)  # which takes a while
    # As aiortc does when the other side goes …
    by_itself = asyncio.ensure_future(peer.pc.close())
    await asyncio.sleep(0)
    # … and meanwhile the session that this peer belongs to is ended in a hurry.
    waiting = asyncio.ensure_future(peer.close())
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.wait([waiting])
    has_stopped.set()
    await by_itself
    await peer.close()
