"""Webhooks: what happens in classes, told to the endpoints of their tenants (docs/webhooks.md).

::

    log ── collect ──▶ webhook_deliveries ── take ──▶ payload ─▶ signature ─▶ sender ──▶ https
      a cursor per session           a lease per delivery              to a checked address
"""
