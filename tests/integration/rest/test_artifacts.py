"""A class ends, and leaves behind what its log tells; people make it better."""

import asyncio
import io

from protocol.features.artifacts import Segment
from server.ids import new_id
from server.rest.artifacts import maker_key
from server.store import artifact_runs, erasure
from server.store.log import LogReader
from tests.patience import PATIENCE

from .test_live_sessions import command

VTT = {"Content-Type": "text/vtt"}


async def held(api, school):
    """Hold a class with slides, captions, a poll, a question, marks and notes; return its end."""
    session, teacher, student = school.session, school.teacher, school.student
    told = [
        (teacher, "session.start", {}),
        (teacher, "caption.add", {"text": "Light becomes sugar.", "language": "en",
                                  "start_ms": 1_000, "end_ms": 3_000}),
        (teacher, "caption.add", {"text": "In leaves", "language": "en",
                                  "start_ms": 3_000, "end_ms": 4_000}),
        (teacher, "caption.add", {"text": "La lumière.", "language": "fr",
                                  "start_ms": 1_000, "end_ms": 3_000}),
        (student, "question.ask", {"prompt": "Why green?"}),
        (teacher, "chapter.mark", {"title": "Leaves", "start_ms": 60_000}),
        (teacher, "highlight.mark", {"title": "Look"}),
        (student, "note.add", {"text": "ask again"}),
        (teacher, "note.add", {"text": "too fast"}),
        (teacher, "session.end", {}),
    ]  # fmt: skip
    for number, (who, op, data) in enumerate(told):
        done = await command(api, who, session, op, f"k{number}", **data)
        assert done.status == 200, done.body
    return done.body["sequence"][1]


async def rows(pools, school):
    async with pools.tenant(school.tenant) as connection:
        return await connection.fetch("SELECT * FROM artifacts ORDER BY id")


