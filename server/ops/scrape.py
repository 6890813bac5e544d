"""``/metrics``: what this process counts, and what the machine's media workers count, summed.

Media workers have no port. Each shows what it counts on its socket; one hub worker of the machine
asks them all and adds up: samples of the same name and labels are one.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path

import aiohttp
import structlog
from aiohttp import web
from prometheus_client import REGISTRY, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.parser import text_string_to_metric_families

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

WORKER_SECONDS = 1.0
"""How long one may take to answer: a scrape ends whatever it does."""
WORKERS = "liveclass_media_workers"
WORKERS_TEXT = "Media workers of this machine: those that answer are there, the others away."


class Scrape:
    """Answers a scraper. ``sockets`` are those of media workers: none, if another process asks."""

    def __init__(self, sockets: Sequence[Path]) -> None:
        self._sockets = sockets
        self._workers: list[aiohttp.ClientSession] = []

    async def keep(self, _app: web.Application) -> AsyncIterator[None]:
        """Be ready to ask the workers for as long as the application runs."""
        self._workers = [
            aiohttp.ClientSession(
                "http://worker",
                connector=aiohttp.UnixConnector(str(path)),
                timeout=aiohttp.ClientTimeout(total=WORKER_SECONDS),
            )
            for path in self._sockets
        ]
        yield
        await asyncio.gather(*(worker.close() for worker in self._workers))

    async def show(self, request: web.Request) -> web.Response:
        """Answer with every metric, in the exposition format that the scraper asks for."""
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        everything = _Families((*REGISTRY.collect(), *await self._of_workers()))
        return web.Response(body=encode(everything), headers={"Content-Type": content_type})

    async def _of_workers(self) -> list[Metric]:
        if not self._workers:
            return []
        texts = await asyncio.gather(*map(_ask, self._workers))
        answered = [text for text in texts if text is not None]
        workers = GaugeMetricFamily(WORKERS, WORKERS_TEXT, labels=["state"])
        workers.add_metric(["there"], len(answered))
        workers.add_metric(["away"], len(texts) - len(answered))
        return [workers, *added_up(answered)]


def added_up(texts: Iterable[str]) -> list[Metric]:
    """Return the families of several expositions, samples of one name and labels summed."""
    families: dict[str, Metric] = {}
    sums: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for text in texts:
        for family in text_string_to_metric_families(text):
            if family.name.endswith("_created"):  # when each began to count: no sum
                continue
            families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            for sample in family.samples:
                key = sample.name, tuple(sorted(sample.labels.items()))
                if key not in sums:
                    families[family.name].add_sample(sample.name, sample.labels, 0.0)
                sums[key] = sums.get(key, 0.0) + sample.value
    for found in families.values():
        found.samples = [
            sample._replace(value=sums[sample.name, tuple(sorted(sample.labels.items()))])
            for sample in found.samples
        ]
    return list(families.values())


async def _ask(worker: aiohttp.ClientSession) -> str | None:
    try:
        async with worker.get("/metrics", headers={"Accept": "text/plain"}) as answer:
            return await answer.text()
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        log.warning("media_worker_not_scraped", error=repr(error))
        return None


class _Families:
    """Families that were collected already, as the encoders want them."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Yield each."""
        return iter(self._families)
