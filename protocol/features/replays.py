"""The replay of a class: draft → published."""

from typing import TypeAlias

from protocol.ids import Moment, ReplayId, Timestamp
from protocol.messages import Command, Event


class ReplaySchedule(Command, frozen=True):
    """Publish the replay at a moment to come; null takes the plan back."""

    op = "replay.schedule"
    publish_at: Moment | None = None


class ReplayPublish(Command, frozen=True):
    """Publish the replay now; it needs a finalized recording and an artifact."""

    op = "replay.publish"


class ReplayUnpublish(Command, frozen=True):
    """Make the replay a draft again."""

    op = "replay.unpublish"


class ReplayScheduled(Event, frozen=True):
    """The replay is to be published at ``publish_at``; null: no more."""

    type = "replay.scheduled"
    replay: ReplayId
    publish_at: Timestamp | None = None


class ReplayPublished(Event, frozen=True):
    """The replay can be watched."""

    type = "replay.published"
    replay: ReplayId


class ReplayUnpublished(Event, frozen=True):
    """The replay is a draft again."""

    type = "replay.unpublished"
    replay: ReplayId


ReplayCommand: TypeAlias = ReplaySchedule | ReplayPublish | ReplayUnpublish
ReplayEvent: TypeAlias = ReplayScheduled | ReplayPublished | ReplayUnpublished
