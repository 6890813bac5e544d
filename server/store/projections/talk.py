"""What people say: ``chat_messages``, ``questions`` and ``question_votes``.

A removed message keeps its text, for who may restore it. When a question was last on the stage
stays known after it has left it; ``answered_at`` and ``dismissed_at`` say what it is now.
"""

from typing import TypeAlias, assert_never

from protocol import events as ev

from .statement import Occasion, Statement

Event: TypeAlias = (
    ev.ChatPosted
    | ev.ChatRemoved
    | ev.ChatRestored
    | ev.ChatPinned
    | ev.ChatUnpinned
    | ev.QuestionAsked
    | ev.QuestionUpvoted
    | ev.QuestionUnvoted
    | ev.QuestionPresented
    | ev.QuestionAnswered
    | ev.QuestionDismissed
    | ev.QuestionReopened
)

_POSTED = """
INSERT INTO chat_messages (
    tenant_id, session_id, id, user_id, message, to_staff, reply_to, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"""
_REMOVED = """
UPDATE chat_messages SET removed_at = $3, pinned_at = NULL
WHERE session_id = $1 AND id = $2"""
_RESTORED = "UPDATE chat_messages SET removed_at = NULL WHERE session_id = $1 AND id = $2"
_PINNED = "UPDATE chat_messages SET pinned_at = $3 WHERE session_id = $1 AND id = $2"

_ASKED = """
INSERT INTO questions (tenant_id, session_id, id, user_id, prompt, created_at)
VALUES ($1, $2, $3, $4, $5, $6)"""
_UPVOTED = """
INSERT INTO question_votes (tenant_id, session_id, question_id, user_id, created_at)
SELECT $1, $2, id, $4, $5 FROM questions WHERE session_id = $2 AND id = $3
ON CONFLICT DO NOTHING"""
_UNVOTED = "DELETE FROM question_votes WHERE session_id = $1 AND question_id = $2 AND user_id = $3"
_PRESENTED = "UPDATE questions SET presented_at = $3 WHERE session_id = $1 AND id = $2"
_ANSWERED = """
UPDATE questions SET status = 'answered', answer = $3, answered_at = $4, dismissed_at = NULL
WHERE session_id = $1 AND id = $2"""
_DISMISSED = """
UPDATE questions SET status = 'open', answer = NULL, answered_at = NULL, dismissed_at = $3
WHERE session_id = $1 AND id = $2"""


def project(event: Event, on: Occasion) -> Statement:
    """Return what ``event`` changes."""
    of, both = (on.session,), (on.tenant, on.session)
    match event:
        case ev.ChatPosted(message=message, text=text, to=to, reply_to=reply_to):
            return _POSTED, (*both, message, on.by, text, to == "staff", reply_to, on.at_ms)
        case ev.ChatRemoved(message=message):
            return _REMOVED, (*of, message, on.at_ms)
        case ev.ChatRestored(message=message):
            return _RESTORED, (*of, message)
        case ev.ChatPinned(message=message):
            return _PINNED, (*of, message, on.at_ms)
        case ev.ChatUnpinned(message=message):
            return _PINNED, (*of, message, None)
        case ev.QuestionAsked(question=question, prompt=prompt):
            return _ASKED, (*both, question, on.by, prompt, on.at_ms)
        case ev.QuestionUpvoted(question=question):
            return _UPVOTED, (*both, question, on.by, on.at_ms)
        case ev.QuestionUnvoted(question=question):
            return _UNVOTED, (*of, question, on.by)
        case ev.QuestionPresented(question=question):
            return _PRESENTED, (*of, question, on.at_ms)
        case ev.QuestionAnswered(question=question, text=answer):
            return _ANSWERED, (*of, question, answer, on.at_ms)
        case ev.QuestionDismissed(question=question):
            return _DISMISSED, (*of, question, on.at_ms)
        case ev.QuestionReopened(question=question):
            return _DISMISSED, (*of, question, None)
        case _:
            assert_never(event)
