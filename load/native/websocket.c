#define _GNU_SOURCE
#include "websocket.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HEAD_MOST_BYTES 8192

size_t ws_request(char *out, size_t size, unsigned port, const char *path, const char *subprotocol)
{
    int length = snprintf(out, size,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: " WS_KEY "\r\n%s%s%s\r\n",
                          path, port, subprotocol ? "Sec-WebSocket-Protocol: " : "",
                          subprotocol ? subprotocol : "", subprotocol ? "\r\n" : "");
    return length > 0 && (size_t)length < size ? (size_t)length : 0;
}

/* Whether the head has the header `name` with exactly `value`. */
static bool has_header(const char *head, size_t length, const char *name, const char *value)
{
    const char *line = head, *end = head + length;
    size_t name_length = strlen(name), value_length = strlen(value);
    while ((line = memmem(line, (size_t)(end - line), "\r\n", 2)) != NULL) {
        line += 2;
        if ((size_t)(end - line) < name_length + 1 || strncasecmp(line, name, name_length) != 0
            || line[name_length] != ':')
            continue;
        const char *at = line + name_length + 1;
        while (at < end && *at == ' ')
            at++;
        if ((size_t)(end - at) >= value_length + 2 && memcmp(at, value, value_length) == 0
            && memcmp(at + value_length, "\r\n", 2) == 0)
            return true;
    }
    return false;
}

enum ws_verdict ws_answer(const char *in, size_t length, const char *subprotocol, size_t *used)
{
    static const char status[] = "HTTP/1.1 101 ";
    const char *end = memmem(in, length, "\r\n\r\n", 4);
    if (end == NULL)
        return length > HEAD_MOST_BYTES ? WS_BROKEN : WS_MORE;
    size_t head = (size_t)(end - in) + 2; /* with the last header's end of line */
    *used = head + 2;
    if (head < sizeof status || memcmp(in, status, sizeof status - 1) != 0
        || !has_header(in, head, "Sec-WebSocket-Accept", WS_ACCEPT))
        return WS_BROKEN;
    if (subprotocol && !has_header(in, head, "Sec-WebSocket-Protocol", subprotocol))
        return WS_BROKEN;
    return WS_WHOLE;
}

static void apply_mask(uint8_t *payload, size_t length, const uint8_t mask[4])
{
    for (size_t i = 0; i < length; i++)
        payload[i] ^= mask[i & 3];
}

enum ws_verdict ws_cut(uint8_t *in, size_t length, int is_masked, struct ws_frame *frame,
                       size_t *used)
{
    if (length < 2)
        return WS_MORE;
    uint8_t opcode = in[0] & 0x0F;
    bool is_control = opcode >= WS_CLOSE;
    bool is_known = opcode == WS_TEXT || (opcode >= WS_CLOSE && opcode <= WS_PONG);
    if ((in[0] & 0xF0) != 0x80 || !is_known || (in[1] & 0x80) != (is_masked ? 0x80 : 0))
        return WS_BROKEN;
    uint64_t size = in[1] & 0x7F;
    size_t at = 2, wide = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (is_control && wide)
        return WS_BROKEN;
    if (length < at + wide)
        return WS_MORE;
    if (wide) {
        size = 0;
        while (wide--)
            size = size << 8 | in[at++];
    }
    if (size > WS_MOST_BYTES)
        return WS_BROKEN;
    const uint8_t *mask = in + at;
    at += is_masked ? 4 : 0;
    if (length < at || length - at < size)
        return WS_MORE;
    if (is_masked)
        apply_mask(in + at, size, mask);
    *frame = (struct ws_frame){opcode, in + at, size};
    *used = at + size;
    return WS_WHOLE;
}

size_t ws_frame(uint8_t *out, enum ws_opcode opcode, const void *payload, size_t length,
                uint32_t mask)
{
    uint8_t masked = mask ? 0x80 : 0;
    size_t at = 2, wide = length < 126 ? 0 : length < 65536 ? 2 : 8;
    out[0] = 0x80 | (uint8_t)opcode;
    out[1] = masked | (uint8_t)(wide == 0 ? length : wide == 2 ? 126 : 127);
    for (size_t i = wide; i-- > 0;)
        out[at++] = (uint8_t)((uint64_t)length >> (8 * i));
    uint8_t key[4];
    memcpy(key, &mask, 4);
    if (mask) {
        memcpy(out + at, key, 4);
        at += 4;
    }
    memcpy(out + at, payload, length);
    if (mask)
        apply_mask(out + at, length, key);
    return at + length;
}
