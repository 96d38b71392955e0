-- Each run's course: accesses, misses of the last TLB level, walks, and lines read from memory, per 1000 cycles of each interval, over all cores.
--   sqlite3 -box results.db < reports/series.sql
SELECT p.run, p.interval, p."begin", p."end",
	CASE WHEN p.path GLOB 'cpu[0-9]*' THEN 'cpu' || substr(p.path, instr(p.path, '.')) ELSE 'node' || substr(p.path, instr(p.path, '.')) END AS counter,
	sum(p.value) AS value, round(sum(p.per_kilocycle), 3) AS per_1000_cycles
FROM series_point AS p
WHERE p.path GLOB 'cpu[0-9]*.accesses' OR p.path GLOB 'cpu[0-9]*.l2_tlb.misses' OR p.path GLOB 'cpu[0-9]*.walker.walks' OR p.path GLOB 'node[0-9]*.reads'
GROUP BY p.run, counter, p.interval
ORDER BY p.run, counter, p.interval;
