-- Where the descriptors of each run's walks came from: what they were read for, and the cache level that had them.
--   sqlite3 -box results.db < reports/walk_reads.sql
SELECT w.run, r.name, w.cause, w.level, w.reads, round(100 * w.share, 1) AS percent
FROM walk_reads AS w JOIN run AS r ON r.id = w.run
WHERE w.region = 'measured' AND w.reads > 0
ORDER BY w.run, w.reads DESC;
