#include "mem/bandwidth.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/order.h"

enum { PERIOD_BITS = 4, PERIOD = 1 << PERIOD_BITS, PERIODS = 8, ROWS = 3, WEIGHT_ONE = 1 << 16 };

struct window { /* of which the channel's own number is kept: number + 1, 0 for none */
	uint64_t number, used_bytes;
};

struct limits {               /* of one PARTID, bytes in a window */
	uint64_t least, most; /* MBW_MIN, MBW_MAX */
	bool soft;
	uint64_t priority;
	uint64_t weight; /* 1 / stride; 0: not enabled */
};

struct bandwidth {
	struct mpam_msc msc;
	unsigned partids;
	uint64_t window_bytes;
	struct window window[CHANNEL_WINDOWS];
	uint64_t *used;           /* of each window, by PARTID */
	uint64_t *asked;          /* of each of PERIODS periods, by PARTID */
	uint64_t period[PERIODS]; /* number + 1 of each; 0: none */
	uint64_t expected_in;     /* the period + 1 that `claim` is of */
	struct limits limit[MPAM_PARTIDS];
	struct {
		uint64_t all,
			least; /* bytes in a window: what it will ask for, and of that what comes before others */
	} claim[MPAM_PARTIDS];
	struct bandwidth_stats stats;
	struct stat_desc rows[ROWS];
};

#define F struct bandwidth_stats
static const struct stat_desc stat_rows[ROWS] = {
	STAT_BY(F, mbwu_read_bytes, NULL, "bytes",
		"memory bandwidth usage: bytes read by requests of the label"),
	STAT_BY(F, mbwu_write_bytes, NULL, "bytes", "bytes written for the label"),
	STAT_BY(F, queue_cycles, NULL, "cycles", "cycles that its requests waited for bandwidth"),
};
#undef F

static uint64_t less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

/* --- controls --------------------------------------------------------------------------------------------------------- */

static void reread(struct bandwidth *b, cycles_t now)
{
	mpam_msc_advance(&b->msc, now);
	for (unsigned i = 0; i < b->partids; i++) {
		const uint64_t *value = b->msc.value[i];
		b->limit[i] = (struct limits){
			.least = b->window_bytes * value[MPAM_mbw_min] / 100,
			.most = value[MPAM_mbw_max] < 100
					? u64_max(1, b->window_bytes * value[MPAM_mbw_max] / 100)
					: UINT64_MAX,
			.soft = value[MPAM_mbw_max_soft] != 0,
			.priority = value[MPAM_priority],
			.weight = value[MPAM_stride] ? WEIGHT_ONE / value[MPAM_stride] : 0};
	}
	b->expected_in = 0;
}

/* --- claims: what others will ask for --------------------------------------------------------------------------------- */

static uint64_t period_of(uint64_t window) { return window >> PERIOD_BITS; }

static uint64_t *asked_in(struct bandwidth *b, uint64_t period)
{
	return &b->asked[period % PERIODS * b->partids];
}

static void note_asked(struct bandwidth *b, uint64_t period, unsigned partid, uint64_t bytes)
{
	uint64_t *number = &b->period[period % PERIODS], *asked = asked_in(b, period);
	if (*number > period + 1) return; /* forgotten */
	if (*number < period + 1)
		for (unsigned i = 0; i < b->partids; i++) asked[i] = 0;
	*number = period + 1;
	asked[partid] += bytes;
}

/* The share by proportional stride among those that compete. */
static uint64_t share_of(const struct bandwidth *b, unsigned partid)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < b->partids; i++)
		if (b->claim[i].all) sum += b->limit[i].weight;
	return sum ? b->window_bytes * b->limit[partid].weight / sum : 0;
}

static void expect(struct bandwidth *b, uint64_t period)
{
	if (b->expected_in == period + 1) return;
	b->expected_in = period + 1;
	bool known = period && b->period[(period - 1) % PERIODS] == period;
	const uint64_t *asked = asked_in(b, period - 1);
	for (unsigned i = 0; i < b->partids; i++)
		b->claim[i].all = known ? u64_min((asked[i] + PERIOD - 1) / PERIOD,
						  b->limit[i].soft ? UINT64_MAX : b->limit[i].most)
					: 0;
	for (unsigned i = 0; i < b->partids; i++)
		b->claim[i].least = u64_min(b->claim[i].all, u64_max(b->limit[i].least, share_of(b, i)));
}

/* What `other` claims before `partid`, which has used `mine` of the window. */
static uint64_t claim_before(const struct bandwidth *b, unsigned partid, uint64_t mine, unsigned other)
{
	const struct limits *l = &b->limit[partid], *o = &b->limit[other];
	uint64_t all = b->claim[other].all, least = b->claim[other].least;
	if (mine >= l->most) return all;
	if (mine < l->least) return u64_min(all, o->least);
	return o->priority > l->priority ? all : least;
}

