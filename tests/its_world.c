#include "its_world.h"

#include "base/alloc.h"
#include "base/bits.h"

#include <stdlib.h>

enum { QUEUE = 0x10000, QUEUE_PAGES = 1, DEVICES = 0x100000, COLLECTIONS = 0x200000, VPES = 0x300000 };
#define CONFIG UINT64_C(0x400000)
#define VCONFIG UINT64_C(0x30000000)
#define VALID (UINT64_C(1) << 63)

uint64_t world_itt(uint32_t device) { return UINT64_C(0x100000000) + (uint64_t)device * 0x10000; }
uint64_t world_vpt(uint32_t vpe) { return 0x20000000 + (uint64_t)vpe * 0x10000; }
uint64_t world_config(uint32_t intid) { return CONFIG + intid - WORLD_LPI; }
uint64_t world_vconfig(uint32_t vm, uint32_t intid)
{
	return VCONFIG + vm * UINT64_C(0x100000) + intid - WORLD_LPI;
}
uint64_t world_pending_table(unsigned redist) { return 0x1000000 + redist * UINT64_C(0x200000); }

struct its_params its_world_params(int version)
{
	return (struct its_params){.device_bits = 16,
				   .event_bits = 12,
				   .collection_bits = 8,
				   .id_bits = 16,
				   .vpe_bits = 8,
				   .v4 = version != WORLD_V3,
				   .v41 = version == WORLD_V41,
				   .cached = {16, 64, 8, 8}};
}

static void start_lpis(struct its_world *w, unsigned i)
{
	lpi_write(w->lpi[i], 0x70, 8, CONFIG | 15);
	lpi_write(w->lpi[i], 0x78, 8, world_pending_table(i));
	lpi_enable(w->lpi[i], true);
}

static void start_its(struct its_world *w, int version)
{
	world_its_set(w, 0x80, VALID | QUEUE | (QUEUE_PAGES - 1));
	world_its_set(w, 0x100, VALID | DEVICES | 127); /* 128 pages of 512 devices */
	world_its_set(w, 0x108, VALID | COLLECTIONS);
	world_its_set(w, 0x110, VALID | VPES | 1);
	world_its_set(w, 0x0, 1);
	for (unsigned i = 0; version == WORLD_V41 && i < WORLD_REDISTS; i++)
		vpe_write(w->vpe[i], 0x70, 8, VALID | VPES | 1);
	for (unsigned i = 0; version == WORLD_V40 && i < WORLD_REDISTS; i++)
		vpe_write(w->vpe[i], 0x70, 8, VCONFIG | 15);
}

struct its_world *its_world_new_with(int version, const struct its_params *p, bool start)
{
	struct its_world *w = xcalloc(1, sizeof(*w));
	struct its_redist redist[WORLD_REDISTS] = {{0}};
	struct lpi_params lp = {.id_bits = 16, .invalidate = true};
	struct vpe_params vp = {.v41 = version == WORLD_V41, .id_bits = 16};
	struct its_params ip = p ? *p : its_world_params(version);
	w->mem = physmem_new();
	for (unsigned i = 0; i < WORLD_REDISTS; i++) {
		w->lpi[i] = lpi_new(&lp, w->mem);
		w->vpe[i] = version == WORLD_V3 ? NULL : vpe_redist_new(&vp, w->mem, w->lpi[i]);
		redist[i] = (struct its_redist){w->lpi[i], w->vpe[i], i / 2,
						0x2f000000 + i * UINT64_C(0x40000)};
	}
	w->its = its_new(&ip, w->mem, redist, WORLD_REDISTS);
	for (unsigned i = 0; start && i < WORLD_REDISTS; i++) start_lpis(w, i);
	if (start) start_its(w, version);
	return w;
}

struct its_world *its_world_new(int version) { return its_world_new_with(version, NULL, true); }

void its_world_free(struct its_world *w)
{
	its_free(w->its);
	for (unsigned i = 0; i < WORLD_REDISTS; i++) {
		vpe_redist_free(w->vpe[i]);
		lpi_free(w->lpi[i]);
	}
	physmem_free(w->mem);
	free(w);
}

void world_write8(struct its_world *w, uint64_t at, uint8_t byte)
{
	struct pa pa = {at & ~UINT64_C(7)};
	unsigned shift = 8 * (at & 7);
	uint64_t word = physmem_read64(w->mem, pa) & ~(UINT64_C(0xff) << shift);
	physmem_write64(w->mem, pa, word | (uint64_t)byte << shift);
}

void world_configure(struct its_world *w, uint32_t intid, unsigned priority, bool enabled)
{
	world_write8(w, world_config(intid), (uint8_t)(priority | enabled));
}

void world_vconfigure(struct its_world *w, uint32_t vm, uint32_t intid, unsigned priority, bool enabled)
{
	world_write8(w, world_vconfig(vm, intid), (uint8_t)(priority | enabled));
}

bool world_memory_pending(struct its_world *w, uint64_t table, uint32_t intid)
{
	return bit_get(physmem_read64(w->mem, (struct pa){table + intid / 64 * 8}), intid % 64);
}

