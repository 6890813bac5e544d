"""``python -m load`` is ``liveclass load``."""

from load.cli import load

if __name__ == "__main__":
    load(prog_name="load")
