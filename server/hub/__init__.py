"""Live sessions: one room per session decides and stores, the fan-out tells everybody.

::

    socket ── decoded commands ──▶ room ── fenced batch ──▶ store.log
       ▲                            │ on commit
       └──── one write per peer ◀── fanout (one feed per view)
"""
