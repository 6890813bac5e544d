#define _GNU_SOURCE
#include "classes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "student.h"

#define PATIENCE_SECONDS 10.0
#define CLASSES_MOST 100000

static struct class *class_list[CLASSES_MOST];
static size_t class_count;
static size_t room;      /* for so many students */
static bool are_in_class; /* since they joined, until they are dropped */

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

static struct class *class_at(const char *path)
{
    /* The people of a class need not come one after another, but they mostly do. */
    for (size_t i = class_count; i-- > 0;)
        if (strcmp(class_list[i]->path, path) == 0)
            return class_list[i];
    if (class_count == CLASSES_MOST)
        die("too many classes");
    struct class *class = calloc(1, sizeof *class);
    if (class == NULL || (class->path = strdup(path)) == NULL)
        die("out of memory");
    return class_list[class_count++] = class;
}

static void person(const char *path, const char *token)
{
    size_t number = swarm.count;
    if (are_in_class)
        die("people are named before they join");
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

static void join(double seconds, size_t at_once)
{
    size_t started = 0;
    begin();
    are_in_class = true;
    int64_t until = phase.began + (int64_t)(seconds * 1e9), look_at = 0;
    while (live < swarm.count && swarm.now < until) {
        for (; started < swarm.count && started < live + at_once; started++)
            if (swarm.peers[started].state == PEER_AWAY)
                connect_again(started);
        swarm_step(&swarm, swarm.now + 10000000);
        if (swarm.now < look_at)
            continue;
        look_at = swarm.now + 10000000;
        for (size_t i = 0; i < started; i++)
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
    tally_print("recoveries", &phase.recoveries);
    tally_print("byes", &phase.byes);
    tally_print("ends", &phase.ends);
    end();
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
        student_say(speaker, due);
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
    tally_print("refused", &phase.refusals);
    tally_print("byes", &phase.byes);
    tally_print("ends", &phase.ends);
    end();
}

static void drop(void)
{
    begin();
    live = 0;
    are_in_class = false;
    for (size_t i = 0; i < swarm.count; i++) {
        swarm_drop(&swarm, &swarm.peers[i]);
        students[i].is_live = students[i].is_welcome = false;
        students[i].retry_at = 0;
    }
    printf("{\"people\":%zu", swarm.count);
    end();
}

int classes(unsigned port)
{
    char *line;
    swarm_open(&swarm, port, SUBPROTOCOL, &student_mode);
    while ((line = swarm_line(&swarm)) != NULL) {
        char *save, *verb = strtok_r(line, " ", &save);
        char *first = strtok_r(NULL, " ", &save), *second = strtok_r(NULL, " ", &save);
        char *third = strtok_r(NULL, " ", &save);
        if (verb == NULL)
            continue;
        if (strcmp(verb, "person") == 0 && second)
            person(first, second);
        else if (strcmp(verb, "join") == 0 && first)
            join(strtod(first, NULL), second ? strtoul(second, NULL, 10) : SIZE_MAX / 2);
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
