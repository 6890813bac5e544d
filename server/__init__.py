"""The live class server. Start reading at :mod:`server.app`, top to bottom."""
