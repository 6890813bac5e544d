"""Where in the object store the parts of an upload are. Pure.

The place to which it is sent is not the place where it is kept: a URL that writes goes on to be
good for a while, and what was checked must not change.
"""

TEXT = "text.json"


def incoming(tenant: str, session: str, upload: str) -> str:
    """Return the key to which an upload is sent."""
    return f"{tenant}/{session}/uploads/{upload}"


def slides(tenant: str, session: str, upload: str) -> str:
    """Return the beginning of the keys of rendered pages: the address of the asset."""
    return f"{tenant}/{session}/slides/{upload}"


def page(prefix: str, number: int) -> str:
    """Return the key of a rendered page."""
    return f"{prefix}/{number}.webp"


def media_of(tenant: str, session: str) -> str:
    """Return the beginning of the keys of a class's media."""
    return f"{tenant}/{session}/media/"


def media(tenant: str, session: str, upload: str, suffix: str) -> str:
    """Return the key of media that is kept as it is: the address of the asset."""
    return f"{media_of(tenant, session)}{upload}.{suffix}"
