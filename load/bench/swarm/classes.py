"""Students of live classes, in Python: they join, talk, vanish and come back."""

import asyncio
import contextlib
import math
import time
from typing import Any

from load.bench.open_loop import OpenLoop
from load.bench.swarm import answer, next_line, standard_input
from load.bench.swarm.student import Phase, Shared, Student

_PATIENCE_SECONDS = 10.0


class _Crowd:
    """Everybody."""

    def __init__(self, port: int) -> None:
        self.shared = Shared(f"ws://127.0.0.1:{port}")
        self.students: list[Student] = []

    async def join(self, seconds: float, at_once: float = math.inf) -> dict[str, Any]:
        phase = self.shared.phase = Phase()
        slots = asyncio.Semaphore(int(min(at_once, len(self.students))))

        async def come(student: Student) -> None:
            async with slots:
                await student.come()

        coming = [asyncio.create_task(come(each)) for each in self.students]
        _, late = await asyncio.wait(coming, timeout=seconds)
        for task in late:
            task.cancel()
        return {
            "people": len(self.students),
            "live": sum(each.is_live for each in self.students),
            "attempts": phase.counts["attempts"],
            "lowest": min(each.position for each in self.students),
            "live_ms": phase.joins.summary(),
            "recoveries": dict(phase.recoveries),
            **phase.tallies(),
        }

    async def talk(
        self, rate: float, seconds: float, patience: float = _PATIENCE_SECONDS
    ) -> dict[str, Any]:
        phase = self.shared.phase = Phase()
        for each in self.students:
            each.seen, each.marks, each.had_snapshot = 0, 0, False
        loop, sent = OpenLoop(rate, int(rate * seconds)), 0
        while not loop.is_over:
            elapsed = (time.monotonic_ns() - phase.began) / 1e9
            for at in loop.due(elapsed):
                phase.late.add((elapsed - at) * 1000)
                self.students[sent % len(self.students)].says(phase.began + int(at * 1e9))
                sent += 1
            elapsed = (time.monotonic_ns() - phase.began) / 1e9
            await asyncio.sleep(max(0.0, loop.next_at - elapsed))
        talked = (time.monotonic_ns() - phase.began) / 1e9
        share, acked = (time.process_time() - phase.began_cpu) / talked, phase.counts["acked"]
        with contextlib.suppress(TimeoutError):  # what is missing is counted
            async with asyncio.timeout(patience):
                while not self._is_all_told(sent):
                    self.shared.news.clear()
                    await self.shared.news.wait()
        held = [each for each in self.students if not each.had_snapshot]
        missing = [phase.acked[each.path] - each.seen for each in held]
        # As many lines as there are, but not the same.
        others = sum(
            not less and each.marks != phase.marks[each.path]
            for less, each in zip(missing, held, strict=True)
        )
        return {
            "people": len(self.students),
            "sent": sent,
            "acked": phase.counts["acked"],
            "acked_per_second": round(acked / talked),
            "unanswered": sent - phase.counts["answered"],
            "misordered": phase.counts["misordered"],
            "deliveries": phase.counts["deliveries"],
            "expected": sum(phase.acked[each.path] for each in held),
            "lost": sum(each for each in missing if each > 0) + others,
            "extra": others - sum(each for each in missing if each < 0),
            "gaps": phase.counts["gaps"],
            "snapshots": len(self.students) - len(held),
            "disconnected": phase.counts["gone"],
            "talked_seconds": round(talked, 3),
            "talk_cpu": round(share, 3),
            "ack_ms": phase.acks.summary(),
            "delivery_ms": phase.told.summary(),
            "late_ms": phase.late.summary(),
            "refused": dict(phase.refused),
            **phase.tallies(),
        }

    def drop(self) -> dict[str, Any]:
        phase = self.shared.phase = Phase()
        for each in self.students:
            each.leave()
        return {"people": len(self.students), **phase.tallies()}

    def _is_all_told(self, sent: int) -> bool:
        phase = self.shared.phase
        return phase.counts["answered"] >= sent and all(
            each.seen >= phase.acked[each.path] and each.position >= phase.last[each.path]
            for each in self.students
            if each.is_live
        )


async def serve(port: int) -> None:
    """Serve the lines of standard input until it ends."""
    reader, crowd = await standard_input(), _Crowd(port)
    while words := await next_line(reader):
        match words:
            case ["person", path, token]:
                crowd.students.append(Student(crowd.shared, path, token))
            case ["join", *numbers] if len(numbers) in (1, 2) and crowd.students:
                answer(await crowd.join(*map(float, numbers)))
            case ["talk", *numbers] if len(numbers) in (2, 3) and crowd.students:
                answer(await crowd.talk(*map(float, numbers)))
            case ["drop"]:
                answer(crowd.drop())
            case _:
                raise SystemExit("a line that says nothing")
