"""From the bus to the object store: a recording is the HLS that replays play.

::

    recordings    what the class wants: one that runs, those whose end is to be written
    recorder      bus ▶ segmenter ▶ spool ▶ uploader, for as long as it runs
    spool         fragments on the local disk, until they are stored
    uploader      segments into the object store, in order; playlist and manifest
    leftovers     spools that are nobody's
"""
