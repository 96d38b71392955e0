#include "store/schema.h"

#include "base/alloc.h"

/* clang-format off */
#define RUN_KEY    "run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE"
#define REGION_KEY RUN_KEY ", region TEXT NOT NULL CHECK (region IN ('warmup', 'measured'))"

/* "cpu12.l2_tlb.hits" -> "cpu.l2_tlb.hits", and so for clusters, dies and sockets; any other path stays. */
#define PATH_OVER_CPUS \
	"CASE WHEN path GLOB 'cpu[0-9]*.*' OR path GLOB 'cluster[0-9]*.*' OR path GLOB 'die[0-9]*.*'" \
	" OR path GLOB 'socket[0-9]*.*'" \
	" THEN rtrim(substr(path, 1, instr(path, '.') - 1), '0123456789') || substr(path, instr(path, '.'))" \
	" ELSE path END AS path"

/* hist_quantile() in SQL: the upper edge of the bucket that holds the sample of this rank, at most the maximum. */
#define QUANTILE(percent) \
	" min(h.max, min(CASE WHEN b.upto * 100 >= h.count * " #percent " THEN b.high END)) AS p" #percent ","

#define DISTRIBUTION_OF(hist, bucket) \
	"WITH b AS (SELECT run, region, path, high," \
	"  sum(n) OVER (PARTITION BY run, region, path ORDER BY low) AS upto FROM " bucket ")" \
	" SELECT h.run, h.region, h.path, h.unit, h.count, 1.0 * h.sum / nullif(h.count, 0) AS mean, h.min," \
	QUANTILE(50) QUANTILE(90) QUANTILE(99) \
	" h.max FROM " hist " AS h LEFT JOIN b USING (run, region, path) GROUP BY h.run, h.region, h.path"

