/* The machines that are shipped, and what must hold between the rows of any machine. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_world.h"
#include "machine/machine_config.h"
#include "machine/schemas.h"

struct shipped {
	char path[48];
};
static struct shipped machines[] = {
	{"configs/machines/neoverse-n1.yaml"}, {"configs/machines/neoverse-v2.yaml"},
	{"configs/machines/cortex-a72.yaml"},  {"configs/machines/cortex-a55.yaml"},
	{"configs/machines/apple-m1-p.yaml"},  {"configs/machines/kunpeng-920.yaml"},
	{"configs/machines/plain-lru.yaml"},   {"configs/teaching/tiny.yaml"},
};
enum { MACHINES = sizeof(machines) / sizeof(machines[0]) };

static enum status load(struct machine_config *m, const char *path, const char *set, struct err *err)
{
	const char *sets[] = {set, NULL};
	struct machine_request req = {.path = path, .sets = set ? sets : NULL};
	return machine_config_load(m, &req, err);
}

ParameterizedTestParameters(machine_files, load_and_say_where_each_hardware_number_is_from)
{
	return cr_make_param_array(struct shipped, machines, MACHINES);
}

struct tally {
	unsigned hardware, sourced, defaults;
	bool used[64]; /* sources, by index */
	const struct node *sources;
};

static enum status count_value(void *ctx, const struct config_value *v, struct err *err)
{
	(void)err;
	struct tally *t = ctx;
	if (!v->param->hardware) return OK;
	t->hardware++;
	t->defaults += !v->node;
	t->sourced += v->node && *v->source_text;
	for (size_t i = 0; i < t->sources->count; i++)
		t->used[i] |= strcmp(t->sources->key[i], v->source) == 0;
	return OK;
}

ParameterizedTest(struct shipped *file, machine_files, load_and_say_where_each_hardware_number_is_from)
{
	struct machine_config m;
	struct err err;
	cr_assert(eq(int, load(&m, file->path, NULL, &err), OK), "%s", err.text);
	struct tally t = {.sources = m.bound.file.sources};
	config_visit(&m.bound, count_value, &t, &err);
	cr_expect(lt(uint, 30, t.hardware));
	cr_expect(eq(uint, t.sourced + t.defaults, t.hardware));
	for (size_t i = 0; i < t.sources->count; i++)
		cr_expect(eq(int, t.used[i], 1), "nothing cites source '%s'", t.sources->key[i]);
	machine_config_free(&m);
}

ParameterizedTestParameters(machine_files, are_called_like_their_file)
{
	return cr_make_param_array(struct shipped, machines, MACHINES);
}

ParameterizedTest(struct shipped *file, machine_files, are_called_like_their_file)
{
	struct machine_config m;
	struct err err;
	char name[64];
	cr_assert(eq(int, load(&m, file->path, NULL, &err), OK), "%s", err.text);
	snprintf(name, sizeof(name), "/%s.yaml", m.params.name);
	cr_expect(not(zero(ptr, strstr(file->path, name))), "%s", name);
	machine_config_free(&m);
}

/* --- against the published numbers ----------------------------------------------------------------- */

static const struct tlb_params *tlb_named(const struct machine_params *p, const char *name)
{
	const struct tlb_params *t = p->tlbs.items;
	for (size_t i = 0; i < p->tlbs.count; i++)
		if (strcmp(t[i].name, name) == 0) return &t[i];
	return NULL;
}

/* `key` of the reference, when it is there, must be `value`. */
static void agrees(const struct node *reference, const char *key, uint64_t value)
{
	const struct node *n = node_get(reference, key);
	if (n) cr_expect(eq(u64, strtoull(n->text, NULL, 10), value), "%s", key);
}

