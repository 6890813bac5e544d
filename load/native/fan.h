/* Subscribers whom a server tells everything that is published, and the publisher. */
#ifndef FAN_H
#define FAN_H

/* Serve the lines of standard input until it ends; answer each with a line of JSON:
 *
 *   connect <peers> <bytes>              subscribers, of events of so many bytes
 *   run <burst> <outstanding> <seconds> [<patience>]
 *                                        publish `burst` events at once, while at most
 *                                        `outstanding` are not with everybody yet; when nothing
 *                                        has come for so many seconds, what is missing is lost
 *
 * `dialect` says how the server is spoken to: "contract" (load/bench/fanout.py), "nchan" or
 * "socketio". Every byte of every event is compared with what was published. Returns the exit
 * status. */
int fan(unsigned port, const char *dialect);

#endif
