"""Presence in Redis: who is connected where, for other nodes and for operators.

Redis never causes an event, and may lose everything: each beat writes the whole truth of this
node again, and what a dead node wrote expires by itself.

- ``presence:{session}:{node}``: hash, field = connection, value = user; expires after two beats
- ``presence:{session}``: hash, one field per node, ``count|milliseconds``; the script prunes the
  fields of nodes that have stopped beating
"""

import asyncio
from collections.abc import Callable, Mapping

from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.errors import UnavailableError
from server.ops import metrics
from server.outages import Outage

BEAT_SECONDS = 5.0
CALL_SECONDS = 2.0

# One call per beat for all sessions of this node; the time is the server's own.
_COUNT = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local node, life = ARGV[1], tonumber(ARGV[2])
for i, key in ipairs(KEYS) do
  local count = tonumber(ARGV[2 + i])
  if count > 0 then
    redis.call('HSET', key, node, count .. '|' .. now)
  else
    redis.call('HDEL', key, node)
  end
  local fields = redis.call('HGETALL', key)
  for j = 1, #fields, 2 do
    local at = tonumber(string.match(fields[j + 1], '|(%d+)$'))
    if at == nil or now - at > life then redis.call('HDEL', key, fields[j]) end
  end
  redis.call('PEXPIRE', key, life * 2)
end
return #KEYS
"""

Connections = Mapping[str, Mapping[str, str]]
"""Session → connection → user."""


class Presence:
    """Writes this node's presence, every beat, for as long as :meth:`run` runs."""

    def __init__(self, redis: "Redis", node: str, now: Callable[[], Connections]) -> None:
        self._redis = redis
        self._node = node
        self._now = now
        self._count = redis.register_script(_COUNT)
        self._told: set[str] = set()
        self._outage = Outage("redis")
        self.errors = 0
        """Beats that Redis did not take."""

    async def check(self) -> None:
        """Ask Redis for an answer.

        Raises:
            UnavailableError: If there is none.

        """
        try:
            await self._redis.ping()
        except RedisError as error:
            raise UnavailableError from error

    async def run(self) -> None:
        """Beat until cancelled; a beat that fails is counted, and the next one makes it good."""
        while True:
            await self.beat()
            await asyncio.sleep(BEAT_SECONDS)

    async def beat(self) -> None:
        """Write the whole truth of this node once."""
        connections = self._now()
        sessions = sorted(connections.keys() | self._told)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._write(connections, sessions)
        except (RedisError, OSError, TimeoutError) as error:
            self.errors += 1
            metrics.presence_errors.inc()
            self._outage.failed(error)
        else:
            self._outage.worked()
            self._told = {session for session, users in connections.items() if users}

    async def _write(self, connections: Connections, sessions: list[str]) -> None:
        if not sessions:
            return
        life = round(BEAT_SECONDS * 2000)
        counts = [len(connections.get(session, ())) for session in sessions]
        async with self._redis.pipeline(transaction=False) as pipe:
            await self._count(
                keys=[f"presence:{{{session}}}" for session in sessions],
                args=[self._node, life, *counts],
                client=pipe,
            )
            for session in sessions:
                key = f"presence:{{{session}}}:{self._node}"
                pipe.delete(key)
                if users := connections.get(session):
                    pipe.hset(key, items=[part for pair in users.items() for part in pair])
                    pipe.pexpire(key, life)
            await pipe.execute()
