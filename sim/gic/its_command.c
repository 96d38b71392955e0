/* its_command.c - the commands of an ITS: operands, checks in their order, and what each does. See its.h. */
#include "base/bits.h"
#include "gic/its_deliver.h"
#include "gic/its_entries.h"

/* The operands that a command may have, wherever it has them, and what the checks found. IHI 0069, 5.3. */
struct job {
	const uint64_t *word;
	struct its_event e; /* device: w0<63:32>, event: w1<31:0>; dte and ite when they were checked */
	uint32_t icid;      /* w2<15:0> */
	bool valid;         /* w2<63> */
	int redist;         /* w2<50:16>, -1: there is none */
	uint32_t vpeid;     /* w1<47:32> */
	struct vpe_target vpe;
};

static struct lpi *lpi_of(struct its *t, unsigned redist) { return t->redist[redist].lpi; }
static struct vpe_redist *vpe_of(struct its *t, const struct vpe_target *v)
{
	return t->redist[v->entry.redist].vpe;
}

static bool is_lpi(uint64_t intid, unsigned id_bits) { return intid >= LPI_FIRST && intid >> id_bits == 0; }
static bool is_doorbell(const struct its *t, uint32_t intid)
{
	return intid == VPE_NO_DOORBELL || is_lpi(intid, t->p.id_bits);
}

/* --- physical commands ------------------------------------------------------------------------------------------------ */

static unsigned do_mapd(struct its *t, struct job *j)
{
	struct its_dte d = {
		.valid = j->valid,
		.itt.raw = bits_put(bits_get(j->word[2], 51, 8), 51, 8),
		.event_bits = (unsigned)bits_get(j->word[1], 4, 0) + 1,
	};
	if (d.valid && d.event_bits > t->p.event_bits) return ITS_MAPD_ITTSIZE_OOR;
	its_store_device(t, j->e.device, &d);
	return ITS_OK;
}

static unsigned do_mapc(struct its *t, struct job *j)
{
	if (j->valid && j->redist < 0) return ITS_PROCNUM_OOR;
	struct its_cte c = {j->valid, j->redist < 0 ? 0 : (unsigned)j->redist};
	its_store_collection(t, j->icid, &c);
	return ITS_OK;
}

static unsigned map_event(struct its *t, struct job *j, uint32_t intid)
{
	if (!is_lpi(intid, t->p.id_bits)) return ITS_PHYSICALID_OOR;
	its_find_event(t, &j->e);
	if (j->e.ite.valid && t->p.keep_mapped) return ITS_OK;
	j->e.ite = (struct its_ite){true, false, j->icid, intid, VPE_NO_DOORBELL};
	its_store_event(t, &j->e);
	return ITS_OK;
}

static unsigned do_mapti(struct its *t, struct job *j)
{
	return map_event(t, j, (uint32_t)(j->word[1] >> 32));
}
static unsigned do_mapi(struct its *t, struct job *j) { return map_event(t, j, j->e.event); }

static unsigned do_movi(struct its *t, struct job *j)
{
	struct its_cte from, to;
	if (j->e.ite.is_virtual) return ITS_UNMAPPED_INTERRUPT;
	its_find_collection(t, j->e.ite.id, &from);
	its_find_collection(t, j->icid, &to);
	if (!from.valid || !to.valid) return ITS_UNMAPPED_COLLECTION;
	lpi_move(lpi_of(t, from.redist), lpi_of(t, to.redist), j->e.ite.intid);
	j->e.ite.id = j->icid;
	its_store_event(t, &j->e);
	return ITS_OK;
}

static unsigned do_movall(struct its *t, struct job *j)
{
	int to = its_redist_of(t, bits_get(j->word[3], 50, 16));
	if (j->redist < 0 || to < 0) return ITS_MOVALL_PROCNUM_OOR;
	lpi_move_all(lpi_of(t, (unsigned)j->redist), lpi_of(t, (unsigned)to));
	return ITS_OK;
}

static unsigned do_invall(struct its *t, struct job *j)
{
	struct its_cte c;
	its_find_collection(t, j->icid, &c);
	if (!c.valid) return ITS_UNMAPPED_COLLECTION;
	lpi_invalidate_all(lpi_of(t, c.redist));
	return ITS_OK;
}

static unsigned do_nothing(struct its *t, struct job *j) { return (void)t, (void)j, ITS_OK; }

/* --- commands about an event, physical or virtual ----------------------------------------------------------------------- */

