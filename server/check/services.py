"""Redis, the object store, identity providers, STUN and TURN servers."""

import asyncio
import os
import re
import ssl

from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.auth.issuers import TrustedIssuer
from server.auth.jwks import FetchError, Issuers
from server.check.result import FailedError, WarningError, milliseconds
from server.clock import SystemClock
from server.config import Settings
from server.errors import NotFoundError
from server.ids import new_id
from server.objects.open import open_objects
from server.objects.signing import UrlSigner

OLDEST_REDIS = (6, 2)
CALL_SECONDS = 5
_PROBE_BYTES = 100_000
_MAGIC = bytes.fromhex("2112a442")


async def redis(settings: Settings) -> str:
    """Return version and round trip; fail if scripts, which presence needs, are not allowed."""
    async with Redis.from_url(settings.redis_url.reveal(), socket_timeout=CALL_SECONDS) as client:
        info = await client.info("server")
        version = str(info.get("valkey_version") or info.get("redis_version"))
        if tuple(map(int, version.split(".")[:2])) < OLDEST_REDIS:
            raise FailedError(f"version {version} is too old: 6.2 or newer is needed")
        key = f"check:{new_id()}"
        try:
            await client.set(key, "1", px=CALL_SECONDS * 1000)
            written = await client.eval("return redis.call('GETDEL', KEYS[1])", 1, key)
        except RedisError as error:
            raise FailedError(f"version {version}, no scripts: {error}") from error
        if written != b"1":
            raise FailedError("what was read is not what was written")
        took = await milliseconds(client.ping)
    return f"version {version}, round trip {took:.1f} ms, scripts run"


async def objects(settings: Settings) -> str:
    """Write, read, list and delete an object; return how long each took."""
    folder = f"check/{new_id()}"
    key, content = f"{folder}/object", os.urandom(_PROBE_BYTES)
    signer = UrlSigner(settings.token_secret, settings.public_url, SystemClock())
    clock = SystemClock()
    async with open_objects(settings.objects_url, signer) as store:
        began = clock.monotonic()
        await store.put(key, content, "text/plain")
        put = clock.monotonic()
        try:
            if (
                await store.get(key) != content
                or await store.get(key, start=7, length=9) != (content[7:16])
            ):
                raise FailedError("what was read is not what was written")
            got = clock.monotonic()
            if await store.list(f"{folder}/") != [key]:
                raise FailedError("what was written is not listed")
        finally:
            await store.delete(key)
        try:
            await store.head(key)
        except NotFoundError:
            pass
        else:
            raise WarningError("what was deleted is still there: erased files may be kept")
    return f"written in {(put - began) * 1000:.0f} ms, read in {(got - put) * 500:.0f} ms, deleted"


async def keys(issuer: TrustedIssuer, _: Settings) -> str:
    """Return how many keys an identity provider has that can be used."""
    async with Issuers.open([issuer], SystemClock()) as issuers:
        found = issuers.find(issuer.name)
        assert found is not None, "it was just put in"
        try:
            count = await found.fetch()
        except FetchError as error:
            raise FailedError(f"{issuer.jwks}: {error}") from None
    if not count:
        raise FailedError(f"{issuer.jwks}: no key for {' or '.join(sorted(issuer.algorithms))}")
    return f"{count} that can be used"


async def relay(url: str, _: Settings) -> str:
    """Ask a STUN or TURN server who we are (RFC 8489): both kinds answer that to anybody."""
    found = re.fullmatch(r"(stuns?|turns?):(\[.+\]|[^:]+)(?::(\d+))?(?:\?transport=(\w+))?", url)
    assert found is not None, "the settings were parsed"
    scheme, host, port, transport = found.groups()
    is_secure = scheme.endswith("s")
    where = host.strip("[]"), int(port or (5349 if is_secure else 3478))
    request = b"\x00\x01\x00\x00" + _MAGIC + os.urandom(12)
    clock = SystemClock()
    began = clock.monotonic()
    try:
        async with asyncio.timeout(CALL_SECONDS):
            if is_secure or transport == "tcp":
                answer = await _ask_stream(where, request, is_secure=is_secure)
            else:
                answer = await _ask_datagram(where, request)
    except (TimeoutError, OSError) as error:
        why = getattr(error, "strerror", None) or "no answer"
        raise WarningError(f"{where[0]}, port {where[1]}: {why}") from None
    if answer[:2] != b"\x01\x01" or answer[8:20] != request[8:20]:
        raise WarningError(f"{where[0]}, port {where[1]} answers, but not as STUN does")
    return f"answers within {(clock.monotonic() - began) * 1000:.0f} ms"


async def _ask_stream(where: tuple[str, int], request: bytes, *, is_secure: bool) -> bytes:
    context = ssl.create_default_context() if is_secure else None
    reader, writer = await asyncio.open_connection(*where, ssl=context)
    try:
        writer.write(request)
        return await reader.readexactly(20)
    except asyncio.IncompleteReadError as error:
        return error.partial
    finally:
        writer.close()


async def _ask_datagram(where: tuple[str, int], request: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bytes] = loop.create_future()

    class Answer(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, _address: object) -> None:
            if not answer.done():
                answer.set_result(data)

        def error_received(self, exc: Exception) -> None:
            if not answer.done():
                answer.set_exception(exc)

    transport, _ = await loop.create_datagram_endpoint(Answer, remote_addr=where)
    try:
        while True:
            transport.sendto(request)  # a datagram may be lost (RFC 8489 §6.2.1)
            done, _pending = await asyncio.wait((answer,), timeout=0.5)
            if done:
                return answer.result()
    finally:
        transport.close()
