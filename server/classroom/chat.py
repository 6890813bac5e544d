"""What people write, and how staff keep it in order."""

from typing import assert_never

from msgspec.structs import replace

from protocol import commands as cmd
from protocol import events as ev
from protocol.codec import milliseconds
from protocol.errors import Refusal
from protocol.features.chat import ChatCommand, ChatEvent
from protocol.frames import StaffMessage
from protocol.ids import STAFF
from server.classroom.access import RANK
from server.classroom.changes import When, put
from server.classroom.state import Actor, Chat, Classroom, Message

MESSAGES_KNOWN = 1_000
"""How many messages back one may reply, remove or pin: the rules promise to remember no more."""
MESSAGES_MORE = 250
"""How many more they remember before they forget: to forget copies what is left, one by one."""
STAFF_MESSAGES_KEPT = 50
"""How many of a person's own messages to staff their ``mine`` shows."""
MOST_PINNED = 10


def decide(
    state: Classroom, who: Actor, command: ChatCommand, new_id: str, at: str
) -> tuple[ev.AnyEvent, ...]:
    """Return what happens in the chat; what is so already changes nothing."""
    match command:
        case cmd.ChatPost():
            return (_post(state, who, command, new_id, at),)
        case cmd.ChatConfigure():
            return _configure(state.chat, command)
        case cmd.ChatRemove(message=name):
            message = _find(state, name)
            _check_removes(state, who, message)
            return () if message.removed else (ev.ChatRemoved(name, message.to),)
        case cmd.ChatRestore(message=name):
            message = _find(state, name)
            restored = ev.ChatRestored(name, message.text, message.to)
            return (restored,) if message.removed else ()
        case cmd.ChatPin(message=name):
            return _pin(state, name)
        case cmd.ChatUnpin(message=name):
            to = _find(state, name).to
            return (ev.ChatUnpinned(name, to),) if name in state.pinned else ()
        case _:
            assert_never(command)


def _find(state: Classroom, name: str, *, field: str = "message") -> Message:
    message = state.messages.get(name)
    if message is None:
        text = f"There is no such message among the last {MESSAGES_KNOWN}."
        raise Refusal("not_found", text, field=field)
    return message


def _post(
    state: Classroom, who: Actor, command: cmd.ChatPost, new_id: str, at: str
) -> ev.ChatPosted:
    if who.role not in STAFF:
        _check_is_open(state, who, command, at)
    if command.reply_to is not None:
        original = _find(state, command.reply_to, field="reply_to")
        if original.to == "staff":
            if who.role not in STAFF and original.by != who.user:
                raise Refusal("not_found", "There is no such message.", field="reply_to")
            if command.to == "everyone":
                raise Refusal("bad_request", "What was written to staff stays there.", field="to")
    return ev.ChatPosted(new_id, who.name, command.text, command.to, command.reply_to)


def _check_is_open(state: Classroom, who: Actor, command: cmd.ChatPost, at: str) -> None:
    chat = state.chat
    if not chat.enabled:
        raise Refusal("locked", "The chat is closed.")
    if chat.staff_only and command.to == "everyone":
        raise Refusal("locked", "Only staff write to everyone now.")
    last = state.last_post.get(who.user)
    if chat.slow_mode_s and last is not None:
        wait = milliseconds(last) + 1000 * chat.slow_mode_s - milliseconds(at)
        if wait > 0:
            text = f"One message every {chat.slow_mode_s} s, please."
            # Not rate_limited: a client would keep its other commands waiting, perhaps for an hour.
            raise Refusal("locked", text, retry_ms=wait)


def _check_removes(state: Classroom, who: Actor, message: Message) -> None:
    if message.by == who.user:
        return
    if who.role not in STAFF:
        # Of a message that they cannot see, students learn nothing.
        if message.to == "staff":
            raise Refusal("not_found", "There is no such message.", field="message")
        raise Refusal("forbidden", "Only staff may remove the messages of others.")
    author = state.people.get(message.by or "")
    if author is not None and RANK[author.role] > RANK[who.role]:
        raise Refusal("forbidden", "You may not do this to a person of a rank above yours.")


