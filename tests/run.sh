#!/bin/sh
# Runs the unit tests and every tests/cli/*.sh, and closes with the one line "N passed, M failed".
# A script test prints "ok - name" or "not ok - name" per check and is run from the root of the project.
# SKIP="name..." leaves out tests/cli/name.sh, and says so.
set -u
BUILD=${BUILD:-build}
export BUILD STRATA="$BUILD/strata"
log=$(mktemp) && trap 'rm -f "$log"' EXIT
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

for script in tests/cli/*.sh; do
	[ -f "$script" ] || continue
	case " ${SKIP:-} " in *" $(basename "$script" .sh) "*) echo "skipped - $script" && continue ;; esac
	sh "$script" >"$log" 2>&1
	status=$?
	ok=$(grep -ac '^ok - ' "$log") bad=$(grep -ac '^not ok - ' "$log")
	[ $status -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
	[ $((ok + bad)) -gt 0 ] || bad=1
	[ "$bad" -eq 0 ] && grep -a '^ok - ' "$log" || { echo "--- $script (exit $status)"; cat "$log"; }
	passed=$((passed + ok)) failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
