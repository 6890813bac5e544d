"""What the stage shows."""

from protocol.commands import SceneCreate, SceneSwitch
from protocol.errors import Refusal
from protocol.events import AnyEvent, SceneChanged, SceneCreated
from server.classroom.state import Classroom

MOST_SCENES = 100


def decide(
    state: Classroom, command: SceneCreate | SceneSwitch, new_id: str, expect: int | None
) -> tuple[AnyEvent, ...]:
    """Return a new scene, or the change to one; switching to what is on air changes nothing."""
    if isinstance(command, SceneCreate):
        if len(state.scenes) >= MOST_SCENES:
            raise Refusal("conflict", f"A class has at most {MOST_SCENES} scenes.")
        return (SceneCreated(new_id, command.name, command.layout),)
    touched = state.scenes.get(command.scene)
    if touched is None:
        raise Refusal("not_found", "There is no such scene.", field="scene")
    if expect is not None and expect != touched:
        raise Refusal("conflict", "The scene has changed meanwhile.", touched=touched)
    return () if state.scene == command.scene else (SceneChanged(command.scene),)
