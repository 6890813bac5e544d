"""Simulated students: they talk, raise hands, ask, vote, lose their network and come back."""

import asyncio
from collections.abc import Awaitable, Callable

from load.person import Person
from protocol.client import Client
from protocol.commands import (
    ChatPost,
    HandLower,
    HandRaise,
    PollVote,
    QuestionAsk,
    QuestionUpvote,
)

NAMES = (
    *("Ada", "Ben", "Chen", "Dina", "Emil", "Fatou", "Goran", "Hana", "Ivo", "Jun", "Kofi"),
    *("Lena", "Mika", "Noor", "Omar", "Pia", "Quinn", "Rosa", "Sami", "Tara", "Uma", "Vito"),
    *("Wanda", "Xenia", "Yusuf", "Zoe"),
)
_LINES = (
    "Hello everyone!",
    "I can see and hear you well.",
    "Could you zoom in a little?",
    "That makes sense now, thank you.",
    "Is this part of the exam?",
    "Which page is this on?",
    "I got 42 as well.",
    "Sorry, my connection was away for a moment.",
    "Could you repeat the last step?",
    "Nice example!",
)
_QUESTIONS = (
    "Why does the bar move at a constant speed?",
    "What happens when two of these meet?",
    "Is there a second way to show this?",
    "Where can we read more about it?",
    "How would this look with larger numbers?",
)
_COMPARE_SECONDS = 20.0


class Student(Person):
    """A student who does something every ``pace_seconds`` or so."""

    async def attend(self, stop: asyncio.Event, pace_seconds: float) -> None:
        """Take part until ``stop`` or the end of the class."""
        await self.live(stop, (self._act(pace_seconds), self._compare()))

    async def _act(self, pace_seconds: float) -> None:
        await asyncio.sleep(self.rng.uniform(0, pace_seconds))
        while True:
            if await self.connection.until(_class_is_live, pace_seconds) and not await self._vote():
                await self._something()
            await asyncio.sleep(self.rng.expovariate(1 / pace_seconds))

    async def _compare(self) -> None:
        while True:
            await self.pause(_COMPARE_SECONDS)
            if self.client.phase == "live":
                await self.compare_with_a_newcomer()

    async def _something(self) -> None:
        habits: dict[Callable[[], Awaitable[None]], int] = {
            self._talk: 8,
            self._move_hand: 4,
            self._ask_question: 2,
            self._upvote: 4,
            self._vanish: 2,
        }
        (habit,) = self.rng.choices(list(habits), weights=list(habits.values()))
        await habit()

    async def _talk(self) -> None:
        await self.ask(ChatPost(self.rng.choice(_LINES)))

    async def _move_hand(self) -> None:
        mine = self.client.mine
        raised = mine is not None and mine.hand_position is not None
        await self.ask(HandLower() if raised else HandRaise())

    async def _ask_question(self) -> None:
        await self.ask(QuestionAsk(self.rng.choice(_QUESTIONS)))

    async def _upvote(self) -> None:
        state, mine = self.client.state, self.client.mine
        if state is None or mine is None:
            return
        fresh = [
            question.question
            for question in state.questions
            if question.status == "open" and question.question not in mine.upvotes
        ]
        if fresh:
            await self.ask(QuestionUpvote(self.rng.choice(fresh)))

    async def _vote(self) -> bool:
        """Vote in a poll that waits for us; return whether there was one."""
        state, mine = self.client.state, self.client.mine
        if state is None or mine is None:
            return False
        for poll in state.polls:
            if poll.status == "open" and poll.poll not in mine.votes:
                await self.ask(PollVote(poll.poll, (self.rng.randrange(len(poll.options)),)))
                return True
        return False

    async def _vanish(self) -> None:
        """Lose the network, half of the time with a command under way, and come back."""
        self.report.counts["connections dropped"] += 1
        offline_seconds = self.rng.uniform(0.05, 3)
        if self.rng.random() < 0.5:
            self.connection.drop(offline_seconds)
            return
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._talk())
            await asyncio.sleep(self.rng.uniform(0, 0.02))
            self.connection.drop(offline_seconds)


def _class_is_live(client: Client) -> bool:
    return client.phase == "live" and client.state is not None and client.state.status == "live"
