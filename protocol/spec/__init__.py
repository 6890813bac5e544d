"""The specification, for whoever writes another client: files that :mod:`protocol.describe` says.

``asyncapi.json``         the live socket as an AsyncAPI 3.0 document: frames, operations, limits
``frames.schema.json``    every frame of both sides, the folded state, error and close codes
``commands.schema.json``  each ``op`` with its data
``events.schema.json``    each event ``type`` with its version and data

``python -m protocol.spec`` writes them anew.
"""
