/* One student of a live class, by docs/protocol.md: what is said on a new connection, and what is
 * made of every frame that comes. */
#ifndef STUDENT_H
#define STUDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "histogram.h"
#include "swarm.h"
#include "tally.h"

#define SUBPROTOCOL "liveclass.v1.json"
#define IN_FLIGHT 32

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

/* What came of everything since one thing was asked. */
struct phase {
    int64_t began, began_cpu;
    uint64_t attempts, sent, acked, answered, deliveries, gaps, misordered, gone;
    struct tally recoveries, refusals, byes, ends;
    struct histogram joins, acks, told, late;
};

/* Everybody; `students` go with the peers of `swarm`, one with one. */
extern struct swarm swarm;
extern struct student *students;
extern struct phase phase;
extern size_t live; /* how many are, now */
extern const struct mode student_mode;

/* Write a line of chat that was due at `due`: that is its mark. */
void student_say(size_t number, int64_t due);

#endif
