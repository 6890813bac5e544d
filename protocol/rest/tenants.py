"""Tenants, what they keep and for how long, and their domains."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from protocol.ids import ShortText, TenantId, Timestamp, UserId
from protocol.rest.shapes import Answer, Body, Days, DomainId, Email, FramingOrigin, HostName


class NewTenant(Body, frozen=True):
    """A tenant to found, with its first admin; with an ``id`` it can be asked for twice."""

    name: ShortText
    admin: ShortText
    """The name of the first admin."""
    email: Email | None = None
    domains: Annotated[tuple[HostName, ...], Meta(max_length=20)] = ()
    id: TenantId | None = None


class TenantStatus(Body, frozen=True):
    """Suspend a tenant, so that nobody of it comes in any more, or take that back."""

    status: Literal["active", "suspended"]


class TenantChange(Body, frozen=True):
    """What to change of one's own tenant.

    What is kept is kept for so many days after the end of a class; null: for ever.
    """

    name: ShortText | UnsetType = UNSET
    recordings_days: Days | UnsetType | None = UNSET
    chat_days: Days | UnsetType | None = UNSET
    sessions_days: Days | UnsetType | None = UNSET
    """After these days everything that was said, shown and recorded in a class goes."""
    embed_origins: Annotated[tuple[FramingOrigin, ...], Meta(max_length=20)] | UnsetType = UNSET
    """Whose pages may show rooms and replays in a frame; nobody's, unless told."""


class Tenant(Answer, frozen=True):
    """A tenant: a school that shares the installation and sees nothing of others."""

    id: TenantId
    name: str
    status: Literal["active", "suspended"]
    recordings_days: int | None
    chat_days: int | None
    sessions_days: int | None
    embed_origins: tuple[str, ...]
    created_at: Timestamp
    updated_at: Timestamp


class FoundedTenant(Answer, frozen=True):
    """A new tenant, and the person who is its admin."""

    tenant: Tenant
    admin: UserId


class NewDomain(Body, frozen=True):
    """A domain whose pages are to be the tenant's."""

    domain: HostName


class Domain(Answer, frozen=True):
    """A domain of the tenant."""

    id: DomainId
    domain: str
    created_at: Timestamp
