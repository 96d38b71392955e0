/* its_world.h - an ITS with redistributors over empty memory, programmed as Linux does, and its commands by name. */
#ifndef TESTS_ITS_WORLD_H
#define TESTS_ITS_WORLD_H

#include "gic/its.h"

enum { WORLD_REDISTS = 4, WORLD_LPI = 8192 };

struct its_world {
	struct physmem *mem;
	struct lpi *lpi[WORLD_REDISTS];
	struct vpe_redist *vpe[WORLD_REDISTS];
	struct its *its;
	uint64_t writer; /* where the next command goes */
};

enum { WORLD_V3, WORLD_V40, WORLD_V41 };

/* LPIs enabled everywhere, tables flat, 16 device bits, 12 event bits, 16 INTID bits; nothing mapped. */
struct its_world *its_world_new(int version);
/* The same with other parameters (NULL: as above), and with tables and ITS left unprogrammed if !start. */
struct its_world *its_world_new_with(int version, const struct its_params *p, bool start);
struct its_params its_world_params(int version);
void its_world_free(struct its_world *w);

/* Addresses in memory. */
uint64_t world_itt(uint32_t device);
uint64_t world_vpt(uint32_t vpe);
uint64_t world_config(uint32_t intid);               /* byte of a physical LPI */
uint64_t world_vconfig(uint32_t vm, uint32_t intid); /* of a virtual one */
uint64_t world_pending_table(unsigned redist);

void world_write8(struct its_world *w, uint64_t at, uint8_t byte);
/* Configuration of a physical LPI in memory; no INV. */
void world_configure(struct its_world *w, uint32_t intid, unsigned priority, bool enabled);
void world_vconfigure(struct its_world *w, uint32_t vm, uint32_t intid, unsigned priority, bool enabled);
bool world_memory_pending(struct its_world *w, uint64_t table, uint32_t intid);
uint64_t world_its_get(struct its_world *w, unsigned offset);
void world_its_set(struct its_world *w, unsigned offset, uint64_t value);

/* Each puts a command into the queue, executes it, and returns its error code. */
unsigned cmd(struct its_world *w, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3);
unsigned cmd_mapd(struct its_world *w, uint32_t device, unsigned bits, bool valid);
unsigned cmd_mapc(struct its_world *w, uint32_t icid, unsigned redist, bool valid);
unsigned cmd_mapti(struct its_world *w, uint32_t device, uint32_t event, uint32_t intid, uint32_t icid);
unsigned cmd_mapi(struct its_world *w, uint32_t device, uint32_t event, uint32_t icid);
unsigned cmd_movi(struct its_world *w, uint32_t device, uint32_t event, uint32_t icid);
unsigned cmd_movall(struct its_world *w, unsigned from, unsigned to);
/* INT, CLEAR, DISCARD, INV. */
unsigned cmd_event(struct its_world *w, enum its_command c, uint32_t device, uint32_t event);
unsigned cmd_invall(struct its_world *w, uint32_t icid);
/* GICv4: tables of vPE n at world_vpt(n), of VM 0. */
unsigned cmd_vmapp(struct its_world *w, uint32_t vpe, unsigned redist, bool valid, uint32_t doorbell);
unsigned cmd_vmapti(struct its_world *w, uint32_t device, uint32_t event, uint32_t vpe, uint32_t vintid,
		    uint32_t doorbell);
unsigned cmd_vmovi(struct its_world *w, uint32_t device, uint32_t event, uint32_t vpe);
unsigned cmd_vmovp(struct its_world *w, uint32_t vpe, unsigned redist);
/* VINVALL, VSYNC, INVDB. */
unsigned cmd_vpe(struct its_world *w, enum its_command c, uint32_t vpe);
unsigned cmd_vsgi(struct its_world *w, uint32_t vpe, unsigned sgi, unsigned priority, bool group1,
		  bool enabled);

/* NULL, or what is broken anywhere. */
const char *its_world_check(struct its_world *w);

#endif
