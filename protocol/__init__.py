"""The language both sides speak: frames, commands, events, errors, limits. No I/O."""
