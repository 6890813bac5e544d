#include "tally.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void tally_add(struct tally *tally, const char *word, size_t length)
{
    size_t i = 0;
    for (; i < TALLY_KINDS - 1 && tally->kinds[i].count; i++)
        if (strlen(tally->kinds[i].word) == length
            && memcmp(tally->kinds[i].word, word, length) == 0)
            break;
    if (!tally->kinds[i].count) {
        bool is_other = i == TALLY_KINDS - 1 || length >= sizeof tally->kinds[i].word;
        snprintf(tally->kinds[i].word, sizeof tally->kinds[i].word, "%.*s",
                 is_other ? 5 : (int)length, is_other ? "other" : word);
        for (char *at = tally->kinds[i].word; *at; at++)
            if (*at == '"' || *at == '\\' || (unsigned char)*at < ' ')
                *at = '?';
    }
    tally->kinds[i].count++;
}

void tally_print(const char *name, const struct tally *tally)
{
    printf(",\"%s\":{", name);
    for (size_t i = 0; i < TALLY_KINDS && tally->kinds[i].count; i++)
        printf("%s\"%s\":%llu", i ? "," : "", tally->kinds[i].word,
               (unsigned long long)tally->kinds[i].count);
    printf("}");
}
