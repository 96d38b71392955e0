-- Why guests were left, how often, and what it cost: per vCPU and reason, under the names of kvm_exit.
--   sqlite3 -box results.db < reports/exits.sql
SELECT d.run, r.name, substr(d.path, 1, instr(d.path, '.exits.') - 1) AS vcpu,
 replace(substr(d.path, instr(d.path, '.exits.') + 7), '.latency', '') AS reason,
 d.count, CAST(round(d.mean * d.count) AS INTEGER) AS cycles, round(d.mean, 1) AS mean, d.p50, d.p99
FROM distribution AS d JOIN run AS r ON r.id = d.run
WHERE d.region = 'measured' AND d.path GLOB 'vm*.vcpu*.exits.*.latency' AND d.count > 0
ORDER BY d.run, vcpu, cycles DESC;
