/* swarm: a load generator for WebSocket servers on this machine. See load/native/__init__.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"
#include "fan.h"

int main(int argc, char **argv)
{
    unsigned long port = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    if (port > 0 && port < 65536 && argc == 3 && strcmp(argv[1], "classes") == 0)
        return classes((unsigned)port);
    if (port > 0 && port < 65536 && argc == 4 && strcmp(argv[1], "fan") == 0)
        return fan((unsigned)port, argv[3]);
    fprintf(stderr, "usage: swarm classes PORT\n       swarm fan PORT DIALECT\n");
    return 2;
}
