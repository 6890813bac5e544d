"""The states of the page of a school: its people, its settings and its webhooks."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from protocol.ids import Role
from protocol.rest import (
    Assignment,
    Course,
    Me,
    MyRole,
    Problem,
    SignInLink,
    Tenant,
    User,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookSecret,
)
from tests.gallery.answers import DAY, HOUR, at, identifier, page

TENANT = identifier(800)
COURSE = Course(identifier(100), "Mathematics 11c", "published", at(-9 * DAY))


def _user(
    number: int, name: str, email: str | None, role: Role | None, *, is_active: bool = True
) -> User:
    status: Literal["active", "inactive"] = "active" if is_active else "inactive"
    return User(identifier(number), name, email, status, role, at(-9 * DAY), at(-DAY))


ADA = _user(900, "Ada Birch", "ada@maple.example", "admin")
OKAFOR = _user(901, "Dr. Adaeze Okafor", "a.okafor@maple.example", "teacher")
PEOPLE = (
    ADA,
    OKAFOR,
    _user(902, "سيرين الخطيب", "sirin@maple.example", "assistant"),
    _user(903, "Bob “the quick” Ünal", None, "student"),
    _user(904, "Wolfeschlegelsteinhausenbergerdorff, Hubert Blaine",
          "hubert.blaine.wolfeschlegelsteinhausenbergerdorff@a-very-long-name.maple.example", None),
    _user(905, "Mr. Green", "green@maple.example", "teacher", is_active=False),
)  # fmt: skip
GIVEN = (
    Assignment(identifier(910), OKAFOR.id, "teacher", "tenant", None),
    Assignment(identifier(911), OKAFOR.id, "assistant", "course", COURSE.id),
)
LINK = SignInLink("https://class.example/sign-in#lcsignin_…", at(DAY))


def _tenant(days: int | None, origins: tuple[str, ...]) -> Tenant:
    return Tenant(
        TENANT, "Maple School", "active", days, None, None, origins, at(-90 * DAY), at(-DAY)
    )


def _endpoint(
    number: int, url: str, description: str, status: Literal["active", "disabled"] = "active",
    reason: Literal["asked", "failing", "gone"] | None = None, failing: str | None = None,
) -> WebhookEndpoint:  # fmt: skip
    events = ("session.ended", "replay.published")
    return WebhookEndpoint(
        identifier(number), url, events, description, status, reason, failing, None, at(-DAY)
    )


TIMETABLE = _endpoint(920, "https://timetable.maple.example/hooks/liveclass", "Our timetable")
ENDPOINTS = (
    TIMETABLE,
    _endpoint(921, "https://reports.maple.example/in", "", failing=at(-3 * HOUR)),
    _endpoint(922, "https://old.maple.example/hooks", "الجدول القديم", "disabled", "failing"),
)


def _delivery(
    number: int, type_: str, status: Literal["pending", "delivered", "failed"],
    answered: int | None = None, error: str | None = None,
) -> WebhookDelivery:  # fmt: skip
    is_pending, is_delivered = status == "pending", status == "delivered"
    return WebhookDelivery(
        identifier(number), identifier(number), type_, None, None, status, 1 if error else 0,
        answered, error, at(HOUR) if is_pending else None, at(-HOUR),
        at(-HOUR) if is_delivered else None,
    )  # fmt: skip


DELIVERIES = (
    _delivery(930, "webhook.ping", "delivered", 200),
    _delivery(931, "session.ended", "pending", 503, "status"),
    _delivery(932, "replay.published", "failed", None, "tls"),
)

SCHOOL: Mapping[str, Any] = MappingProxyType(
    {
        "/v1/me": Me(ADA.id, ADA.name, TENANT, "Maple School", "admin",
                     (MyRole("admin", "tenant", None),), at(12 * HOUR)),
        "/v1/users": page(*PEOPLE),
        f"/v1/users/{ADA.id}/roles": page(Assignment(identifier(912), ADA.id, "admin", "tenant",
                                                     None)),
        f"/v1/users/{ADA.id}/sign-in-links": LINK,
        "/v1/courses": page(COURSE),
        "/v1/tenant": _tenant(365, ("https://lms.maple.example", "https://*.maple.example")),
        "/v1/webhook-endpoints": page(*ENDPOINTS),
        f"/v1/webhook-endpoints/{TIMETABLE.id}/deliveries": page(*DELIVERIES),
    }
)  # fmt: skip
ALONE: Mapping[str, Any] = {
    **SCHOOL,
    "/v1/users": page(ADA),
    "/v1/tenant": _tenant(None, ()),
    "/v1/webhook-endpoints": page(),
}
LAST = Problem("conflict", "Conflict", 409, "The last admin of a tenant stays one.")
TAKEN = Problem("conflict", "Conflict", 409, "This address belongs to somebody else.")

STATES: Mapping[str, tuple[str, Mapping[str, Any], tuple[str, ...]]] = {
    "school-people": ("/school", SCHOOL, ()),
    "school-alone": ("/school", ALONE, ()),
    "school-nobody": ("/school", {**SCHOOL, "/v1/users": page()}, ()),
    "school-unavailable": (
        "/school",
        {**SCHOOL, "/v1/users": Problem("unavailable", "Unavailable", 503, "Try again.")},
        (),
    ),
    "school-new-person": ("/school", SCHOOL, ("add-person",)),
    "school-link": ("/school", SCHOOL, ("person-link", "make-sign-in-link")),
    "school-roles": ("/school", SCHOOL, ("person-roles",)),
    "school-last-admin": (
        "/school",
        {**SCHOOL, f"/v1/users/{ADA.id}/roles/{identifier(912)}": LAST},
        ("person-roles", "take-role"),
    ),
    "school-menu": ("/school", SCHOOL, ("person-actions",)),
    "school-change": (
        "/school",
        {**SCHOOL, f"/v1/users/{ADA.id}": TAKEN},
        ("person-actions", "person-change", "change-save"),
    ),
    "school-deactivate": (
        "/school",
        {**SCHOOL, "/v1/users": page(*PEOPLE[1:])},
        ("person-actions", "person-deactivate"),
    ),
    "school-erase": (
        "/school",
        {**SCHOOL, "/v1/users": page(*PEOPLE[1:])},
        ("person-actions", "person-erase"),
    ),
    "school-settings": ("/school/settings", SCHOOL, ()),
    "school-settings-fresh": ("/school/settings", ALONE, ()),
    "school-webhooks": ("/school/webhooks", SCHOOL, ()),
    "school-no-webhooks": ("/school/webhooks", ALONE, ()),
    "school-new-webhook": ("/school/webhooks", SCHOOL, ("add-webhook",)),
    "school-deliveries": ("/school/webhooks", SCHOOL, ("webhook-deliveries",)),
    "school-secret": (
        "/school/webhooks",
        {
            **SCHOOL,
            f"/v1/webhook-endpoints/{TIMETABLE.id}/rotate-secret": WebhookSecret(
                TIMETABLE, "whsec_…"
            ),
        },
        ("webhook-actions", "webhook-rotate", "confirm"),
    ),
    "school-delete-webhook": ("/school/webhooks", SCHOOL, ("webhook-actions", "webhook-delete")),
}
"""Where in the page, what REST answers, and what is clicked there; by name."""
