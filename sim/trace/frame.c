#include "trace/frame.h"

#include <stdlib.h>

#include <xxhash.h>

#include "base/bits.h"
#include "trace/source.h"

/* -- Encoding -- */

enum {
	SHAPES_EXACT =
		192, /* above, new shapes take whole words, so that hostile variety still makes big frames */
	COUNT_INLINE_MAX = 64,
};

void frame_encoder_init(struct frame_encoder *e)
{
	e->records = e->shapes = 0;
	e->instructions = 0;
	memset(e->last, 0, sizeof(e->last));
	memset(e->shape_hash, 0, sizeof(e->shape_hash));
	e->tags.size = 0;
	for (int c = 0; c < COLUMNS; c++) e->column[c].size = 0;
}

void frame_encoder_free(struct frame_encoder *e)
{
	free(e->tags.bytes);
	for (int c = 0; c < COLUMNS; c++) free(e->column[c].bytes);
	free(e->out.bytes);
	*e = (struct frame_encoder){0};
}

static unsigned bytes_needed(uint64_t v) { return v ? log2_floor(v) / 8 + 1 : 0; }

static enum native_slot slot_of(unsigned kind)
{
	if (kind == REC_FETCH) return SLOT_CODE;
	return kind == REC_LOAD || kind == REC_STORE ? SLOT_DATA : SLOT_OTHER;
}

/* A shape in one word, so that equal shapes are found by comparing words. */
struct plan {
	uint8_t bytes[COLUMNS];
	uint32_t count_base;
};

static uint64_t plan_key(const struct plan *p, const struct record *r)
{
	uint64_t key = r->kind | (uint64_t)r->flags << 8 | (uint64_t)p->count_base << 32;
	for (int c = 0; c < COLUMNS; c++) key |= (uint64_t)p->bytes[c] << (16 + 4 * c);
	return key;
}

static struct plan key_plan(uint64_t key)
{
	struct plan p = {.count_base = (uint32_t)(key >> 32)};
	for (int c = 0; c < COLUMNS; c++) p.bytes[c] = key >> (16 + 4 * c) & 15;
	return p;
}

/* The usual sizes of loads and stores belong to the shape; they follow from the instruction. */
static bool count_in_shape(const struct record *r)
{
	return slot_of(r->kind) == SLOT_DATA && r->count <= COUNT_INLINE_MAX && is_power_of_2(r->count);
}

static struct plan plan_record(const struct frame_encoder *e, const struct record *r, uint64_t delta)
{
	if (e->shapes >= SHAPES_EXACT) return (struct plan){.bytes = {8, 8, 4, 2}};
	bool inlined = count_in_shape(r);
	return (struct plan){
		.bytes = {(uint8_t)bytes_needed(delta), (uint8_t)bytes_needed(r->arg),
			  (uint8_t)(inlined ? 0 : bytes_needed(r->count)), (uint8_t)bytes_needed(r->gap)},
		.count_base = inlined ? r->count : 0,
	};
}

/* The number of the shape with this key, or -1; where it would go in *slot. */
static int find_shape(const struct frame_encoder *e, uint64_t key, unsigned *slot)
{
	unsigned at = (unsigned)(key * UINT64_C(0x9e3779b97f4a7c15) >> 54);
	for (; e->shape_hash[at]; at = (at + 1) % SHAPE_HASH_SLOTS)
		if (e->shape_key[e->shape_hash[at] - 1] == key) break;
	*slot = at;
	return e->shape_hash[at] - 1;
}

static int get_shape(struct frame_encoder *e, uint64_t key)
{
	unsigned slot;
	int shape = find_shape(e, key, &slot);
	if (shape >= 0 || e->shapes == NATIVE_SHAPES_MAX) return shape;
	e->shape_key[e->shapes++] = key;
	e->shape_hash[slot] = (uint16_t)e->shapes;
	return (int)e->shapes - 1;
}

static size_t raw_bytes(const struct frame_encoder *e)
{
	size_t n = NATIVE_FRAME_BYTES + NATIVE_PAD_BYTES + e->shapes * NATIVE_SHAPE_BYTES + e->tags.size;
	for (int c = 0; c < COLUMNS; c++) n += e->column[c].size;
	return n;
}