static void compare_tlbs(const char *machine, const struct node *reference)
{
	struct machine_config m;
	struct err err;
	char path[96];
	snprintf(path, sizeof(path), "configs/machines/%s.yaml", machine);
	cr_assert(eq(int, load(&m, path, NULL, &err), OK), "%s", err.text);
	const struct tlb_params *l1d = tlb_named(&m.params, "l1d"), *l2 = tlb_named(&m.params, "l2");
	agrees(reference, "l1i", tlb_named(&m.params, "l1i")->entries);
	agrees(reference, "l1d", l1d->entries);
	agrees(reference, "l1d_ways", l1d->ways);
	agrees(reference, "l2", l2->entries);
	agrees(reference, "l2_ways", l2->ways);
	agrees(reference, "l2_hit_penalty", l2->hit_cycles);
	agrees(node_get(reference, "ipa_cache"), "entries", m.params.walker.ipa_cache.entries);
	agrees(node_get(reference, "ipa_cache"), "ways", m.params.walker.ipa_cache.ways);
	if (node_get(reference, "l1_assoc")) cr_expect(eq(u64, l1d->entries, l1d->ways));
	machine_config_free(&m);
}

Test(machine_files, agree_with_the_published_sizes_of_tlbs)
{
	static const char path[] = "../shared/references/hardware.yaml";
	if (access(path, R_OK) != 0) cr_skip("no references here");
	struct conf *c = conf_new();
	struct node *root;
	struct err err;
	cr_assert(eq(int, conf_parse_file(c, path, &root, &err), OK), "%s", err.text);
	const struct node *tlb = node_get(root, "tlb");
	unsigned compared = 0;
	for (size_t i = 0; i < tlb->count; i++) {
		if (strcmp(tlb->key[i], "sources") == 0) continue;
		compare_tlbs(tlb->key[i], tlb->item[i]);
		compared++;
	}
	cr_expect(ge(uint, compared, 5));
	conf_free(c);
}

/* --- features ---------------------------------------------------------------------------------------- */

static struct features features_of(const char *path)
{
	struct machine_config m;
	struct err err;
	cr_assert(eq(int, load(&m, path, NULL, &err), OK), "%s", err.text);
	struct features f = m.params.features;
	machine_config_free(&m);
	return f;
}

Test(machine_features, neoverse_n1_is_armv8_2_with_48_bit_addresses)
{
	struct features f = features_of("configs/machines/neoverse-n1.yaml");
	cr_expect(eq(u64, f.pa_bits, 48));
	cr_expect(eq(u64, f.granules, FEAT_GRANULE_4K | FEAT_GRANULE_16K | FEAT_GRANULE_64K));
	cr_expect(f.vhe && f.hafdbs && f.xnx && f.pan && f.hpds && f.vmid16 && f.ttcnp);
	cr_expect(zero(u64, f.lpa | f.lpa2 | f.s2fwb | f.ttst | f.e0pd | f.pauth | f.pan3));
}

Test(machine_features, cortex_a72_is_armv8_0_with_44_bit_addresses_and_no_16_KiB_granule)
{
	struct features f = features_of("configs/machines/cortex-a72.yaml");
	cr_expect(eq(u64, f.pa_bits, 44));
	cr_expect(eq(u64, f.granules, FEAT_GRANULE_4K | FEAT_GRANULE_64K));
	cr_expect(zero(u64, f.vhe | f.hafdbs | f.xnx | f.pan | f.hpds | f.vmid16 | f.ttcnp | f.s2fwb));
	cr_expect(eq(u64, f.asid16, 1));
}

Test(machine_features, neoverse_v2_adds_what_armv8_5_requires)
{
	struct features f = features_of("configs/machines/neoverse-v2.yaml");
	cr_expect(f.s2fwb && f.ttst && f.e0pd && f.vhe && f.hafdbs && f.xnx && f.pauth);
	cr_expect(zero(u64, f.lpa2 | f.lpa));
}

Test(machine_features, apple_m1_has_16_KiB_pages_short_asids_and_no_hardware_dirty_state)
{
	struct features f = features_of("configs/machines/apple-m1-p.yaml");
	cr_expect(eq(u64, f.granules, FEAT_GRANULE_4K | FEAT_GRANULE_16K));
	cr_expect(eq(u64, f.pa_bits, 36));
	cr_expect(zero(u64, f.hafdbs | f.asid16 | f.vmid16));
}

