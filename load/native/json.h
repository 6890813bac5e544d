/* Enough of JSON to read the frames of a class: slices of the text, nothing is copied.
 *
 * What is walked over is checked for its structure alone; a text that is none gives `false`. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
    const char *at;
    size_t length;
};

/* Find a member of an object, by its name without escapes. */
bool json_member(struct slice object, const char *name, struct slice *value);

/* Take the next element: `*rest` is the array at first, then what is left of it. */
bool json_element(struct slice *rest, struct slice *element);

/* Whether the value is the string `text`, written without escapes. */
bool json_is(struct slice value, const char *text);

/* The text between the quotes, if the value is a string. */
bool json_string(struct slice value, struct slice *text);

/* The value of a non-negative integer of at most 18 digits. */
bool json_integer(struct slice value, int64_t *number);

#endif