/* Where an event goes. Returns why it goes nowhere. */
static unsigned route(struct its *t, const struct its_ite *ite, struct its_cte *c, struct vpe_target *v)
{
	if (ite->is_virtual) {
		its_find_vpe(t, ite->id, v);
		return v->entry.valid ? ITS_OK : ITS_ITE_INVALID;
	}
	its_find_collection(t, ite->id, c);
	return c->valid ? ITS_OK : ITS_ITE_INVALID;
}

static unsigned do_int(struct its *t, struct job *j)
{
	struct its_delivery d = {0};
	its_deliver(t, &j->e.ite, &d);
	bool nowhere = d.drop == ITS_DROP_COLLECTION_UNMAPPED || d.drop == ITS_DROP_VPE_UNMAPPED;
	return nowhere ? ITS_ITE_INVALID : ITS_OK;
}

static unsigned do_clear(struct its *t, struct job *j)
{
	struct its_cte c;
	struct vpe_target v;
	unsigned error = route(t, &j->e.ite, &c, &v);
	if (error) return error;
	if (j->e.ite.is_virtual)
		vpe_clear_pending(vpe_of(t, &v), &v, j->e.ite.intid);
	else
		lpi_clear_pending(lpi_of(t, c.redist), j->e.ite.intid);
	return ITS_OK;
}

static unsigned do_discard(struct its *t, struct job *j)
{
	unsigned error = do_clear(t, j);
	if (error) return error;
	j->e.ite.valid = false;
	its_store_event(t, &j->e);
	return ITS_OK;
}

static unsigned do_inv(struct its *t, struct job *j)
{
	struct its_cte c;
	struct vpe_target v;
	unsigned error = route(t, &j->e.ite, &c, &v);
	if (error) return error;
	if (j->e.ite.is_virtual)
		vpe_invalidate(vpe_of(t, &v), &v, j->e.ite.intid);
	else
		lpi_invalidate(lpi_of(t, c.redist), j->e.ite.intid);
	return ITS_OK;
}

/* --- GICv4 ------------------------------------------------------------------------------------------------------------------ */

/* The table is shared by all ITSs in GICv4.1: only the last unmapping (Alloc = 1) makes the entry invalid, and only the first
 * mapping begins with virtual SGIs disabled. */
static void fill_v41(struct its *t, struct job *j, struct vpe_entry *e)
{
	bool alloc = bit_get(j->word[0], 8);
	(void)t;
	if (!alloc && j->vpe.entry.valid) *e = j->vpe.entry;
	e->valid = j->valid || (!alloc && j->vpe.entry.valid);
	if (!j->valid) return;
	e->redist = (unsigned)j->redist;
	e->vpt.raw = bits_put(bits_get(j->word[3], 51, 16), 51, 16);
	e->vpt_bits = (unsigned)bits_get(j->word[3], 4, 0) + 1;
	e->vconf.raw = bits_put(bits_get(j->word[0], 51, 16), 51, 16);
	e->doorbell = (uint32_t)j->word[1];
}

static void fill_v40(struct job *j, struct vpe_entry *e)
{
	e->valid = j->valid;
	e->redist = j->redist < 0 ? 0 : (unsigned)j->redist;
	e->vpt.raw = bits_put(bits_get(j->word[3], 51, 16), 51, 16);
	e->vpt_bits = (unsigned)bits_get(j->word[3], 4, 0) + 1;
}

static unsigned do_vmapp(struct its *t, struct job *j)
{
	unsigned bits = (unsigned)bits_get(j->word[3], 4, 0) + 1;
	struct vpe_entry e = {.doorbell = VPE_NO_DOORBELL, .vpt_bits = 1};
	if (j->valid && j->redist < 0) return ITS_PROCNUM_OOR;
	if (j->valid && (bits < LPI_ID_BITS_MIN || bits > t->p.id_bits)) return ITS_VPTSIZE_OOR;
	if (j->valid && t->p.v41 && !is_doorbell(t, (uint32_t)j->word[1])) return ITS_PHYSICALID_OOR;
	if (t->p.v41)
		fill_v41(t, j, &e);
	else
		fill_v40(j, &e);
	j->vpe.entry = e;
	its_store_vpe(t, &j->vpe);
	return ITS_OK;
}

