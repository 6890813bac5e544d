"""What to look at: sentences about a run, the most important ones first."""

from typing import Any

_MOST_CPU = 0.85
_BUSY = 0.9
_MUCH_REFUSED = 0.02
_SLOW_ACK_MS = 100.0
_GROWTH = 1.3


def advice(told: dict[str, Any]) -> list[str]:
    """Return what somebody who sizes a machine should make of a report."""
    found = []
    latencies, counts, server = told["latencies_ms"], told["counts"], told["server"]
    if told["failure"]:
        found.append(f"The generator itself failed: {told['failure']}. The figures stop there.")
    if any(told["violations"].values()):
        found.append(
            "A promise was broken. Load is no excuse for that: report it, with this file and the "
            "server's log of the time. The first ones are listed below."
        )
    if told["void_because"]:
        found.append(
            "The generator was the bottleneck, so the latencies are its own as much as the "
            "server's: give it more processes (--procs) or a machine of its own, or ask for less."
        )
    if told["unsettled"]:
        found.append(
            f"{told['unsettled']} people were not in their class at the end. Look at the counts "
            "for why connections ended, and at the server's CPU: a slower --ramp may be all it "
            "takes."
        )
    if told["unanswered"]:
        found.append(f"{told['unanswered']} commands had no answer 20 s after the end.")
    machine = told["generator"]["machine_cpu"]
    is_busy = machine is not None and machine > _BUSY
    if is_busy:
        found.append(
            f"The generator's machine was busy to {machine:.0%} over ten seconds, whoever used it. "
            "If the server runs there too, its figures are those of a smaller machine, and late "
            "answers may have waited for a processor and nothing else."
        )
    cpu = server["cpu"]
    if cpu is not None and cpu > _MOST_CPU and len(server["parts"]) == 1:
        found.append(
            f"The server used {cpu:.0%} of a core over ten seconds. A hub worker is one process "
            "with one event loop: this is its limit. More --hub-workers share the classes out; one "
            "class alone is always told by one of them to those on it."
        )
    ack, delivery = latencies["ack"], latencies["delivery"]
    has_time = cpu is not None and cpu < _MOST_CPU and not is_busy
    if ack.get("p99", 0) > _SLOW_ACK_MS and has_time:
        found.append(
            f"Acks took {ack['p99']:.0f} ms at p99 while the server had processor time left: an "
            "ack waits for PostgreSQL to write to disk. Look at liveclass_store_append_seconds and "
            "at the latency of its disk."
        )
    slow = max(_SLOW_ACK_MS, 2 * ack.get("p99", float("inf")))
    if delivery.get("p99", 0) > slow:
        found.append(
            "Deliveries took much longer than acks: the log keeps up, telling everybody does not. "
            "That is the hub's processor time or the network: see liveclass_fanout_seconds."
        )
    answers = counts.get("acks", 0) + counts.get("refused", 0)
    if answers and counts.get("refused", 0) / answers > _MUCH_REFUSED:
        found.append(
            f"{counts['refused'] / answers:.1%} of the answers were refusals; the counts say which."
        )
    found += [
        f"Not everybody was back from the storm at {storm['at_seconds']:.0f} s when the run ended "
        "(or the next storm came)."
        for storm in told["storms"]
        if storm["recovered_ms"] is None
    ]
    if (growth := _growth(server["parts"])) is not None:
        found.append(growth)
    if not found:
        found.append(
            "Nothing stands out. To find the limit, double --students or --classes until a "
            "threshold is missed, and take half of that."
        )
    return found


def _growth(parts: list[dict[str, Any]]) -> str | None:
    """Say whether memory kept growing after everybody was in."""
    for part in parts:
        known = [value for value in part["rss_bytes"] if value is not None]
        if len(known) >= 120:
            middle, end = known[len(known) // 2], known[-1]
            if end > middle * _GROWTH:
                return (
                    f"The memory of {part['name']} grew from {middle / 1e6:.0f} to "
                    f"{end / 1e6:.0f} MB in the second half: run longer to see whether it stops."
                )
    return None