def _pin(state: Classroom, name: str) -> tuple[ev.AnyEvent, ...]:
    message = _find(state, name)
    if name in state.pinned:
        return ()
    if message.removed:
        raise Refusal("conflict", "This message was removed.", field="message")
    if len(state.pinned) >= MOST_PINNED:
        raise Refusal("conflict", f"At most {MOST_PINNED} messages are pinned at once.")
    pinned = ev.ChatPinned(name, message.by, message.name, message.text, message.to, message.at)
    return (pinned,)


def _configure(chat: Chat, command: cmd.ChatConfigure) -> tuple[ev.AnyEvent, ...]:
    wished = Chat(
        chat.enabled if command.enabled is None else command.enabled,
        chat.slow_mode_s if command.slow_mode_s is None else command.slow_mode_s,
        chat.staff_only if command.staff_only is None else command.staff_only,
        chat.before_start if command.before_start is None else command.before_start,
    )
    if wished == chat:
        return ()
    return (
        ev.ChatConfigured(
            wished.enabled, wished.slow_mode_s, wished.staff_only, wished.before_start
        ),
    )


# ---------------------------------------------------------------- what it changes


def evolve(state: Classroom, event: ChatEvent, when: When) -> Classroom:
    """Return the state after ``event``."""
    match event:
        case ev.ChatPosted():
            return _posted(state, event, when)
        case ev.ChatConfigured():
            chat = Chat(event.enabled, event.slow_mode_s, event.staff_only, event.before_start)
            last_post = state.last_post if chat.slow_mode_s else {}
            return replace(state, chat=chat, last_post=last_post)
        case ev.ChatUnpinned():
            return replace(state, pinned=state.pinned - {event.message})
        case ev.ChatRemoved() | ev.ChatRestored() | ev.ChatPinned():
            message = state.messages.get(event.message)
            return state if message is None else _moderated(state, message, event, when)
        case _:
            assert_never(event)


def _posted(state: Classroom, event: ev.ChatPosted, when: When) -> Classroom:
    message = Message(when.by, event.name, when.at, event.text, event.to, (when.sequence,))
    messages = {**state.messages, event.message: message}
    if len(messages) > MESSAGES_KNOWN + MESSAGES_MORE:
        oldest = len(messages) - MESSAGES_KNOWN
        messages = {
            name: each
            for index, (name, each) in enumerate(messages.items())
            if index >= oldest or name in state.pinned
        }
    state = replace(state, messages=messages)
    if when.by is None:
        return state
    if state.chat.slow_mode_s:
        state = replace(state, last_post=put(state.last_post, when.by, when.at))
    if event.to == "staff":
        own = (*state.to_staff.get(when.by, ()), StaffMessage(event.message, when.at, event.text))
        to_staff = put(state.to_staff, when.by, own[-STAFF_MESSAGES_KEPT:])
        state = replace(state, to_staff=to_staff)
    return state


def _moderated(
    state: Classroom,
    message: Message,
    event: ev.ChatRemoved | ev.ChatRestored | ev.ChatPinned,
    when: When,
) -> Classroom:
    match event:
        case ev.ChatRemoved():
            message = replace(message, removed=True)
            blanked = state.blanked | frozenset(message.sequences)
            pinned = state.pinned - {event.message}
        case ev.ChatRestored():
            blanked = state.blanked - frozenset(message.sequences)
            message = replace(message, removed=False, sequences=(*message.sequences, when.sequence))
            pinned = state.pinned
        case ev.ChatPinned():
            message = replace(message, sequences=(*message.sequences, when.sequence))
            blanked, pinned = state.blanked, state.pinned | {event.message}
        case _:
            assert_never(event)
    messages = put(state.messages, event.message, message)
    state = replace(state, messages=messages, blanked=blanked, pinned=pinned)
    if message.to == "staff" and message.by is not None:
        own = _own_after(state.to_staff.get(message.by, ()), event.message, message)
        state = replace(state, to_staff=put(state.to_staff, message.by, own))
    return state


def _own_after(
    own: tuple[StaffMessage, ...], name: str, message: Message
) -> tuple[StaffMessage, ...]:
    """Return what the author of a message to staff sees of their own: what is not removed."""
    others = [each for each in own if each.message != name]
    if not message.removed:
        others.append(StaffMessage(name, message.at, message.text))
    return tuple(sorted(others, key=lambda each: each.at)[-STAFF_MESSAGES_KEPT:])
