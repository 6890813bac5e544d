/* How often each of a few words was said. */
#ifndef TALLY_H
#define TALLY_H

#include <stddef.h>
#include <stdint.h>

#define TALLY_KINDS 12

/* All zero at first; words beyond the bound are counted as one. */
struct tally {
    struct {
        char word[24];
        uint64_t count;
    } kinds[TALLY_KINDS];
};

void tally_add(struct tally *tally, const char *word, size_t length);

/* Print `,"name":{"word":count, …}`, the tail of a JSON object, to standard output. */
void tally_print(const char *name, const struct tally *tally);

#endif
