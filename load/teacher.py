"""A simulated teacher: on camera, opening polls, answering questions, calling on raised hands."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from load.camera import camera
from load.person import Person
from load.whip import PublishError, publish
from protocol.client import Client
from protocol.commands import (
    ChatPost,
    DestinationEnable,
    HandLower,
    PollClose,
    PollOpen,
    PollPublish,
    QuestionAnswer,
    RecordingStart,
    SessionStart,
)
from protocol.frames import Ack, Welcome

log = logging.getLogger(__name__)

_START_SECONDS = 30.0
_LISTEN_SECONDS = 3.0
_TALK_SECONDS = 25.0
_POLL_SECONDS = 30.0
_VOTING_SECONDS = 20.0
_SEEN_SECONDS = 10.0
_YIELD_SECONDS = 3600.0
_LINES = (
    "Welcome! Today we look at things that move.",
    "Watch the bar: where will it be in two seconds?",
    "Write your guess in the chat, please.",
    "Raise your hand if you would like to say something.",
    "Let us look at this once more, slowly.",
)
_POLLS = (
    PollOpen("How fast does the bar move?", ("Slowly", "Just right", "Too fast"), results="live"),
    PollOpen("What is 6 × 7?", ("36", "42", "48", "67"), correct=(1,)),
    PollOpen("Shall we take a break?", ("Yes", "No"), anonymous=True),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """What the camera is to deliver."""

    width: int = 640
    height: int = 360
    fps: int = 15


class Teacher(Person):
    """A teacher who opens the class and keeps it going."""

    async def teach(
        self, stop: asyncio.Event, picture: Picture | None, destinations: tuple[str, ...]
    ) -> None:
        """Hold the class until ``stop`` or its end, with a picture unless that is None."""
        habits: list[Coroutine[Any, Any, None]] = [
            self._open(destinations),
            self._listen(),
            self._talk(),
            self._hold_polls(),
        ]
        if picture is not None:
            habits.append(self._stay_on_camera(picture))
        await self.live(stop, habits)

    # ------------------------------------------------------------ the class

    async def _open(self, destinations: tuple[str, ...]) -> None:
        while not await self.connection.until(_is_in, _START_SECONDS):
            log.warning("no class yet at %s", self._place.live_url)
        state = self.client.state
        assert state is not None
        if state.status == "scheduled":
            await self.ask(SessionStart())
        if state.recording is None or state.recording.status != "recording":
            await self.ask(RecordingStart())
        for destination in destinations:
            await self.ask(DestinationEnable(destination))

    async def _listen(self) -> None:
        """Answer the oldest question and call on the first hand, one at a time."""
        while True:
            await self.pause(_LISTEN_SECONDS)
            state = self.client.state
            if state is None or not _in_class(self.client):
                continue
            if state.hands:
                hand = state.hands[0]
                await self.ask(ChatPost(f"Yes, {hand.name or 'please'}?"))
                await self.pause(_LISTEN_SECONDS)
                await self.ask(HandLower(hand.user))
            open_questions = [q for q in state.questions if q.status == "open"]
            if open_questions and self.rng.random() < 0.3:
                await self.ask(
                    QuestionAnswer(open_questions[0].question, "Good question: see the next slide.")
                )

    async def _talk(self) -> None:
        while True:
            if await self.connection.until(_in_class, _TALK_SECONDS):
                await self.ask(ChatPost(self.rng.choice(_LINES)))
            await self.pause(_TALK_SECONDS)

    async def _hold_polls(self) -> None:
        while True:
            await self.pause(_POLL_SECONDS)
            if not await self.connection.until(_in_class, _POLL_SECONDS):
                continue
            opened = await self.ask(self.rng.choice(_POLLS))
            if isinstance(opened, Ack) and opened.sequence is not None:
                await self._finish_poll(opened.sequence[0])

    async def _finish_poll(self, opened_at: int) -> None:
        await self.connection.until(lambda client: client.position >= opened_at, _SEEN_SECONDS)
        poll = _poll_opened_at(self.client, opened_at)
        if poll is not None:
            await self.pause(_VOTING_SECONDS)
            await self.ask(PollClose(poll))
            await self.ask(PollPublish(poll))

    # ------------------------------------------------------------ the picture

    async def _stay_on_camera(self, picture: Picture) -> None:
        """Publish whenever the class has no picture, as an encoder left alone does."""
        while True:
            await self.connection.until(_is_in, _START_SECONDS)
            welcome = self.client.welcome
            reason = await self._publish(picture)
            log.warning("not on camera: %s", reason)
            self.report.counts["publications lost"] += 1
            if reason == "closed":
                await self._until_free(welcome)
            await self.pause(1)

    async def _until_free(self, welcome: Welcome | None) -> None:
        """Let a newer publisher have the class, if that is why the server closed ours.

        After a restart of the server nobody is there to be waited for.
        """
        await self.connection.until(
            lambda client: client.welcome is not welcome or not _on_camera(client),
            _YIELD_SECONDS,
        )

    async def _publish(self, picture: Picture) -> str:
        """Be on camera; return why it ended."""
        try:
            async with (
                camera(picture.width, picture.height, picture.fps) as running,
                publish(
                    self._http, self._place.whip_url, self.client.token, running
                ) as publication,
            ):
                self.report.counts["publications"] += 1
                return await publication.lost()
        except PublishError as error:
            return str(error)


def _is_in(client: Client) -> bool:
    return client.phase == "live" and client.state is not None


def _in_class(client: Client) -> bool:
    return client.phase == "live" and client.state is not None and client.state.status == "live"


def _on_camera(client: Client) -> bool:
    state = client.state
    return state is not None and state.publisher is not None and state.publisher.live


def _poll_opened_at(client: Client, sequence: int) -> str | None:
    polls = client.state.polls if client.state is not None else []
    return next((poll.poll for poll in polls if poll.touched == sequence), None)
