/* WebSocket (RFC 6455), the bytes alone: no socket, no clock, no allocation. */
#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include <stddef.h>
#include <stdint.h>

#define WS_MOST_BYTES ((size_t)1 << 20) /* of a payload: nobody in a class sends a larger one */
#define WS_HEADER_BYTES 14              /* the longest header, mask included */

/* The key of RFC 6455 §1.3 and its answer. A key keeps caches from answering for a server; there
 * is none on the way to a server under test, and so nobody here needs SHA-1. */
#define WS_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define WS_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

enum ws_opcode { WS_TEXT = 1, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };
enum ws_verdict { WS_MORE, WS_WHOLE, WS_BROKEN };

struct ws_frame {
    uint8_t opcode;
    uint8_t *payload;
    size_t length;
};

/* Write the request for an upgrade; return its length, or 0 if it does not fit into `size`.
 * `subprotocol` may be NULL. */
size_t ws_request(char *out, size_t size, unsigned port, const char *path,
                  const char *subprotocol);

/* Judge the answer: WS_WHOLE if the server switches to what was asked for; `used` bytes are it. */
enum ws_verdict ws_answer(const char *in, size_t length, const char *subprotocol, size_t *used);

/* Cut one frame off what has arrived. `is_masked` says whether the sender must mask: a client
 * must, a server must not (§5.1). A masked payload is unmasked where it stands. Fragments,
 * reserved bits, binary frames and lengths over the bound are WS_BROKEN. */
enum ws_verdict ws_cut(uint8_t *in, size_t length, int is_masked, struct ws_frame *frame,
                       size_t *used);

/* Write one frame, masked by `mask` unless it is 0; return its length: at most `length` and a
 * header. */
size_t ws_frame(uint8_t *out, enum ws_opcode opcode, const void *payload, size_t length,
                uint32_t mask);

#endif
