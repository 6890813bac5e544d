#include "histogram.h"

#include <math.h>
#include <string.h>

#define HALF ((uint64_t)1 << HISTOGRAM_BITS)

void histogram_reset(struct histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
}

/* Values below 2·HALF have a bucket each; above, each power of two has HALF buckets. */
static unsigned bucket_of(uint64_t value)
{
    if (value < 2 * HALF)
        return (unsigned)value;
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_BITS;
    return (unsigned)((shift << HISTOGRAM_BITS) + (value >> shift));
}

static uint64_t upper_bound(unsigned bucket)
{
    if (bucket < 2 * HALF)
        return bucket;
    unsigned shift = (bucket >> HISTOGRAM_BITS) - 1;
    return (((bucket & (HALF - 1)) + HALF + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, int64_t nanoseconds)
{
    uint64_t value = nanoseconds > 0 ? (uint64_t)nanoseconds : 0;
    histogram->count++;
    histogram->buckets[bucket_of(value)]++;
    if (value > histogram->largest)
        histogram->largest = value;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
    uint64_t rank = (uint64_t)ceil((double)histogram->count * percent / 100);
    uint64_t passed = 0;
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS && passed < histogram->count; bucket++) {
        passed += histogram->buckets[bucket];
        if (passed >= rank && passed > 0) {
            uint64_t bound = upper_bound(bucket);
            return bound < histogram->largest ? bound : histogram->largest;
        }
    }
    return histogram->largest;
}

void histogram_print(FILE *out, const struct histogram *histogram)
{
    static const struct {
        const char *name;
        double percent;
    } shown[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}};
    fprintf(out, "{\"count\":%llu", (unsigned long long)histogram->count);
    for (size_t i = 0; histogram->count && i < sizeof shown / sizeof *shown; i++)
        fprintf(out, ",\"%s\":%.3f", shown[i].name,
                (double)histogram_percentile(histogram, shown[i].percent) / 1e6);
    if (histogram->count)
        fprintf(out, ",\"max\":%.3f", (double)histogram->largest / 1e6);
    fputc('}', out);
}
