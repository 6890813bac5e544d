"""What carrying media costs, beside programs written in C: ``make bench-media``.

::

    source ──WHIP──▶ the server under test ──RTMP(S)──▶ platform   (counts every picture)
    (a clip, over             └────────────WHEP───────▶ viewers    (count every packet)
     and over)

Source, platform and viewers are processes of their own (:mod:`load.media.child`), on other
processors than the server. The same source publishes to Janus, and the same viewers watch there.
"""
