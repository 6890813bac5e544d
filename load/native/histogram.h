/* Durations in buckets at most 1 % wide (as HdrHistogram lays them out): bounded memory, exact
 * counts. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

#define HISTOGRAM_BITS 7 /* 128 buckets for each power of two: 0.8 % */
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS)

struct histogram {
    uint64_t count, largest;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_reset(struct histogram *histogram);
void histogram_add(struct histogram *histogram, int64_t nanoseconds);

/* The smallest duration that `percent` of all do not exceed; 0 without any. */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

/* Write count, percentiles and maximum as a JSON object, in milliseconds. */
void histogram_print(FILE *out, const struct histogram *histogram);

#endif
