/* swarm: a load generator for WebSocket servers on this machine. See load/native/__init__.py. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"

int main(int argc, char **argv)
{
    unsigned port = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    if (port > 0 && port < 65536 && argc == 3 && strcmp(argv[1], "classes") == 0)
        return classes(port);
    fprintf(stderr, "usage: swarm classes PORT\n");
    return 2;
}
