"""WHIP to the letter of RFC 9725, and WHEP to draft-ietf-wish-whep, over HTTP to a real worker.

The ids of the tests are the sections. What a section demands of servers, and where it is tested:

=========  =================================================================  ===================
§ 4.1      GET on an endpoint or session succeeds with no content; problems   4.1
§ 4.2      201, Content-Type, Location, ETag; 4xx for another type or bad     4.2
           SDP; the answer is recvonly; DELETE ends with 200; OPTIONS for
           CORS with Accept-Post
§ 4.3.1    PATCH: 415, 400, 428 without and 412 with another entity tag;      4.3.1
           DELETE ignores tags
§ 4.3.2    204 without body and ETag; our candidates are in the answer        4.3.2
§ 4.3.3    ICE restart: 200, fragment, new ETag; if it fails the session      media/test_signalling
           goes on as it was
§ 4.4.1    bundle and rtcp-mux demanded, rtcp-mux-only said                   4.4, unit/…/test_offer
§ 4.4.2-3  one picture and one sound at most; all or nothing                  unit/…/test_offer
§ 4.4.4    setup actpass and active                                           4.4
§ 4.5      no redirect: any node answers with the engine of the class's       hub/test_signalling
           owner; 503 with Retry-After when a worker is away or full          rest/test_live_…
§ 4.6      Link rel=ice-server in 201 and OPTIONS, never in a preflight       4.6
§ 4.7      bearer tokens, 401 with WWW-Authenticate; tokens for encoders      4.7
§ 4.8      simulcast: one layer is taken                                      media/test_signalling
§ 4.9      extensions: none                                                   —
WHEP       the same, mirrored. HEAD has Content-Type application/sdp. We      all with whep
           answer offers and make none: 406 (a counter-offer) is never said
=========  =================================================================  ===================
"""

import asyncio
import re

import pytest
import pytest_asyncio

from server.addresses import parse_allowed
from server.media import worker
from server.media.destinations.address import AddressGuard
from server.media.local_fabric import LocalFabric
from server.objects.files import FileObjects
from server.tasks import Supervisor
from tests.integration.rest.conftest import nothing
from tests.media.offers import CHROMIUM, OBS
from tests.patience import PATIENCE

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
TRICKLE = (
    "a=ice-ufrag:n0Jq\r\na=ice-pwd:2Xm5tQy8Rr0uZb3eWc7kLp\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
    "a=mid:0\r\na=candidate:1 1 udp 2113937151 127.0.0.1 50001 typ host\r\na=end-of-candidates\r\n"
)
WATCH = OBS.replace("a=sendonly", "a=recvonly")
SCHOOL = {"Origin": "https://school.example"}


@pytest_asyncio.fixture
async def fabric(tmp_path):
    """The way to a media worker that is there."""
    path, ready = tmp_path / "media.sock", asyncio.Event()
    objects, guard = FileObjects(tmp_path / "objects", None), AddressGuard(parse_allowed(""))
    async with Supervisor("test") as tasks:
        tasks.start(
            "worker",
            worker.run(
                path, objects=objects, spool=tmp_path / "spool", guard=guard, ready=ready.set
            ),
        )
        await asyncio.wait_for(ready.wait(), PATIENCE)
        async with LocalFabric(
            path, on_event=nothing, resolve_secret=nothing, on_health=lambda *_: None
        ) as fabric:
            await asyncio.wait_for(fabric.connected.wait(), PATIENCE)
            yield fabric


@pytest.fixture
def whip(api, school):
    """A WHIP endpoint, and somebody who may publish."""
    return Endpoint(api, school.teacher, f"/v1/sessions/{school.session}/whip", OBS)


@pytest.fixture
def whep(whip, school):
    """A WHEP endpoint, and somebody who may watch."""
    return Endpoint(whip.api, school.student, whip.path.replace("/whip", "/whep"), WATCH)


class Endpoint:
    """An endpoint, and somebody who may use it."""

    def __init__(self, api, who, path, offer):
        self.api, self.who, self.path, self.offer = api, who, path, offer

    async def post(self, offer=None, headers=SDP, who=...):
        raw = (self.offer if offer is None else offer).encode()
        return await self.api.post(
            self.who if who is ... else who, self.path, raw=raw, headers=headers
        )

    async def send(self, method, path=None, headers=None, raw=None, who=...):
        return await self.api.send(
            method,
            self.who if who is ... else who,
            path or self.path,
            headers=headers,
            raw=raw if raw is None else raw.encode(),
        )


