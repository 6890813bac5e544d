/* Thousands of WebSocket connections to one local server, in one thread. */
#ifndef SWARM_H
#define SWARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum peer_state { PEER_AWAY, PEER_CONNECTING, PEER_UPGRADING, PEER_OPEN };

struct peer {
    int fd;
    enum peer_state state;
    const char *path; /* where it connects to */
    uint8_t *rest;    /* of a frame that has not come to its end */
    size_t rest_length, rest_size;
};

struct swarm;

/* What a mode of the program makes of what happens. After `gone` the peer is away. */
struct mode {
    void (*opened)(struct swarm *swarm, struct peer *peer);
    void (*text)(struct swarm *swarm, struct peer *peer, const char *data, size_t length);
    void (*gone)(struct swarm *swarm, struct peer *peer, const char *why);
};

struct swarm {
    unsigned port;
    const char *subprotocol; /* or NULL */
    const struct mode *mode;
    struct peer *peers;
    size_t count;
    int64_t now; /* nanoseconds of CLOCK_MONOTONIC, when the kernel was last asked */
    int64_t armed; /* when the timer wakes us */
    uint64_t reads;
    int epoll, timer;
    uint8_t *buffer;
    char *input; /* what has come of the next line of standard input */
    size_t input_length, input_size;
    bool input_ended;
    uint32_t random;
};

/* Fail with a sentence on standard error, and exit status 1. */
_Noreturn void die(const char *what);

void swarm_open(struct swarm *swarm, unsigned port, const char *subprotocol,
                const struct mode *mode);

/* Make room for `count` peers; those that are there already must all be away. */
void swarm_reserve(struct swarm *swarm, size_t count);

/* Begin to connect a peer that is away. Every hundred have a loopback address of their own, as
 * a class behind many networks has. */
void swarm_connect(struct swarm *swarm, struct peer *peer);

/* Send a text of at most 64 KiB; a peer whose socket takes no more is disconnected. */
void swarm_send(struct swarm *swarm, struct peer *peer, const char *text, size_t length);

/* Send bytes as they are: frames that were written by ws_frame. */
void swarm_send_raw(struct swarm *swarm, struct peer *peer, const uint8_t *bytes, size_t length);

/* Disconnect at once; `gone` is not called. */
void swarm_drop(struct swarm *swarm, struct peer *peer);

/* Serve what happens until `until` (of CLOCK_MONOTONIC) at the latest, at least once. */
void swarm_step(struct swarm *swarm, int64_t until);

/* Serve until a line has come in; return it without its end, or NULL after the last one. It is
 * good until the next call. */
char *swarm_line(struct swarm *swarm);

int64_t now_ns(void);

/* The processor time that this process has used, in nanoseconds. */
int64_t cpu_ns(void);

/* A mask for a frame: never 0. */
uint32_t swarm_mask(struct swarm *swarm);

#endif
