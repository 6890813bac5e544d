class _Crowd:
    """Everybody."""

    def __init__(self, port: int) -> None:
        self.base = f"ws://127.0.0.1:{port}"
        self.phase = Phase()
        self.students: list[Student] = []
        self.news = asyncio.Event()
        """Set whenever somebody has heard something."""

    async def join(self, seconds: float, at_once: float = math.inf) -> dict[str, Any]:
        phase = self.phase = Phase()
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
        phase = self.phase = Phase()
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
                    self.news.clear()
                    await self.news.wait()
        held = [each for each in self.students if not each.had_snapshot]
        missing = [phase.acked[each.path] - each.seen for each in held]
        # As many lines as there are, but not the same.
        others = sum(
            not less and each.marks != phase.marks[each.path]
            for less, each in zip(missing, held, strict=True)
        )
<<<<<<< ours
        if barred or _wishes_differ(before, room.state):
            self._apply_soon(room.place.session)

    def closed(self, room: Room) -> None:
        """Stop claiming the session."""
        if self._rooms.get(room.place.session) is room:
            del self._rooms[room.place.session]
        self._metrics.forget(room.place.session)
        self._streams.forget(room.place.session)
        self._tasks.start("release", self._release(room.place.session))

    # ------------------------------------------------------------ from the engine

    async def on_event(self, event: MediaEvent) -> None:
        """Return when ``event`` is committed, was before, or can never be.

        Raises:
            UnavailableError: If it is to be said again.

        """
        assert self._hub is not None
        kind = EVENTS.get(event.type) if event.type in FROM_MEDIA else None
        try:
            if kind is None:
                raise msgspec.ValidationError("unknown type")
            typed: Any = msgspec.convert(event.data, kind)
        except msgspec.ValidationError as error:
            log.error("media_event_invalid", type=event.type, error=str(error))
            return
        place = await self._find_place(event.session)
        if place is None:
            log.error("media_event_of_no_session", session=event.session)
            return
        room = await self._hub.room(place)
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def take(outcome: Outcome) -> None:
            if not answer.done():
                answer.set_result(outcome)

        room.submit(Report(event.id, typed, take))
        try:
            async with asyncio.timeout(REPORT_SECONDS):
                outcome = await answer
        except TimeoutError:
            raise UnavailableError("The class did not answer in time.") from None
        if isinstance(outcome, Refusal) and outcome.code != "internal":
            raise UnavailableError(outcome.message)

    def on_health(self, session: str, data: dict[str, Any]) -> None:
        """Show staff how the media does."""
        room = None if self._hub is None else self._hub.find(session)
        if room is None:
            return
        try:
            uplink = msgspec.convert(data["uplink"], UplinkHealth)
            destinations = msgspec.convert(data["destinations"], dict[str, DestinationHealth])
            recording = msgspec.convert(data.get("recording"), RecordingHealth | None)
        except (KeyError, msgspec.ValidationError) as error:
            log.error("media_health_invalid", error=str(error))
            return
        self._metrics.observe(session, destinations)
        self._streams.observe(session, uplink, recording)
        room.seating.ephemeral.health(uplink, destinations, recording)

    # ------------------------------------------------------------ to the engine

    def _apply_soon(self, session: str) -> None:
        self._changed.add(session)
        if session not in self._applying:
            self._applying.add(session)
            self._tasks.start("apply", self._apply(session))

    async def _apply(self, session: str) -> None:
        """Apply until nothing has changed meanwhile: the newest wish is the last applied."""
        try:
            while session in self._changed:
                self._changed.discard(session)
                try:
                    await self._apply_once(session)
                except UnavailableError as error:
                    self._changed.add(session)
                    await asyncio.sleep(error.retry_seconds)
        finally:
            self._applying.discard(session)

    async def _apply_once(self, session: str) -> None:
        assert self._fabric is not None
        room = self._rooms.get(session)
        desired = None if room is None else await self._desired(room)
        # A room that was closed meanwhile is somebody else's: its session is not claimed again.
        if room is not None and desired is not None and self._rooms.get(session) is room:
            await self._fabric.apply(session, room.epoch, desired)

    async def _desired(self, room: Room) -> Desired:
        state, place = room.state, room.place
        running = state.recording if state.status == "live" else None
        over = tuple(_target(place, each) for each in sorted(state.recordings - {running}))
        barred = tuple(sorted(user for user in state.people if _is_barred(state, user)))
        if state.status != "live":
            return Desired(over=over, barred=barred, publisher=state.publisher)
        enabled = [each for each, status in state.destinations.items() if status == "enabled"]
        targets = await self._find_targets(place.tenant, enabled) if enabled else ()
        return Desired(
            live=True,
            destinations=tuple(targets),
            recording=None if state.recording is None else _target(place, state.recording),
            over=over,
            retries=dict(state.retries),
            barred=barred,
            publisher=state.publisher,
            max_kbps=providers.most_kbps([each.provider for each in targets]),
        )

    async def _release(self, session: str) -> None:
        if self._fabric is not None:
            await self._fabric.release(session)


def _target(place: Place, recording: str) -> RecordingTarget:
    return RecordingTarget(recording, f"{place.tenant}/{place.session}/recordings/{recording}")


def _wishes(state: Classroom) -> tuple[object, ...]:
    enabled = frozenset(each for each, status in state.destinations.items() if status == "enabled")
    recordings = (state.recording, state.recordings)
    return state.status, enabled, recordings, state.retries, state.publisher


def _wishes_differ(before: Classroom, after: Classroom) -> bool:
    """Say whether the engine is to do anything else; nearly no event has to do with it."""
    are_the_same = (
        after.status is before.status
        and after.destinations is before.destinations
        and after.retries is before.retries
        and after.recordings is before.recordings
        and after.recording is before.recording
        and after.publisher is before.publisher
    )
    return not are_the_same and _wishes(before) != _wishes(after)


def _is_barred(state: Classroom, user: str) -> bool:
    """Say whether the engine shall end what somebody sends and watches.
=======
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
        phase = self.phase = Phase()
        for each in self.students:
            each.leave()
        return {"people": len(self.students), **phase.tallies()}

    def _is_all_told(self, sent: int) -> bool:
        phase = self.phase
        return phase.counts["answered"] >= sent and all(
            each.seen >= phase.acked[each.path] and each.position >= phase.last[each.path]
            for each in self.students
            if each.is_live
        )

>>>>>>> theirs

async def serve(port: int) -> None:
    """Serve the lines of standard input until it ends."""
    reader, crowd = await standard_input(), _Crowd(port)
    while words := await next_line(reader):
        match words:
            case ["person", path, token]:
                crowd.students.append(Student(crowd, path, token))
            case ["join", *numbers] if len(numbers) in (1, 2) and crowd.students:
                answer(await crowd.join(*map(float, numbers)))
            case ["talk", *numbers] if len(numbers) in (2, 3) and crowd.students:
                answer(await crowd.talk(*map(float, numbers)))
            case ["drop"]:
                answer(crowd.drop())
            case _:
                raise SystemExit("a line that says nothing")
