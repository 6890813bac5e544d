#include "json.h"

#include <string.h>

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

/* Return what follows the string that begins at `at`, or NULL. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end; at++) {
        if (*at == '"')
            return at + 1;
        if (*at == '\\' && ++at == end)
            break;
    }
    return NULL;
}

/* Return what follows the value that begins at `at`, or NULL if it does not end. */
static const char *skip_value(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        switch (*at) {
        case '"':
            at = skip_string(at, end);
            if (at == NULL || depth == 0)
                return at;
            break;
        case '{':
        case '[':
            depth++;
            at++;
            break;
        case '}':
        case ']':
            if (depth == 0)
                return at;
            at++;
            if (--depth == 0)
                return at;
            break;
        case ',':
            if (depth == 0)
                return at;
            at++;
            break;
        default:
            at++;
        }
    }
    return depth == 0 ? at : NULL;
}

bool json_member(struct slice object, const char *name, struct slice *value)
{
    const char *end = object.at + object.length;
    const char *at = skip_space(object.at, end);
    size_t length = strlen(name);
    if (at == end || *at != '{')
        return false;
    for (at = skip_space(at + 1, end); at < end && *at == '"'; at = skip_space(at + 1, end)) {
        const char *key = at + 1;
        at = skip_string(at, end);
        if (at == NULL)
            return false;
        bool is_it = (size_t)(at - 1 - key) == length && memcmp(key, name, length) == 0;
        at = skip_space(at, end);
        if (at == end || *at != ':')
            return false;
        const char *start = skip_space(at + 1, end);
        at = skip_value(start, end);
        if (at == NULL || at == start)
            return false;
        if (is_it) {
            *value = (struct slice){start, (size_t)(at - start)};
            return true;
        }
        at = skip_space(at, end);
        if (at == end || *at != ',')
            return false;
    }
    return false;
}

bool json_element(struct slice *rest, struct slice *element)
{
    const char *end = rest->at + rest->length;
    const char *at = skip_space(rest->at, end);
    if (at == end || (*at != '[' && *at != ','))
        return false;
    const char *start = skip_space(at + 1, end);
    at = skip_value(start, end);
    if (at == NULL || at == start)
        return false;
    *element = (struct slice){start, (size_t)(at - start)};
    *rest = (struct slice){at, (size_t)(end - at)};
    return true;
}

bool json_string(struct slice value, struct slice *text)
{
    if (value.length < 2 || value.at[0] != '"' || value.at[value.length - 1] != '"')
        return false;
    *text = (struct slice){value.at + 1, value.length - 2};
    return true;
}

bool json_is(struct slice value, const char *text)
{
    struct slice string;
    return json_string(value, &string) && string.length == strlen(text)
           && memcmp(string.at, text, string.length) == 0;
}

bool json_integer(struct slice value, int64_t *number)
{
    int64_t sum = 0;
    if (value.length == 0 || value.length > 18)
        return false;
    for (size_t i = 0; i < value.length; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return false;
        sum = sum * 10 + (value.at[i] - '0');
    }
    *number = sum;
    return true;
}
