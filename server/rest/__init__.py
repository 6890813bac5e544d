"""The REST interface: start reading at :mod:`server.rest.routes`, the table."""
