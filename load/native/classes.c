#define _GNU_SOURCE
#include "classes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "histogram.h"
#include "json.h"
#include "swarm.h"

#define SUBPROTOCOL "liveclass.v1.json"
#define IN_FLIGHT 32
#define KINDS 12
#define RETRY_MS 250
#define PATIENCE_SECONDS 10.0
#define RETRY_MOST_MS 60000
#define MARK "\"mark "
#define LINE " I think it is forty-two, because six times seven makes forty-two."

/* How often each of a few words was said; those beyond the bound are counted as one. */
struct tally {
    struct {
        char word[24];
        uint64_t count;
    } kinds[KINDS];
};

struct class {
    char *path;
    char log[65];
    uint64_t acked, marks; /* of the lines of this phase: how many, and the sum of their marks */
    int64_t last;          /* sequence that was acked */
};

struct student {
    char *token;
    struct class *class;
    int64_t position, head;
    int64_t retry_at; /* when it comes back, or 0 */
    bool is_welcome, is_live, had_snapshot;
    uint64_t seen, marks; /* as of the class: the lines that came here */
    uint32_t last_id, next_answer;
    int64_t due[IN_FLIGHT];
};

static struct swarm swarm;
static struct class *class_list[100000];
static size_t class_count;
static struct student *students;
static size_t room; /* for so many students */
static size_t live;

/* What one phase came to. */
static struct phase {
    int64_t began, began_cpu;
    uint64_t attempts, sent, acked, answered, deliveries, gaps, misordered, gone;
    struct tally recoveries, refusals, byes, ends;
    struct histogram joins, acks, told, late;
} phase;

static void count(struct tally *tally, const char *word, size_t length)
{
    size_t i = 0;
    for (; i < KINDS - 1 && tally->kinds[i].count; i++)
        if (strlen(tally->kinds[i].word) == length
            && memcmp(tally->kinds[i].word, word, length) == 0)
            break;
    if (!tally->kinds[i].count) {
        bool is_other = i == KINDS - 1 || length >= sizeof tally->kinds[i].word;
        snprintf(tally->kinds[i].word, sizeof tally->kinds[i].word, "%.*s",
                 is_other ? 5 : (int)length, is_other ? "other" : word);
        for (char *at = tally->kinds[i].word; *at; at++)
            if (*at == '"' || *at == '\\' || (unsigned char)*at < ' ')
                *at = '?';
    }
    tally->kinds[i].count++;
}

static void print_tally(const char *name, const struct tally *tally)
{
    printf(",\"%s\":{", name);
    for (size_t i = 0; i < KINDS && tally->kinds[i].count; i++)
        printf("%s\"%s\":%llu", i ? "," : "", tally->kinds[i].word,
               (unsigned long long)tally->kinds[i].count);
    printf("}");
}

static void begin(void)
{
    memset(&phase, 0, sizeof phase);
    swarm.now = phase.began = now_ns();
    phase.began_cpu = cpu_ns();
}

/* End the line that answers: with what the generator itself did. */
static void end(void)
{
    double seconds = (double)(now_ns() - phase.began) / 1e9;
    printf(",\"seconds\":%.3f,\"generator_cpu\":%.3f}\n", seconds,
           (double)(cpu_ns() - phase.began_cpu) / 1e9 / seconds);
    fflush(stdout);
}

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

/* ---------------------------------------------------------------- what is heard */

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
    count(&phase.recoveries, text.at, text.length);
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
        count(&phase.refusals, text.at, text.length);
    } else {
        count(&phase.refusals, "no sequence", 11);
    }
}

static void on_bye(struct student *student, struct slice frame)
{
    struct slice value;
    int64_t code = 0, retry_ms = RETRY_MS;
    if (json_member(frame, "code", &value) && json_integer(value, &code))
        count(&phase.byes, value.at, value.length);
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
        count(&phase.ends, "no frame", 8);
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
    count(&phase.ends, why, strlen(why));
    phase.gone++;
    live -= student->is_live;
    student->is_live = student->is_welcome = false;
    if (!student->retry_at)
        student->retry_at = all->now + RETRY_MS * INT64_C(1000000);
}

