"""The classes, as the parts beside the hub need them: a port that the hub fulfils."""

from typing import Protocol

from protocol.commands import AnyCommand
from protocol.ids import Role
from protocol.rest import CommandDone
from server.auth.tokens import Identity


class Classes(Protocol):
    """The classes, wherever they are owned. Access has been checked when this is called."""

    async def perform(
        self,
        session: str,
        identity: Identity,
        role: Role,
        command: AnyCommand,
        *,
        key: str,
        expect: int | None,
    ) -> CommandDone:
        """Do what ``command`` says, as if it had come over a live socket; return once committed.

        Raises:
            Refusal: If it was not done.
            UnavailableError: If the class cannot be opened here.

        """
