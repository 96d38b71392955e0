#include "machine/host_memory.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "os/os.h"

/* Whose context the MMU has. */
enum host_context {
	HOST_NONE,
	HOST_KERNEL_EL1,
	HOST_KERNEL_EL2,
	HOST_USER_EL1,
	HOST_USER_EL2,
	HOST_CONTEXTS
};

#define KERNEL_BASE UINT64_C(0xffff000000000000) /* of the linear map, narrowed to the size of the half */
#define USER_BASE UINT64_C(0xa00000000)
#define HCR_GUEST_64 (UINT64_C(1) << 31) /* HCR_EL2.RW */

struct host_memory {
	struct host_memory_parts parts;
	struct os *os;
	struct os_aspace *vmm;
	struct sysregs el1, el2; /* of a host kernel there */
	enum host_context present;
	uint64_t kernel_base;
	unsigned page_bits;
	uint64_t *pa; /* by page, of the kernel's half */
};

struct host_memory *host_memory_new(const struct host_memory_parts *parts)
{
	struct host_memory *h = xcalloc(1, sizeof(*h));
	h->parts = *parts;
	return h;
}

void host_memory_free(struct host_memory *h)
{
	if (!h) return;
	if (h->os) os_free(h->os);
	free(h->pa);
	free(h);
}

/* --- the kernel -------------------------------------------------------------------------------------------------- */

static struct os_params kernel_params(const struct host_memory *h)
{
	struct os_params p;
	schema_defaults(&os_schema, &p);
	p.page_size = h->parts.page_size;
	p.va_bits = 48;
	p.thp = h->parts.page_size == OS_PAGE_4K ? OS_THP_ALWAYS : OS_THP_NEVER;
	return p;
}

static enum status boot(struct host_memory *h, struct err *err)
{
	struct os_params p = kernel_params(h);
	TRY(os_new(&p, h->parts.features, h->parts.frames, h->parts.memory, NULL, &h->os, err));
	h->vmm = os_aspace_new(h->os, 1);
	if (!h->vmm) return err_set(err, ERR_CONFIG, "memory: too small for the host kernel's tables");
	h->page_bits = os_page_bits(&p);
	h->kernel_base = KERNEL_BASE | ~bits_ones((unsigned)p.va_bits);
	os_write_regs(h->os, h->vmm, REGIME_EL10, &h->el1);
	h->el1.HCR_EL2 = HCR_GUEST_64;
	os_write_regs(h->os, h->vmm, REGIME_EL20, &h->el2);
	return OK;
}

/* The PA of the page of `va`; a fault that finds it mapped says nothing of where. */
static bool map_page(struct host_memory *h, uint64_t va, uint64_t *pa)
{
	struct os_fault f = os_handle_fault(h->os, h->vmm, (struct va){va}, ACCESS_WRITE);
	if (f.outcome == OS_SPURIOUS) return true;
	if (!f.size_bits) return false;
	*pa = f.frame + (va & bits_ones(f.size_bits));
	return true;
}

enum status host_memory_reserve(struct host_memory *h, uint64_t bytes, struct err *err)
{
	if (h->pa) return OK;
	TRY(boot(h, err));
	uint64_t pages = (bytes >> h->page_bits) + 1;
	h->pa = xcalloc(pages, sizeof(*h->pa));
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t offset = i << h->page_bits, user = 0;
		if (i) h->pa[i] = h->pa[i - 1] + (UINT64_C(1) << h->page_bits); /* within a block */
		if (map_page(h, h->kernel_base + offset, &h->pa[i]) && map_page(h, USER_BASE + offset, &user))
			continue;
		return err_set(err, ERR_CONFIG,
			       "memory: too small for the code of the stack's software paths");
	}
	return OK;
}

/* --- look-ups ----------------------------------------------------------------------------------------------------- */

static enum host_context context_of(unsigned el, bool e2h)
{
	switch (el) {
	case 0: return e2h ? HOST_USER_EL2 : HOST_USER_EL1;
	case 1: return HOST_KERNEL_EL1;
	case 2: return e2h ? HOST_KERNEL_EL2 : HOST_NONE;
	default: return HOST_NONE;
	}
}

static void enter(struct host_memory *h, enum host_context context)
{
	if (h->present == context) return;
	bool el2 = context == HOST_KERNEL_EL2 || context == HOST_USER_EL2;
	bool user = context == HOST_USER_EL1 || context == HOST_USER_EL2;
	unsigned el = user ? 0 : el2 ? 2 : 1;
	mmu_set_context(h->parts.mmu, el2 ? &h->el2 : &h->el1, h->parts.features, el, false, SEC_NONSECURE);
	h->present = context;
}

cycles_t host_memory_locate(struct host_memory *h, uint64_t offset, unsigned el, bool e2h,
			    enum access_kind kind, cycles_t now, uint64_t *pa)
{
	enum host_context context = context_of(el, e2h);
	struct mmu_done done;
	*pa = h->pa[offset >> h->page_bits] + (offset & bits_ones(h->page_bits));
	if (context == HOST_NONE || h->parts.mmu->design) return now;
	enter(h, context);
	uint64_t base = el == 0 ? USER_BASE : h->kernel_base;
	bool mapped = mmu_translate(h->parts.mmu, base + offset, kind, 1, now, &done);
	assert(mapped); /* by host_memory_reserve() */
	*pa = done.pa;
	return done.cycle;
}

void host_memory_set_guest(struct host_memory *h, const struct sysregs *guest) { h->parts.guest = guest; }

void host_memory_leave(struct host_memory *h)
{
	if (h->present == HOST_NONE) return;
	mmu_set_context(h->parts.mmu, h->parts.guest, h->parts.features, 0, false, SEC_NONSECURE);
	h->present = HOST_NONE;
}
