#define _GNU_SOURCE
#include "student.h"

#include <stdio.h>
#include <string.h>

#include "json.h"

#define RETRY_MS 250
#define RETRY_MOST_MS 60000
#define MARK "\"mark "
#define LINE " I think it is forty-two, because six times seven makes forty-two."

struct swarm swarm;
struct student *students;
struct phase phase;
size_t live;

static struct student *student_of(const struct peer *peer)
{
    return &students[peer - swarm.peers];
}

static void become_live(struct student *student)
{
    if (student->is_live)
        return;
    student->is_live = true;
    live++;
    histogram_add(&phase.joins, swarm.now - phase.began);
}

static void on_welcome(struct student *student, struct slice frame)
{
    struct slice value, text;
    if (json_member(frame, "log", &value) && json_string(value, &text)
        && text.length < sizeof student->class->log)
        snprintf(student->class->log, sizeof student->class->log, "%.*s", (int)text.length,
                 text.at);
    if (!json_member(frame, "head", &value) || !json_integer(value, &student->head))
        return;
    if (!json_member(frame, "recovery", &value) || !json_string(value, &text))
        return;
    tally_add(&phase.recoveries, text.at, text.length);
    student->is_welcome = true;
    if (json_is(value, "snapshot"))
        student->position = -1;
    else if (student->position >= student->head)
        become_live(student);
}

static void on_snapshot(struct student *student, struct slice frame)
{
    struct slice value;
    if (!json_member(frame, "sequence", &value) || !json_integer(value, &student->position))
        return;
    student->had_snapshot = true;
    if (student->is_welcome && student->position >= student->head)
        become_live(student);
}

/* When the line of an event was due; 0 if it has no mark. */
static int64_t mark_of(struct slice event)
{
    const char *at = memmem(event.at, event.length, MARK, sizeof MARK - 1);
    int64_t due = 0;
    if (at == NULL)
        return 0;
    for (at += sizeof MARK - 1; at < event.at + event.length && *at >= '0' && *at <= '9'; at++)
        due = due < INT64_MAX / 100 ? due * 10 + (*at - '0') : 0;
    return due;
}

static void on_events(struct student *student, struct slice frame)
{
    struct slice value, event;
    int64_t from, to, sequence;
    if (!json_member(frame, "from", &value) || !json_integer(value, &from)
        || !json_member(frame, "to", &value) || !json_integer(value, &to)
        || !json_member(frame, "events", &value))
        return;
    if (student->position < 0 || from > student->position + 1)
        phase.gaps++;
    while (json_element(&value, &event)) {
        struct slice number;
        if (!json_member(event, "sequence", &number) || !json_integer(number, &sequence)
            || sequence <= student->position) /* a range may begin early */
            continue;
        int64_t due = mark_of(event);
        if (due < phase.began) /* of an earlier phase, or not ours */
            continue;
        student->seen++;
        student->marks += (uint64_t)due;
        phase.deliveries++;
        histogram_add(&phase.told, swarm.now - due);
    }
    if (to > student->position)
        student->position = to;
    if (student->is_welcome && student->position >= student->head)
        become_live(student);
}

static void on_answer(struct student *student, struct slice frame, bool is_ack)
{
    struct slice value, text, last;
    int64_t id, sequence;
    if (!json_member(frame, "id", &value) || !json_integer(value, &id)
        || id >= student->last_id + INT64_C(1) || id < 1)
        return;
    phase.misordered += id != student->next_answer;
    student->next_answer = (uint32_t)id + 1;
    phase.answered++;
    if (is_ack && json_member(frame, "sequence", &value) && json_element(&value, &last)
        && json_element(&value, &last) && json_integer(last, &sequence)) {
        phase.acked++;
        student->class->acked++;
        student->class->marks += (uint64_t)student->due[id % IN_FLIGHT];
        if (sequence > student->class->last)
            student->class->last = sequence;
        histogram_add(&phase.acks, swarm.now - student->due[id % IN_FLIGHT]);
    } else if (!is_ack && json_member(frame, "code", &value) && json_string(value, &text)) {
        tally_add(&phase.refusals, text.at, text.length);
    } else {
        tally_add(&phase.refusals, "no sequence", 11);
    }
}

static void on_bye(struct student *student, struct slice frame)
{
    struct slice value;
    int64_t code = 0, retry_ms = RETRY_MS;
    if (json_member(frame, "code", &value) && json_integer(value, &code))
        tally_add(&phase.byes, value.at, value.length);
    if (json_member(frame, "retry_ms", &value))
        json_integer(value, &retry_ms);
    if (retry_ms > RETRY_MOST_MS)
        retry_ms = RETRY_MOST_MS;
    if (code < 4500) /* beyond, one does not come back */
        student->retry_at = swarm.now + retry_ms * 1000000;
}

static void on_text(struct swarm *all, struct peer *peer, const char *data, size_t length)
{
    struct student *student = student_of(peer);
    struct slice frame = {data, length}, type;
    char pong[64];
    if (!json_member(frame, "type", &type))
        tally_add(&phase.ends, "no frame", 8);
    else if (json_is(type, "events"))
        on_events(student, frame);
    else if (json_is(type, "ack"))
        on_answer(student, frame, true);
    else if (json_is(type, "nack"))
        on_answer(student, frame, false);
    else if (json_is(type, "welcome"))
        on_welcome(student, frame);
    else if (json_is(type, "snapshot"))
        on_snapshot(student, frame);
    else if (json_is(type, "bye"))
        on_bye(student, frame);
    else if (json_is(type, "ping"))
        swarm_send(all, peer, pong,
                   (size_t)snprintf(pong, sizeof pong, "{\"type\":\"pong\",\"applied\":%lld}",
                                    (long long)student->position));
}

static void on_opened(struct swarm *all, struct peer *peer)
{
    struct student *student = student_of(peer);
    char hello[20000], resume[256] = "";
    if (student->position >= 0 && student->class->log[0])
        snprintf(resume, sizeof resume,
                 ",\"resume\":{\"log\":\"%s\",\"sequence\":%lld,\"view\":\"student\"}",
                 student->class->log, (long long)student->position);
    int length = snprintf(hello, sizeof hello,
                          "{\"type\":\"hello\",\"token\":\"%s\","
                          "\"client\":{\"name\":\"swarm\",\"version\":\"1\"}%s}",
                          student->token, resume);
    if (length < 0 || (size_t)length >= sizeof hello)
        die("a token is too long");
    swarm_send(all, peer, hello, (size_t)length);
}

static void on_gone(struct swarm *all, struct peer *peer, const char *why)
{
    struct student *student = student_of(peer);
    tally_add(&phase.ends, why, strlen(why));
    phase.gone++;
    live -= student->is_live;
    student->is_live = student->is_welcome = false;
    if (!student->retry_at)
        student->retry_at = all->now + RETRY_MS * INT64_C(1000000);
}

const struct mode student_mode = {on_opened, on_text, on_gone};

void student_say(size_t number, int64_t due)
{
    struct student *student = &students[number];
    char frame[512];
    uint32_t id = ++student->last_id;
    student->due[id % IN_FLIGHT] = due;
    int length = snprintf(frame, sizeof frame,
                          "{\"type\":\"command\",\"id\":%u,\"key\":\"%llx-%zx-%x\","
                          "\"op\":\"chat.post\",\"data\":{\"text\":" MARK "%lld" LINE "\"}}",
                          id, (unsigned long long)phase.began, number, id, (long long)due);
    swarm_send(&swarm, &swarm.peers[number], frame, (size_t)length);
}
