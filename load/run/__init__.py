"""``liveclass load run``: many classes of many people against a running server, and a verdict.

The parent (:mod:`load.run.run`) prepares classes, starts workers and writes the reports; each
worker (:mod:`load.run.worker`) is a process with an event loop full of people.
"""
