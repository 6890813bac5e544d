"""Where a run takes place: classes of its own, made over REST and closed behind it.

Three ways in: an admin's (or teacher's) token, the installation's token secret, or a file that
names classes and tokens. With a secret, the run founds a tenant of its own and suspends it at the
end; with a token, its classes are among the tenant's, named “Load test …”, ended and archived.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import aiohttp
import jwt
import msgspec

from load.place import Place, RefusedError, post
from protocol import rest
from protocol.commands import SessionArchive, SessionEnd, SessionStart
from protocol.ids import Role

_AT_ONCE = 16
_REQUEST_SECONDS = 20.0
_SPARE_SECONDS = 3600
_MOST_SECONDS = 86_400
_OPERATOR = "operator"
_NIL = "00000000-0000-0000-0000-000000000000"

Report = Callable[[str], None]
T = TypeVar("T")


class PlannedClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A class that is there already, with tokens for the people to be played in it."""

    session: str
    teacher: str
    students: tuple[str, ...]


class PlanFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``--plan`` reads."""

    url: str
    classes: tuple[PlannedClass, ...]
    ops_url: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """By what right a run gets classes: exactly one of these is there."""

    token: str | None = None
    secret: str | None = None
    plan: PlanFile | None = None
    issuer: str = "liveclass"


@dataclass(frozen=True, slots=True)
class Class:
    """A live class with everybody's token."""

    place: Place
    teacher: str
    students: tuple[str, ...]


@dataclass(slots=True)
class Venue:
    """All classes of a run."""

    url: str
    classes: list[Class] = field(default_factory=list)
    tenant: tuple[str, str] | None = None
    """Its own tenant, with an operator's token."""
    is_ours: bool = True
    """Whether the classes were made for the run, so that they are to be closed."""


def read_plan(path: Path) -> PlanFile:
    """Return the contents of a plan file.

    Raises:
        RefusedError: If it cannot be read or is none.

    """
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=PlanFile)
    except (OSError, msgspec.MsgspecError) as error:
        raise RefusedError(f"{path}: {error}") from error
    if not plan.classes or not all(each.students for each in plan.classes):
        raise RefusedError(f"{path}: every class needs students, and there must be one")
    return plan