/* The vPE goes to another redistributor; its pending state is in memory. GICv4.1: with DB the pending state of its doorbell goes too. */
static unsigned do_vmovp(struct its *t, struct job *j)
{
	if (j->redist < 0) return ITS_PROCNUM_OOR;
	struct lpi *from = lpi_of(t, j->vpe.entry.redist), *to = lpi_of(t, (unsigned)j->redist);
	if (t->p.v41 && j->valid) lpi_move(from, to, (uint32_t)j->word[3]);
	j->vpe.entry.redist = (unsigned)j->redist;
	its_store_vpe(t, &j->vpe);
	return ITS_OK;
}

static unsigned map_virtual(struct its *t, struct job *j, uint32_t intid)
{
	uint32_t doorbell = (uint32_t)(j->word[2] >> 32);
	if (!is_lpi(intid, j->vpe.entry.vpt_bits)) return ITS_VIRTUALID_OOR;
	if (!is_doorbell(t, doorbell)) return ITS_PHYSICALID_OOR;
	j->e.ite = (struct its_ite){true, true, j->vpeid, intid, doorbell};
	its_store_event(t, &j->e);
	return ITS_OK;
}

static unsigned do_vmapti(struct its *t, struct job *j) { return map_virtual(t, j, (uint32_t)j->word[2]); }
static unsigned do_vmapi(struct its *t, struct job *j) { return map_virtual(t, j, j->e.event); }

static unsigned do_vmovi(struct its *t, struct job *j)
{
	struct its_ite *ite = &j->e.ite;
	uint32_t doorbell = (uint32_t)(j->word[2] >> 32);
	struct vpe_target from;
	if (!ite->is_virtual) return ITS_ID_IS_PHYSICAL;
	its_find_vpe(t, ite->id, &from);
	if (!from.entry.valid) return ITS_ITEVPE_INVALID;
	if (!j->vpe.entry.valid) return ITS_CMDVPE_INVALID;
	if (bit_get(j->word[2], 0) && !is_doorbell(t, doorbell)) return ITS_PHYSICALID_OOR;
	if (bit_get(j->word[2], 0)) ite->doorbell = doorbell; /* D */
	ite->id = j->vpeid;
	its_store_event(t, &j->e);
	if (from.vpeid != j->vpeid && vpe_clear_pending(vpe_of(t, &from), &from, ite->intid))
		vpe_set_pending(vpe_of(t, &j->vpe), &j->vpe, ite->intid, ite->doorbell);
	return ITS_OK;
}

/* UNSURE: with Clear the other operands are ignored (Linux always repeats the configuration, so that both readings agree). */
static unsigned do_vsgi(struct its *t, struct job *j)
{
	unsigned sgi = (unsigned)bits_get(j->word[0], 35, 32);
	if (bit_get(j->word[0], 9)) {
		vpe_clear_pending(vpe_of(t, &j->vpe), &j->vpe, sgi);
		return ITS_OK;
	}
	j->vpe.entry.sgi[sgi] = (uint8_t)(bits_get(j->word[0], 23, 20) << 4 | bit_get(j->word[0], 10) << 1 |
					  bit_get(j->word[0], 8));
	its_store_vpe(t, &j->vpe);
	vpe_invalidate(vpe_of(t, &j->vpe), &j->vpe, sgi);
	return ITS_OK;
}

static unsigned do_vinvall(struct its *t, struct job *j)
{
	vpe_invalidate_all(vpe_of(t, &j->vpe), &j->vpe);
	return ITS_OK;
}

static unsigned do_invdb(struct its *t, struct job *j)
{
	lpi_invalidate(lpi_of(t, j->vpe.entry.redist), j->vpe.entry.doorbell);
	return ITS_OK;
}

/* --- checks ------------------------------------------------------------------------------------------------------------------ */

/* What a command checks before it does anything, in the order of these bits. */
enum check {
	CHECK_DEVICE = 1,      /* DEVICE_OOR */
	CHECK_COLLECTION = 2,  /* COLLECTION_OOR */
	CHECK_VPE = 4,         /* VPE_OOR */
	CHECK_MAPPED = 8,      /* UNMAPPED_DEVICE */
	CHECK_EVENT = 16,      /* ID_OOR */
	CHECK_ITE = 32,        /* UNMAPPED_INTERRUPT */
	CHECK_VPE_MAPPED = 64, /* UNMAPPED_VPE */
	OF_EVENT = CHECK_DEVICE | CHECK_MAPPED | CHECK_EVENT,
	OF_ITE = OF_EVENT | CHECK_ITE,
	OF_VPE = CHECK_VPE | CHECK_VPE_MAPPED,
};