bool frame_add(struct frame_encoder *e, const struct record *r)
{
	enum native_slot slot = slot_of(r->kind);
	uint64_t delta = zigzag(r->addr - e->last[slot]);
	struct plan p = plan_record(e, r, delta);
	int shape = raw_bytes(e) >= NATIVE_RAW_TARGET ? -1 : get_shape(e, plan_key(&p, r));
	if (shape < 0) return false;
	wire_put_low(&e->tags, (uint64_t)shape, 1);
	wire_put_low(&e->column[COLUMN_ADDR], delta, p.bytes[COLUMN_ADDR]);
	wire_put_low(&e->column[COLUMN_ARG], r->arg, p.bytes[COLUMN_ARG]);
	wire_put_low(&e->column[COLUMN_COUNT], r->count - p.count_base, p.bytes[COLUMN_COUNT]);
	wire_put_low(&e->column[COLUMN_GAP], r->gap, p.bytes[COLUMN_GAP]);
	e->last[slot] = r->addr + (slot == SLOT_CODE ? UINT64_C(4) * r->count : 0);
	e->instructions += record_instructions(r);
	e->records++;
	return true;
}

static void put_shape(struct wire_buffer *out, uint64_t key)
{
	struct plan p = key_plan(key);
	uint8_t head[4] = {(uint8_t)key, (uint8_t)(key >> 8), (uint8_t)slot_of((uint8_t)key), 0};
	wire_put(out, head, sizeof(head));
	wire_put(out, p.bytes, sizeof(p.bytes));
	wire_put32(out, p.count_base);
}

void frame_finish(struct frame_encoder *e, uint32_t stream, uint64_t *hash)
{
	struct wire_buffer *out = &e->out;
	out->size = 0;
	wire_put64(out, 0); /* the hash, when the rest is there */
	wire_put32(out, stream);
	wire_put32(out, e->records);
	wire_put32(out, e->shapes);
	for (int c = 0; c < COLUMNS; c++) wire_put32(out, (uint32_t)e->column[c].size);
	wire_put32(out, 0);
	wire_put64(out, e->instructions);
	for (uint32_t i = 0; i < e->shapes; i++) put_shape(out, e->shape_key[i]);
	wire_put(out, e->tags.bytes, e->tags.size);
	for (int c = 0; c < COLUMNS; c++) wire_put(out, e->column[c].bytes, e->column[c].size);
	wire_put64(out, 0);
	*hash = XXH64(out->bytes + 8, out->size - 8, 0);
	memcpy(out->bytes, hash, sizeof(*hash));
	frame_encoder_init(e);
}

/* -- Decoding -- */

static enum status bad_frame(const char *where, const char *what, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s: %s", where, what);
}

static bool get_shape_row(struct shape *s, const uint8_t *row)
{
	static const uint8_t bytes_max[COLUMNS] = {8, 8, 4, 2};
	*s = (struct shape){
		.kind = row[0], .flags = row[1], .slot = row[2], .count_base = wire_get32(row + 8)};
	s->known = record_kind_text(s->kind) != NULL;
	s->advance = s->slot == SLOT_CODE ? UINT64_MAX : 0;
	for (int c = 0; c < COLUMNS; c++) {
		s->bytes[c] = row[4 + c];
		s->mask[c] = bits_ones(8 * s->bytes[c]);
		if (s->bytes[c] > bytes_max[c]) return false;
	}
	return s->slot < SLOTS;
}

/* Whether the tags name shapes that exist and take exactly the columns that are there. */
static bool tags_fit(const struct frame_decoder *d, uint32_t shapes, const uint32_t column_bytes[COLUMNS])
{
	uint32_t uses[256] = {0},
		 lane[2][256] = {{0}}; /* two lanes: runs of one tag would wait for themselves */
	for (uint32_t i = 0; i < d->records; i++) lane[i & 1][d->tag[i]]++;
	for (unsigned i = 0; i < 256; i++) uses[i] = lane[0][i] + lane[1][i];
	for (unsigned i = shapes; i < 256; i++)
		if (uses[i]) return false;
	for (int c = 0; c < COLUMNS; c++) {
		uint64_t taken = 0;
		for (uint32_t i = 0; i < shapes; i++) taken += (uint64_t)uses[i] * d->shape[i].bytes[c];
		if (taken != column_bytes[c]) return false;
	}
	return true;
}

