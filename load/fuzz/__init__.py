"""Random frames against a live server, and a judge of what comes back (``make fuzz``).

::

    Values ─▶ Speech ─▶ scripts (valid · mutated · hostile) ─▶ Player ─▶ server
      ▲                     │ what each may lead to              │
    Known ◀─ Watcher      Verdicts ◀─────────────────────────────┘ what came back

Everything that is sent is drawn from the seed and the number of its connection.
"""