/* Features as text, one per line, so that a difference can be read. */
static char *features_text(const struct features *f)
{
	struct bound b = {.name = "", .schema = &features_schema, .params = f};
	return config_text(&b);
}

static void expect_same(const struct features *file, const struct features *reference)
{
	char *said = features_text(file), *wanted = features_text(reference);
	cr_expect(eq(str, said, wanted));
	free(said);
	free(wanted);
}

/* What the memory model feature registers do not say: pointer authentication, TLBI, exception levels, SVE, errata. */
static void take_other_features(struct features *to, const struct features *from)
{
	to->pauth = from->pauth;
	to->tlbios = from->tlbios, to->tlbirange = from->tlbirange, to->xs = from->xs;
	to->el3 = from->el3, to->rme = from->rme, to->sel2 = from->sel2;
	to->sve = from->sve, to->fgt = from->fgt, to->hcx = from->hcx;
	to->bbm = from->bbm;
	to->speculative_at = from->speculative_at, to->spectre_v2 = from->spectre_v2;
}

/* The registers that the files cite. */
static void expect_id(const char *path, uint64_t mmfr0, uint64_t mmfr1, uint64_t mmfr2)
{
	struct features file = features_of(path), id;
	features_from_id(mmfr0, mmfr1, mmfr2, &id);
	take_other_features(&id, &file);
	expect_same(&file, &id);
}

Test(machine_features, are_what_the_identification_registers_say)
{
	expect_id("configs/machines/neoverse-n1.yaml", 0x101125, 0x10212122, 0x1011);
	expect_id("configs/machines/cortex-a72.yaml", 0x1124, 0, 0);
	expect_id("configs/machines/cortex-a55.yaml", 0x101122, 0x10212122, 0x1011);
	expect_id("configs/machines/apple-m1-p.yaml", 0x12120f100001, 0x11212100, 0x1201111100001011);
	expect_id("configs/machines/neoverse-v2.yaml", 0x22200101125, 0x10212122, 0x1221011112101011);
}

Test(machine_features, are_those_of_the_processors_that_vectors_name)
{
	struct features n1 = features_of("configs/machines/neoverse-n1.yaml");
	struct features a72 = features_of("configs/machines/cortex-a72.yaml");
	struct features named_n1 = *features_of_cpu("neoverse-n1"),
			named_a72 = *features_of_cpu("cortex-a72");
	take_other_features(&named_n1, &n1);
	take_other_features(&named_a72, &a72);
	expect_same(&n1, &named_n1);
	expect_same(&a72, &named_a72);
}

/* --- what must hold between rows ---------------------------------------------------------------------- */

/* What N1 with one change is refused for; the message after "--set ...: ". */
static void refuses(const char *set, const char *message)
{
	struct machine_config m;
	struct err err;
	cr_assert(eq(int, load(&m, "configs/machines/neoverse-n1.yaml", set, &err), ERR_CONFIG),
		  "accepted: %s", set);
	cr_expect(not(zero(ptr, strstr(err.text, message))), "%s", err.text);
	machine_config_free(&m);
}

Test(machine_check, a_change_of_the_command_line_is_taken)
{
	struct machine_config m;
	struct err err;
	cr_assert(eq(int, load(&m, "configs/machines/neoverse-n1.yaml", "tlbs.l2.entries=2560", &err), OK),
		  "%s", err.text);
	cr_expect(eq(u64, tlb_named(&m.params, "l2")->entries, 2560));
	machine_config_free(&m);
}

Test(machine_check, ways_must_divide_entries)
{
	refuses("tlbs.l2.entries=2048", "tlbs.l2.ways: 5 ways do not divide 2048 entries");
	refuses("walker.ipa_cache.entries=63", "walker.ipa_cache.ways: 4 ways do not divide 63 entries");
	refuses("walker.s1_caches.1.ways=7", "walker.s1_caches.1.ways: 7 ways do not divide 64 entries");
	refuses("caches.l2.ways=7", "caches.l2.ways: 7 ways do not divide 16384 entries");
}