static const struct mode mode = {on_opened, on_text, on_gone};

/* ---------------------------------------------------------------- what is asked */

static struct class *class_at(const char *path)
{
    /* The people of a class need not come one after another, but they mostly do. */
    for (size_t i = class_count; i-- > 0;)
        if (strcmp(class_list[i]->path, path) == 0)
            return class_list[i];
    if (class_count == sizeof class_list / sizeof *class_list)
        die("too many classes");
    struct class *class = calloc(1, sizeof *class);
    if (class == NULL || (class->path = strdup(path)) == NULL)
        die("out of memory");
    return class_list[class_count++] = class;
}

static void person(const char *path, const char *token)
{
    size_t number = swarm.count;
    if (number == room) {
        room = room ? 2 * room : 1024;
        students = realloc(students, room * sizeof *students);
        if (students == NULL)
            die("out of memory");
    }
    swarm_reserve(&swarm, number + 1);
    students[number] = (struct student){
        .token = strdup(token), .class = class_at(path), .position = -1, .next_answer = 1};
    if (students[number].token == NULL)
        die("out of memory");
    swarm.peers[number].path = students[number].class->path;
}

static void connect_again(size_t number)
{
    struct student *student = &students[number];
    student->retry_at = 0;
    student->last_id = 0;
    student->next_answer = 1;
    phase.attempts++;
    swarm_connect(&swarm, &swarm.peers[number]);
}

static void join(double seconds)
{
    int64_t until, look_at;
    begin();
    until = phase.began + (int64_t)(seconds * 1e9);
    for (size_t i = 0; i < swarm.count; i++) {
        if (swarm.peers[i].state == PEER_AWAY)
            connect_again(i);
    }
    look_at = phase.began;
    while (live < swarm.count && swarm.now < until) {
        swarm_step(&swarm, swarm.now + 10000000);
        if (swarm.now < look_at)
            continue;
        look_at = swarm.now + 10000000;
        for (size_t i = 0; i < swarm.count; i++)
            if (swarm.peers[i].state == PEER_AWAY && students[i].retry_at
                && students[i].retry_at <= swarm.now)
                connect_again(i);
    }
    int64_t lowest = INT64_MAX;
    for (size_t i = 0; i < swarm.count; i++)
        if (students[i].position < lowest)
            lowest = students[i].position;
    printf("{\"people\":%zu,\"live\":%zu,\"attempts\":%llu,\"lowest\":%lld,\"live_ms\":",
           swarm.count, live, (unsigned long long)phase.attempts,
           (long long)lowest);
    histogram_print(stdout, &phase.joins);
    print_tally("recoveries", &phase.recoveries);
    print_tally("byes", &phase.byes);
    print_tally("ends", &phase.ends);
    end();
}

static void say(size_t number, int64_t due)
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

/* Whether everybody has seen every line that was acked to anybody. */
static bool is_all_told(void)
{
    for (size_t i = 0; i < swarm.count; i++)
        if (students[i].is_live
            && (students[i].seen < students[i].class->acked
                || students[i].position < students[i].class->last))
            return false;
    return true;
}

