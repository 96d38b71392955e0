#include "its_suites.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

struct its_world *world;

static void teardown(void)
{
	cr_expect(eq(ptr, (void *)its_world_check(world), NULL));
	its_world_free(world);
}

static void setup_its(void)
{
	world = its_world_new(WORLD_V3);
	cmd_mapc(world, 0, 1, true);
	cmd_mapd(world, 5, 4, true);
	cmd_mapti(world, 5, 0, 8192, 0);
	cmd_mapti(world, 5, 1, 8193, 0);
	for (uint32_t i = 8192; i < 8300; i++) world_configure(world, i, 0x80, true);
	cr_assert(eq(u32, its_last_error(world->its), 0));
}
TestSuite(its, .init = setup_its, .fini = teardown);

bool its_suite_pending(unsigned redist, uint32_t intid) { return lpi_is_pending(world->lpi[redist], intid); }

unsigned its_suite_error(enum its_command c, unsigned reason)
{
	static const uint8_t codes[] = {
#define X(name, opcode, code, need, doc) code,
		ITS_COMMANDS(X)
#undef X
	};
	return ITS_ERROR(codes[c], reason);
}

static void setup_vpe(int version, uint32_t doorbell)
{
	world = its_world_new(version);
	cmd_vmapp(world, 1, 2, true, version == WORLD_V41 ? doorbell : NO_DOORBELL);
	cmd_mapd(world, 5, 4, true);
	for (uint32_t i = 0; i < 2; i++)
		cmd_vmapti(world, 5, i, 1, 8192 + i, version == WORLD_V41 ? NO_DOORBELL : doorbell);
	for (uint32_t i = 8192; i < 8300; i++) world_vconfigure(world, 0, i, 0x80, true);
	world_configure(world, DOORBELL_INTID, 0x20, true);
	cr_assert(eq(u32, its_last_error(world->its), 0));
}
static void setup_v40(void) { setup_vpe(WORLD_V40, DOORBELL_INTID); }
static void setup_v41(void) { setup_vpe(WORLD_V41, DOORBELL_INTID); }
TestSuite(vpe_v40, .init = setup_v40, .fini = teardown);
TestSuite(vpe_v41, .init = setup_v41, .fini = teardown);

uint64_t vpe_suite_get(unsigned redist, unsigned offset)
{
	uint64_t value = 0;
	vpe_read(world->vpe[redist], offset, offset < VSGIR ? 8 : 4, &value);
	return value;
}

void vpe_suite_set(unsigned redist, unsigned offset, uint64_t value)
{
	vpe_write(world->vpe[redist], offset, offset < VSGIR ? 8 : 4, value);
}

void vpe_suite_schedule_v40(unsigned redist, uint32_t vpe)
{
	vpe_suite_set(redist, VPENDBASER, VALID | world_vpt(vpe));
	vpe_settle(world->vpe[redist]);
}

void vpe_suite_schedule_v41(unsigned redist, uint32_t vpe)
{
	vpe_suite_set(redist, VPENDBASER, VALID | GROUPS | vpe);
	vpe_settle(world->vpe[redist]);
}

uint64_t vpe_suite_deschedule(unsigned redist, uint64_t flags)
{
	vpe_suite_set(redist, VPENDBASER, (vpe_suite_get(redist, VPENDBASER) & ~VALID) | flags);
	vpe_settle(world->vpe[redist]);
	return vpe_suite_get(redist, VPENDBASER);
}

uint32_t vpe_suite_best(unsigned redist)
{
	struct vpe_offer o = vpe_best(world->vpe[redist]);
	return o.any ? o.intid : UINT32_MAX;
}
void vpe_suite_sgi(uint32_t vpe, unsigned intid)
{
	its_write(world->its, 0x20020, 8, (uint64_t)vpe << 32 | intid);
}
