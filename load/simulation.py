"""A whole simulated class in one process: a teacher, students, and one report."""

import asyncio
import random
import uuid
from dataclasses import dataclass

import aiohttp

from load.ledger import Ledger, made_at_ns
from load.place import Place
from load.report import Report
from load.students import NAMES, Student
from load.teacher import Picture, Teacher


@dataclass(frozen=True, slots=True)
class Plan:
    """Who takes part, and how lively they are."""

    teacher: bool = True
    picture: Picture | None = None
    students: int = 12
    pace_seconds: float = 8.0
    seed: int = 1
    returning: bool = False
    """Whether the students are the same people in every run, instead of new ones."""
    destinations: tuple[str, ...] = ()


async def hold_class(
    place: Place,
    staff_token: str,
    student_tokens: tuple[str, ...],
    plan: Plan,
    stop: asyncio.Event,
) -> Report:
    """Run the class until ``stop``, or until the server has sent everybody home.

    Students beyond ``student_tokens`` get theirs from the server, in the name of staff.

    Raises:
        RefusedError: If the server gives no tokens.

    """
    report, ledger = Report(), Ledger(made_at_ns)
    limit = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)  # each call has a bound of its own
    async with aiohttp.ClientSession(connector=limit, timeout=timeout) as http:
        names = [_name(index) for index in range(plan.students)]
        tokens = list(student_tokens[: plan.students])
        tokens += [
            await place.join_token(http, staff_token, name, _user(place, name, plan))
            for name in names[len(tokens) :]
        ]
        async with asyncio.TaskGroup() as people:
            if plan.teacher:
                rng = random.Random(f"{plan.seed} teacher")
                teacher = Teacher(
                    "teacher", staff_token, place, http, report, ledger, rng, alone=False
                )
                people.create_task(teacher.teach(stop, plan.picture, plan.destinations))
            for name, token in zip(names, tokens, strict=True):
                rng = random.Random(f"{plan.seed} {name}")
                student = Student(name, token, place, http, report, ledger, rng, alone=True)
                people.create_task(student.attend(stop, plan.pace_seconds))
    return report


def _name(index: int) -> str:
    turn, place = divmod(index, len(NAMES))
    return NAMES[place] if not turn else f"{NAMES[place]} {turn + 1}"


def _user(place: Place, name: str, plan: Plan) -> str | None:
    return str(uuid.uuid5(uuid.UUID(place.session), name)) if plan.returning else None
