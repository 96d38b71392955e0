/* fuzz_arch.c - recordings of registers, TLB maintenance and references, replayed in small TLBs: no line breaks the model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/conform_arch.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes);

static const char cpu[] = "{\"SCTLR\": \"0x1\", \"SCTLR_EL2\": \"0x1\", \"SCTLR_EL3\": \"0x1\", \"TCR_EL1\": "
			  "\"0x15b5503510\", \"TCR_EL2\": \"0x15b5503510\", \"HCR_EL2\": \"0x488000001\", "
			  "\"ID_AA64MMFR0_EL1\": \"0x101126\", \"ID_AA64MMFR1_EL1\": \"0x10212122\", "
			  "\"ID_AA64MMFR2_EL1\": \"0x1221011112101011\", \"cpsr\": \"0x9\"}";

static char dir[] = "/tmp/strata-fuzz-arch-XXXXXX";
static char events[sizeof(dir) + 16], start[sizeof(dir) + 24], end[sizeof(dir) + 24];

static void remove_recording(void)
{
	remove(events);
	remove(start);
	remove(end);
	rmdir(dir);
}

static void write_to(const char *path, const void *bytes, size_t count)
{
	FILE *f = fopen(path, "wb");
	if (!f || fwrite(bytes, 1, count, f) != count || fclose(f)) abort();
}

static void make_folder(void)
{
	char both[2 * sizeof(cpu) + 8];
	if (!mkdtemp(dir)) abort();
	snprintf(events, sizeof(events), "%s/arch.txt", dir);
	snprintf(start, sizeof(start), "%s/regs_start.json", dir);
	snprintf(end, sizeof(end), "%s/regs_end.json", dir);
	snprintf(both, sizeof(both), "[%s,%s]", cpu, cpu);
	write_to(start, both, strlen(both));
	write_to(end, both, strlen(both));
	atexit(remove_recording);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes)
{
	static FILE *nowhere;
	static struct tlb_params tlbs[] = {
		{.name = "l1",
		 .level = 1,
		 .side = SIDE_UNIFIED,
		 .entries = 8,
		 .ways = 2,
		 .pages = 1,
		 .banks = 1},
		{.name = "l2",
		 .level = 2,
		 .side = SIDE_UNIFIED,
		 .entries = 16,
		 .ways = 4,
		 .pages = 1,
		 .banks = 1,
		 .coalesce = TLB_COLT,
		 .coalesce_pages = 4},
	};
	struct param_list list = {tlbs, 2};
	struct arch_totals totals;
	struct err err;
	if (!nowhere) {
		nowhere = fopen("/dev/null", "w");
		make_folder();
	}
	write_to(events, data, bytes);
	conform_arch(dir, &(struct arch_options){.tlbs = &list}, nowhere, &totals, &err);
	return 0;
}