@pytest.fixture(params=["whip", "whep"])
def endpoint(request):
    return request.getfixturevalue(request.param)


def rule(section):
    """Name a test after the section that it holds us to."""
    return pytest.mark.parametrize("section", [section], ids=str)


@rule("4.1")
async def test_a_get_finds_nothing_and_that_is_a_success(endpoint, section):
    made = await endpoint.post()
    for method in ("GET", "HEAD"):
        start = await endpoint.send(method)
        assert (start.status, start.raw) == (200, b"")
        # A player knows by this that it can be watched (draft-ietf-wish-whep).
        assert start.headers["Content-Type"] == "application/sdp"
        session = await endpoint.send(method, made.headers["Location"])
        assert (session.status, session.raw) == (204, b"")


@rule("4.1")
async def test_other_methods_are_refused_with_those_that_are_not(endpoint, section):
    made = await endpoint.post()
    for method, path, allowed in (
        ("PUT", endpoint.path, {"GET", "HEAD", "OPTIONS", "POST"}),
        ("PATCH", endpoint.path, {"GET", "HEAD", "OPTIONS", "POST"}),
        ("DELETE", endpoint.path, {"GET", "HEAD", "OPTIONS", "POST"}),
        ("PUT", made.headers["Location"], {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH"}),
        ("POST", made.headers["Location"], {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH"}),
    ):
        answer = await endpoint.send(method, path)
        assert (answer.status, answer.code) == (405, "method_not_allowed")
        assert set(answer.headers["Allow"].split(",")) == allowed


@rule("4.2")
async def test_an_offer_is_answered_and_makes_a_session(endpoint, section):
    made = await endpoint.post()
    assert made.status == 201
    assert made.headers["Content-Type"] == "application/sdp"
    assert re.fullmatch(rf"{endpoint.path}/[A-Za-z0-9_-]{{20,}}", made.headers["Location"])
    assert re.fullmatch(r'"[^"]+"', made.headers["ETag"])
    assert made.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"
    assert made.raw.startswith(b"v=0\r\n")
    wanted, other = (
        (b"a=recvonly", b"a=sendonly")
        if endpoint.path.endswith("whip")
        else (b"a=sendonly", b"a=recvonly")
    )
    assert made.raw.count(wanted) == 2
    assert other not in made.raw


@rule("4.2")
async def test_what_is_no_offer_is_a_problem(endpoint, section):
    offer = endpoint.offer
    for sent, headers, status, code in (
        (offer, {"Content-Type": "application/json"}, 415, "unsupported_media_type"),
        (offer, {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        ("", SDP, 400, "bad_request"),
        ("v=0", SDP, 400, "bad_request"),
        (offer + "a=x\r\n" * 13_000, SDP, 413, "too_large"),
        (offer.replace("a=mid:1", "a=mid:0"), SDP, 422, "bad_request"),
        (offer.replace("H264", "H265"), SDP, 422, "unsupported_codec"),
    ):
        answer = await endpoint.post(sent, headers)
        assert (answer.status, answer.code) == (status, code), sent[:40]


@rule("4.2")
async def test_directions_are_those_of_the_use(whip, whep, section):
    for endpoint, offer in ((whip, WATCH), (whep, OBS)):
        answer = await endpoint.post(offer)
        assert (answer.status, answer.code) == (422, "bad_request")
        both = re.sub("a=(sendonly|recvonly)", "a=sendrecv", offer)
        assert (await endpoint.post(both)).status == 201


@rule("4.2")
async def test_a_delete_ends_the_session_whatever_its_tag(endpoint, section):
    made = await endpoint.post()
    where = made.headers["Location"]
    ended = await endpoint.send("DELETE", where, {"If-Match": '"another"'})
    assert (ended.status, ended.raw) == (200, b"")
    again = await endpoint.send("DELETE", where)
    assert (again.status, again.code) == (404, "not_found")
    late = await endpoint.send("PATCH", where, {**FRAGMENT, "If-Match": "*"}, TRICKLE)
    assert (late.status, late.code) == (404, "not_found")


@rule("4.2")
async def test_pages_of_permitted_origins_may_ask_and_see(endpoint, section, school):
    domain = f"{school.tenant[-12:]}.example"
    made = await endpoint.api.post(school.admin, "/v1/domains", {"domain": domain})
    assert made.status == 201
    asked = {"Access-Control-Request-Method": "POST"}
    for origin, permitted in (
        ("https://live.example", True),
        ("https://school.example", True),
        (f"https://{domain}", True),
        (f"http://{domain}", False),
        ("https://evil.example", False),
        ("null", False),
    ):
        preflight = await endpoint.send("OPTIONS", None, {"Origin": origin, **asked}, who=None)
        assert preflight.status == 200
        assert preflight.headers["Accept-Post"] == "application/sdp"
        made = await endpoint.post(headers={**SDP, "Origin": origin})
        refused = await endpoint.post(headers={**SDP, "Origin": origin}, who=None)
        assert (made.status, refused.status) == (201, 401)
        for answer in (preflight, made, refused):
            allowed = answer.headers.get("Access-Control-Allow-Origin")
            assert allowed == (origin if permitted else None)
            assert "Origin" in answer.headers["Vary"]
            assert "Access-Control-Allow-Credentials" not in answer.headers
        if permitted:
            shown = made.headers["Access-Control-Expose-Headers"].split(", ")
            assert {"Location", "ETag", "Link"} <= set(shown)
            taken = preflight.headers["Access-Control-Allow-Headers"].split(", ")
            assert {"Authorization", "Content-Type", "If-Match"} <= set(taken)
            assert "POST" in preflight.headers["Access-Control-Allow-Methods"]


@rule("4.2")
async def test_a_page_may_patch_and_delete_what_it_made(endpoint, section):
    made = await endpoint.post()
    for method in ("PATCH", "DELETE"):
        asked = {**SCHOOL, "Access-Control-Request-Method": method}
        preflight = await endpoint.send("OPTIONS", made.headers["Location"], asked, who=None)
        assert preflight.status == 200
        assert preflight.headers["Accept-Patch"] == FRAGMENT["Content-Type"]
        assert method in preflight.headers["Access-Control-Allow-Methods"]


async def test_a_page_that_asks_for_no_session_is_told_so(whip):
    asked = {**SCHOOL, "Access-Control-Request-Method": "POST"}
    preflight = await whip.send("OPTIONS", "/v1/sessions/none/whip", asked, who=None)
    assert preflight.status == 404
    assert preflight.headers["Access-Control-Allow-Methods"] == ""


async def test_nothing_else_is_shared_with_other_origins(whip, school):
    answer = await whip.send("GET", f"/v1/sessions/{school.session}/playback", SCHOOL)
    assert answer.status == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


@rule("4.3.1")
async def test_a_patch_is_a_fragment_for_the_present_ice_session(endpoint, section):
    made = await endpoint.post()
    where, tag = made.headers["Location"], {"If-Match": made.headers["ETag"]}
    for headers, body, status, code in (
        ({**SDP, **tag}, TRICKLE, 415, "unsupported_media_type"),
        ({**FRAGMENT, **tag}, "hello", 400, "bad_request"),
        ({**FRAGMENT, **tag}, "", 400, "bad_request"),
        ({**FRAGMENT, **tag}, "a=x\r\n" * 14_000, 413, "too_large"),
        (FRAGMENT, TRICKLE, 428, "precondition_required"),
        ({**FRAGMENT, "If-Match": '"another"'}, TRICKLE, 412, "precondition_failed"),
    ):
        answer = await endpoint.send("PATCH", where, headers, body)
        assert (answer.status, answer.code) == (status, code), (headers, body[:20])
    # A restart of what is not connected cannot be satisfied; the session is as it was.
    restart = TRICKLE.replace("n0Jq", "neu1")
    answer = await endpoint.send("PATCH", where, {**FRAGMENT, "If-Match": "*"}, restart)
    assert (answer.status, answer.code) == (409, "conflict")
    assert (await endpoint.send("PATCH", where, {**FRAGMENT, **tag}, TRICKLE)).status == 204


@rule("4.3.2")
async def test_candidates_are_taken_in_silence(endpoint, section):
    made = await endpoint.post()
    assert made.raw.count(b"a=candidate:") >= 1
    assert b"a=end-of-candidates" in made.raw
    assert b"a=ice-options:trickle\r\n" in made.raw
    headers = {**FRAGMENT, "If-Match": made.headers["ETag"]}
    unknown = TRICKLE.replace(" udp ", " sctp ").replace("127.0.0.1", "nobody.invalid")
    for fragment in (TRICKLE, unknown):
        answer = await endpoint.send("PATCH", made.headers["Location"], headers, fragment)
        assert (answer.status, answer.raw) == (204, b"")
        assert "ETag" not in answer.headers


@rule("4.4")
async def test_one_transport_whoever_begins_dtls(endpoint, section):
    for setup, ours in (("actpass", b"a=setup:active"), ("active", b"a=setup:passive")):
        made = await endpoint.post(endpoint.offer.replace("a=setup:actpass", f"a=setup:{setup}"))
        assert made.status == 201
        assert b"a=group:BUNDLE 0 1\r\n" in made.raw
        assert made.raw.count(ours) == made.raw.count(b"a=rtcp-mux-only\r\n") == 2
        assert made.raw.count(b"a=mid:") == 2


@rule("4.6")
async def test_ice_servers_are_told_to_who_may_use_them(endpoint, section):
    made = await endpoint.post()
    asked = await endpoint.send("OPTIONS")
    listed = await endpoint.send("GET", endpoint.path.rpartition("/")[0] + "/ice-servers")
    for answer in (made, asked):
        stun, *relays = answer.headers.getall("Link")
        assert stun == '<stun:stun.example>; rel="ice-server"'
        for link, url in zip(
            relays, ("turn:turn.example?transport=udp", "turns:turn.example"), strict=True
        ):
            assert link.startswith(f'<{url}>; rel="ice-server"; username="')
            assert re.search(
                rf'username="\d+:{endpoint.who.id}"; credential="[A-Za-z0-9+/]{{27}}="; '
                r'credential-type="password"$',
                link,
            )
    relay = listed.body["ice_servers"][1]
    assert relay["urls"] == ["turn:turn.example?transport=udp", "turns:turn.example"]
    assert listed.body["expires_at"].endswith("Z")


@rule("4.6")
async def test_who_shows_no_token_is_told_no_credentials(endpoint, section, stranger):
    preflight = {**SCHOOL, "Access-Control-Request-Method": "POST"}
    for headers, who in ((preflight, None), ({}, None), (preflight, endpoint.who)):
        answer = await endpoint.send("OPTIONS", None, headers, who=who)
        assert answer.status == 200
        assert "Link" not in answer.headers
    assert (await endpoint.send("OPTIONS", who="nonsense")).status == 401
    assert (await endpoint.send("OPTIONS", who=stranger)).status == 404
    refused = await endpoint.post("v=0")
    assert "Link" not in refused.headers


@rule("4.7")
async def test_a_bearer_token_is_demanded(endpoint, section):
    made = await endpoint.post()
    where = made.headers["Location"]
    for method, path, headers, raw in (
        ("POST", None, SDP, endpoint.offer),
        ("PATCH", where, {**FRAGMENT, "If-Match": "*"}, TRICKLE),
        ("DELETE", where, {}, None),
    ):
        for who in (None, "nonsense"):
            answer = await endpoint.send(method, path, headers, raw, who=who)
            assert (answer.status, answer.code) == (401, "unauthorized")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert (await endpoint.send("DELETE", where)).status == 200


@rule("4.7")
async def test_obs_publishes_with_a_publish_token(whip, section, school):
    path = f"/v1/sessions/{school.session}/publish-tokens"
    token = (await whip.api.post(school.teacher, path, {"name": "OBS"})).body
    assert token["url"].endswith(whip.path)
    # As curl in OBS: any case of the scheme, an agent of its own, no Accept.
    headers = {
        **SDP,
        "Authorization": f"Bearer {token['token']}",
        "User-Agent": "Mozilla/5.0 (OBS-Studio/31.0.0; Linux x86_64; en-US)",
    }
    made = await whip.post(headers=headers, who=None)
    assert made.status == 201
    # OBS builds the address from the path, and takes 200 for the end.
    assert made.headers["Location"].startswith("/v1/")
    assert made.raw.startswith(b"v=0")
    answer = await whip.send("OPTIONS", None, {"Authorization": headers["Authorization"]}, who=None)
    assert "Link" in answer.headers
    ended = await whip.send("DELETE", made.headers["Location"], headers, who=None)
    assert ended.status == 200


@rule("4.7")
async def test_students_watch_and_do_not_publish(whip, section, school):
    answer = await whip.post(who=school.student)
    assert (answer.status, answer.code) == (403, "forbidden")


@rule("whep")
async def test_we_answer_offers_and_make_none(whep, section):
    # 406 is how a WHEP server would make an offer of its own: whatever Accept says, it is not ours.
    answer = await whep.post(headers={**SDP, "Accept": "text/plain"})
    assert answer.status == 201
    answer = await whep.post(CHROMIUM.replace("a=sendonly", "a=recvonly"))
    assert answer.status == 201
    answer = await whep.send("PATCH", answer.headers["Location"], SDP, WATCH)
    assert (answer.status, answer.code) == (415, "unsupported_media_type")
