/* sender: the fan-out as C programs do it, send() to one peer after another.
 *
 * It fulfils the contract of load/bench/fanout.py, for the generator beside it: it answers only
 * the key of RFC 6455 §1.3, which that one always sends. A peer whose socket is full is cut off:
 * in a closed loop that never happens. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "websocket.h"

#define PEERS 65536
#define READ_BYTES 65536
#define EVENT_MOST_BYTES 60000

static const char welcome[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Accept: " WS_ACCEPT
                              "\r\n\r\n";

enum role { NOBODY, ARRIVING, SUBSCRIBER, PUBLISHER };
static enum role roles[PEERS]; /* by descriptor */
static int subscribers[PEERS];
static size_t count;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void forget(int fd)
{
    for (size_t i = 0; i < count && roles[fd] == SUBSCRIBER; i++)
        if (subscribers[i] == fd) {
            subscribers[i] = subscribers[--count];
            break;
        }
    roles[fd] = NOBODY;
    close(fd);
}

static void tell_everybody(const uint8_t *frame, size_t length)
{
    for (size_t i = count; i-- > 0;)
        if (send(subscribers[i], frame, length, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)length)
            forget(subscribers[i]);
}

static void publish(const char *wish)
{
    static char text[EVENT_MOST_BYTES];
    static uint8_t frame[EVENT_MOST_BYTES + WS_HEADER_BYTES];
    unsigned first, events, bytes;
    if (sscanf(wish, "{\"first\":%u,\"count\":%u,\"bytes\":%u}", &first, &events, &bytes) != 3
        || bytes < 64 || bytes > EVENT_MOST_BYTES)
        return;
    memset(text, 'x', bytes);
    for (unsigned sequence = first; sequence < first + events; sequence++) {
        char head[64];
        int length = snprintf(head, sizeof head, "{\"sequence\":%u,\"text\":\"", sequence);
        memcpy(text, head, (size_t)length);
        memcpy(text + bytes - 2, "\"}", 2);
        tell_everybody(frame, ws_frame(frame, WS_TEXT, text, bytes, 0));
    }
}

static void arrive(int fd, const char *request, size_t length)
{
    bool is_known = memmem(request, length, WS_KEY, sizeof WS_KEY - 1) != NULL;
    if (!is_known || send(fd, welcome, sizeof welcome - 1, MSG_NOSIGNAL) < 0) {
        forget(fd);
        return;
    }
    if (length > 8 && memcmp(request, "GET /fan", 8) == 0) {
        roles[fd] = SUBSCRIBER;
        subscribers[count++] = fd;
    } else {
        roles[fd] = PUBLISHER;
    }
}

/* Requests and wishes are small, and come whole: what does not is refused. */
static void hear(int fd)
{
    static uint8_t in[READ_BYTES + 1];
    ssize_t got = recv(fd, in, READ_BYTES, MSG_DONTWAIT);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN)
            forget(fd);
        return;
    }
    if (roles[fd] == ARRIVING) {
        arrive(fd, (char *)in, (size_t)got);
        return;
    }
    uint8_t *from = in;
    size_t left = (size_t)got, used;
    struct ws_frame frame;
    while (left && ws_cut(from, left, 1, &frame, &used) == WS_WHOLE) {
        char wish[128] = "";
        if (roles[fd] == PUBLISHER && frame.opcode == WS_TEXT && frame.length < sizeof wish) {
            memcpy(wish, frame.payload, frame.length);
            publish(wish);
        }
        from += used;
        left -= used;
    }
    if (left && roles[fd] != NOBODY)
        forget(fd);
}

static int listen_anywhere(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096)
        || getsockname(fd, (struct sockaddr *)&address, &size))
        die("listen");
    printf("port %u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(void)
{
    int listener = listen_anywhere(), poll = epoll_create1(0), on = 1;
    struct epoll_event events[512], event = {.events = EPOLLIN};
    event.data.fd = listener;
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    event.data.fd = STDIN_FILENO;
    epoll_ctl(poll, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    for (;;) {
        int happened = epoll_wait(poll, events, 512, -1);
        if (happened < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < happened; i++) {
            int fd = events[i].data.fd;
            if (fd == STDIN_FILENO)
                return 0; /* whoever started this has ended it */
            if (fd != listener) {
                if (roles[fd] != NOBODY)
                    hear(fd);
                continue;
            }
            event.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
            if (event.data.fd < 0)
                continue;
            if (event.data.fd >= PEERS) {
                close(event.data.fd);
                continue;
            }
            setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            roles[event.data.fd] = ARRIVING;
            epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event);
        }
    }
}
