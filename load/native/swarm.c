#define _GNU_SOURCE
#include "swarm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "websocket.h"

#define READ_BYTES ((size_t)1 << 18)
#define REST_BYTES (WS_MOST_BYTES + WS_HEADER_BYTES)
#define SEND_BYTES ((size_t)1 << 16)
#define LINE_BYTES ((size_t)1 << 16)
#define EVENTS 128 /* at once: whoever waits for a moment is late by no more than these take */
#define PEERS_PER_ADDRESS 100

_Noreturn void die(const char *what)
{
    if (errno)
        perror(what);
    else
        fprintf(stderr, "%s\n", what);
    exit(1);
}

static void *allocate(void *old, size_t size)
{
    void *memory = realloc(old, size);
    if (memory == NULL)
        die("out of memory");
    return memory;
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint32_t swarm_mask(struct swarm *swarm)
{
    uint32_t next = swarm->random; /* xorshift32: never 0 */
    next ^= next << 13;
    next ^= next >> 17;
    next ^= next << 5;
    return swarm->random = next;
}

static void watch(struct swarm *swarm, int fd, uint32_t events, void *tag, int operation)
{
    struct epoll_event event = {.events = events, .data.ptr = tag};
    if (epoll_ctl(swarm->epoll, operation, fd, &event) != 0)
        die("epoll_ctl");
}

void swarm_open(struct swarm *swarm, unsigned port, const char *subprotocol,
                const struct mode *mode)
{
    *swarm = (struct swarm){.port = port, .subprotocol = subprotocol, .mode = mode};
    swarm->random = (uint32_t)now_ns() | 1;
    swarm->epoll = epoll_create1(EPOLL_CLOEXEC);
    swarm->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (swarm->epoll < 0 || swarm->timer < 0)
        die("epoll_create1, timerfd_create");
    swarm->buffer = allocate(NULL, REST_BYTES + READ_BYTES);
    watch(swarm, swarm->timer, EPOLLIN, &swarm->timer, EPOLL_CTL_ADD);
    fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
    watch(swarm, STDIN_FILENO, EPOLLIN, &swarm->input, EPOLL_CTL_ADD);
    swarm->now = now_ns();
}

void swarm_reserve(struct swarm *swarm, size_t count)
{
    swarm->peers = allocate(swarm->peers, count * sizeof *swarm->peers);
    for (size_t i = swarm->count; i < count; i++)
        swarm->peers[i] = (struct peer){.fd = -1};
    swarm->count = count;
}

void swarm_drop(struct swarm *swarm, struct peer *peer)
{
    (void)swarm;
    if (peer->fd >= 0)
        close(peer->fd); /* which also ends its being watched */
    free(peer->rest);
    *peer = (struct peer){.fd = -1, .path = peer->path};
}

static void lose(struct swarm *swarm, struct peer *peer, const char *why)
{
    swarm_drop(swarm, peer);
    swarm->mode->gone(swarm, peer, why);
}

void swarm_connect(struct swarm *swarm, struct peer *peer)
{
    size_t place = (size_t)(peer - swarm->peers) / PEERS_PER_ADDRESS;
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 256 + (uint32_t)place);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)swarm->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0)
        die("bind");
    peer->fd = fd;
    peer->state = PEER_CONNECTING;
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS) {
        lose(swarm, peer, "connect");
        return;
    }
    watch(swarm, fd, EPOLLOUT, peer, EPOLL_CTL_ADD);
}

