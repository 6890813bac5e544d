"""Every state of the pages, without a class: a server that says what it would say just then.

``python -m tests.gallery`` lists them all on one page, for whoever works on how they look;
tests/pages/test_states.py looks at each. The pages are the real ones. What they are told is made
by the real rules (``server.classroom``) from events, so that no state is shown which no class has.
"""