const struct store_object store_objects[] = {
	{"run", SCHEMA_RUN_TABLE,
	 "id INTEGER PRIMARY KEY, name TEXT NOT NULL, machine TEXT NOT NULL, stack TEXT NOT NULL,"
	 " workload TEXT NOT NULL, seed INTEGER NOT NULL, version TEXT NOT NULL, config_hash TEXT NOT NULL,"
	 " trace_hash TEXT, lacks TEXT NOT NULL,"
	 " started TEXT NOT NULL, host TEXT NOT NULL, host_seconds REAL NOT NULL",
	 "one row per run; only complete runs whose sums held are here"},
	{"region", SCHEMA_TABLE,
	 REGION_KEY ", accesses INTEGER NOT NULL, instructions INTEGER NOT NULL, cycles INTEGER NOT NULL,"
	 " PRIMARY KEY (run, region)",
	 "totals of the warm-up and of the measured part; cycles is elapsed time"},
	{"param", SCHEMA_TABLE,
	 RUN_KEY ", path TEXT NOT NULL, value ANY, unit TEXT, origin TEXT, tag TEXT, source TEXT,"
	 " PRIMARY KEY (run, path)",
	 "the effective configuration, defaults included, and where each value is from"},
	{"stat", SCHEMA_TABLE,
	 REGION_KEY ", path TEXT NOT NULL, unit TEXT NOT NULL, value INTEGER NOT NULL,"
	 " PRIMARY KEY (run, region, path)",
	 "one row per counter"},
	{"hist", SCHEMA_TABLE,
	 REGION_KEY ", path TEXT NOT NULL, unit TEXT NOT NULL, count INTEGER NOT NULL, sum INTEGER NOT NULL,"
	 " min INTEGER, max INTEGER, PRIMARY KEY (run, region, path)",
	 "one row per histogram; min and max are NULL when it is empty"},
	{"hist_bucket", SCHEMA_TABLE,
	 REGION_KEY ", path TEXT NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL, n INTEGER NOT NULL,"
	 " PRIMARY KEY (run, region, path, low)",
	 "the buckets of a histogram that hold samples: n samples within low..high"},
	{"estimate", SCHEMA_TABLE,
	 RUN_KEY ", metric TEXT NOT NULL, unit TEXT NOT NULL, units INTEGER NOT NULL, value REAL NOT NULL,"
	 " low REAL, high REAL, confidence REAL, PRIMARY KEY (run, metric)",
	 "what a sampled run says of the whole program: value, its confidence interval, and from how many units"},
	{"interval", SCHEMA_TABLE,
	 RUN_KEY ", number INTEGER NOT NULL, \"begin\" INTEGER NOT NULL, \"end\" INTEGER NOT NULL,"
	 " PRIMARY KEY (run, number)",
	 "the intervals of the measured region where a run has series: cycles from its beginning on"},
	{"series", SCHEMA_TABLE,
	 RUN_KEY ", path TEXT NOT NULL, interval INTEGER NOT NULL, value INTEGER NOT NULL,"
	 " PRIMARY KEY (run, path, interval)",
	 "what each counter counted in each interval; no row where it is 0; of histograms PATH.count and PATH.sum"},
	{"stat_dictionary", SCHEMA_SHARED,
	 "path TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('counter', 'histogram')),"
	 " unit TEXT NOT NULL, meaning TEXT NOT NULL",
	 "what each counter and histogram means, in the words of the program that wrote last"},

	{"metadata_column", SCHEMA_VIEW,
	 "SELECT column1 AS \"table\", column2 AS \"column\", column3 AS meaning FROM (VALUES"
	 " ('run', 'started', 'when the run began, UTC'),"
	 " ('run', 'host', 'the computer it ran on'),"
	 " ('run', 'host_seconds', 'how long it took there'))",
	 "the only columns that may differ between two runs of the same inputs and seed"},
	{"stat_total", SCHEMA_VIEW,
	 "SELECT run, region, " PATH_OVER_CPUS ", unit, sum(value) AS value FROM stat GROUP BY 1, 2, 3, 4",
	 "counters added up over CPUs, clusters, dies and sockets: cpu.x is the sum of cpu0.x, cpu1.x, ..."},
	{"hist_total", SCHEMA_VIEW,
	 "SELECT run, region, " PATH_OVER_CPUS ", unit, sum(count) AS count, sum(sum) AS sum,"
	 " min(min) AS min, max(max) AS max FROM hist GROUP BY 1, 2, 3, 4",
	 "histograms merged over CPUs"},
	{"hist_bucket_total", SCHEMA_VIEW,
	 "SELECT run, region, " PATH_OVER_CPUS ", low, high, sum(n) AS n FROM hist_bucket GROUP BY 1, 2, 3, 4, 5",
	 "buckets merged over CPUs"},
	{"distribution", SCHEMA_VIEW, DISTRIBUTION_OF("hist", "hist_bucket"),
	 "mean, quantiles and extremes of each histogram"},
	{"distribution_total", SCHEMA_VIEW, DISTRIBUTION_OF("hist_total", "hist_bucket_total"),
	 "the same, merged over CPUs"},
	{"series_point", SCHEMA_VIEW,
	 "WITH part AS (SELECT DISTINCT run, path FROM series)"
	 " SELECT i.run, p.path, i.number AS interval, i.\"begin\", i.\"end\", ifnull(s.value, 0) AS value,"
	 "  1000.0 * ifnull(s.value, 0) / (i.\"end\" - i.\"begin\") AS per_kilocycle"
	 " FROM interval AS i JOIN part AS p ON p.run = i.run"
	 "  LEFT JOIN series AS s ON s.run = i.run AND s.path = p.path AND s.interval = i.number",
	 "every interval of every counter that was not always 0, with its rate"},
	{"hit_ratio", SCHEMA_VIEW,
	 "WITH part AS (SELECT run, region,"
	 "  substr(path, 1, length(path) - CASE WHEN path GLOB '*.hits' THEN 5 ELSE 7 END) AS component,"
	 "  sum(value) FILTER (WHERE path GLOB '*.hits') AS hits,"
	 "  ifnull(sum(value) FILTER (WHERE path GLOB '*.merged'), 0) AS merged,"
	 "  sum(value) FILTER (WHERE path GLOB '*.misses') AS misses"
	 "  FROM stat_total WHERE path GLOB '*.hits' OR path GLOB '*.merged' OR path GLOB '*.misses'"
	 "  GROUP BY 1, 2, 3)"
	 " SELECT run, region, component, hits, merged, misses,"
	 "  1.0 * hits / nullif(hits + merged + misses, 0) AS hit_ratio,"
	 "  1000.0 * misses / nullif(instructions, 0) AS mpki"
	 " FROM part JOIN region USING (run, region) WHERE hits IS NOT NULL AND misses IS NOT NULL",
	 "every component with hits and misses: hit ratio, and misses per 1000 instructions"},
	{"tlb", SCHEMA_VIEW,
	 "SELECT run, region, substr(component, instr(component, '.') + 1) AS tlb, hits, merged, misses, hit_ratio, mpki"
	 " FROM hit_ratio WHERE component GLOB '*tlb'",
	 "the TLBs among them: l1i_tlb, l1d_tlb, l2_tlb, ..."},
	{"walk", SCHEMA_VIEW,
	 "WITH c AS (SELECT run, region,"
	 "  sum(value) FILTER (WHERE path = 'cpu.walker.walks') AS walks,"
	 "  sum(value) FILTER (WHERE path GLOB 'cpu.walker.descriptor_reads.*') AS descriptor_reads"
	 "  FROM stat_total WHERE path GLOB 'cpu.walker.*' GROUP BY 1, 2)"
	 " SELECT c.run, c.region, walks, descriptor_reads,"
	 "  1.0 * descriptor_reads / nullif(walks, 0) AS reads_per_walk,"
	 "  mean AS mean_cycles, p50 AS p50_cycles, p90 AS p90_cycles, p99 AS p99_cycles, max AS max_cycles"
	 " FROM c LEFT JOIN distribution_total AS d"
	 "  ON d.run = c.run AND d.region = c.region AND d.path = 'cpu.walker.walk_cycles'",
	 "walks, descriptor reads per walk, and how long walks took"},
	{"walk_reads", SCHEMA_VIEW,
	 "WITH r AS (SELECT run, region, substr(path, length('cpu.walker.reads_served..')) AS rest, value"
	 "  FROM stat_total WHERE path GLOB 'cpu.walker.reads_served.*.*')"
	 " SELECT run, region, substr(rest, 1, instr(rest, '.') - 1) AS cause,"
	 "  substr(rest, instr(rest, '.') + 1) AS level, value AS reads,"
	 "  1.0 * value / nullif(sum(value) OVER (PARTITION BY run, region), 0) AS share FROM r",
	 "descriptor reads by cause and by the level of memory that served them"},
	{"cycle_bucket", SCHEMA_VIEW,
	 "SELECT run, region, substr(path, length('cpu.cycles_by_bucket..')) AS bucket, value AS cycles,"
	 "  1.0 * value / nullif(sum(value) OVER (PARTITION BY run, region), 0) AS share,"
	 "  1.0 * value / nullif(instructions, 0) AS cycles_per_instruction"
	 " FROM stat_total JOIN region USING (run, region) WHERE path GLOB 'cpu.cycles_by_bucket.*'",
	 "where the cycles went; every cycle is in exactly one bucket"},
	{"cpi", SCHEMA_VIEW,
	 "SELECT run, region, instructions, value AS cpu_cycles, 1.0 * value / nullif(instructions, 0) AS cpi"
	 " FROM stat_total JOIN region USING (run, region) WHERE path = 'cpu.cycles'",
	 "cycles per instruction: cycles of all CPUs over instructions of all CPUs"},
	{"amat", SCHEMA_VIEW,
	 "SELECT run, region, accesses, 1.0 * value / nullif(accesses, 0) AS amat_cycles"
	 " FROM stat_total JOIN region USING (run, region) WHERE path = 'cpu.access_cycles'",
	 "average memory access time: cycles from issue to completion, translation included"},
	{"summary", SCHEMA_VIEW,
	 "SELECT g.run, g.region, r.name, r.machine, r.stack, r.workload, g.accesses, g.instructions, g.cycles,"
	 "  d.mpki AS l1d_tlb_mpki, l.mpki AS l2_tlb_mpki, w.walks, w.reads_per_walk,"
	 "  w.mean_cycles AS walk_cycles_mean, w.p99_cycles AS walk_cycles_p99, c.cpi, a.amat_cycles"
	 " FROM region AS g JOIN run AS r ON r.id = g.run"
	 "  LEFT JOIN tlb AS d ON d.run = g.run AND d.region = g.region AND d.tlb = 'l1d_tlb'"
	 "  LEFT JOIN tlb AS l ON l.run = g.run AND l.region = g.region AND l.tlb = 'l2_tlb'"
	 "  LEFT JOIN walk AS w ON w.run = g.run AND w.region = g.region"
	 "  LEFT JOIN cpi AS c ON c.run = g.run AND c.region = g.region"
	 "  LEFT JOIN amat AS a ON a.run = g.run AND a.region = g.region",
	 "one row per run and region: what `strata report` prints"},
};
/* clang-format on */
const size_t store_object_count = sizeof(store_objects) / sizeof(store_objects[0]);

char *store_object_sql(const struct store_object *o)
{
	switch (o->kind) {
	case SCHEMA_VIEW: return xasprintf("CREATE VIEW %s AS %s", o->name, o->body);
	case SCHEMA_RUN_TABLE: return xasprintf("CREATE TABLE %s (%s) STRICT", o->name, o->body);
	default: return xasprintf("CREATE TABLE %s (%s) STRICT, WITHOUT ROWID", o->name, o->body);
	}
}