void swarm_send_raw(struct swarm *swarm, struct peer *peer, const uint8_t *bytes, size_t length)
{
    if (peer->state != PEER_OPEN)
        return;
    if (send(peer->fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length)
        lose(swarm, peer, "send");
}

void swarm_send(struct swarm *swarm, struct peer *peer, const char *text, size_t length)
{
    uint8_t frame[SEND_BYTES + WS_HEADER_BYTES];
    if (length > SEND_BYTES)
        die("a text is too long");
    size_t size = ws_frame(frame, WS_TEXT, text, length, swarm_mask(swarm));
    swarm_send_raw(swarm, peer, frame, size);
}

static void connected(struct swarm *swarm, struct peer *peer)
{
    char request[4096];
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    size_t length =
        ws_request(request, sizeof request, swarm->port, peer->path, swarm->subprotocol);
    if (error || !length
        || send(peer->fd, request, length, MSG_NOSIGNAL) != (ssize_t)length) {
        lose(swarm, peer, "connect");
        return;
    }
    peer->state = PEER_UPGRADING;
    watch(swarm, peer->fd, EPOLLIN, peer, EPOLL_CTL_MOD);
}

/* Give one frame to where it belongs; return false if the peer is gone after it. */
static bool take(struct swarm *swarm, struct peer *peer, const struct ws_frame *frame)
{
    uint8_t pong[WS_HEADER_BYTES + 125];
    switch (frame->opcode) {
    case WS_TEXT:
        swarm->mode->text(swarm, peer, (const char *)frame->payload, frame->length);
        break;
    case WS_PING:
        swarm_send_raw(swarm, peer, pong,
                       ws_frame(pong, WS_PONG, frame->payload, frame->length,
                                swarm_mask(swarm)));
        break;
    case WS_CLOSE:
        lose(swarm, peer, "close");
        break;
    default: /* a pong that nobody asked for */
        break;
    }
    return peer->state == PEER_OPEN;
}

/* Keep what is left for when more comes. */
static void keep(struct peer *peer, const uint8_t *bytes, size_t length)
{
    if (length > peer->rest_size || (length == 0 && peer->rest_size)) {
        peer->rest = length ? allocate(peer->rest, length) : (free(peer->rest), NULL);
        peer->rest_size = length;
    }
    if (length)
        memcpy(peer->rest, bytes, length);
    peer->rest_length = length;
}

static void readable(struct swarm *swarm, struct peer *peer)
{
    uint8_t *at = swarm->buffer;
    if (peer->rest_length)
        memcpy(at, peer->rest, peer->rest_length);
    ssize_t got = recv(peer->fd, at + peer->rest_length, READ_BYTES, 0);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR))
            lose(swarm, peer, got ? "reset" : "end");
        return;
    }
    swarm->now = now_ns();
    swarm->reads++;
    size_t left = peer->rest_length + (size_t)got, used = 0;
    if (peer->state == PEER_UPGRADING) {
        enum ws_verdict verdict = ws_answer((char *)at, left, swarm->subprotocol, &used);
        if (verdict == WS_BROKEN) {
            lose(swarm, peer, "refused");
            return;
        }
        if (verdict == WS_WHOLE) {
            at += used;
            left -= used;
            peer->state = PEER_OPEN;
            swarm->mode->opened(swarm, peer);
        }
    }
    while (peer->state == PEER_OPEN) {
        struct ws_frame frame;
        enum ws_verdict verdict = ws_cut(at, left, 0, &frame, &used);
        if (verdict == WS_MORE)
            break;
        if (verdict == WS_BROKEN) {
            lose(swarm, peer, "broken frame");
            return;
        }
        at += used;
        left -= used;
        if (!take(swarm, peer, &frame))
            return;
    }
    if (peer->state != PEER_AWAY)
        keep(peer, at, left);
}

static void read_input(struct swarm *swarm)
{
    if (swarm->input_size - swarm->input_length < LINE_BYTES) {
        swarm->input_size += LINE_BYTES + swarm->input_size;
        swarm->input = allocate(swarm->input, swarm->input_size);
    }
    ssize_t got = read(STDIN_FILENO, swarm->input + swarm->input_length,
                       swarm->input_size - swarm->input_length);
    if (got > 0)
        swarm->input_length += (size_t)got;
    else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        swarm->input_ended = true;
        watch(swarm, STDIN_FILENO, 0, NULL, EPOLL_CTL_DEL);
    }
}

void swarm_step(struct swarm *swarm, int64_t until)
{
    struct epoll_event events[EVENTS];
    if (swarm->armed <= swarm->now || until < swarm->armed) { /* to wake up early does no harm */
        struct itimerspec at = {.it_value = {until / 1000000000, until % 1000000000}};
        timerfd_settime(swarm->timer, TFD_TIMER_ABSTIME, &at, NULL);
        swarm->armed = until;
    }
    int count = epoll_wait(swarm->epoll, events, EVENTS, -1);
    if (count < 0 && errno != EINTR)
        die("epoll_wait");
    swarm->now = now_ns();
    for (int i = 0; i < count; i++) {
        struct peer *peer = events[i].data.ptr;
        if (events[i].data.ptr == &swarm->timer) {
            uint64_t expirations;
            if (read(swarm->timer, &expirations, sizeof expirations) < 0 && errno != EAGAIN)
                die("timerfd");
        } else if (events[i].data.ptr == &swarm->input) {
            read_input(swarm);
        } else if (peer->state == PEER_CONNECTING) {
            connected(swarm, peer);
        } else if (peer->state != PEER_AWAY) {
            readable(swarm, peer);
        }
    }
}

char *swarm_line(struct swarm *swarm)
{
    static char *line; /* the last one that was returned */
    free(line);
    line = NULL;
    for (;;) {
        char *end =
            swarm->input_length ? memchr(swarm->input, '\n', swarm->input_length) : NULL;
        if (end != NULL) {
            size_t length = (size_t)(end - swarm->input);
            line = strndup(swarm->input, length);
            swarm->input_length -= length + 1;
            memmove(swarm->input, end + 1, swarm->input_length);
            return line;
        }
        if (swarm->input_ended)
            return NULL;
        swarm_step(swarm, swarm->now + 1000000000);
    }
}