uint64_t world_its_get(struct its_world *w, unsigned offset)
{
	uint64_t value = 0;
	its_read(w->its, offset, offset < 8 || offset == 0xffe8 ? 4 : 8, &value);
	return value;
}

void world_its_set(struct its_world *w, unsigned offset, uint64_t value)
{
	its_write(w->its, offset, offset < 8 ? 4 : 8, value);
}

unsigned cmd(struct its_world *w, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	uint64_t word[4] = {w0, w1, w2, w3};
	for (unsigned i = 0; i < 4; i++)
		physmem_write64(w->mem, (struct pa){QUEUE + w->writer + 8 * i}, word[i]);
	w->writer = (w->writer + 32) % (QUEUE_PAGES << 12);
	world_its_set(w, 0x88, w->writer);
	return its_step(w->its).error;
}

static uint64_t op(enum its_command c)
{
	static const uint8_t opcode[] = {
#define X(name, number, code, need, doc) number,
		ITS_COMMANDS(X)
#undef X
	};
	return opcode[c];
}

static uint64_t of_device(enum its_command c, uint32_t device) { return op(c) | (uint64_t)device << 32; }

unsigned cmd_mapd(struct its_world *w, uint32_t device, unsigned bits, bool valid)
{
	return cmd(w, of_device(ITS_MAPD, device), bits - 1, world_itt(device) | (valid ? VALID : 0), 0);
}

unsigned cmd_mapc(struct its_world *w, uint32_t icid, unsigned redist, bool valid)
{
	return cmd(w, op(ITS_MAPC), 0, icid | (uint64_t)redist << 16 | (valid ? VALID : 0), 0);
}

unsigned cmd_mapti(struct its_world *w, uint32_t device, uint32_t event, uint32_t intid, uint32_t icid)
{
	return cmd(w, of_device(ITS_MAPTI, device), event | (uint64_t)intid << 32, icid, 0);
}

unsigned cmd_mapi(struct its_world *w, uint32_t device, uint32_t event, uint32_t icid)
{
	return cmd(w, of_device(ITS_MAPI, device), event, icid, 0);
}

unsigned cmd_movi(struct its_world *w, uint32_t device, uint32_t event, uint32_t icid)
{
	return cmd(w, of_device(ITS_MOVI, device), event, icid, 0);
}

unsigned cmd_movall(struct its_world *w, unsigned from, unsigned to)
{
	return cmd(w, op(ITS_MOVALL), 0, (uint64_t)from << 16, (uint64_t)to << 16);
}

unsigned cmd_event(struct its_world *w, enum its_command c, uint32_t device, uint32_t event)
{
	return cmd(w, of_device(c, device), event, 0, 0);
}

unsigned cmd_invall(struct its_world *w, uint32_t icid) { return cmd(w, op(ITS_INVALL), 0, icid, 0); }

unsigned cmd_vmapp(struct its_world *w, uint32_t vpe, unsigned redist, bool valid, uint32_t doorbell)
{
	/* Alloc and PTZ, as Linux does for the first mapping and the last unmapping. */
	return cmd(w, op(ITS_VMAPP) | 0x300 | VCONFIG, (uint64_t)vpe << 32 | doorbell,
		   (uint64_t)redist << 16 | (valid ? VALID : 0), world_vpt(vpe) | 15);
}

unsigned cmd_vmapti(struct its_world *w, uint32_t device, uint32_t event, uint32_t vpe, uint32_t vintid,
		    uint32_t doorbell)
{
	return cmd(w, of_device(ITS_VMAPTI, device), event | (uint64_t)vpe << 32,
		   vintid | (uint64_t)doorbell << 32, 0);
}

unsigned cmd_vmovi(struct its_world *w, uint32_t device, uint32_t event, uint32_t vpe)
{
	return cmd(w, of_device(ITS_VMOVI, device), event | (uint64_t)vpe << 32, 0, 0);
}

unsigned cmd_vmovp(struct its_world *w, uint32_t vpe, unsigned redist)
{
	return cmd(w, op(ITS_VMOVP), (uint64_t)vpe << 32, (uint64_t)redist << 16, 0);
}

unsigned cmd_vpe(struct its_world *w, enum its_command c, uint32_t vpe)
{
	return cmd(w, op(c), (uint64_t)vpe << 32, 0, 0);
}

unsigned cmd_vsgi(struct its_world *w, uint32_t vpe, unsigned sgi, unsigned priority, bool group1,
		  bool enabled)
{
	return cmd(w,
		   op(ITS_VSGI) | (uint64_t)sgi << 32 | (uint64_t)(priority >> 4) << 20 | group1 << 10 |
			   enabled << 8,
		   (uint64_t)vpe << 32, 0, 0);
}

const char *its_world_check(struct its_world *w)
{
	const char *broken = NULL;
	for (unsigned i = 0; !broken && i < WORLD_REDISTS; i++) {
		broken = lpi_check(w->lpi[i]);
		if (!broken && w->vpe[i]) broken = vpe_check(w->vpe[i]);
	}
	return broken;
}
