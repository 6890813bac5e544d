"""What a class leaves behind, made of its log by itself: transcript, chapters, highlights.

::

    log ──▶ history ──▶ chapters, highlights, transcripts ──▶ making: what has changed
                                                                 │
    session.ended ──▶ worker ──▶ one report per change ──▶ room ──▶ log ──▶ artifacts

All but the worker is pure. Times are milliseconds since the class started.
"""