static uint64_t claimed(const struct bandwidth *b, const uint64_t *used, unsigned partid)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < b->partids; i++)
		if (i != partid) sum += less(claim_before(b, partid, used[partid], i), used[i]);
	return sum;
}

/* --- booking ----------------------------------------------------------------------------------------------------------- */

/* How much of what is left up to the next limit the PARTID gets. */
static uint64_t room(const struct bandwidth *b, const struct window *w, const uint64_t *used, unsigned partid,
		     bool claims)
{
	const struct limits *l = &b->limit[partid];
	uint64_t left = less(b->window_bytes, w->used_bytes);
	if (claims) left = less(left, claimed(b, used, partid));
	if (used[partid] < l->least) return u64_min(left, l->least - used[partid]);
	if (used[partid] < l->most) return u64_min(left, l->most - used[partid]);
	return l->soft ? left : 0;
}

/* What a request takes of a window, of `bytes`. */
static uint64_t take(struct bandwidth *b, struct window *w, unsigned partid, uint64_t bytes, bool claims)
{
	uint64_t *used = &b->used[(uint64_t)(w - b->window) * b->partids], taken = 0, some;
	while (taken < bytes && (some = room(b, w, used, partid, claims))) {
		some = u64_min(some, bytes - taken);
		used[partid] += some;
		w->used_bytes += some;
		taken += some;
	}
	return taken;
}

/* Window `number`; NULL: it is so far in the past that it is forgotten. */
static struct window *window_at(struct bandwidth *b, uint64_t number)
{
	struct window *w = &b->window[number % CHANNEL_WINDOWS];
	if (w->number > number + 1) return NULL;
	if (w->number == number + 1) return w;
	*w = (struct window){.number = number + 1};
	for (unsigned i = 0; i < b->partids; i++) b->used[(uint64_t)(w - b->window) * b->partids + i] = 0;
	return w;
}

static cycles_t book(struct bandwidth *b, cycles_t now, uint64_t bytes, unsigned monitor)
{
	uint64_t first = now >> CHANNEL_WINDOW_BITS;
	unsigned partid = b->msc.mpam->partid_of[monitor];
	cycles_t start = UINT64_MAX;
	if (now >= b->msc.next) reread(b, now);
	const uint64_t all = bytes;
	note_asked(b, period_of(first), partid, all);
	expect(b, period_of(first));
	for (uint64_t number = first; bytes; number++) {
		struct window *w = window_at(b, number);
		if (!w) break;
		uint64_t taken = take(b, w, partid, bytes, number < first + PERIOD);
		if (taken && start == UINT64_MAX) start = number << CHANNEL_WINDOW_BITS;
		bytes -= taken;
	}
	start = start == UINT64_MAX || start < now ? now : start;
	if (start >> CHANNEL_WINDOW_BITS > first)
		note_asked(b, period_of(first), partid, all); /* wants more */
	b->stats.queue_cycles[monitor] += start - now;
	return start;
}

cycles_t bandwidth_read(struct bandwidth *b, cycles_t now, uint64_t bytes, unsigned monitor)
{
	b->stats.mbwu_read_bytes[monitor] += bytes;
	return book(b, now, bytes, monitor);
}

cycles_t bandwidth_write(struct bandwidth *b, cycles_t now, uint64_t bytes, unsigned monitor)
{
	b->stats.mbwu_write_bytes[monitor] += bytes;
	return book(b, now, bytes, monitor);
}

/* --- building ----------------------------------------------------------------------------------------------------------- */

struct bandwidth *bandwidth_new(const struct mpam *m, const char *name, uint64_t window_bytes)
{
	struct bandwidth *b = xcalloc(1, sizeof(*b));
	b->partids = m->partids;
	b->window_bytes = window_bytes;
	b->used = xcalloc((size_t)CHANNEL_WINDOWS * b->partids, sizeof(*b->used));
	b->asked = xcalloc((size_t)PERIODS * b->partids, sizeof(*b->asked));
	mpam_msc_init(&b->msc, m, name, MPAM_MEMORY);
	for (unsigned i = 0; i < ROWS; i++) {
		b->rows[i] = stat_rows[i];
		b->rows[i].labels = m->names;
	}
	reread(b, 0);
	return b;
}

void bandwidth_free(struct bandwidth *b)
{
	if (!b) return;
	mpam_msc_fini(&b->msc);
	free(b->used);
	free(b->asked);
	free(b);
}

void bandwidth_register_stats(struct bandwidth *b, struct stats *s, unsigned node)
{
	stats_add(s, b->rows, ROWS, &b->stats, "node%u.mpam", node);
}

const struct bandwidth_stats *bandwidth_stats(const struct bandwidth *b) { return &b->stats; }
