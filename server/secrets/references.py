"""Where a stream key is: ``vault:<id>``, ``env:NAME``, ``file:/path`` or ``aws-sm:<arn>``.

The database keeps references only. A key is looked up when a destination connects, each time anew,
so that one that was changed is used from the next connection on.
"""

import asyncio
import os
from pathlib import Path

import structlog
from aioboto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from server.errors import UnavailableError
from server.secrets.secret import Secret
from server.secrets.vault import Vault

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

READ_SECONDS = 5.0
MOST_BYTES = 4096


class References:
    """Resolves every scheme; which ones a request may set is decided where it is set."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def resolve(self, reference: str, tenant: str) -> Secret | None:
        """Return the secret behind ``reference``, or None if there is none.

        Raises:
            UnavailableError: If nobody can tell now.

        """
        scheme, _, place = reference.partition(":")
        match scheme:
            case "vault":
                return await self._vault.resolve(reference, tenant)
            case "env":
                # Our own settings hold the secrets of the whole installation: no tenant's key.
                value = None if place.startswith("LIVECLASS_") else os.environ.get(place)
            case "file":
                value = await asyncio.to_thread(_read, Path(place))
            case "aws-sm":
                value = await _from_aws(place)
            case _:
                value = None
        if not value:
            log.warning("secret_missing", scheme=scheme)
            return None
        return Secret(value)


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        return None
    return text if len(text) <= MOST_BYTES else None


async def _from_aws(arn: str) -> str | None:
    # arn:aws:secretsmanager:<region>:<account>:secret:<name>
    parts = arn.split(":")
    if len(parts) < 7 or parts[2] != "secretsmanager":
        return None
    session = Session()  # type: ignore[no-untyped-call]
    once_more = Config(retries={"total_max_attempts": 2})  # type: ignore[no-untyped-call]
    try:
        async with asyncio.timeout(READ_SECONDS):
            async with session.client(
                "secretsmanager", region_name=parts[3], config=once_more
            ) as client:
                found = await client.get_secret_value(SecretId=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise UnavailableError("The secrets manager refuses.") from None
    except (BotoCoreError, OSError) as error:
        raise UnavailableError("The secrets manager does not answer.") from error
    value: str | None = found.get("SecretString")
    return value
