-- Why guests were left, how often, and what it cost, under the names of kvm_exit: for each VM (vcpu is '*'), and for each of its vCPUs.
-- per_second is of simulated time, share the part of the run's cycles (of one CPU) that went to these exits; quantiles of a VM are
-- those of its vCPUs' merged histograms.
--   sqlite3 -box results.db < reports/exits.sql
WITH each AS (SELECT run, path, substr(path, 1, instr(path, '.vcpu') - 1) AS vm,
  substr(path, instr(path, '.vcpu') + 5, instr(path, '.exits.') - instr(path, '.vcpu') - 5) AS vcpu,
  replace(substr(path, instr(path, '.exits.') + 7), '.latency', '') AS reason, count, sum, max
  FROM hist WHERE region = 'measured' AND path GLOB 'vm*.vcpu*.exits.*.latency' AND count > 0),
 part AS (SELECT run, vm, vcpu, reason, count, sum, max FROM each
  UNION ALL SELECT run, vm, '*', reason, sum(count), sum(sum), max(max) FROM each GROUP BY 1, 2, 4),
 bucket AS (SELECT e.run, e.vm, p.vcpu, e.reason, b.high, sum(b.n) AS n
  FROM each AS e JOIN hist_bucket AS b ON b.run = e.run AND b.path = e.path AND b.region = 'measured'
  JOIN part AS p ON p.run = e.run AND p.vm = e.vm AND p.reason = e.reason AND p.vcpu IN (e.vcpu, '*') GROUP BY 1, 2, 3, 4, 5),
 upto AS (SELECT *, sum(n) OVER (PARTITION BY run, vm, vcpu, reason ORDER BY high) AS upto FROM bucket),
 clock AS (SELECT run, CAST(value AS REAL) AS mhz FROM param WHERE path = 'machine.clock_mhz')
SELECT p.run, r.name, p.vm, p.vcpu, p.reason, p.count, CAST(round(1e6 * p.count * c.mhz / g.cycles) AS INTEGER) AS per_second,
 p.sum AS cycles, round(100.0 * p.sum / g.cycles, 1) AS share, round(1.0 * p.sum / p.count, 1) AS mean,
 min(p.max, min(CASE WHEN u.upto * 100 >= p.count * 50 THEN u.high END)) AS p50,
 min(p.max, min(CASE WHEN u.upto * 100 >= p.count * 99 THEN u.high END)) AS p99
FROM part AS p JOIN upto AS u USING (run, vm, vcpu, reason) JOIN run AS r ON r.id = p.run
 JOIN region AS g ON g.run = p.run AND g.region = 'measured' JOIN clock AS c ON c.run = p.run
GROUP BY p.run, p.vm, p.vcpu, p.reason ORDER BY p.run, p.vm, p.vcpu, p.sum DESC, p.reason;
