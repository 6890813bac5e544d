#define _GNU_SOURCE
#include "fan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "histogram.h"
#include "swarm.h"
#include "websocket.h"

#define FIRST 1000000000u /* every sequence has as many digits, so every event is as long */
#define DIGITS 10
#define RING 4096         /* events that are remembered; all that are on their way must fit */
#define EVENT_MOST_BYTES 60000
#define CONNECTING_AT_ONCE 200
#define CONNECT_SECONDS 60
#define PATIENCE_SECONDS 15.0

/* How a server is spoken to. */
struct dialect {
    const char *name, *subscribe, *publish;
    const char *before, *after; /* what stands around an event */
    bool publishes_itself;      /* the publisher sends events, not wishes */
    bool greets;                /* Engine.IO: 0{…}, our 40, 40{…}, and 2 is a ping */
};

static const struct dialect dialects[] = {
    {"contract", "/fan", "/control", "", "", false, false},
    {"nchan", "/fan", "/control", "", "", true, false},
    {"socketio", "/socket.io/?EIO=4&transport=websocket", "/control", "42[\"event\",", "]", false,
     true},
};

struct event {
    int64_t at; /* when it was published */
    char *text;
};

static struct swarm swarm;
static const struct dialect *speech;
static uint32_t *next;          /* of each subscriber: the number of the event it waits for */
static bool *greeted;
static size_t subscribers, ready, event_bytes, around;
static struct event ring[RING];
static uint32_t at[RING];       /* how many subscribers wait for an event */
static uint32_t published, slowest;
static char reason[32];         /* why the last one that went away did */

static struct {
    int64_t began, began_cpu, heard;
    uint64_t delivered, lost, repeated, changed, gone, reads;
    struct histogram told;
} run;

static struct peer *publisher(void)
{
    return &swarm.peers[subscribers];
}

/* ---------------------------------------------------------------- what is heard */

/* A subscriber that waited for `from` waits for `to`. */
static void move(uint32_t from, uint32_t to)
{
    at[from % RING]--;
    at[to % RING]++;
    while (slowest < published && at[slowest % RING] == 0)
        slowest++;
}

static void on_event(uint32_t *waits_for, const char *text, size_t length)
{
    uint32_t number = 0;
    size_t digits = strlen(speech->before) + strlen("{\"sequence\":");
    if (length == event_bytes + around)
        for (size_t i = digits; i < digits + DIGITS; i++)
            number = number * 10 + (uint32_t)(text[i] - '0');
    number -= FIRST; /* whatever was no number is now far away */
    if (number >= published || published - number > RING) {
        run.changed++;
        return;
    }
    const struct event *event = &ring[number % RING];
    if (memcmp(text, event->text, length) != 0)
        run.changed++;
    if (number < *waits_for) {
        run.repeated++;
        return;
    }
    run.lost += number - *waits_for;
    run.delivered++;
    run.heard = swarm.now;
    histogram_add(&run.told, swarm.now - event->at);
    move(*waits_for, number + 1);
    *waits_for = number + 1;
}

static void on_text(struct swarm *all, struct peer *peer, const char *text, size_t length)
{
    size_t number = (size_t)(peer - all->peers);
    if (number == subscribers) /* the publisher is told how it went; we count ourselves */
        return;
    if (speech->greets && length && text[0] == '0')
        swarm_send(all, peer, "40", 2);
    else if (speech->greets && length == 1 && text[0] == '2')
        swarm_send(all, peer, "3", 1);
    else if (!greeted[number]) {
        greeted[number] = true;
        ready++;
    } else
        on_event(&next[number], text, length);
}

static void on_opened(struct swarm *all, struct peer *peer)
{
    size_t number = (size_t)(peer - all->peers);
    if (number == subscribers || !speech->greets) {
        ready++;
        if (number < subscribers)
            greeted[number] = true;
    }
}

static void on_gone(struct swarm *all, struct peer *peer, const char *why)
{
    (void)all, (void)peer;
    snprintf(reason, sizeof reason, "%s", why);
    run.gone++;
}

static const struct mode mode = {on_opened, on_text, on_gone};

/* ---------------------------------------------------------------- what is asked */

