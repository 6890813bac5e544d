"""Who may what: the one table of role × scope × resource. A route names a line of it.

A role is given in a scope (the tenant, a course or a session: ``user_roles``), or by the log of a
session to whoever came. It holds for the scope and whatever is in it:

::

    installation   tenants                                                 scope ``operator``
    tenant         people and roles, integrations, destinations, webhooks
    └─ course      its lessons
       └─ lesson   its sessions
          └─ session   people, commands, log, media, …
             └─ asset, artifact, recording, replay

``reach`` is for lists over all of it: they show what the caller's roles open, and nothing else.

============  ===========================================  ======================================
who           whole tenant                                 a class
============  ===========================================  ======================================
operator      makes tenants, and sees nothing of them      —
admin         people, roles, domains, retention            as a teacher
teacher       manages courses, lessons, destinations       teaches: starts, ends, changes it
assistant     looks at them                                assists: lets in, answers, publishes
student       —                                            attends: what their view of it shows
waiting       —                                            its title and status
============  ===========================================  ======================================
"""

from dataclasses import dataclass, replace
from typing import Literal, Self, TypeAlias

from protocol.ids import Role

Resource: TypeAlias = Literal[
    "course", "lesson", "session", "asset", "artifact", "recording", "replay"
]
"""What a path names by an id of this name, and what a role can be looked up for."""
Within: TypeAlias = Literal["nothing", "installation", "tenant", "reach"] | Resource

IN_SESSION: frozenset[Within] = frozenset(("session", "asset", "artifact", "recording", "replay"))
"""What a token for one session may open."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may: these roles, in the scope that covers the resource ``within`` which it happens."""

    within: Within
    roles: frozenset[Role]
    waiting: bool = False
    """Whether also those may who wait in the lobby of the class."""

    def of(self, resource: Resource) -> Self:
        """Return the same for one ``resource``: the path names its id."""
        return replace(self, within=resource)


ADMINS: frozenset[Role] = frozenset(("admin",))
TEACHERS: frozenset[Role] = ADMINS | {"teacher"}
STAFFERS: frozenset[Role] = TEACHERS | {"assistant"}
EVERYONE: frozenset[Role] = STAFFERS | {"student"}

ANYBODY = Access("nothing", EVERYONE)
"""Without a token: what the body holds is the proof."""
OPERATE = Access("installation", ADMINS)
ADMINISTER = Access("tenant", ADMINS)
MANAGE = Access("tenant", TEACHERS)
LOOK = Access("tenant", STAFFERS)
BROWSE = Access("reach", STAFFERS)
SEARCH = Access("reach", EVERYONE)
SEE = Access("session", EVERYONE, waiting=True)
ATTEND = Access("session", EVERYONE)
ASSIST = Access("session", STAFFERS)
TEACH = Access("session", TEACHERS)
