/* order.h - the earlier and the later of two times, the smaller and the larger of two numbers. */
#ifndef BASE_ORDER_H
#define BASE_ORDER_H

#include "base/types.h"

static inline cycles_t cycles_later(cycles_t a, cycles_t b) { return a > b ? a : b; }
static inline cycles_t cycles_earlier(cycles_t a, cycles_t b) { return a < b ? a : b; }
static inline uint64_t u64_max(uint64_t a, uint64_t b) { return a > b ? a : b; }
static inline uint64_t u64_min(uint64_t a, uint64_t b) { return a < b ? a : b; }

#endif