enum status frame_open(struct frame_decoder *d, const uint8_t *raw, size_t size, const char *where,
		       struct err *err)
{
	uint32_t shapes, column_bytes[COLUMNS];
	if (size < NATIVE_FRAME_BYTES + NATIVE_PAD_BYTES) return bad_frame(where, "frame too short", err);
	d->hash = wire_get64(raw);
	if (XXH64(raw + 8, size - 8, 0) != d->hash)
		return bad_frame(where, "checksum of the frame is wrong", err);
	d->stream = wire_get32(raw + 8);
	d->records = wire_get32(raw + 12);
	shapes = wire_get32(raw + 16);
	d->instructions = wire_get64(raw + 40);
	d->done = 0;
	memset(d->last, 0, sizeof(d->last));
	if (shapes > NATIVE_SHAPES_MAX) return bad_frame(where, "more than 256 shapes in a frame", err);
	uint64_t need = NATIVE_FRAME_BYTES + NATIVE_PAD_BYTES + shapes * NATIVE_SHAPE_BYTES +
			(uint64_t)d->records;
	for (int c = 0; c < COLUMNS; c++) need += column_bytes[c] = wire_get32(raw + 20 + 4 * c);
	if (need != size) return bad_frame(where, "sizes of the frame's parts do not add up", err);
	for (uint32_t i = 0; i < shapes; i++)
		if (!get_shape_row(&d->shape[i], raw + NATIVE_FRAME_BYTES + i * NATIVE_SHAPE_BYTES))
			return bad_frame(where, "a shape of the frame is not valid", err);
	d->tag = raw + NATIVE_FRAME_BYTES + shapes * NATIVE_SHAPE_BYTES;
	d->column[0] = d->tag + d->records;
	for (int c = 1; c < COLUMNS; c++) d->column[c] = d->column[c - 1] + column_bytes[c - 1];
	return tags_fit(d, shapes, column_bytes) ? OK
						 : bad_frame(where, "tags and columns do not agree", err);
}

/* frame_open has added up the tags: no pointer leaves its column by more than the padding. */
size_t frame_decode(struct frame_decoder *d, struct record *out, size_t n)
{
	const uint8_t *tag = d->tag, *addr = d->column[COLUMN_ADDR], *arg = d->column[COLUMN_ARG];
	const uint8_t *count = d->column[COLUMN_COUNT], *gap = d->column[COLUMN_GAP];
	uint64_t last[SLOTS] = {d->last[0], d->last[1], d->last[2]};
	size_t made = 0, todo = d->records - d->done;
	if (todo > n) todo = n;
	for (const uint8_t *end = tag + todo; tag < end; tag++) {
		const struct shape *s = &d->shape[*tag];
		uint64_t va = last[s->slot] + unzigzag(wire_get64(addr) & s->mask[COLUMN_ADDR]);
		uint32_t cnt = s->count_base + (uint32_t)(wire_get64(count) & s->mask[COLUMN_COUNT]);
		last[s->slot] = va + (s->advance & UINT64_C(4) * cnt);
		struct record *r = &out[made]; /* written member by member: see gen_put */
		r->addr = va;
		r->arg = wire_get64(arg) & s->mask[COLUMN_ARG];
		r->count = cnt;
		r->gap = (uint16_t)(wire_get64(gap) & s->mask[COLUMN_GAP]);
		r->kind = s->kind;
		r->flags = s->flags;
		made += s->known;
		addr += s->bytes[COLUMN_ADDR];
		arg += s->bytes[COLUMN_ARG];
		count += s->bytes[COLUMN_COUNT];
		gap += s->bytes[COLUMN_GAP];
	}
	d->tag = tag;
	d->column[COLUMN_ADDR] = addr;
	d->column[COLUMN_ARG] = arg;
	d->column[COLUMN_COUNT] = count;
	d->column[COLUMN_GAP] = gap;
	memcpy(d->last, last, sizeof(last));
	d->done += (uint32_t)todo;
	return made;
}
