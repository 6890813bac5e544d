"""Chromium and Firefox, from pages of another origin: WHIP and WHEP with CORS, trickle, restart."""

from tests.soak.browsers import chromium, firefox, pages
from tests.soak.interop import class_

__all__ = ["chromium", "class_", "firefox", "pages"]


async def test_chromium_trickles_and_restarts_ice_while_it_publishes(
    pages, class_, chromium, report
) -> None:
    token = await class_.publish_token()
    await chromium(pages.page(url=class_.whip, token=token, mode="publish", restart=True))
    told = await pages.hears()
    assert told.get("status") == 201, told
    assert told["trickled"] == 204
    restarted = told["restarted"]
    assert (restarted["status"], restarted["tag"]) == (200, True)
    assert restarted["port"] != told["port"]
    await class_.is_seen()
    gone_out = await class_.goes_out()
    watching = await class_.token("student")
    await chromium(pages.page(url=class_.whep, token=watching, mode="watch", restart=True))
    seen = await pages.hears()
    assert seen.get("status") == 201, seen
    assert seen["codec"] == "video/H264"
    assert seen["restarted"]["port"] != seen["port"]
    report(codec=told["codec"], **gone_out)


async def test_of_chromiums_simulcast_the_first_layer_is_taken(
    pages, class_, chromium, report
) -> None:
    token = await class_.publish_token()
    await chromium(pages.page(url=class_.whip, token=token, mode="publish", simulcast=True))
    told = await pages.hears()
    assert told.get("status") == 201, told
    width, height = await class_.is_seen()
    assert (width, height) == (640, 360)
    await class_.goes_out()
    report(width=width, height=height)


async def test_firefox_publishes_and_is_told_what_it_needs_to_watch(
    pages, class_, firefox, report
) -> None:
    token = await class_.publish_token()
    await firefox(pages.page(url=class_.whip, token=token, mode="publish"))
    told = await pages.hears()
    # All its candidates are names under .local: it is found by its first check.
    assert (told.get("status"), told.get("trickled")) == (201, 204), told
    await class_.is_seen()
    gone_out = await class_.goes_out()
    await firefox(pages.page(url=class_.whep, token=await class_.token("student"), mode="watch"))
    seen = await pages.hears()
    if seen.get("status") == 201:
        assert seen["codec"] == "video/H264", seen
    else:
        # Without Cisco's plugin, which it fetches when it is first started, it has no H.264.
        assert seen["status"] == 422, seen
        assert seen["problem"]["code"] == "unsupported_codec"
    report(publishes=told["codec"], watches=seen.get("codec", "nothing"), **gone_out)
