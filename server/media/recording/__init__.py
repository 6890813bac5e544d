"""From the bus to the object store: a recording is the HLS that replays play."""
