"""Everything the server raises on purpose.

::

    LiveClassError                 everything we raise on purpose
    ├── NotFoundError              what is not there, or not for the caller      → 404
    ├── UnauthorizedError          no token, or one that does not hold           → 401
    ├── ForbiddenError             the caller may not                            → 403
    ├── ConflictError              not in this state                             → 409
    ├── InvalidInputError          the input does not say what it must           → 422
    ├── UnavailableError           PostgreSQL, Redis or the objects are away     → 503
    │   └── FencedError            another node owns this session now
    └── InvalidSettingsError       start-up only: names every problem at once

A rule's "no" is :class:`protocol.errors.Refusal`; it is an answer, not an error.
"""


class LiveClassError(Exception):
    """Something went wrong; the docstring is the message unless another is given."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").partition("\n")[0])


class NotFoundError(LiveClassError):
    """There is no such thing, or it is not yours."""


class UnauthorizedError(LiveClassError):
    """A valid token is required."""


class ForbiddenError(LiveClassError):
    """You may not do this."""


class ConflictError(LiveClassError):
    """This is not possible in the present state."""


class InvalidInputError(LiveClassError):
    """The input is not valid; ``field`` names the place."""

    def __init__(self, message: str | None = None, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class UnavailableError(LiveClassError):
    """Temporarily unavailable; try again."""

    def __init__(self, message: str | None = None, *, retry_seconds: float = 1.0) -> None:
        super().__init__(message)
        self.retry_seconds = retry_seconds


class FencedError(UnavailableError):
    """Another node owns this session now."""


class InvalidSettingsError(LiveClassError):
    """The settings are not valid."""
