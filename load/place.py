"""Where the class is held, and how people get in: the ready file and join tokens."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import aiohttp
import msgspec

from protocol.rest import JoinToken, NewJoinToken

_REQUEST_SECONDS = 10.0
_TOKEN_SECONDS = 86_400


class RefusedError(Exception):
    """The server did not do what was asked of it over REST."""


class Tokens(msgspec.Struct, frozen=True):
    """Who may come in, as the ready file lists them."""

    teacher: str
    assistant: str
    admin: str
    students: tuple[str, ...]


class Ready(msgspec.Struct, frozen=True):
    """What ``liveclass demo --ready-file`` writes when all is up."""

    url: str
    ops_url: str
    session: str
    tenant: str
    database_url: str
    redis_url: str
    tokens: Tokens


def read_ready(path: Path) -> Ready:
    """Return the contents of a ready file.

    Raises:
        RefusedError: If it cannot be read or is none.

    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Ready)
    except (OSError, msgspec.MsgspecError) as error:
        raise RefusedError(f"{path}: {error}") from error


@dataclass(frozen=True, slots=True)
class Place:
    """One session of one server."""

    url: str
    session: str

    @property
    def live_url(self) -> str:
        """Return where the socket is."""
        return f"{self.url}/v1/sessions/{self.session}/live".replace("http", "ws", 1)

    @property
    def whip_url(self) -> str:
        """Return where to publish."""
        return f"{self.url}/v1/sessions/{self.session}/whip"

    async def join_token(
        self, http: aiohttp.ClientSession, staff_token: str, name: str, user: str | None = None
    ) -> str:
        """Return a student's token for ``name``, who is new unless ``user`` says who it is.

        Raises:
            RefusedError: If the server does not give one.

        """
        url = f"{self.url}/v1/sessions/{self.session}/join-tokens"
        wanted = NewJoinToken("student", name, user, ttl_seconds=_TOKEN_SECONDS)
        return (await post(http, url, staff_token, wanted, JoinToken)).token


Answer = TypeVar("Answer")


async def post(
    http: aiohttp.ClientSession, url: str, token: str, body: msgspec.Struct, kind: type[Answer]
) -> Answer:
    """Create something; return what the server says about it.

    Raises:
        RefusedError: If it does not, or cannot be reached in time.

    """
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        async with (
            asyncio.timeout(_REQUEST_SECONDS),
            http.post(url, data=msgspec.json.encode(body), headers=headers) as response,
        ):
            answer = await response.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise RefusedError(f"POST {url}: {type(error).__name__}") from error
    if response.status not in (200, 201):
        raise RefusedError(f"POST {url}: {response.status} {answer[:300]!r}")
    return msgspec.json.decode(answer, type=kind)
