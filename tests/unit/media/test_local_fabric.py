"""What a hub says to its worker, however that overlaps."""

from pathlib import Path

from server.media import control
from server.media.fabric import Desired
from server.media.local_fabric import LocalFabric


async def nothing(*_: object) -> None:
    pass


class Worker:
    """A worker's end of the control channel."""

    closed = False

    def __init__(self) -> None:
        self.heard: list[control.ToWorker] = []
        self.meanwhile = nothing

    async def send_str(self, frame: str) -> None:
        self.heard.append(control.decode_to_worker(frame))
        meanwhile, self.meanwhile = self.meanwhile, nothing
        await meanwhile()


async def test_what_is_said_again_is_what_is_desired_then() -> None:
    worker = Worker()
    fabric = LocalFabric(
        Path("nowhere"), on_event=nothing, resolve_secret=nothing, on_health=lambda *_: None
    )
    for session in ("s1", "s2", "s3"):
        await fabric.apply(session, 1, Desired(live=True))
    fabric._socket = worker

    async def meanwhile() -> None:
        await fabric.apply("s2", 1, Desired(live=False))
        await fabric.release("s3")

    worker.meanwhile = meanwhile
    await fabric._apply_all()
    of_s2 = [each for each in worker.heard if each.session == "s2"]
    of_s3 = [each for each in worker.heard if each.session == "s3"]
    assert of_s2[-1] == control.Apply("s2", 1, Desired(live=False))
    assert of_s3 == [control.Release("s3", 1)]
