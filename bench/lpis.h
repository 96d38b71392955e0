/* lpis.h - a million LPIs over 256 redistributors: messages of devices to an ITS, taken by the PEs. */
#ifndef BENCH_LPIS_H
#define BENCH_LPIS_H

#include <stdint.h>

enum { BENCH_LPIS_REDISTS = 256, BENCH_LPIS_EVENTS = 4096 };

struct bench_lpis;

/* A device for each redistributor with BENCH_LPIS_EVENTS mapped events, by commands; every LPI is enabled and none pending. */
struct bench_lpis *bench_lpis_new(void);
void bench_lpis_free(struct bench_lpis *b);
/* `count` messages of random devices and events; each LPI is acknowledged before the next but one for its redistributor. */
void bench_lpis_deliver(struct bench_lpis *b, uint64_t count);

#endif