Test(machine_check, each_side_has_a_first_level_tlb_and_no_gap_above_it)
{
	refuses("tlbs.l1i=~", "tlbs: no level 1 TLB for the instruction side");
	refuses("tlbs.l2.level=3", "tlbs: a level is left out on the instruction side");
}

Test(machine_check, a_tlb_holds_some_size)
{
	refuses("tlbs.l2.pages=[]", "tlbs.l2.pages: a TLB that holds no translation size");
}

Test(machine_check, caches_stand_in_order_with_one_line_size)
{
	refuses("caches.l2.line=128", "caches.l2.line: 128 differs from the 64 of l1d");
	refuses("caches.l1d.line=96", "caches.l1d.line: 96 is no power of two");
	refuses("caches.slc.level=4", "caches.slc.level: 4 after level 2 of l2");
	refuses("caches.l1d.size=65600", "caches.l1d.ways: 4 ways do not divide 1025 entries");
	refuses("caches.l1d.size=65601", "caches.l1d.size: 65601 is no multiple of the line, 64");
}

Test(machine_check, descriptor_reads_begin_at_a_cache_that_exists)
{
	struct machine_config m;
	struct err err;
	cr_assert(eq(int, load(&m, "configs/teaching/tiny.yaml", "walker.first_cache=2", &err), ERR_CONFIG));
	cr_expect(eq(str, err.text, "--set walker.first_cache=2: walker.first_cache: no cache of level 2"));
	machine_config_free(&m);
}

Test(machine_check, physical_addresses_are_of_a_size_that_exists_and_memory_lies_below)
{
	refuses("features.pa_bits=45", "features.pa_bits: 45 is none of 32, 36, 40, 42, 44, 48, 52");
	refuses("features.pa_bits=52", "features.pa_bits: 52 needs lpa or lpa2");
	refuses("features.pa_bits=36",
		"memory.nodes.ddr.size: the node ends at 0x4080000000, beyond 36 bits of address");
	refuses("features.granules=[]", "features.granules: at least one is needed");
	refuses("features.granules=[4K]",
		"features.granules_stage2: a granule of stage 2 that stage 1 does not have");
}

Test(schemas, are_found_by_name)
{
	cr_expect(zero(ptr, (void *)schemas_find("none")));
	struct schema_list all;
	schemas_all(&all);
	for (size_t i = 0; i < all.count; i++)
		cr_expect(eq(ptr, (void *)schemas_find(all.item[i]->name), (void *)all.item[i]), "%s",
			  all.item[i]->name);
}

Test(schemas, that_rows_lead_to_are_found_too)
{
	struct schema_list all;
	schemas_all(&all);
	for (size_t s = 0; s < all.count; s++)
		for (size_t i = 0; i < all.item[s]->count; i++) {
			const struct schema *sub = all.item[s]->param[i].sub;
			if (sub)
				cr_expect(eq(ptr, (void *)schemas_find(sub->name), (void *)sub), "%s.%s",
					  all.item[s]->name, all.item[s]->param[i].name);
		}
}

/* Bounds and defaults of a row must be possible values themselves. */
Test(schemas, have_defaults_within_their_ranges)
{
	struct schema_list all;
	schemas_all(&all);
	for (size_t s = 0; s < all.count; s++)
		for (size_t i = 0; i < all.item[s]->count; i++) {
			const struct param *p = &all.item[s]->param[i];
			cr_expect(le(u64, p->min, p->max), "%s.%s", all.item[s]->name, p->name);
			if (p->kind == PARAM_U64)
				cr_expect(p->dflt >= p->min && p->dflt <= p->max, "%s.%s", all.item[s]->name,
					  p->name);
			cr_expect(p->doc && *p->doc && p->unit && *p->unit, "%s.%s", all.item[s]->name,
				  p->name);
		}
}
