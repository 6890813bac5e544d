"""The rules of a class, pure: no clock, no random, no I/O.

``decide`` says which events a command leads to, ``evolve`` what an event changes, ``access`` who
may do what and when, ``view`` what is shown to whom. Each feature is one module.
"""