static void open_all(size_t peers, size_t bytes)
{
    size_t head = strlen(speech->before) + strlen("{\"sequence\":");
    subscribers = peers;
    event_bytes = bytes;
    around = strlen(speech->before) + strlen(speech->after);
    next = calloc(peers, sizeof *next);
    greeted = calloc(peers, sizeof *greeted);
    for (size_t i = 0; i < RING; i++) {
        char *text = ring[i].text = malloc(bytes + around + 1);
        if (text == NULL || next == NULL || greeted == NULL)
            die("out of memory");
        memset(text, 'x', bytes + around);
        memcpy(text, speech->before, strlen(speech->before));
        memcpy(text + head - strlen("{\"sequence\":"), "{\"sequence\":", strlen("{\"sequence\":"));
        memcpy(text + head + DIGITS, ",\"text\":\"", strlen(",\"text\":\""));
        memcpy(text + bytes + strlen(speech->before) - 2, "\"}", 2);
        memcpy(text + bytes + strlen(speech->before), speech->after, strlen(speech->after));
    }
    at[0] = (uint32_t)peers;
    swarm_reserve(&swarm, peers + 1);
    int64_t until = now_ns() + CONNECT_SECONDS * INT64_C(1000000000);
    for (size_t i = 0; i <= peers; i++) {
        swarm.peers[i].path = i == peers ? speech->publish : speech->subscribe;
        swarm_connect(&swarm, &swarm.peers[i]);
        while (i + 1 - ready - run.gone >= CONNECTING_AT_ONCE && swarm.now < until)
            swarm_step(&swarm, swarm.now + 10000000);
    }
    while (ready + run.gone <= peers && swarm.now < until)
        swarm_step(&swarm, swarm.now + 10000000);
    printf("{\"peers\":%zu,\"ready\":%zu,\"reason\":\"%s\"}\n", peers,
           ready - (publisher()->state == PEER_OPEN), reason);
    fflush(stdout);
}

static void publish(unsigned burst)
{
    static uint8_t frames[1 << 20];
    size_t length = 0, head = strlen(speech->before) + strlen("{\"sequence\":");
    char wish[128];
    uint32_t first = published;
    int64_t now = now_ns();
    for (; published < first + burst; published++) {
        struct event *event = &ring[published % RING];
        char number[DIGITS + 1];
        snprintf(number, sizeof number, "%u", FIRST + published);
        memcpy(event->text + head, number, DIGITS);
        event->at = now;
        if (speech->publishes_itself)
            length += ws_frame(frames + length, WS_TEXT, event->text, event_bytes,
                               swarm_mask(&swarm));
    }
    if (speech->publishes_itself) {
        swarm_send_raw(&swarm, publisher(), frames, length);
        return;
    }
    length = (size_t)snprintf(wish, sizeof wish, "{\"first\":%u,\"count\":%u,\"bytes\":%zu}",
                              FIRST + first, burst, event_bytes);
    swarm_send(&swarm, publisher(), wish, length);
}

static void keep_up(unsigned burst, unsigned outstanding, double seconds, double patience)
{
    memset(&run, 0, sizeof run);
    uint64_t reads = swarm.reads;
    uint32_t first = published;
    for (size_t i = 0; i < subscribers; i++) { /* what was lost before is not lost again */
        at[next[i] % RING]--;
        at[published % RING]++;
        next[i] = published;
    }
    slowest = published;
    swarm.now = run.began = run.heard = now_ns();
    run.began_cpu = cpu_ns();
    int64_t until = run.began + (int64_t)(seconds * 1e9);
    while (swarm.now < until) {
        while (published - slowest + burst <= outstanding)
            publish(burst);
        swarm_step(&swarm, swarm.now + 10000000);
        if (run.gone)
            break;
    }
    while (slowest < published && !run.gone
           && (double)(swarm.now - run.heard) < patience * 1e9)
        swarm_step(&swarm, swarm.now + 10000000);
    double took = (double)(run.heard - run.began) / 1e9; /* until the last one was there */
    double share = (double)(cpu_ns() - run.began_cpu) / (double)(now_ns() - run.began);
    for (size_t i = 0; i < subscribers; i++)
        run.lost += published - next[i];
    printf("{\"published\":%u,\"delivered\":%llu,\"lost\":%llu,\"repeated\":%llu,"
           "\"changed\":%llu,\"disconnected\":%llu,\"seconds\":%.4f,\"generator_cpu\":%.3f,"
           "\"reads\":%llu,\"delivery_ms\":",
           published - first, (unsigned long long)run.delivered, (unsigned long long)run.lost,
           (unsigned long long)run.repeated, (unsigned long long)run.changed,
           (unsigned long long)run.gone, took, share,
           (unsigned long long)(swarm.reads - reads));
    histogram_print(stdout, &run.told);
    printf("}\n");
    fflush(stdout);
}

int fan(unsigned port, const char *dialect)
{
    char *line;
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if (strcmp(dialects[i].name, dialect) == 0)
            speech = &dialects[i];
    if (speech == NULL)
        die("no such dialect");
    swarm_open(&swarm, port, NULL, &mode);
    while ((line = swarm_line(&swarm)) != NULL) {
        size_t peers, bytes;
        unsigned burst, outstanding;
        double seconds, patience = PATIENCE_SECONDS;
        if (sscanf(line, "connect %zu %zu", &peers, &bytes) == 2 && !subscribers && peers > 0
            && bytes >= 64 && bytes <= EVENT_MOST_BYTES)
            open_all(peers, bytes);
        else if (sscanf(line, "run %u %u %lf %lf", &burst, &outstanding, &seconds, &patience) >= 3
                 && subscribers && burst > 0 && burst <= outstanding && outstanding <= RING / 2
                 && burst * (event_bytes + WS_HEADER_BYTES) <= 1 << 20)
            keep_up(burst, outstanding, seconds, patience);
        else
            die("a line that says nothing");
    }
    return 0;
}
