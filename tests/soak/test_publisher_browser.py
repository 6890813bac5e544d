"""A browser that publishes as the studio does: starved of bitrate, resized, reloaded."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from aiohttp import web
from playwright.async_api import Page, async_playwright

from tests import peers
from tests.media.conftest import SESSION, TEACHER, Media, RtmpServer
from tests.media.onair import Kept
from tests.pages.conftest import FLAGS
from tests.soak.interop import require

_OFFER = """async () => {
  const media = await navigator.mediaDevices.getUserMedia(
    { audio: true, video: { width: 1280, height: 720, frameRate: 30 } });
  window.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  for (const track of media.getTracks()) pc.addTransceiver(track, { direction: "sendonly" });
  window.sender = pc.getSenders().find(({ track }) => track.kind === "video");
  await pc.setLocalDescription();
  await new Promise((done) => {
    const check = () => pc.iceGatheringState === "complete" && done();
    pc.onicegatheringstatechange = check;
    check();
  });
  return pc.localDescription.sdp;
}"""
_ANSWER = """async (sdp) => {
  await pc.setRemoteDescription({ type: "answer", sdp });
  const parameters = sender.getParameters();
  parameters.degradationPreference = "maintain-resolution";
  await sender.setParameters(parameters);
}"""
_SCALE = """async (by) => {
  const parameters = sender.getParameters();
  parameters.encodings[0].scaleResolutionDownBy = by;
  await sender.setParameters(parameters);
}"""
_FIRST_FRAME = """async () => {
  for (;;) {
    for (const each of (await pc.getStats()).values()) {
      if (each.type === "outbound-rtp" && each.kind === "video" && each.framesSent) return;
    }
    await new Promise((done) => setTimeout(done, 20));
  }
}"""


@dataclass
class Studio:
    """A page that may use the camera."""

    page: Page
    media: Media

    async def publish(self) -> None:
        answer = await self.media.fabric.whip(
            SESSION, TEACHER, (await self.page.evaluate(_OFFER)).encode()
        )
        assert answer.status == 201, answer.body
        await self.page.evaluate(_ANSWER, answer.body.decode())

    async def scale(self, by: int) -> None:
        await self.page.evaluate(_SCALE, by)


@pytest.fixture
async def studio(media: Media) -> AsyncIterator[Studio]:
    binary = peers.chromium() or require("chromium", "chromium")

    async def blank(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html>", content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/", blank)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=binary, args=FLAGS)
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        try:
            yield Studio(page, media)
        finally:
            await browser.close()
            await runner.cleanup()


async def test_a_starved_browser_keeps_its_size_and_a_forced_change_is_one_header(
    media: Media,
    rtmp: RtmpServer,
    studio: Studio,
    seconds: float,
    report: Callable[..., None],
) -> None:
    """No new header at 1 Mb/s; then one for each forced change, 1 → 2 → 1."""
    one = media.destination("one", rtmp.url("kept"))
    await media.desire(destinations=(one,), max_kbps=1_000)
    await studio.publish()
    await media.hears("destination.live", 15)
    connected = [e.data for e in media.events if e.type == "publisher.connected"]
    starved = min(600.0, max(10.0, seconds - 30))
    await asyncio.sleep(starved)
    sizes = [e.data for e in media.events if e.type == "publisher.connected"]
    assert sizes == connected
    kbps = media.health[-1]["uplink"]["kbps"]
    for by, width in ((2, 640), (1, 1280)):
        media.events.clear()
        await studio.scale(by)
        await media.hears("publisher.connected", 5, width=width)
        await media.reports(3)
        assert media.names() == ["publisher.connected"]
    await media.desire()
    await media.hears("destination.stopped", 3)
    kept = Kept.read(rtmp.directory)
    kept.check()
    report(starved_s=starved, kbps=kbps, headers=kept.headers, longest_gop_s=kept.longest_gop)
    assert kept.headers == 3
    assert kept.longest_gop <= 2.5


async def test_a_browser_that_is_reloaded_keeps_the_connection(
    media: Media, rtmp: RtmpServer, studio: Studio, report: Callable[..., None]
) -> None:
    """With a page that says no goodbye."""
    one = media.destination("one", rtmp.url("kept"))
    await media.desire(destinations=(one,))
    await studio.publish()
    await media.hears("destination.live", 15)
    await media.reports(2)
    await studio.page.reload()
    gone = time.monotonic()
    await media.hears("publisher.lost", 5)
    lost = time.monotonic() - gone
    await media.reports(2)
    await studio.publish()
    await studio.page.evaluate(_FIRST_FRAME)
    sent = time.monotonic()
    await media.hears("publisher.resumed", 5)
    resumed = time.monotonic() - sent
    await media.reports(2)
    assert media.names(destination="one") == ["destination.connecting", "destination.live"]
    await media.desire()
    await media.hears("destination.stopped", 3)
    kept = Kept.read(rtmp.directory)
    kept.check()
    report(lost_told_s=round(lost, 2), resumed_s=round(resumed, 2), longest_gap_s=kept.longest_gap)
    assert kept.longest_gap <= 2.5
    assert resumed <= 2
