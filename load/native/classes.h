/* Students of live classes, by docs/protocol.md: they join, talk, vanish and come back. */
#ifndef CLASSES_H
#define CLASSES_H

/* Serve the lines of standard input until it ends; answer each with a line of JSON:
 *
 *   person <path> <token>            a student of the class at <path>; no answer
 *   join <seconds> [<at once>]       everybody who is away comes: all at once, or so many that
 *                                    others come when they are in
 *   talk <rate> <seconds> [<patience>]
 *                                    lines of chat, an open loop, one student after another;
 *                                    what is not there so many seconds later is lost
 *   drop                             everybody loses the network
 */
int classes(unsigned port);

#endif
