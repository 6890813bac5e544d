"""``python -m server`` is ``liveclass``."""

from server.cli import main

main()