static void talk(double rate, double seconds, double patience)
{
    uint64_t total = (uint64_t)(rate * seconds), expected = 0, lost = 0, extra = 0, snapshots = 0;
    size_t speaker = 0;
    begin();
    for (size_t i = 0; i < class_count; i++)
        class_list[i]->acked = class_list[i]->marks = 0;
    for (size_t i = 0; i < swarm.count; i++) {
        students[i].seen = students[i].marks = 0;
        students[i].had_snapshot = false;
    }
    while (phase.sent < total) {
        int64_t due = phase.began + (int64_t)((double)phase.sent / rate * 1e9);
        if (due > swarm.now) {
            swarm_step(&swarm, due);
            continue;
        }
        histogram_add(&phase.late, swarm.now - due);
        say(speaker, due);
        speaker = (speaker + 1) % swarm.count;
        phase.sent++;
        if (phase.sent % 64 == 0) /* who is late still hears */
            swarm_step(&swarm, swarm.now);
    }
    double talked = (double)(now_ns() - phase.began) / 1e9, share = 0;
    uint64_t acked_meanwhile = phase.acked;
    share = (double)(cpu_ns() - phase.began_cpu) / 1e9 / talked;
    int64_t until = now_ns() + (int64_t)(patience * 1e9);
    while ((phase.answered < phase.sent || !is_all_told()) && swarm.now < until)
        swarm_step(&swarm, swarm.now + 10000000);
    for (size_t i = 0; i < swarm.count; i++) {
        const struct student *student = &students[i];
        snapshots += student->had_snapshot;
        if (student->had_snapshot) /* its lines came in the state */
            continue;
        expected += student->class->acked;
        if (student->seen < student->class->acked)
            lost += student->class->acked - student->seen;
        else
            extra += student->seen - student->class->acked;
        if (student->seen == student->class->acked && student->marks != student->class->marks)
            lost++, extra++; /* as many lines as there are, but not the same */
    }
    printf("{\"people\":%zu,\"sent\":%llu,\"acked\":%llu,\"acked_per_second\":%.0f,"
           "\"unanswered\":%llu,\"misordered\":%llu,\"deliveries\":%llu,\"expected\":%llu,"
           "\"lost\":%llu,\"extra\":%llu,\"gaps\":%llu,\"snapshots\":%llu,\"disconnected\":%llu,"
           "\"talked_seconds\":%.3f,\"talk_cpu\":%.3f,\"ack_ms\":",
           swarm.count, (unsigned long long)phase.sent, (unsigned long long)phase.acked,
           (double)acked_meanwhile / talked, (unsigned long long)(phase.sent - phase.answered),
           (unsigned long long)phase.misordered, (unsigned long long)phase.deliveries,
           (unsigned long long)expected, (unsigned long long)lost, (unsigned long long)extra,
           (unsigned long long)phase.gaps, (unsigned long long)snapshots,
           (unsigned long long)phase.gone, talked, share);
    histogram_print(stdout, &phase.acks);
    printf(",\"delivery_ms\":");
    histogram_print(stdout, &phase.told);
    printf(",\"late_ms\":");
    histogram_print(stdout, &phase.late);
    print_tally("refused", &phase.refusals);
    print_tally("byes", &phase.byes);
    print_tally("ends", &phase.ends);
    end();
}

static void drop(void)
{
    begin();
    for (size_t i = 0; i < swarm.count; i++) {
        swarm_drop(&swarm, &swarm.peers[i]);
        students[i].is_live = students[i].is_welcome = false;
        students[i].retry_at = 0;
        live = 0;
    }
    printf("{\"people\":%zu", swarm.count);
    end();
}

int classes(unsigned port)
{
    char *line;
    swarm_open(&swarm, port, SUBPROTOCOL, &mode);
    while ((line = swarm_line(&swarm)) != NULL) {
        char *save, *verb = strtok_r(line, " ", &save);
        char *first = strtok_r(NULL, " ", &save), *second = strtok_r(NULL, " ", &save);
        char *third = strtok_r(NULL, " ", &save);
        if (verb == NULL)
            continue;
        if (strcmp(verb, "person") == 0 && second)
            person(first, second);
        else if (strcmp(verb, "join") == 0 && first)
            join(strtod(first, NULL));
        else if (strcmp(verb, "talk") == 0 && second && swarm.count)
            talk(strtod(first, NULL), strtod(second, NULL),
                 third ? strtod(third, NULL) : PATIENCE_SECONDS);
        else if (strcmp(verb, "drop") == 0)
            drop();
        else
            die("a line that says nothing");
    }
    return 0;
}
