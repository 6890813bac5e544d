"""What the stage shows."""

from typing import assert_never

from msgspec.structs import replace

from protocol import commands as cmd
from protocol import events as ev
from protocol.errors import Refusal
from protocol.features.scenes import SceneCommand, SceneEvent
from server.classroom.changes import drop, put
from server.classroom.state import Classroom

MOST_SCENES = 100


def decide(
    state: Classroom, command: SceneCommand, new_id: str, expect: int | None
) -> tuple[ev.AnyEvent, ...]:
    """Return a new scene, or the change to one; switching to what is on air changes nothing."""
    if isinstance(command, cmd.SceneCreate):
        if len(state.scenes) >= MOST_SCENES:
            raise Refusal("conflict", f"A class has at most {MOST_SCENES} scenes.")
        return (ev.SceneCreated(new_id, command.name, command.layout),)
    scene = command.scene
    touched = state.scenes.get(scene)
    if touched is None:
        raise Refusal("not_found", "There is no such scene.", field="scene")
    if expect is not None and expect != touched:
        raise Refusal("conflict", "The scene has changed meanwhile.", touched=touched)
    match command:
        case cmd.SceneUpdate():
            return (ev.SceneUpdated(scene, command.name, command.layout),)
        case cmd.SceneRemove():
            if state.scene == scene:
                raise Refusal("conflict", "This scene is on air: switch to another first.")
            return (ev.SceneRemoved(scene),)
        case cmd.SceneSwitch():
            return () if state.scene == scene else (ev.SceneChanged(scene),)
        case _:
            assert_never(command)


def evolve(state: Classroom, event: SceneEvent, sequence: int) -> Classroom:
    """Return the state after ``event``."""
    match event:
        case ev.SceneCreated():
            return replace(state, scenes=put(state.scenes, event.scene, sequence))
        case _ if event.scene not in state.scenes:
            return state
        case ev.SceneUpdated():
            return replace(state, scenes=put(state.scenes, event.scene, sequence))
        case ev.SceneRemoved():
            return replace(state, scenes=drop(state.scenes, event.scene))
        case ev.SceneChanged():
            return replace(state, scene=event.scene)
        case _:
            assert_never(event)
