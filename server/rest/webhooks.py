"""Webhook endpoints, their secrets, which are shown once, and their deliveries."""

from operator import attrgetter

from msgspec import UNSET

from protocol.codec import timestamp
from protocol.rest import (
    NewWebhookEndpoint,
    Page,
    PageQuery,
    WebhookDeliveriesQuery,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEndpointChange,
    WebhookRedrive,
    WebhookRedriven,
    WebhookSecret,
)
from server.rest import answers
from server.rest.ports import key_vault_key, webhooks_key
from server.rest.route import Call
from server.store import webhooks as store
from server.webhooks.signing import new_secret

OVERLAP_SECONDS = 24 * 3600
"""How long the secret before a rotation signs, too."""


async def create(call: Call[NewWebhookEndpoint, None]) -> WebhookSecret:
    """Add an endpoint; its secret is shown in this answer only.

    There is one endpoint per URL: made twice, it is refused as a conflict.
    """
    body, tenant, secret = call.body, call.identity.tenant, new_secret()
    await call.app[webhooks_key].check(body.url)
    async with call.database() as connection:
        row = await store.create(
            connection,
            tenant,
            url=body.url,
            events=body.events,
            description=body.description,
            secret_ref=await call.app[key_vault_key].put(connection, tenant, secret),
        )
    return WebhookSecret(_endpoint(row), secret.reveal())


async def index(call: Call[None, PageQuery]) -> Page[WebhookEndpoint]:
    """List the tenant's endpoints."""
    limit = call.query.limit
    async with call.database() as connection:
        rows = await store.list_all(connection, after=call.query.after, limit=limit + 1)
    return answers.page(rows, limit, _endpoint, attrgetter("id"))


async def show(call: Call[None, None]) -> WebhookEndpoint:
    """Return an endpoint, without its secret."""
    async with call.database() as connection:
        return _endpoint(await store.get(connection, call["endpoint"]))


async def change(call: Call[WebhookEndpointChange, None]) -> WebhookEndpoint:
    """Change an endpoint, disable it, or enable it again.

    Enabled again, it gets what waited for it, and hears what happens from then on; what happened
    meanwhile can be brought by a redrive.
    """
    body, endpoint = call.body, call["endpoint"]
    if body.url is not UNSET:
        await call.app[webhooks_key].check(body.url)
    async with call.database() as connection:
        await store.get(connection, endpoint, lock=True)
        await store.update(
            connection,
            endpoint,
            url=None if body.url is UNSET else body.url,
            events=None if body.events is UNSET else body.events,
            description=None if body.description is UNSET else body.description,
        )
        if body.status == "disabled":
            await store.disable(connection, endpoint)
        elif body.status == "active":
            await store.enable(connection, endpoint)
        row = await store.get(connection, endpoint)
    call.app[webhooks_key].wake()
    return _endpoint(row)


async def delete(call: Call[None, None]) -> None:
    """Remove an endpoint, its secrets and what waits for it."""
    async with call.database() as connection:
        for reference in await store.delete(connection, call["endpoint"]):
            await call.app[key_vault_key].drop(connection, reference)


async def rotate_secret(call: Call[None, None]) -> WebhookSecret:
    """Give an endpoint a new secret, shown in this answer only.

    For 24 hours messages carry two signatures, with the new secret and with the one before.
    """
    endpoint, secret, vault = call["endpoint"], new_secret(), call.app[key_vault_key]
    async with call.database() as connection:
        reference = await vault.put(connection, call.identity.tenant, secret)
        former = await store.rotate_secret(
            connection, endpoint, reference, overlap_seconds=OVERLAP_SECONDS
        )
        if former is not None:
            await vault.drop(connection, former)
        row = await store.get(connection, endpoint)
    return WebhookSecret(_endpoint(row), secret.reveal())


async def ping(call: Call[None, None]) -> WebhookDelivery:
    """Send an endpoint a message of type ``webhook.ping``; its delivery shows what came of it."""
    async with call.database() as connection:
        row = await store.ping(connection, call["endpoint"])
    call.app[webhooks_key].wake()
    return _delivery(row)


async def deliveries(call: Call[None, WebhookDeliveriesQuery]) -> Page[WebhookDelivery]:
    """List what was delivered to an endpoint, or waits to be, the newest first.

    What waits for nothing is kept for 30 days.
    """
    query, limit = call.query, call.query.limit
    async with call.database() as connection:
        await store.get(connection, call["endpoint"])
        rows = await store.list_deliveries(
            connection, call["endpoint"], status=query.status, after=query.after, limit=limit + 1
        )
    return answers.page(rows, limit, _delivery, attrgetter("id"))


async def redrive(call: Call[WebhookRedrive, None]) -> WebhookRedriven:
    """Deliver again, with the same ids: a session's events from a sequence on, or what failed.

    At most 10,000 at once, the oldest first.
    """
    body, endpoint = call.body, call["endpoint"]
    async with call.database() as connection:
        if body.session is None:
            count = await store.redrive_failed(connection, endpoint)
        else:
            count = await store.redrive(connection, endpoint, body.session, body.from_sequence)
    call.app[webhooks_key].wake()
    return WebhookRedriven(count)


def _endpoint(row: store.Endpoint) -> WebhookEndpoint:
    return WebhookEndpoint(
        id=row.id,
        url=row.url,
        events=tuple(row.events),
        description=row.description,
        status=row.status,
        disabled_reason=row.disabled_reason,
        failing_since=_moment(row.failing_since),
        previous_secret_until=_moment(row.previous_until),
        created_at=timestamp(row.created_at),
    )


def _delivery(row: store.Delivery) -> WebhookDelivery:
    return WebhookDelivery(
        id=row.id,
        event=row.event_id,
        type=row.event_type,
        session=row.session_id,
        sequence=row.sequence,
        status=row.status,
        attempts=row.attempts,
        last_status=row.last_status,
        last_error=row.last_error,
        next_at=timestamp(row.next_at) if row.status == "pending" else None,
        created_at=timestamp(row.created_at),
        delivered_at=_moment(row.delivered_at),
    )


def _moment(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else timestamp(milliseconds)