static const struct {
	unsigned checks;
	unsigned (*run)(struct its *t, struct job *j);
} rows[ITS_COMMAND_COUNT] = {
	[ITS_MOVI] = {OF_ITE | CHECK_COLLECTION, do_movi},
	[ITS_INT] = {OF_ITE, do_int},
	[ITS_CLEAR] = {OF_ITE, do_clear},
	[ITS_SYNC] = {0, do_nothing},
	[ITS_MAPD] = {CHECK_DEVICE, do_mapd},
	[ITS_MAPC] = {CHECK_COLLECTION, do_mapc},
	[ITS_MAPTI] = {OF_EVENT | CHECK_COLLECTION, do_mapti},
	[ITS_MAPI] = {OF_EVENT | CHECK_COLLECTION, do_mapi},
	[ITS_INV] = {OF_ITE, do_inv},
	[ITS_INVALL] = {CHECK_COLLECTION, do_invall},
	[ITS_MOVALL] = {0, do_movall},
	[ITS_DISCARD] = {OF_ITE, do_discard},
	[ITS_VMOVI] = {OF_ITE | CHECK_VPE, do_vmovi},
	[ITS_VMOVP] = {OF_VPE, do_vmovp},
	[ITS_VSGI] = {OF_VPE, do_vsgi},
	[ITS_VSYNC] = {OF_VPE, do_nothing},
	[ITS_VMAPP] = {CHECK_VPE, do_vmapp},
	[ITS_VMAPTI] = {OF_EVENT | OF_VPE, do_vmapti},
	[ITS_VMAPI] = {OF_EVENT | OF_VPE, do_vmapi},
	[ITS_VINVALL] = {OF_VPE, do_vinvall},
	[ITS_INVDB] = {OF_VPE, do_invdb},
};

static unsigned check(struct its *t, unsigned checks, struct job *j)
{
	struct its_cte c;
	if ((checks & CHECK_DEVICE) && its_find_device(t, j->e.device, &j->e.dte) != GIC_FOUND)
		return ITS_DEVICE_OOR;
	if ((checks & CHECK_COLLECTION) && its_find_collection(t, j->icid, &c) != GIC_FOUND)
		return ITS_COLLECTION_OOR;
	if ((checks & CHECK_VPE) && its_find_vpe(t, j->vpeid, &j->vpe) != GIC_FOUND) return ITS_VPE_OOR;
	if ((checks & CHECK_MAPPED) && !j->e.dte.valid) return ITS_UNMAPPED_DEVICE;
	if ((checks & CHECK_EVENT) && (uint64_t)j->e.event >> j->e.dte.event_bits) return ITS_ID_OOR;
	if (checks & CHECK_ITE) {
		its_find_event(t, &j->e);
		if (!j->e.ite.valid) return ITS_UNMAPPED_INTERRUPT;
	}
	return (checks & CHECK_VPE_MAPPED) && !j->vpe.entry.valid ? ITS_UNMAPPED_VPE : ITS_OK;
}

static const struct {
	uint8_t opcode, code, need;
} commands[ITS_COMMAND_COUNT] = {
#define X(name, opcode, code, need, doc) {opcode, code, need},
	ITS_COMMANDS(X)
#undef X
};

static enum its_command find_command(const struct its *t, unsigned opcode)
{
	unsigned have = t->p.v41 ? 5 : t->p.v4 ? 4 : 0;
	unsigned c = 0;
	while (c < ITS_COMMAND_COUNT && (commands[c].opcode != opcode || commands[c].need > have)) c++;
	return (enum its_command)c;
}

unsigned its_execute(struct its *t, const uint64_t word[4], enum its_command *command)
{
	struct job j = {
		.word = word,
		.e = {.device = (uint32_t)(word[0] >> 32), .event = (uint32_t)word[1]},
		.icid = (uint32_t)bits_get(word[2], 15, 0),
		.valid = bit_get(word[2], 63),
		.redist = its_redist_of(t, bits_get(word[2], 50, 16)),
		.vpeid = (uint32_t)bits_get(word[1], 47, 32),
	};
	unsigned opcode = (unsigned)bits_get(word[0], 7, 0);
	*command = find_command(t, opcode);
	if (*command == ITS_COMMAND_COUNT) return ITS_ERROR(opcode, ITS_UNKNOWN_COMMAND);
	t->stats.commands[*command]++;
	unsigned reason = check(t, rows[*command].checks, &j);
	if (!reason) reason = rows[*command].run(t, &j);
	return reason ? ITS_ERROR(commands[*command].code, reason) : 0;
}
