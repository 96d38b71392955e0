#!/bin/sh
# Runs the unit tests and every tests/cli/*.sh, and closes with the one line "N passed, M failed".
# A script test prints "ok - name" or "not ok - name" per check and is run from the root of the project.
# SKIP="name..." leaves out tests/cli/name.sh, and says so.
set -u
BUILD=${BUILD:-build}
export BUILD STRATA="$BUILD/strata"
logs=$(mktemp -d) && trap 'rm -rf "$logs"' EXIT
log=$logs/unit
passed=0 failed=0

"$BUILD/tests/all" -j2 >"$log" 2>&1
status=$?
cat "$log"
synthesis=$(grep -a 'Synthesis: Tested:' "$log" | tail -n 1)
count() { echo "$synthesis" | sed -n "s/.*$1: \([0-9]*\).*/\1/p"; }
if [ -n "$synthesis" ] && [ "$(count Tested)" -gt 0 ]; then
	passed=$(count Passing)
	failed=$(($(count Failing) + $(count Crashing)))
	leaks=$(grep -ac 'ERROR: LeakSanitizer' "$log") # a test that leaks passes all the same
	[ "$leaks" -eq 0 ] || echo "not ok - $leaks unit tests leak"
	failed=$((failed + leaks))
	[ $status -eq 0 ] || [ $failed -gt 0 ] || failed=1
else
	echo "not ok - the unit tests did not run (exit $status)"
	failed=1
fi

scripts=
for script in tests/cli/*.sh; do
	case " ${SKIP:-} " in *" $(basename "$script" .sh) "*) echo "skipped - $script" ;; *) scripts="$scripts $script" ;; esac
done

# run_script SCRIPT: what it says, at once, and its counts into a file of its name
run_script() {
	log=$logs/$(basename "$1" .sh)
	sh "$1" >"$log.said" 2>&1
	status=$?
	ok=$(grep -ac '^ok - ' "$log.said") bad=$(grep -ac '^not ok - ' "$log.said")
	[ $status -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	[ $((ok + bad)) -gt 0 ] || bad=1
	if [ "$bad" -eq 0 ]; then grep -a '^ok - ' "$log.said"; else echo "--- $1 (exit $status)" && cat "$log.said"; fi >"$log.told"
	cat "$log.told"
	echo "$ok $bad" >"$log.counts"
}

# They know nothing of each other, so that as many run at a time as there are processors; each takes the next one.
next() { mkdir "$logs/$(basename "$1").taken" 2>/dev/null; }
worker() { for script in $scripts; do if next "$script"; then run_script "$script"; fi; done; }
workers=$(nproc 2>/dev/null || echo 1)
while [ "$workers" -gt 0 ]; do
	worker &
	workers=$((workers - 1))
done
wait
for script in $scripts; do
	counts=$logs/$(basename "$script" .sh).counts
	[ -f "$counts" ] || { echo "not ok - $script did not end" && echo "0 1" >"$counts"; }
	read -r ok bad <"$counts"
	passed=$((passed + ok)) failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
