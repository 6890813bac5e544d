"""The classes that are fuzzed, and who is in them."""

import asyncio
import time
from dataclasses import dataclass
from random import Random
from typing import Any

import jwt

from load.fuzz.values import Known, new_id
from protocol.errors import CloseCode

_TOKEN_SECONDS = 6 * 3600
_STAFF = ("teacher", "assistant", "assistant")
_STUDENTS = 20
_BY_STAFF = frozenset((CloseCode.REMOVED, CloseCode.BANNED, CloseCode.DENIED))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a token."""

    user: str
    role: str
    name: str
    token: str


class Mint:
    """Makes tokens as the server's own identity provider does."""

    def __init__(self, secret: str, tenant: str) -> None:
        self.tenant = tenant
        self._secret = secret

    def token(
        self,
        user: str,
        role: str,
        session: str | None,
        *,
        seconds: float = _TOKEN_SECONDS,
        algorithm: str = "HS256",
        secret: str | None = None,
        **claims: object,
    ) -> str:
        """Return a token; ``claims`` replace those that it would have."""
        content: dict[str, object] = {
            "iss": "liveclass",
            "aud": "liveclass",
            "exp": int(time.time() + seconds),
            "sub": user,
            "tenant": self.tenant,
            "role": role,
            "name": f"{role} {user[:8]}",
            "session": session,
            **claims,
        }
        content = {name: value for name, value in content.items() if value is not None}
        key = self._secret if secret is None else secret
        return jwt.encode(content, "" if algorithm == "none" else key, algorithm)


class Room:
    """One class: its people, and what is known of it."""

    def __init__(self, session: str, mint: Mint, rng: Random) -> None:
        self.session = session
        self.mint = mint
        self.known = Known()
        self.log = ""
        self.highest = 0
        """The highest sequence that anybody was told."""
        self.is_ending = False
        self.is_archiving = False
        self.started = asyncio.Event()
        self._rng = rng
        self._targets: set[str] = set()
        self.flooded: set[str] = set()
        """Who has sent so much that they may be kept out for a while."""
        self.teacher = self._person("teacher")
        self._people = [self._person(role) for role in _STAFF]
        self._people += [self._person("student") for _ in range(_STUDENTS)]

    def newcomer(self) -> Person:
        """Return a student whom nobody knows yet."""
        return self._person("student")

    def pick(self, rng: Random) -> Person:
        """Return one of the people: staff half as often as students."""
        if rng.random() < 0.35:
            return self._people[rng.randrange(len(_STAFF))]
        return self._people[rng.randrange(len(_STAFF), len(self._people))]

    def replace(self, person: Person) -> None:
        """Let somebody else come in the place of one who may not come back."""
        if person in self._people:
            self._people[self._people.index(person)] = self._person(person.role)

    def notice(self, op: str, data: dict[str, Any]) -> None:
        """Take note of what a command that is about to be sent may do to others."""
        if op == "session.end":
            self.is_ending = True
        elif op == "session.archive":
            self.is_archiving = self.is_ending
        elif op.startswith("participant."):
            self._targets.add(str(data.get("user")))

    def explains(self, person: Person, code: int, view: str) -> bool:
        """Return whether something that happened in the class ends a person's connection so."""
        if code in _BY_STAFF:
            return person.user in self._targets
        if code == CloseCode.SESSION_OVER:
            return self.is_ending and (self.is_archiving or view != "staff")
        if code == CloseCode.ABUSE:
            return person.user in self.flooded
        return code == CloseCode.OVERLOADED and not view

    def _person(self, role: str) -> Person:
        user = new_id(self._rng)
        token = self.mint.token(user, role, self.session)
        return Person(user, role, f"{role} {user[:8]}", token)