class Builder:
    """Makes a venue, and closes it."""

    def __init__(
        self, http: aiohttp.ClientSession, url: str, run: str, seconds: float, say: Report
    ) -> None:
        self._http = http
        self._url = url
        self._run = run
        self._ttl = min(_MOST_SECONDS, int(seconds) + _SPARE_SECONDS)
        self._say = say
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def open(self, venue: Venue, source: Source, classes: int, students: int) -> None:
        """Fill ``venue``; what is in it when this fails is to be closed as well.

        Raises:
            RefusedError: If the server does not do what was asked.

        """
        if source.plan is not None:
            venue.is_ours = False
            for each in source.plan.classes:
                place = Place(self._url, each.session)
                await self._start(place, each.teacher)
                venue.classes.append(Class(place, each.teacher, each.students))
            return
        admin, sign = source.token, None
        if source.secret is not None:
            admin, sign = await self._found(venue, source)
        assert admin is not None
        made = [self._class(venue, admin, number, students, sign) for number in range(classes)]
        await _all(made)

    async def close(self, venue: Venue) -> None:
        """End and archive what was made, as far as the server lets us."""
        if not venue.is_ours:
            return
        await _all([self._close(each) for each in venue.classes])
        if venue.tenant is not None:
            tenant, operator = venue.tenant
            url = f"{self._url}/v1/tenants/{tenant}"
            await self._try(self._request("PATCH", url, operator, rest.TenantStatus("suspended")))

    # ------------------------------------------------------------ making

    async def _found(
        self, venue: Venue, source: Source
    ) -> tuple[str, Callable[[str, Role, str], str]]:
        """Found a tenant; return its admin's token, and what signs tokens of its sessions."""

        def sign(
            tenant: str, role: str, name: str, session: str | None, subject: str, scope: str = ""
        ) -> str:
            claims = {
                "iss": source.issuer, "aud": "liveclass", "sub": subject, "tenant": tenant,
                "role": role, "name": name, "exp": int(time.time()) + self._ttl,
            }  # fmt: skip
            claims |= {"session": session} if session else {}
            claims |= {"scope": scope} if scope else {}
            return jwt.encode(claims, source.secret or "", "HS256")

        operator = sign(_NIL, "admin", "Load test", None, "load-test", _OPERATOR)
        founded = await post(
            self._http, f"{self._url}/v1/tenants", operator,
            rest.NewTenant(f"Load test {self._run}", "Load test"), rest.FoundedTenant,
        )  # fmt: skip
        tenant = founded.tenant.id
        venue.tenant = tenant, operator
        self._say(f"a tenant of its own: {tenant}")

        def of_session(session: str, role: Role, name: str) -> str:
            return sign(tenant, role, name, session, str(uuid.uuid4()))

        return sign(tenant, "admin", "Load test", None, founded.admin), of_session

    async def _class(
        self,
        venue: Venue,
        admin: str,
        number: int,
        students: int,
        sign: Callable[[str, Role, str], str] | None,
    ) -> None:
        async with self._slots:
            body = rest.NewSession(f"Load test {self._run}, class {number + 1}")
            session = await post(self._http, f"{self._url}/v1/sessions", admin, body, rest.Session)
        place = Place(self._url, session.id)

        async def token(role: Literal["teacher", "student"], name: str) -> str:
            if sign is not None:
                return sign(session.id, role, name)
            async with self._slots:
                wanted = rest.NewJoinToken(role, name, ttl_seconds=self._ttl)
                url = f"{self._url}/v1/sessions/{session.id}/join-tokens"
                return (await post(self._http, url, admin, wanted, rest.JoinToken)).token

        teacher = await token("teacher", "Teacher")
        index = len(venue.classes)
        venue.classes.append(Class(place, teacher, ()))
        await self._start(place, teacher)
        tokens = await _all([token("student", f"Student {each + 1}") for each in range(students)])
        venue.classes[index] = Class(place, teacher, tuple(tokens))
        self._say(f"class {number + 1} is live, {students} tokens")

    async def _start(self, place: Place, teacher: str) -> None:
        session = await self._request("GET", f"{place.url}/v1/sessions/{place.session}", teacher)
        status = msgspec.json.decode(session, type=rest.Session).status
        if status == "scheduled":
            await self._command(place, teacher, SessionStart.op)
        elif status != "live":
            raise RefusedError(f"the class {place.session} is {status}")

    async def _close(self, each: Class) -> None:
        for op in (SessionEnd.op, SessionArchive.op):
            await self._try(self._command(each.place, each.teacher, op))

    async def _command(self, place: Place, token: str, op: str) -> None:
        url = f"{place.url}/v1/sessions/{place.session}/commands"
        body = rest.CommandRequest(f"{self._run}.{op}", op)
        async with self._slots:
            await post(self._http, url, token, body, rest.CommandDone)

    async def _request(
        self, method: str, url: str, token: str, body: msgspec.Struct | None = None
    ) -> bytes:
        headers = {"Authorization": f"Bearer {token}"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/merge-patch+json"
            data = msgspec.json.encode(body)
        try:
            async with (
                asyncio.timeout(_REQUEST_SECONDS),
                self._http.request(method, url, data=data, headers=headers) as response,
            ):
                answer = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RefusedError(f"{method} {url}: {type(error).__name__}") from error
        if response.status != 200:
            raise RefusedError(f"{method} {url}: {response.status} {answer[:300]!r}")
        return answer

    async def _try(self, work: Awaitable[object]) -> None:
        try:
            await work
        except RefusedError as error:
            self._say(f"left behind: {error}")


async def _all(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Return all results.

    Raises:
        RefusedError: The first one; the others are ended.

    """
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(each) for each in work]
    except* RefusedError as errors:
        raise _first(errors) from None
    return [each.result() for each in running]


def _first(errors: BaseExceptionGroup[RefusedError]) -> RefusedError:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, RefusedError)
    return error