async def test_what_a_class_leaves_behind(api, app, pools, school, stranger, projector) -> None:
    """Made once, citing its events; made again without a change; people's work stays."""
    session, teacher, student = school.session, school.teacher, school.student
    path = f"/v1/sessions/{session}"
    early = await api.post(teacher, f"{path}/artifact-runs", {})
    assert (early.status, early.code) == (409, "conflict")
    end = await held(api, school)

    # Two nodes at once, one of which was told: it is made once.
    maker = app[maker_key]
    maker.notify(session)
    assert await projector.wait_for(session, end, timeout=PATIENCE)
    await asyncio.gather(maker.sweep(), maker.sweep())
    head = (await api.get(teacher, f"{path}/events")).body["head"]

    async def listed(who=teacher, more=""):
        answer = await api.get(who, f"{path}/artifacts?after_sequence={head}{more}")
        assert answer.status == 200, answer.body
        return answer.body["items"]

    all_ = await listed()
    kinds = sorted(each["artifact_type"] for each in all_)
    assert kinds == ["chapter"] * 2 + ["highlight"] + ["note"] * 2 + ["transcript"] * 2
    types = {
        each["sequence"]: each["type"]
        for each in (await api.get(teacher, f"{path}/events")).body["events"]
    }
    cited = {(each["artifact_type"], types[each["source_sequence"]]) for each in all_}
    assert cited == {
        ("chapter", "session.started"), ("chapter", "chapter.marked"), ("note", "note.added"),
        ("highlight", "highlight.marked"), ("transcript", "caption.added"),
    }  # fmt: skip
    assert [each["payload"]["title"] for each in all_ if types[each["source_sequence"]]
            == "session.started"] == ["Algebra"]  # fmt: skip
    (mine,) = await listed(student, "&artifact_type=note")
    assert mine["payload"]["text"] == "ask again"
    (theirs,) = [each for each in all_ if each["payload"].get("text") == "too fast"]
    assert (await api.get(student, f"{path}/artifacts/{theirs['id']}")).status == 404
    assert (await api.get(teacher, f"{path}/artifacts/{theirs['id']}")).body == theirs
    assert len(await listed(student)) == len(all_) - 1
    assert (await api.get(stranger, f"{path}/artifacts")).status == 404

    # Again: nothing to say, nothing to sweep, and the tables are those of the log.
    nothing = {"created": [], "edited": [], "removed": [], "sequence": head}
    assert (await api.post(teacher, f"{path}/artifact-runs", {})).body == nothing
    assert await artifact_runs.claim(pools, 2**43, until_ms=2**43, session=session) == []
    before = await rows(pools, school)
    await projector.rebuild(session)
    assert await projector.wait_for(session, head, timeout=PATIENCE)
    assert await rows(pools, school) == before

    # The class has another title now, and so has its first chapter.
    renamed = {"title": "Plants"}
    assert (await api.patch(teacher, path, renamed)).status == 200
    again = (await api.post(teacher, f"{path}/artifact-runs", {})).body
    assert (again["created"], len(again["edited"]), again["removed"]) == ([], 1, [])
    all_ = (await api.get(teacher, f"{path}/artifacts")).body["items"]

    # Somebody corrects a chapter, on the ground of what they saw.
    (chapter,) = [each for each in all_ if each["user"] is None and "title" in each["payload"]]
    one = f"{path}/artifacts/{chapter['id']}"
    tag = (await api.get(teacher, one)).headers["ETag"]
    better = {"payload": {"title": "Light", "start_ms": 0}}
    assert (await api.patch(student, one, better)).status == 403
    edited = await api.patch(teacher, one, better, headers={"If-Match": tag})
    assert (edited.status, edited.body["version"]) == (200, 3), edited.body
    assert edited.body["payload"] == better["payload"]
    assert edited.body["source_sequence"] == chapter["source_sequence"]
    assert edited.body["touched"] > chapter["touched"]
    late = await api.patch(teacher, one, better, headers={"If-Match": tag})
    assert (late.status, late.code) == (412, "precondition_failed")
    bad = await api.patch(teacher, one, {"payload": {"title": "Light", "text": "x"}})
    assert (bad.status, bad.code, bad.body["field"]) == (422, "bad_request", "payload.text")

    # What was edited is left alone.
    assert (await api.patch(teacher, path, {"title": "Biology"})).status == 200
    again = (await api.post(teacher, f"{path}/artifact-runs", {})).body
    assert (again["created"], again["edited"], again["removed"]) == ([], [], [])
    assert (await api.get(teacher, one)).body == edited.body
    text = await api.get(student, f"{path}/captions.vtt?language=EN")
    assert text.headers["Content-Type"] == "text/vtt; charset=utf-8"
    assert text.raw.decode() == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:03.000\nLight becomes sugar.\n\n"
        "00:00:03.000 --> 00:00:04.000\nIn leaves\n"
    )
    chapters = (await api.get(student, f"{path}/chapters.vtt")).raw.decode()
    assert chapters == (
        "WEBVTT\n\n00:00:00.000 --> 00:01:00.000\nLight\n\n00:01:00.000 --> 00:01:01.000\nLeaves\n"
    )
    assert (await api.get(student, f"{path}/captions.vtt?language=de")).status == 404

    # A chapter that somebody takes away is not made again.
    assert (await api.send("DELETE", teacher, one)).status == 204
    assert (await api.get(teacher, one)).status == 404
    assert (await api.post(teacher, f"{path}/artifact-runs", {})).body["created"] == []
    only = await api.post(teacher, f"{path}/artifact-runs", {"types": ["note"]})
    assert only.code == "bad_request"


async def test_a_transcript_is_uploaded_and_things_are_added(api, app, school) -> None:
    """An upload takes the place of what was captioned, once per key."""
    session, teacher = school.session, school.teacher
    path = f"/v1/sessions/{session}"
    await held(api, school)
    await app[maker_key].make(school.tenant, session)
    document = (
        "WEBVTT\n\n00:01.000 --> 00:02.000\nWater &amp; light\n\n00:03.000 --> 00:04.000\nx\n"
    )
    wrong = await api.post(teacher, f"{path}/transcripts", raw="WEBVTT\n\nlost\n", headers=VTT)
    assert wrong.code == "bad_request"
    assert "Line 3" in wrong.body["detail"]
    assert (await api.post(teacher, f"{path}/transcripts", raw=b"\xff", headers=VTT)).status == 422
    assert (await api.post(school.student, f"{path}/transcripts", raw=document, headers=VTT)
            ).status == 403  # fmt: skip
    huge = await api.post(
        teacher, f"{path}/transcripts", raw=io.BytesIO(b"x" * (2**20 + 1)), headers=VTT
    )
    assert huge.code == "too_large"
    empty = await api.post(teacher, f"{path}/transcripts", raw="WEBVTT\n", headers=VTT)
    assert empty.code == "bad_request"

    keyed = {**VTT, "Idempotency-Key": new_id()}
    put = f"{path}/transcripts?language=en&offset_ms=500"
    first = await api.post(teacher, put, raw=document, headers=keyed)
    assert (first.status, first.body["language"], first.body["segments"]) == (201, "en", 2)
    again = await api.post(teacher, put, raw=document, headers=keyed)
    assert again.body["artifacts"] == first.body["artifacts"]
    other = await api.post(teacher, put, raw=document.replace("x", "y"), headers=keyed)
    assert other.code == "idempotency_conflict"

    async def transcripts():
        items = (await api.get(teacher, f"{path}/artifacts?artifact_type=transcript")).body["items"]
        return {each["payload"]["language"]: each["payload"]["segments"] for each in items}

    shown = await transcripts()
    segments = [Segment(1_500, 2_500, "Water & light"), Segment(3_500, 4_500, "x")]
    assert [Segment(**each) for each in shown["en"]] == segments
    assert len(shown["fr"]) == 1
    made = (await api.post(teacher, f"{path}/artifact-runs", {})).body
    assert (made["created"], made["edited"], made["removed"]) == ([], [], [])
    subrip = "1\n00:00:09,000 --> 00:00:10,000\nSubRip\n"
    kind = {"Content-Type": "application/x-subrip"}
    assert (await api.post(teacher, put, raw=subrip, headers=kind)).status == 201
    assert [each["text"] for each in (await transcripts())["en"]] == ["SubRip"]

    new = {"artifact_type": "highlight", "payload": {"start_ms": 5_000, "end_ms": 9_000}}
    keyed = {"Idempotency-Key": new_id()}
    added = await api.post(teacher, f"{path}/artifacts", new, headers=keyed)
    assert (added.status, added.body["user"]) == (201, teacher.id)
    assert added.headers["Location"] == f"{path}/artifacts/{added.body['id']}"
    assert (await api.post(teacher, f"{path}/artifacts", new, headers=keyed)).body == added.body
    assert (await api.get(school.student, added.headers["Location"])).body == added.body


async def test_what_was_made_of_the_words_of_somebody_goes_with_them(
    api, app, pools, school, tell, projector
) -> None:
    """Slides, a poll and a question make chapters; an erasure takes those with words of theirs."""
    session, teacher, student = school.session, school.teacher.id, school.student.id
    deck, poll, question = new_id(), new_id(), new_id()
    said = {"language": "en", "start_ms": 0, "end_ms": 900}
    await tell(
        school,
        (0, "session.started", {}),
        (1, "asset.added", {"asset": deck, "asset_type": "slide", "uri": "x", "name": "Leaves",
                            "pages": 3}, teacher),
        (2, "asset.shown", {"asset": deck, "page": 2}, teacher),
        (3, "poll.opened", {"poll": poll, "prompt": "Ready?", "options": ["a", "b"],
                            "multiple": False, "anonymous": False, "results": "live"}, teacher),
        (4, "question.asked", {"question": question, "name": "S", "prompt": "Why plugh?"}, student),
        (5, "question.presented", {"question": question}, teacher),
        (5, "caption.added", said | {"text": "Because."}, teacher),
        (5, "caption.added", said | {"text": "Plugh!", "start_ms": 2_000, "end_ms": 3_000},
         student),
        (6, "session.ended", {}),
    )  # fmt: skip
    maker = app[maker_key]
    await maker.sweep()

    async def shown():
        end = await head(api, school)
        answer = await api.get(
            school.teacher, f"/v1/sessions/{session}/artifacts?after_sequence={end}"
        )
        payloads = [each["payload"] for each in answer.body["items"]]
        titles = [each["title"] for each in payloads if "title" in each]
        return sorted(titles), [
            segment["text"] for each in payloads for segment in each.get("segments", ())
        ]

    titles = ["Algebra", "Leaves · 2", "Ready?", "Why plugh?"]
    assert await shown() == (titles, ["Because.", "Plugh!"])
    await erasure.erase(pools, school.tenant, student, leave_seconds=0)
    stored = await LogReader(pools).read(session, 0)
    assert not any(b"plugh" in each.payload.lower() for each in stored)
    assert await shown() == (["…"] * 4, ["…"] * 2)
    await maker.sweep()
    assert await shown() == (titles[:3], ["Because."])
    verdict = await LogReader(pools).verify(session)
    assert (verdict.broken, verdict.erased > 0) == (None, True)


async def head(api, school):
    return (await api.get(school.teacher, f"/v1/sessions/{school.session}/events")).body["head"]
